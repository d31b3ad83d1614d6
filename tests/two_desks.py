"""Two parties' hotlines in one process, on stores of their own, joined without sockets.

A call goes to the peers' door of the party that its URL names; ``pair.way`` says what happens to it: it
passes, it is lost, its answer is lost, or it comes twice. Each side's clock is set by hand.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from hotline_world import BODY, NOW, PACT, WORDS
from pact_keys import SECRETS
from skypact.courier.client import CallFailed, Response
from skypact.courier.hotline import Hotline
from skypact.desk.calls import Calls
from skypact.desk.hotline import HotlineDesk
from skypact.desk.lines import Lines
from skypact.desk.pact import Agreement
from skypact.errors import InputError, Refused
from skypact.exchange.hotline.messages import Kind, Message, Post
from skypact.exchange.hotline.table import BODIES
from skypact.formats.pact_toml import read_pact
from skypact.instants import SECOND_US
from skypact.pact.signatures import Edition, digest_of, sign, standing
from skypact.server.hotline import peers
from skypact.server.operation import Call
from skypact.server.refusals import status_of
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from skypact.exchange.hotline.messages import Body
    from skypact.store import Faults

T = TypeVar("T")
LETTERS: Final = {"north": "a", "south": "b", "office": "c"}

TEXT: Final = (
    """\
[pact]
id = "two-desks"
data_mode = "test"
"""
    + "".join(
        f"""
[[party]]
id = "{party.id}"
languages = ["{party.languages[0]}"]
[[party.key]]
public = "{party.keys[0].text}"
"""
        + "".join(
            f"""
[[party.contact]]
role = "{contact.role}"
hours = "{"24/7" if contact.hours[0].length_min == 1440 else "06:00-18:00 Z"}"
reach = ["{contact.reach[0]}"]
"""
            for contact in party.contacts
        )
        for party in PACT.parties
    )
    + """
