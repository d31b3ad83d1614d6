"""Filings beside flights, served: to the party's own people (``/api/v1/filings``), and to peers by digest.

Law: a person acts by his account (:mod:`skypact.desk.accounts`), and what he files is kept under his name. A
peer gets bytes that were released to it, by their digest, and learns of nothing else, not even that it is
there (404). Every answer to people ends with what none of it means; a list of sites says what it is.

A filing goes in as JSON (``skypact.filing.1``). The node gives the serial, whatever the document says. Lists
(CSV, XLSX) and arrays are imported: each row is an error or a filing, and nothing is filed while there is one
error.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from skypact.desk.accounts import SCOPE as PEOPLE
from skypact.desk.accounts import Act
from skypact.desk.filing_checks import MEANING
from skypact.desk.filings import Held, one_of, stale
from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.formats.filing_lists import ListDefaults, read_list
from skypact.formats.filings_json import read_filings
from skypact.instants import FOREVER, format_instant
from skypact.notify.filing import CLASSES
from skypact.notify.lifecycle import Move, State
from skypact.pact import Filing as FilingClass
from skypact.server.operation import Answer, Call, Door, Operation, Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.airspace.labels import DataMode
    from skypact.desk.accounts import Accounts, Acting
    from skypact.desk.filings import Filings, Whole
    from skypact.notify.filing import Filing
    from skypact.store import filings as kept

PEERS: Final = "skypact.hotline"
SENSITIVE: Final = (
    "A list of sites says where people are, and notified places have been hit: "
    "give it to those who need it, and to nobody else."
)
"""Stands beside every answer that has a site."""
_PATH: Final = "/api/v1/filings"
_DRAFTS: Final = "/api/v1/filing-drafts"
_PAGE: Final = 1_000
_MOVES: Final = {"begin": Move.BEGIN, "end": Move.END, "cancel": Move.CANCEL}
_DOOR: Final = Door(PEOPLE, "Filings")


# -- what goes back -----------------------------------------------------------------------------------------


class CheckOut(Struct, kw_only=True):
    """What a check found: ``findings`` is what the ledger has, as JSON."""

    checked: str
    found: int
    leaf: int
    findings: msgspec.Raw


class VersionOut(Struct, kw_only=True, omit_defaults=True):
    """One version: its own serial, who filed it and when, its digest, what is here of it and what was found.

    Attributes
    ----------
    serial
        Absent of a version of which only the notice is here, or that cannot be read.
    by
        The account that filed it; absent of another party's.
    here
        ``filing``: its bytes, and they can be read; ``bytes``: they cannot, ``fault`` says why; ``notice``:
        they are still to be fetched, ``fetching`` says what the last try brought.
    """

    version: int
    sha256: str
    written: str
    here: str
    serial: int | None = None
    by: str = ""
    leaf: int | None = None
    fault: str = ""
    fetching: str = ""
    filing: msgspec.Raw | None = None
    notice: msgspec.Raw | None = None
    checks: list[CheckOut] = []


class MoveOut(Struct, kw_only=True, omit_defaults=True):
    """What moved a filing; without ``by`` the clock did, or the party whose it is."""

    move: str
    state: str
    version: int
    at: str
    leaf: int
    by: str = ""


class ToldOut(Struct, kw_only=True):
    """What a party was told last, with which message; ``over``: that it holds no longer."""

    party: str
    version: int
    message: str
    over: bool


class FilingOut(Struct, kw_only=True, omit_defaults=True):
    """A filing as its newest version has it.

    Attributes
    ----------
    id
        ``filer/serial``, the serial of its first version.
    opens, closes
        With the tolerance; of one of which only the notice is here, without. ``closes`` is absent where it
        has no end.
    stale
        A site that was to be confirmed again and was not. It holds, and is no less protected.
    found
        How many conflicts the last check of this version found; absent where it was not checked.
    """

    id: str
    filer: str
    serial: int
    kind: str = msgspec.field(name="class")
    data_mode: str
    state: str
    version: int
    name: str
    opens: str
    written: str
    here: str
    closes: str | None = None
    stale: bool = False
    reconfirm_by: str | None = None
    found: int | None = None
    notice: str | None = None
    fault: str = ""
    versions: list[VersionOut] | None = None
    moves: list[MoveOut] | None = None
    told: list[ToldOut] | None = None
    meaning: str | None = None
    warning: str | None = None


class FilingsOut(Struct, kw_only=True, omit_defaults=True):
    """Filings by filer and serial; ``next`` is what ``after`` must be for the rest."""

    filings: list[FilingOut]
    meaning: str
    warning: str | None = None
    next: str | None = None


class DryOut(Struct, kw_only=True):
    """What a check of each would find now. Nothing was filed and nobody was told; it is no promise."""

    findings: list[msgspec.Raw]
    meaning: str


class DraftOut(Struct, kw_only=True):
    """A draft; nobody was told of it."""

    id: str
    by: str
    written: str
    filing: msgspec.Raw


class DraftsOut(Struct, kw_only=True):
    """Drafts, the newest first."""

    drafts: list[DraftOut]


# -- peers --------------------------------------------------------------------------------------------------


def peers(desk: Filings) -> tuple[Operation, ...]:
    """What peers ask for: the bytes that a notice names."""

    async def get(call: Call) -> Answer:
        data = await desk.served(call.params["sha256"], call.party, call.now_us)
        return Answer(body=data, media_type="application/json")

    return (
        Operation(
            "getHotlineFiling",
            "GET",
            "/hotline/v1/filings/{sha256}",
            (frozenset({PEERS}),),
            get,
            style=Style.PROBLEM,
            summary="The stored bytes of a filing that was released to who asks, by their SHA-256",
            tag="Hotline",
            statuses={404: "There are none, or not for who asks."},
        ),
    )


# -- people -------------------------------------------------------------------------------------------------


def people(desk: Filings, accounts: Accounts) -> tuple[Operation, ...]:
    """The operations of the party's own people."""

    async def acting(call: Call, act: Act) -> Acting:
        found = await accounts.acting(call.party)
        found.demand(act)
        return found

    async def file(call: Call) -> Answer:
        by = await acting(call, Act.FILE)
        filing = one_of(call.raw)
        if _yes(call, "dry"):
            return await _dry(desk, [filing], call.now_us)
        if _yes(call, "draft"):
            ident = await desk.keep_draft(filing, by, call.now_us)
            return Answer(201, _draft(await desk.draft(ident)))
        (held,) = await desk.file([filing], by, call.now_us)
        return Answer(201, _whole(await desk.whole(held.filing.filer, held.filing.serial), call.now_us))

    async def imported(call: Call) -> Answer:
        by = await acting(call, Act.FILE)
        filings = await asyncio.to_thread(_listed, call.raw, desk.party, desk.data_mode(call.now_us))
        if _yes(call, "dry"):
            return await _dry(desk, filings, call.now_us)
        held = await desk.file(filings, by, call.now_us)
        return Answer(201, _page(held, call.now_us))

    async def listed(call: Call) -> Answer:
        await acting(call, Act.READ)
        limit = _limit(call)
        held = await desk.listed(
            kind=_word(call, "class", [of.value for of in CLASSES.values()]),
            state=_word(call, "state", [state.value for state in State if state is not State.DRAFT]),
            filer=call.query.get("filer", ""),
            live=_yes(call, "live"),
            after=_after(call),
            limit=limit,
        )
        last = held[-1].filing if len(held) == limit else None
        if _yes(call, "stale"):
            held = [each for each in held if stale(each.filing, call.now_us)]
        return Answer(body=_page(held, call.now_us, None if last is None else f"{last.filer}/{last.serial}"))

    async def get(call: Call) -> Answer:
        await acting(call, Act.READ)
        return Answer(body=_whole(await desk.whole(call.params["filer"], _serial(call)), call.now_us))

    async def content(call: Call) -> Answer:
        await acting(call, Act.READ)
        whole = await desk.whole(call.params["filer"], _serial(call))
        number = _number(call.params["version"], "version")
        found = next((each for each in whole.versions if each.version == number), None)
        if found is None or found.content is None:
            raise Refused(Reason.UNKNOWN, "no bytes of this version are here", where="version", found=number)
        return Answer(body=found.content, media_type="application/octet-stream")

    async def amend(call: Call) -> Answer:
        by = await acting(call, Act.FILE)
        serial = _own(desk, call)
        if _yes(call, "dry"):
            return await _dry(desk, [one_of(call.raw)], call.now_us)
        await desk.amend(serial, one_of(call.raw), by, call.now_us)
        return Answer(body=_whole(await desk.whole(desk.party, serial), call.now_us))

    async def move(call: Call) -> Answer:
        by = await acting(call, Act.FILE)
        serial, word = _own(desk, call), call.params["move"]
        if word not in _MOVES:
            raise Refused(
                Reason.UNKNOWN, "no such move", where="move", found=word, expected=", ".join(_MOVES)
            )
        await desk.move(serial, _MOVES[word], by, call.now_us)
        return Answer(body=_whole(await desk.whole(desk.party, serial), call.now_us))

    async def check(call: Call) -> Answer:
        await acting(call, Act.FILE)
        filer, serial = call.params["filer"], _serial(call)
        await desk.check(filer, serial, call.now_us)
        return Answer(body=_whole(await desk.whole(filer, serial), call.now_us))

    async def drafts(call: Call) -> Answer:
        await acting(call, Act.READ)
        return Answer(body=DraftsOut(drafts=[_draft(row) for row in await desk.drafts(_limit(call))]))

    async def change_draft(call: Call) -> Answer:
        by, ident = await acting(call, Act.FILE), _ident(call)
        await desk.draft(ident)
        await desk.keep_draft(one_of(call.raw), by, call.now_us, ident=ident)
        return Answer(body=_draft(await desk.draft(ident)))

    async def file_draft(call: Call) -> Answer:
        by, ident = await acting(call, Act.FILE), _ident(call)
        filing = one_of((await desk.draft(ident)).content)
        (held,) = await desk.file([filing], by, call.now_us, draft=ident)
        return Answer(201, _whole(await desk.whole(held.filing.filer, held.filing.serial), call.now_us))

    async def drop_draft(call: Call) -> Answer:
        await acting(call, Act.FILE)
        await desk.drop_draft(_ident(call))
        return Answer(204)

    unknown = {404: "There is no such filing."}
    dry = {"dry": "true: what a check would find, and nothing is filed"}
    over = {412: "It is over, or its state has no such move."}
    return (
        _DOOR.row(
            "fileFiling", "POST", _PATH, file, "File a movement, site, activity or zone", body=bytes,
            answer=FilingOut, statuses={201: "Filed, and told to everybody to whom it is released."},
            query={**dry, "draft": "true: keep it as a draft, and tell nobody"},
        ),
        _DOOR.row(
            "importFilings", "POST", f"{_PATH}/import", imported,
            "File a list of sites or movements (CSV, XLSX), or an array of filings: all of it or nothing",
            body=bytes, answer=FilingsOut, query=dry,
            statuses={201: "All of it is filed.", 400: "`errors` has one for each row that is wrong."},
        ),
        _DOOR.row(
            "listFilings", "GET", _PATH, listed, "Filings, ours and those that reached us", answer=FilingsOut,
            query={
                "class": "movement, site, activity or zone", "state": "of its life", "filer": "a party",
                "live": "true: only those that hold", "stale": "true: only sites that are stale",
                "limit": "1 to 1000", "after": "`next` of a page",
            },
        ),
        _DOOR.row(
            "getFiling", "GET", f"{_PATH}/{{filer}}/{{serial}}", get,
            "One filing: every version with what checks found, what moved it, who was told", answer=FilingOut,
            statuses=unknown,
        ),
        _DOOR.row(
            "getFilingBytes", "GET", f"{_PATH}/{{filer}}/{{serial}}/versions/{{version}}", content,
            "The bytes of a version as they were filed, also such as cannot be read", statuses=unknown,
        ),
        _DOOR.row(
            "amendFiling", "PUT", f"{_PATH}/{{filer}}/{{serial}}", amend, "File a new version of one of ours",
            body=bytes, answer=FilingOut, statuses={**unknown, **over}, query=dry,
        ),
        _DOOR.row(
            "moveFiling", "POST", f"{_PATH}/{{filer}}/{{serial}}/{{move}}", move,
            "Begin, end or cancel one of ours", answer=FilingOut, statuses={**unknown, **over},
        ),
        _DOOR.row(
            "checkFiling", "POST", f"{_PATH}/{{filer}}/{{serial}}/check", check,
            "Hold a filing against all that is here now, and keep what is found", answer=FilingOut,
            statuses={**unknown, 412: "Nothing of it can be read."},
        ),
        _DOOR.row(
            "listFilingDrafts", "GET", _DRAFTS, drafts, "Drafts, the newest first", answer=DraftsOut,
            query={"limit": "1 to 1000"},
        ),
        _DOOR.row(
            "changeFilingDraft", "PUT", f"{_DRAFTS}/{{id}}", change_draft, "Change a draft", body=bytes,
            answer=DraftOut, statuses={404: "There is no such draft."},
        ),
        _DOOR.row(
            "fileFilingDraft", "POST", f"{_DRAFTS}/{{id}}/file", file_draft, "File a draft", answer=FilingOut,
            statuses={201: "Filed, and told.", 404: "There is no such draft."},
        ),
        _DOOR.row(
            "dropFilingDraft", "DELETE", f"{_DRAFTS}/{{id}}", drop_draft, "Throw a draft away",
            statuses={204: "Gone.", 404: "There is no such draft."},
        ),
    )  # fmt: skip


