"""Filings beside flights at work: filed, told, amended, ended; others' noticed, fetched, read; all checked.

Law: **a filing and what is said of it are one.** Version, state, leaves and the notice to every party to whom
it is released are one transaction: nobody is told of what was not filed, and nothing is released untold. A
serial is drawn in that transaction, so that there is no gap. Late is said and refuses nothing; a check stops
nothing, and a version that was not checked yet says so.

Of another party's filing the notice comes first, and its bytes are fetched from who sent it. They are kept
only if they have the digest that was signed, whatever they are: **what cannot be read is kept and shown as
that**, and what is not what was notified is shown with the difference. What holds of another's filing is what
that party said last; the clock alone expires it, as it does ours. An expired one was not said to be over.

How it works. A check reads what is near in one reading, asks the engine in a thread, and writes what it found
with a leaf of its own. What a kill left unchecked, unfetched or unexpired, :meth:`Filings.tick` takes up.

Known limits: a version is checked when it is filed or read, and when somebody asks; a later filing of another
party is held against it by its own check. A filing whose notice has no name of the form ``filer/serial`` is
a message on the hotline and nothing here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from skypact.desk import said
from skypact.desk.clock import now_us as by_the_clock
from skypact.desk.filing_checks import Against, findings_of, reach
from skypact.desk.outside import NoAnswer, Rubbish, Turned
from skypact.errors import InputError, Reason, Refused, SkypactError
from skypact.exchange.hotline.messages import Kind, Notice, Plain
from skypact.exchange.hotline.notices import Last, Word, notice_of, off, serial_of, words
from skypact.formats import f3548_wire as wire
from skypact.formats.filings_json import read_filings, write_filing
from skypact.formats.hotline_json import body_json
from skypact.instants import SECOND_US, format_instant
from skypact.notify.claimed import volumes_of
from skypact.notify.filing import Site
from skypact.notify.lifecycle import LIVE, Move, State, moved
from skypact.pact import released_to, visible
from skypact.store import filings as kept
from skypact.store import node as flights
from skypact.store.node import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skypact.airspace.labels import DataMode
    from skypact.airspace.volumes import Volumes
    from skypact.desk.accounts import Acting
    from skypact.desk.hotline import HotlineDesk
    from skypact.exchange.hotline.messages import Message
    from skypact.notify.filing import Filing
    from skypact.pact import Pact
    from skypact.store import Store, Tx

_LOG: Final = logging.getLogger("skypact.filings")

TOGETHER_MAX: Final = 300
"""Filings that are filed in one transaction, in one to two seconds: an alarm waits for no more."""
CHECKED_AT_ONCE: Final = 20
"""Of those, so many are checked before they are answered for; the others by the tick."""
TICK_S: Final = 1.0
"""How often what is due is looked for."""
FIRST_PAUSE_US: Final = SECOND_US
LONGEST_PAUSE_US: Final = 600 * SECOND_US
"""Between tries to fetch bytes: doubled from the first to the longest."""
_DUE_MAX: Final = 50
_AT_ONCE: Final = 8
_LINE_MAX: Final = 500
_PARTS = {Kind.NOTIFY, Kind.AMEND, Kind.ZONE_DECLARE}


class Fetch(Protocol):
    """How another party's bytes are fetched; raises as :class:`~skypact.desk.outside.Outside`."""

    async def filing(self, party: str, sha256: str) -> bytes:
        """What a party has under a digest (hexadecimal)."""


class Held(NamedTuple):
    """A filing with its newest version, as a list shows it; ``check`` is the last of that version."""

    filing: kept.FilingRow
    version: kept.VersionRow
    check: kept.CheckRow | None


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is kept of a filing."""

    filing: kept.FilingRow
    versions: tuple[kept.VersionRow, ...]
    checks: tuple[kept.CheckRow, ...]
    moves: tuple[kept.MoveRow, ...]
    told: tuple[kept.ToldRow, ...]
    wanted: tuple[kept.WantedRow, ...]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A filing that may be filed, and the box of what it claims."""

    filing: Filing
    box: Box