[[intermediary]]
party = "office"
on_behalf_of = ["any"]
to = ["north", "south"]
"""
).encode()
"""The pact of :mod:`hotline_world` as a text."""


def editions(*texts: bytes) -> tuple[Edition, ...]:
    """Versions of a pact, unsigned."""
    made = []
    for text in texts:
        pact = read_pact(text, "a test").pact
        assert pact is not None
        made.append(Edition(pact, text))
    return tuple(made)


FIRST: Final = TEXT.replace(b'data_mode = "test"', b'data_mode = "real"')
"""The same, about the real world: it has to be signed."""


def complete(*texts: bytes) -> tuple[Edition, ...]:
    """Versions that every party has signed."""
    made: list[Edition] = []
    for edition in editions(*texts):
        before = standing(made) if made else None
        signatures = tuple(
            sign(SECRETS[letter], edition, party, NOW, before=before) for party, letter in LETTERS.items()
        )
        made.append(Edition(edition.pact, edition.text, signatures))
    return tuple(made)


def second(*, effective: str, title: str = "The second") -> bytes:
    """The version after :data:`FIRST`, in force from an instant on."""
    head = f'data_mode = "real"\ntitle = "{title}"\nversion = 2\nsupersedes = "{digest_of(FIRST)}"\n'
    return FIRST.replace(b'data_mode = "real"\n', f"{head}effective = {effective}\n".encode())


@dataclass
class Side:
    """One party: its store, its desk, what delivers for it, and its clock."""

    name: str
    store: Store
    agreement: Agreement
    desk: HotlineDesk
    lines: Lines
    calls: Calls
    courier: Hotline
    now_us: int = NOW
    served: dict[tuple[str, str], Any] = field(default_factory=dict)

    async def say(
        self, kind: Kind, re: Message | None = None, body: Body | None = None, *, to: str = "", **more: Any
    ) -> Message:
        """Say something, a second after what was said before."""
        self.now_us += SECOND_US
        other = to or ("south" if self.name == "north" else "north")
        return await self.desk.say(
            kind,
            other,
            BODY[BODIES[kind]] if body is None else body,
            re="" if re is None else re.id,
            text=more.get("text", WORDS),
            by=more.get("by", f"kim of {self.name}"),
            post=more.get("post", Post.DUTY_OFFICER),
            now_us=self.now_us,
        )

    async def level(self, message: Message) -> int:
        """The level that the other side has proven for a message, as this side sees it."""
        told = await self.desk.thread(message.id)
        assert told is not None
        return int(told.thread.level(message.id))

    async def kinds(self, message: Message) -> list[str]:
        """What its thread has, in order."""
        told = await self.desk.thread(message.id)
        return [] if told is None else [each.kind.value for each in told.thread.messages]


class Pair:
    """Sides that reach each other.

    Attributes
    ----------
    way
        What becomes of the next calls, each taken once: ``pass``, ``lost`` (it never arrives), ``answer
        lost`` (it arrives), ``twice`` (it arrives two times); where it is empty, they pass.
    always
        What becomes of all the others.
    """

    def __init__(self, names: Sequence[str] = ("north", "south")) -> None:
        self.names = tuple(names)
        self.sides: dict[str, Side] = {}
        self.way: list[str] = []
        self.always = "pass"
        self.calls: list[tuple[str, str, str]] = []

    @property
    def north(self) -> Side:
        """The one side."""
        return self.sides["north"]

    @property
    def south(self) -> Side:
        """The other."""
        return self.sides["south"]

    @property
    def office(self) -> Side:
        """The intermediary, where it was opened too."""
        return self.sides["office"]

    async def open(
        self,
        name: str,
        url: str,
        *,
        faults: Faults | None = None,
        load: Callable[[], Sequence[Edition]] | None = None,
    ) -> Side:
        """Open a side on a database; one of that name that is there is left behind."""
        store = await _opened(url, faults)
        agreement = Agreement(store, load or (lambda: editions(TEXT)), name)
        await agreement.begin(NOW)
        desk = HotlineDesk(store, agreement, SECRETS[LETTERS[name]])
        lines = Lines(store, desk)
        others = {other: f"https://{other}.example" for other in self.names if other != name}
        side = Side(name, store, agreement, desk, lines, Calls(store, desk.threads), None)  # type: ignore[arg-type]
        side.courier = Hotline(
            desk, lines, _Wire(self, side), others, clock=lambda: side.now_us, first_pause_s=0.01
        )
        side.served = {(row.method, row.path): row for row in peers(desk, lines)}
        self.sides[name] = side
        return side

    async def exchange(self, *names: str) -> None:
        """Bring everything that waits, until nothing moves any more."""
        for _ in range(3):
            for name in names or tuple(self.sides):
                await self.sides[name].courier.turn()

    async def close(self) -> None:
        """Close the stores."""
        for side in self.sides.values():
            await side.store.close()


_EMPTY: list[bytes] = []
"""A database with all tables, made once: the bytes of its file."""


async def _opened(url: str, faults: Faults | None) -> Store:
    """A store; one of SQLite that is not there yet is a copy of one that the product made."""
    if not _EMPTY:
        with tempfile.TemporaryDirectory() as folder:
            made = f"{folder}/empty.db"
            await (await Store.open(f"sqlite:///{made}", upgrade=True)).close()
            _EMPTY.append(await asyncio.to_thread(Path(made).read_bytes))
    if url.startswith("sqlite:"):
        await asyncio.to_thread(_laid, Path(url.removeprefix("sqlite:///")))
    return await Store.open(url, upgrade=True, faults=faults)


def _laid(path: Path) -> None:
    if not path.exists():
        path.write_bytes(_EMPTY[0])
        path.chmod(0o600)


class _Wire:
    def __init__(self, pair: Pair, side: Side) -> None:
        self._pair = pair
        self._side = side

    async def send(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        body: bytes | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        assert scope == "skypact.hotline"
        assert timeout_s > 0
        parts = urlsplit(url)
        name = parts.netloc.removesuffix(".example")
        self._pair.calls.append((self._side.name, method, parts.path))
        way = self._pair.way.pop(0) if self._pair.way else self._pair.always
        there = self._pair.sides.get(name)
        if way == "lost" or there is None:
            raise CallFailed("the line is cut", arrived=False)
        answer = await self._called(there, method, parts.path, dict(parse_qsl(parts.query)), body)
        if way == "twice":
            answer = await self._called(there, method, parts.path, dict(parse_qsl(parts.query)), body)
        if way == "answer lost":
            raise CallFailed("the answer was lost", arrived=True)
        return answer

    async def _called(
        self, there: Side, method: str, path: str, query: dict[str, str], body: bytes | None
    ) -> Response:
        row = there.served[method, path]
        decoded = None if row.body is None else msgspec.json.decode(body or b"", type=row.body)
        call = Call(self._side.name, frozenset(), {}, query, decoded, body or b"", there.now_us, "test")
        try:
            answer = await row.handle(call)
        except (InputError, Refused) as error:
            return Response(status_of(error), {}, str(error).encode(), 0.0)
        return Response(answer.status, {}, msgspec.json.encode(answer.body), 0.0)


def told(story: Callable[[Pair], Awaitable[T]], *urls: str, names: Sequence[str] = ("north", "south")) -> T:
    """Run a story between sides on these databases, one a side."""

    async def run() -> T:
        pair = Pair(names)
        for name, url in zip(names, urls, strict=True):
            await pair.open(name, url)
        try:
            return await story(pair)
        finally:
            await pair.close()

    return asyncio.run(run())


def at(message: Message, **changed: Any) -> Message:
    """The same message, but for that."""
    return replace(message, **changed)