# -- what comes ---------------------------------------------------------------------------------------------


def _listed(raw: bytes, party: str, mode: DataMode) -> Sequence[Filing]:
    """The filings of a list, of a document or of an array of them; every fault of a list is told at once."""
    if raw.lstrip()[:1] in {b"{", b"["}:
        return read_filings(raw, "body")
    read = read_list(raw, "list", ListDefaults(party, mode))
    if read.errors:
        raise Refused(
            Reason.INVALID,
            "nothing of the list was filed",
            where="body",
            found=f"{len(read.errors)} faults",
            expected="a list without one",
            extra={"errors": [str(error) for error in read.errors]},
        )
    return read.filings


async def _dry(desk: Filings, filings: Sequence[Filing], now_us: int) -> Answer:
    found = await desk.dry(filings, now_us)
    return Answer(
        body=DryOut(findings=[msgspec.Raw(json.dumps(each).encode()) for each in found], meaning=MEANING)
    )


def _own(desk: Filings, call: Call) -> int:
    if call.params["filer"] != desk.party:
        raise Refused(
            Reason.FORBIDDEN,
            "only who files a thing moves it",
            where="filer",
            found=call.params["filer"],
            expected=desk.party,
        )
    return _serial(call)


def _serial(call: Call) -> int:
    return _number(call.params["serial"], "serial")