class Filings:
    """The filings of one party, and those of others that reached it.

    Parameters
    ----------
    hotline
        What is filed is said there, and what is noticed comes from there.
    fetch
        Fetches others' bytes; None: they stay wanted.
    clock
        Microseconds since 1970 UTC, for what comes with a message.
    """

    def __init__(
        self,
        store: Store,
        hotline: HotlineDesk,
        *,
        fetch: Fetch | None = None,
        clock: Callable[[], int] = by_the_clock,
    ) -> None:
        self.party = hotline.party
        self._store = store
        self._hotline = hotline
        self._fetch = fetch
        self._clock = clock
        hotline.taken.append(self.noticed)

    # -- our own --------------------------------------------------------------------------------------------

    async def file(
        self, given: Sequence[Filing], by: Acting, now_us: int, *, draft: bytes | None = None
    ) -> list[Held]:
        """File what is given, all of it or nothing, and tell everybody to whom it is released.

        Serials are drawn here, whatever the filings say; one that supersedes a serial of ours amends it.

        Parameters
        ----------
        by
            Who files it: his name is written beside it, and his post says it on the hotline.
        draft
            The draft that it was, which is thrown away with it.

        Raises
        ------
        Refused
            It is another's, of another data mode, over, too large, or supersedes what cannot be amended; the
            hotline refuses to say it. Nothing was filed.
        InputError
            What it claims is no shape.
        """
        ready = await self._ready(given, now_us)

        def work(tx: Tx) -> list[tuple[str, int]]:
            if draft is not None:
                if kept.draft(tx, draft) is None:
                    raise Refused(Reason.UNKNOWN, "no such draft", where="id")
                kept.drop_draft(tx, draft)
            return [self._file(tx, each, by, now_us) for each in ready]

        return await self._told(await self._store.write(work), now_us)

    async def amend(self, serial: int, given: Filing, by: Acting, now_us: int) -> Held:
        """File a new version of a filing of ours.

        Raises
        ------
        Refused
            UNKNOWN: there is none; NOT_NOW: it is over; else as :meth:`file`.
        """
        (ready,) = await self._ready([given], now_us)
        name = await self._store.write(lambda tx: self._amend(tx, serial, ready, by, now_us))
        (held,) = await self._told([name], now_us)
        return held

    async def move(self, serial: int, move: Move, by: Acting, now_us: int) -> Held:
        """Begin, end or cancel a filing of ours. Who was told of one that ends is told so.

        Raises
        ------
        Refused
            UNKNOWN: there is none; NOT_NOW: the table has no such move; the hotline refuses to say it.
        """

        def work(tx: Tx) -> None:
            row = self._own(tx, serial)
            state = moved(State(row.state), move)
            self._moved(tx, row._replace(state=state.value, written_us=now_us), move, by.name, now_us)
            if state not in LIVE:
                self._say(tx, row, off(self._last(tx, row)), None, by, now_us)

        await self._store.write(work)
        self._hotline.wake(False)
        return await self._shown(self.party, serial)

    async def dry(self, given: Sequence[Filing], now_us: int) -> list[dict[str, Any]]:
        """What a check would find of each, were it filed now. Nothing is filed and nobody is told.

        Raises
        ------
        Refused, InputError
            As :meth:`file`.
        """
        ready = await self._ready(given, now_us)
        return [(await self._findings(each.filing, each.box, None, now_us, now_us))[1] for each in ready]

    async def keep_draft(
        self, given: Filing, by: Acting, now_us: int, *, ident: bytes | None = None
    ) -> bytes:
        """Keep a draft, new or changed; answers its id. Nobody is told.

        Raises
        ------
        Refused
            FORBIDDEN: it is filed for another party.
        """
        self._ours(given)
        row = kept.DraftRow(wire.new_id() if ident is None else ident, write_filing(given), by.name, now_us)
        await self._store.write(lambda tx: kept.put_draft(tx, row))
        return row.id

    async def drop_draft(self, ident: bytes) -> None:
        """Throw a draft away.

        Raises
        ------
        Refused
            UNKNOWN.
        """
        await self.draft(ident)
        await self._store.write(lambda tx: kept.drop_draft(tx, ident))

    async def draft(self, ident: bytes) -> kept.DraftRow:
        """One draft.

        Raises
        ------
        Refused
            UNKNOWN.
        """
        row = await self._store.read(lambda tx: kept.draft(tx, ident))
        if row is None:
            raise Refused(Reason.UNKNOWN, "no such draft", where="id")
        return row

    async def drafts(self, limit: int) -> list[kept.DraftRow]:
        """Drafts, the newest first."""
        return await self._store.read(lambda tx: kept.drafts(tx, limit))

    def data_mode(self, now_us: int) -> DataMode:
        """The one data mode of what is filed now: the pact's."""
        return self._hotline.agreement.current(now_us).pact.data_mode

    # -- what is kept ---------------------------------------------------------------------------------------

    async def listed(self, **chosen: Any) -> list[Held]:
        """Filings, ours and those that reached us, chosen as :func:`skypact.store.filings.listed` does."""

        def work(tx: Tx) -> list[Held]:
            return [_held(tx, row) for row in kept.listed(tx, **chosen)]

        return await self._store.read(work)

    async def whole(self, filer: str, serial: int) -> Whole:
        """Everything that is kept of a filing.

        Raises
        ------
        Refused
            UNKNOWN.
        """

        def work(tx: Tx) -> Whole:
            row = _one(tx, filer, serial)
            versions = tuple(kept.versions(tx, filer, serial))
            wanted = [kept.want(tx, filer, serial, each.version) for each in versions]
            return Whole(
                row,
                versions,
                tuple(kept.checks(tx, filer, serial)),
                tuple(kept.moves(tx, filer, serial)),
                tuple(kept.told(tx, filer, serial)),
                tuple(each for each in wanted if each is not None),
            )

        return await self._store.read(work)

    async def served(self, sha256: str, party: str, now_us: int) -> bytes:
        """The bytes that have a digest, for a party that may see them.

        Raises
        ------
        Refused
            UNKNOWN: there are none, or not for this party; it is not said which.
        """
        pact = self._hotline.agreement.current(now_us).pact
        digest = _digest(sha256)
        rows = [] if digest is None else await self._store.read(lambda tx: kept.with_digest(tx, digest))
        for row in rows:
            if row.content is None or not row.readable:
                continue
            holder = "" if row.filer == self.party else self.party
            if visible(pact, party, _read(row.content), holder=holder):
                return row.content
        raise Refused(Reason.UNKNOWN, "no filing for you has this digest", where="sha256")

    # -- others ---------------------------------------------------------------------------------------------

    def noticed(self, tx: Tx, message: Message) -> None:
        """A message of another party was taken: keep what it says of a filing, and want its bytes.

        The same message again changes nothing.
        """
        if message.kind is Kind.CANCEL:
            self._off(tx, message)
            return
        body = message.body
        if message.kind not in _PARTS or not isinstance(body, Notice) or not body.sha256:
            return
        serial = serial_of(message.sender, body.ref)
        if serial is None:
            return
        now_us, filer = self._clock(), message.sender
        digest, before = bytes.fromhex(body.sha256), kept.version(tx, filer, serial, body.version)
        if before is not None:
            if before.sha256 != digest and not before.fault:
                fault = f"version {body.version} was notified again with another digest, {body.sha256}"
                kept.put_version(tx, before._replace(fault=fault))
            return
        kept.add_version(tx, _noticed(filer, serial, body, message, now_us))
        kept.put_wanted(
            tx,
            kept.WantedRow(filer, serial, body.version, digest, message.carrier, 0, now_us, ""),
        )
        row = kept.one(tx, filer, serial)
        if row is not None and row.version >= body.version:
            return
        first = row is None
        made = kept.FilingRow(
            filer,
            serial,
            body.filing.value,
            message.data_mode.value,
            (State.FILED if first and body.version == 1 else State.AMENDED).value,
            body.version,
            "" if row is None else row.name,
            body.start_us,
            body.end_us,
            None if row is None else row.reconfirm_us,
            now_us,
        )
        self._moved(tx, made, Move.FILE if first else Move.AMEND, "", now_us, message=message.id)

    def _off(self, tx: Tx, message: Message) -> None:
        """Another party says that a version of its own holds no longer; the filing, if it is the newest."""
        version = kept.notified(tx, bytes.fromhex(message.re))
        if version is None or version.filer != message.sender:
            return
        row = kept.one(tx, version.filer, version.serial)
        if row is None or row.version != version.version or State(row.state) not in LIVE:
            return
        now_us = self._clock()
        changed = row._replace(state=State.CANCELLED.value, written_us=now_us)
        self._moved(tx, changed, Move.CANCEL, "", now_us, message=message.id)

    async def fetch(self, now_us: int) -> int:
        """Try once to fetch what is due; answers how many came."""
        if self._fetch is None:
            return 0
        rows = await self._store.read(lambda tx: kept.wanted(tx, now_us, _DUE_MAX))
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(fetch: Fetch, row: kept.WantedRow) -> bool:
            async with gate:
                return await self._one(fetch, row, now_us)

        return sum(await asyncio.gather(*(one(self._fetch, row) for row in rows)))

    async def _one(self, fetch: Fetch, row: kept.WantedRow, now_us: int) -> bool:
        holders = (row.filer, row.carrier) if row.carrier not in {"", row.filer} else (row.filer,)
        holder = holders[row.tries % len(holders)]
        try:
            data = await fetch.filing(holder, row.sha256.hex())
        except (NoAnswer, Turned, Rubbish, SkypactError) as error:
            await self._again(row, f"{holder}: {_line(error)}", now_us)
            return False
        if hashlib.sha256(data).digest() != row.sha256:
            await self._again(row, f"{holder}: what came has another digest", now_us)
            return False
        await self.came(row, data, now_us)
        return True

    async def _again(self, row: kept.WantedRow, why: str, now_us: int) -> None:
        pause_us = min(FIRST_PAUSE_US << min(row.tries, 20), LONGEST_PAUSE_US)
        later = row._replace(tries=row.tries + 1, due_us=now_us + pause_us, why=why)

        def work(tx: Tx) -> None:
            if kept.want(tx, row.filer, row.serial, row.version) is not None:
                kept.put_wanted(tx, later)

        await self._store.write(work)

    async def came(self, row: kept.WantedRow, data: bytes, now_us: int) -> None:
        """Keep bytes that have the digest that was notified, whatever they are; check what can be read."""
        filing, box, fault = await asyncio.to_thread(_understood, data, row.filer)

        def work(tx: Tx) -> bool:
            version = kept.version(tx, row.filer, row.serial, row.version)
            if version is None or version.content is not None:
                return False
            kept.drop_wanted(tx, row)
            self._keep(tx, version, data, filing, box, fault, now_us)
            return True

        if await self._store.write(work):
            await self._check_new(row.filer, row.serial, row.version, now_us)

    def _keep(
        self,
        tx: Tx,
        version: kept.VersionRow,
        data: bytes,
        filing: Filing | None,
        box: Box | None,
        fault: str,
        now_us: int,
    ) -> None:
        """The bytes of another's version, what was understood of them, and where that is not as notified."""
        row = _one(tx, version.filer, version.serial)
        if filing is not None:
            taken = kept.numbered(tx, filing.filer, filing.serial)
            if taken is not None:
                fault = f"its serial {filing.serial} is that of {taken.filer}/{taken.serial}"
                filing = None
            elif filing.data_mode.value != row.data_mode:
                fault = f"{filing.data_mode.value}, and was notified as {row.data_mode}"
                filing = None
            else:
                fault = _difference(filing, version) or version.fault
        leaf = tx.append("filing.version", _ref(row), data)
        if filing is None or box is None:
            kept.put_version(tx, version._replace(content=data, fault=fault, leaf=leaf))
            return
        kept.put_version(
            tx,
            version._replace(
                number=filing.serial,
                content=data,
                readable=True,
                fault=fault,
                south=box.south,
                north=box.north,
                west=box.west,
                east=box.east,
                leaf=leaf,
            ),
        )
        if row.version == version.version:
            kept.put(tx, _as_filed(row, filing, now_us))

    # -- checks and the clock -------------------------------------------------------------------------------

    async def check(self, filer: str, serial: int, now_us: int) -> Held:
        """Hold the newest version of a filing against all that this party sees now, and keep what is found.

        Raises
        ------
        Refused
            UNKNOWN: there is none; NOT_NOW: nothing of it can be read.
        """
        held = await self._shown(filer, serial)
        if not held.version.readable:
            raise Refused(
                Reason.NOT_NOW,
                "it cannot be read, and was not checked",
                found=held.version.fault or "only its notice is here",
            )
        await self._check(held.version, now_us)
        return await self._shown(filer, serial)

    async def tick(self, now_us: int) -> None:
        """Do what is due: expire, check what was never checked, fetch."""
        await self.expire(now_us)
        for row in await self._store.read(lambda tx: kept.unchecked(tx, _DUE_MAX)):
            await self._check(row, now_us)
        await self.fetch(now_us)

    async def run(self) -> None:
        """Do what is due for as long as the node runs."""
        while True:
            await self.tick(self._clock())
            await asyncio.sleep(TICK_S)

    async def expire(self, now_us: int) -> int:
        """Expire what is over and was not said to be; answers how many."""

        def work(tx: Tx) -> int:
            rows = kept.over(tx, now_us, _DUE_MAX)
            for row in rows:
                state = moved(State(row.state), Move.EXPIRE)
                self._moved(tx, row._replace(state=state.value, written_us=now_us), Move.EXPIRE, "", now_us)
            return len(rows)

        if not await self._store.read(lambda tx: kept.over(tx, now_us, 1)):
            return 0
        return await self._store.write(work)

    async def _check_new(self, filer: str, serial: int, number: int, now_us: int) -> None:
        """Check a version that was written now; whatever comes of it, it was written."""
        row = await self._store.read(lambda tx: kept.version(tx, filer, serial, number))
        if row is None or not row.readable:
            return
        try:
            await self._check(row, now_us)
        except Refused as refusal:  # the database, or the pact: the tick takes it up
            _LOG.warning(
                "a filing could not be checked yet: %s", refusal, extra={"filing": f"{filer}/{serial}"}
            )

    async def _check(self, row: kept.VersionRow, now_us: int) -> None:
        assert row.content is not None  # noqa: S101 -- it is readable
        filing = await asyncio.to_thread(_read, row.content)
        try:
            found, findings = await self._findings(
                filing, _box(row), (row.filer, row.serial), row.written_us, now_us
            )
        except InputError as error:  # what is near cannot be put together: said, and not tried for ever
            found, findings = 0, {"fault": str(error)}
        content = msgspec.json.encode(
            {"filing": f"{row.filer}/{row.serial}", "version": row.version} | findings
        )

        def work(tx: Tx) -> None:
            leaf = tx.append("filing.check", f"{row.filer}/{row.serial}", content)
            kept.add_check(
                tx, kept.CheckRow(row.filer, row.serial, row.version, now_us, found, content, leaf)
            )

        await self._store.write(work)

    async def _findings(
        self, filing: Filing, box: Box, own: tuple[str, int] | None, filed_us: int, now_us: int
    ) -> tuple[int, dict[str, Any]]:
        """What a check of a filing finds; ``own`` is the filing that it is a version of."""
        pact = self._hotline.agreement.current(now_us).pact
        opens, closes, mode = filing.window.opens_us, filing.window.closes_us, filing.data_mode
        wide = reach(box, pact)

        def work(
            tx: Tx,
        ) -> tuple[list[kept.VersionRow], list[kept.FilingRow], list[flights.Flight]]:
            return (
                kept.near(tx, wide, opens, closes, mode.value),
                kept.unread(tx, opens, closes),
                flights.flights_near(tx, wide, opens, closes),
            )

        near, unread, flown = await self._store.read(work)

        def ask() -> tuple[int, dict[str, Any]]:
            read = [_read(row.content) for row in near if row.content and (row.filer, row.serial) != own]
            return findings_of(
                filing,
                Against(
                    pact,
                    [other for other in read if visible(pact, self.party, other)],
                    [_flown(flight, self.party, mode) for flight in flown],
                    [_ref(row) for row in unread if (row.filer, row.serial) != own],
                ),
                filed_us,
            )

        return await asyncio.to_thread(ask)

    # -- pieces of a write ----------------------------------------------------------------------------------

    async def _ready(self, given: Sequence[Filing], now_us: int) -> list[_Ready]:
        if not 1 <= len(given) <= TOGETHER_MAX:
            raise Refused(
                Reason.TOO_LARGE,
                "not a number of filings",
                found=f"{len(given):,}",
                expected=f"1 to {TOGETHER_MAX:,} at once",
            )
        pact = self._hotline.agreement.current(now_us).pact
        for filing in given:
            self._admit(filing, pact, now_us)
        return await asyncio.to_thread(
            lambda: [_Ready(each, said.box_of(volumes_of([each]))) for each in given]
        )

    def _admit(self, filing: Filing, pact: Pact, now_us: int) -> None:
        """Refuse what could be filed by nobody, whatever others do."""
        self._ours(filing)
        if filing.data_mode is not pact.data_mode:
            raise Refused(
                Reason.INVALID,
                "of another data mode than the pact",
                where=f"{filing.title}: data_mode",
                found=filing.data_mode.value,
                expected=pact.data_mode.value,
            )
        if filing.window.closes_us <= now_us:
            raise Refused(
                Reason.INVALID,
                "it is over before it is filed",
                where=f"{filing.title}: window",
                found=format_instant(filing.window.closes_us),
                expected=f"an end after {format_instant(now_us)}, the time here",
            )
        notice_of(filing, filing.serial, 1, "")

    def _ours(self, filing: Filing) -> None:
        if filing.filer != self.party:
            raise Refused(
                Reason.FORBIDDEN,
                "a party files for itself; for whom else it does is 'on_behalf_of'",
                where="filer",
                found=filing.filer,
                expected=self.party,
            )

    def _own(self, tx: Tx, serial: int) -> kept.FilingRow:
        return _one(tx, self.party, serial)

    def _file(self, tx: Tx, ready: _Ready, by: Acting, now_us: int) -> tuple[str, int]:
        filing = ready.filing
        if filing.supersedes is not None:
            before = kept.numbered(tx, self.party, filing.supersedes)
            if before is None:
                raise Refused(
                    Reason.UNKNOWN,
                    "supersedes what was never filed",
                    where="supersedes",
                    found=filing.supersedes,
                )
            row = self._own(tx, before.serial)
            if row.version != before.version:
                raise Refused(
                    Reason.CONFLICT,
                    "supersedes what was superseded before",
                    where="supersedes",
                    found=filing.supersedes,
                    expected="the serial of its newest version",
                )
            return self._amend(tx, before.serial, ready, by, now_us)
        number = kept.last_number(tx, self.party) + 1
        made = replace(filing, serial=number)
        row = _row_of(made, number, 1, moved(State.DRAFT, Move.FILE), now_us)
        self._put(tx, row, made, ready.box, Move.FILE, by, now_us)
        return self.party, number

    def _amend(self, tx: Tx, serial: int, ready: _Ready, by: Acting, now_us: int) -> tuple[str, int]:
        before = self._own(tx, serial)
        if before.kind != ready.filing.filing.value:
            raise Refused(
                Reason.INVALID,
                "a version of something else",
                where="subject.class",
                found=ready.filing.filing.value,
                expected=before.kind,
            )
        state = moved(State(before.state), Move.AMEND)
        last = kept.version(tx, self.party, serial, before.version)
        assert last is not None and last.number is not None  # noqa: S101, PT018 -- a version of ours has its serial
        number = kept.last_number(tx, self.party) + 1
        made = replace(ready.filing, serial=number, supersedes=last.number)
        row = _row_of(made, serial, before.version + 1, state, now_us)
        self._put(tx, row, made, ready.box, Move.AMEND, by, now_us)
        return self.party, serial

    def _put(
        self, tx: Tx, row: kept.FilingRow, filing: Filing, box: Box, move: Move, by: Acting, now_us: int
    ) -> None:
        """A version of ours, with everything that follows from it."""
        content = write_filing(filing)
        digest = hashlib.sha256(content).digest()
        leaf = tx.append("filing.version", _ref(row), content)
        kept.add_version(
            tx,
            kept.VersionRow(
                row.filer,
                row.serial,
                row.version,
                filing.serial,
                digest,
                content,
                True,
                "",
                by.name,
                now_us,
                None,
                None,
                box.south,
                box.north,
                box.west,
                box.east,
                leaf,
            ),
        )
        self._moved(tx, row, move, by.name, now_us, sha256=digest.hex())
        audience = released_to(self._hotline.agreement.current(now_us).pact, filing)
        due = words(filing.filing, audience, self._last(tx, row))
        self._say(tx, row, due, notice_of(filing, row.serial, row.version, digest.hex()), by, now_us)

    def _say(
        self,
        tx: Tx,
        row: kept.FilingRow,
        due: Iterable[Word],
        notice: Notice | None,
        by: Acting,
        now_us: int,
    ) -> None:
        """Say what is due; whoever is told of this version knows it, though an older one is called off."""
        told: dict[str, kept.ToldRow] = {}
        for word in due:
            body = Plain() if notice is None or word.kind is Kind.CANCEL else notice
            message = self._hotline.say_in(
                tx, word.kind, word.to, body, re=word.re, by=by.name, post=by.post, now_us=now_us
            )
            over = word.kind is Kind.CANCEL
            known = kept.ToldRow(row.filer, row.serial, word.to, row.version, bytes.fromhex(message.id), over)
            if not over or word.to not in told:
                told[word.to] = known
        for known in told.values():
            kept.put_told(tx, known)

    def _last(self, tx: Tx, row: kept.FilingRow) -> dict[str, Last]:
        return {
            told.party: Last(told.message.hex(), told.over) for told in kept.told(tx, row.filer, row.serial)
        }

    def _moved(self, tx: Tx, row: kept.FilingRow, move: Move, by: str, now_us: int, **more: str) -> None:
        """A filing where a move has brought it, and the leaf that says by whom; "" is the clock or a peer."""
        content = {
            "filing": _ref(row),
            "version": row.version,
            "move": move.value,
            "state": row.state,
            "by": by,
            "at": format_instant(now_us),
        } | more
        leaf = tx.append(
            "filing.move", _ref(row), json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        )
        kept.put(tx, row)
        step = kept.last_step(tx, row.filer, row.serial) + 1
        kept.add_move(
            tx,
            kept.MoveRow(row.filer, row.serial, step, move.value, row.state, row.version, by, now_us, leaf),
        )

    async def _told(self, names: Sequence[tuple[str, int]], now_us: int) -> list[Held]:
        """What was filed is committed: deliver what is said of it, check it, show it."""
        self._hotline.wake(False)
        held = [await self._shown(*name) for name in names]
        for each in held[:CHECKED_AT_ONCE]:
            await self._check_new(each.filing.filer, each.filing.serial, each.version.version, now_us)
        first = [await self._shown(*name) for name in names[:CHECKED_AT_ONCE]]
        return first + held[CHECKED_AT_ONCE:]

    async def _shown(self, filer: str, serial: int) -> Held:
        return await self._store.read(lambda tx: _held(tx, _one(tx, filer, serial)))