def _number(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Refused(Reason.UNKNOWN, "no such filing", where=where, found=text, expected="1, 2, 3, ...")
    return int(text)


def _ident(call: Call) -> bytes:
    try:
        return uuid.UUID(call.params["id"]).bytes
    except ValueError:
        raise Refused(Reason.UNKNOWN, "no such draft", where="id", found=call.params["id"]) from None


def _limit(call: Call) -> int:
    text = call.query.get("limit", "100")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _PAGE:
        raise FormatError("not a number of rows", where="query.limit", found=text, expected=f"1 to {_PAGE}")
    return int(text)


def _after(call: Call) -> tuple[str, int]:
    text = call.query.get("after")
    if text is None:
        return "", 0
    filer, _, serial = text.rpartition("/")
    if not serial.isascii() or not serial.isdigit() or len(serial) > 15:
        raise FormatError("not the next of a page", where="query.after", found=text, expected="filer/serial")
    return filer, int(serial)


def _yes(call: Call, name: str) -> bool:
    text = call.query.get(name, "false")
    if text not in {"true", "false"}:
        raise FormatError("neither true nor false", where=f"query.{name}", found=text)
    return text == "true"


def _word(call: Call, name: str, words: Sequence[str]) -> str:
    text = call.query.get(name, "")
    if text and text not in words:
        raise InputError("no such word", where=f"query.{name}", found=text, expected=", ".join(words))
    return text


# -- what goes back -----------------------------------------------------------------------------------------


def _page(held: Sequence[Held], now_us: int, following: str | None = None) -> FilingsOut:
    sites = any(each.filing.kind == FilingClass.SITE.value for each in held)
    return FilingsOut(
        filings=[_filing(each, now_us) for each in held],
        meaning=MEANING,
        warning=SENSITIVE if sites else None,
        next=following,
    )


def _filing(held: Held, now_us: int) -> FilingOut:
    row, version, check = held
    found = None if check is None else json.loads(check.findings)
    return FilingOut(
        id=f"{row.filer}/{row.serial}",
        filer=row.filer,
        serial=row.serial,
        kind=row.kind,
        data_mode=row.data_mode,
        state=row.state,
        version=row.version,
        name=row.name,
        opens=format_instant(row.opens_us),
        closes=None if row.closes_us == FOREVER else format_instant(row.closes_us),
        written=format_instant(row.written_us),
        here=_here(version),
        stale=stale(row, now_us),
        reconfirm_by=None if row.reconfirm_us is None else format_instant(row.reconfirm_us),
        found=None if check is None else check.found,
        notice=None if found is None else found.get("notice"),
        fault=version.fault,
    )


def _whole(whole: Whole, now_us: int) -> FilingOut:
    newest = next(each for each in whole.versions if each.version == whole.filing.version)
    checks = [each for each in whole.checks if each.version == newest.version]
    out = _filing(Held(whole.filing, newest, checks[-1] if checks else None), now_us)
    return msgspec.structs.replace(
        out,
        versions=[_version(each, whole) for each in whole.versions],
        moves=[
            MoveOut(
                move=each.move,
                state=each.state,
                version=each.version,
                at=format_instant(each.moved_us),
                leaf=each.leaf,
                by=each.by,
            )
            for each in whole.moves
        ],
        told=[
            ToldOut(party=each.party, version=each.version, message=each.message.hex(), over=each.over)
            for each in whole.told
        ],
        meaning=MEANING,
        warning=SENSITIVE if whole.filing.kind == FilingClass.SITE.value else None,
    )


def _version(row: kept.VersionRow, whole: Whole) -> VersionOut:
    wanted = next((each for each in whole.wanted if each.version == row.version), None)
    fetching = "" if wanted is None else f"tried {wanted.tries} times: {wanted.why or 'not yet'}"
    return VersionOut(
        version=row.version,
        sha256=row.sha256.hex(),
        written=format_instant(row.written_us),
        here=_here(row),
        serial=row.number,
        by=row.by,
        leaf=row.leaf,
        fault=row.fault,
        fetching=fetching,
        filing=msgspec.Raw(row.content) if row.readable and row.content is not None else None,
        notice=None if row.notice is None else msgspec.Raw(row.notice),
        checks=[
            CheckOut(
                checked=format_instant(each.checked_us),
                found=each.found,
                leaf=each.leaf,
                findings=msgspec.Raw(each.findings),
            )
            for each in whole.checks
            if each.version == row.version
        ],
    )


def _here(row: kept.VersionRow) -> str:
    if row.readable:
        return "filing"
    return "notice" if row.content is None else "bytes"


def _draft(row: kept.DraftRow) -> DraftOut:
    return DraftOut(
        id=str(uuid.UUID(bytes=row.id)),
        by=row.by,
        written=format_instant(row.written_us),
        filing=msgspec.Raw(row.content),
    )