# -- pieces -------------------------------------------------------------------------------------------------


def one_of(data: bytes) -> Filing:
    """The one filing that a document is.

    Raises
    ------
    InputError
        It cannot be read, or has more than one.
    """
    found = read_filings(data, "body")
    if len(found) != 1:
        raise InputError("not one filing", where="body", found=f"{len(found)}", expected="one")
    return found[0]


def stale(row: kept.FilingRow, now_us: int) -> bool:
    """Whether a site was to be confirmed again and was not; it holds, and is no less protected."""
    return row.reconfirm_us is not None and State(row.state) in LIVE and row.reconfirm_us <= now_us


def _read(content: bytes) -> Filing:
    """A filing that was read before it was kept."""
    return read_filings(content, "filing")[0]


def _understood(data: bytes, filer: str) -> tuple[Filing | None, Box | None, str]:
    """What another party's bytes say and where, or why they cannot be used."""
    try:
        filing = one_of(data)
        if filing.filer != filer:
            return None, None, f"it is {filing.filer}'s, and was notified by {filer}"
        return filing, said.box_of(volumes_of([filing])), ""
    except InputError as error:
        return None, None, _line(error)


def _line(error: Exception) -> str:
    """What went wrong, as a line that any database keeps, whatever a peer has put into it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(error))[:_LINE_MAX]


def _difference(filing: Filing, version: kept.VersionRow) -> str:
    """In what a filing is not what was notified; "" where it is that."""
    assert version.notice is not None  # noqa: S101 -- another party's version comes with its notice
    told: dict[str, Any] = json.loads(version.notice)
    try:
        own = body_json(notice_of(filing, version.serial, version.version, version.sha256.hex()))
    except Refused as refusal:
        return str(refusal)
    differ = [
        name for name in sorted({*told, *own}) if told.get(name) != json.loads(json.dumps(own.get(name)))
    ]
    return f"not what was notified: {', '.join(differ)}" if differ else ""


def _noticed(filer: str, serial: int, body: Notice, message: Message, now_us: int) -> kept.VersionRow:
    """A version of which the notice came."""
    return kept.VersionRow(
        filer,
        serial,
        body.version,
        None,
        bytes.fromhex(body.sha256),
        None,
        False,
        "",
        "",
        now_us,
        json.dumps(body_json(body)).encode(),
        bytes.fromhex(message.id),
        None,
        None,
        None,
        None,
        None,
    )


def _row_of(filing: Filing, serial: int, version: int, state: State, now_us: int) -> kept.FilingRow:
    subject = filing.subject
    return kept.FilingRow(
        filing.filer,
        serial,
        filing.filing.value,
        filing.data_mode.value,
        state.value,
        version,
        filing.name,
        filing.window.opens_us,
        filing.window.closes_us,
        subject.reconfirm_by_us if isinstance(subject, Site) else None,
        now_us,
    )


def _as_filed(row: kept.FilingRow, filing: Filing, now_us: int) -> kept.FilingRow:
    """Another's filing, of which the newest version can be read now; its state is what was said."""
    return _row_of(filing, row.serial, row.version, State(row.state), now_us)


def _held(tx: Tx, row: kept.FilingRow) -> Held:
    version = kept.version(tx, row.filer, row.serial, row.version)
    assert version is not None  # noqa: S101 -- a filing is written with its version
    checks = [each for each in kept.checks(tx, row.filer, row.serial) if each.version == row.version]
    return Held(row, version, checks[-1] if checks else None)


def _one(tx: Tx, filer: str, serial: int) -> kept.FilingRow:
    row = kept.one(tx, filer, serial)
    if row is None:
        raise Refused(Reason.UNKNOWN, "no such filing", where="serial", found=f"{filer}/{serial}")
    return row


def _ref(row: kept.FilingRow) -> str:
    return f"{row.filer}/{row.serial}"


def _box(row: kept.VersionRow) -> Box:
    assert row.south is not None and row.north is not None  # noqa: S101, PT018 -- it can be read
    assert row.west is not None and row.east is not None  # noqa: S101, PT018
    return Box(row.south, row.north, row.west, row.east)


def _digest(text: str) -> bytes | None:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return None
    return digest if len(digest) == 32 and digest.hex() == text else None


def _flown(flight: flights.Flight, party: str, mode: DataMode) -> Volumes:
    details = wire.decode(flight.details, wire.OperationalIntentDetails)
    listed = [*(details.volumes or ()), *(details.off_nominal_volumes or ())]
    ident = flight.name or wire.id_text(flight.id)
    return wire.domain_volumes(listed, ident=ident, party=party, mode=mode, where="details")
