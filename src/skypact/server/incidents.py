"""The incidents of a party, served: ``/api/v1/incidents``, and what its record says for them.

Law: a token with the scope ``skypact.people`` says who asks; what he may is his account's. Whoever reads here
reads incidents; who investigates writes them, takes others' files, and has the record extracted. A line is
written for this party by the post of the account's role; there is no member for another's name. What was
written is never changed or removed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType, structs

from skypact.desk.accounts import SCOPE
from skypact.errors import InputError, Reason, Refused
from skypact.formats.incident_html import page
from skypact.formats.incident_record import write_record
from skypact.instants import format_instant, parse_instant
from skypact.server.operation import Answer, Call, Door, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.airspace.labels import DataMode
    from skypact.desk.incidents import Held, Incidents
    from skypact.store.incidents import IncidentRow

_PATH: Final = "/api/v1/incidents"
_ONE: Final = f"{_PATH}/{{name}}"
_TEXT: Final = "text/plain; charset=utf-8"
_LINES: Final = "application/jsonl"
_DOOR: Final = Door(SCOPE, "Incidents")


class IncidentIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """An incident to be opened; ``parties`` are those whose accounts have a column: ids and names."""

    name: str
    title: str
    parties: dict[str, str]
    window: str | UnsetType = UNSET
    area: str | UnsetType = UNSET
    instruments: list[str] | UnsetType = UNSET


class EntriesIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Entries to be added, all or none: objects with their kind as ``entry`` (``docs/incidents.md``)."""

    entries: list[dict[str, Any]]


class WithdrawalIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which account this party takes back, and why; both stay visible."""

    account: str
    why: str


class AssessmentIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody concludes."""

    author: str
    method: str
    degree: Literal["A", "B", "C", "D", "E"]
    finding: str
    claims: list[str] | UnsetType = UNSET
    dissent: str | UnsetType = UNSET


class FileIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Another's file of an incident, and the file of its signatures."""

    file: str
    signatures: str = ""


class IncidentOut(Struct, kw_only=True):
    """An incident as its last line leaves it; ``head`` is that line's SHA-256, which names all of them."""

    name: str
    title: str
    status: str
    entries: int
    head: str
    opened: str
    changed: str


class IncidentsOut(Struct, kw_only=True):
    """All incidents, the last changed first."""

    incidents: list[IncidentOut]


class LineOut(Struct, kw_only=True):
    """A line: as it was written, by which account, or taken by it; its leaf; whether its party signed it.

    ``signed`` is null where this node has no pact of the incident's data mode to say whose keys are whose.
    """

    n: int
    line: dict[str, Any]
    sha256: str
    way: str
    account: str
    written: str
    leaf: int
    signed: str | None


class CopyOut(Struct, kw_only=True):
    """Another's file that went on otherwise than ours, from a line on, counted from 0."""

    head: str
    entries: int
    parted: int
    account: str
    arrived: str
    leaf: int


class WholeOut(IncidentOut, kw_only=True):
    """An incident with its lines, and with others' files of it that went on otherwise."""

    lines: list[LineOut]
    copies: list[CopyOut]


class TakenOut(Struct, kw_only=True):
    """What came of another's file; of ``beside``, ``lines`` is from which line on it went on otherwise."""

    what: Literal["new", "extended", "known", "beside"]
    lines: int
    incident: IncidentOut


def operations(incidents: Incidents, mode: DataMode) -> tuple[Operation, ...]:
    """The operations on incidents."""

    async def listed(call: Call) -> Answer:
        rows = await incidents.listed(call.party)
        return Answer(body=IncidentsOut(incidents=[_row_out(row) for row in rows]))

    async def new(call: Call) -> Answer:
        said = _said(call.body)
        return Answer(201, _whole(await incidents.new(call.party, said, call.now_us)))

    async def get(call: Call) -> Answer:
        return Answer(body=_whole(await incidents.get(call.party, call.params["name"], call.now_us)))

    async def add(call: Call) -> Answer:
        body: EntriesIn = call.body
        entries = []
        for at, each in enumerate(body.entries):
            kind = each.get("entry")
            if not isinstance(kind, str):
                raise InputError("an entry without a kind", where=f"entries[{at}].entry", found=kind)
            entries.append((kind, {name: value for name, value in each.items() if name != "entry"}))
        return await written(call, entries)

    async def withdraw(call: Call) -> Answer:
        return await written(call, [("withdrawal", _said(call.body))])

    async def assess(call: Call) -> Answer:
        return await written(call, [("assessment", _said(call.body))])

    async def written(call: Call, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> Answer:
        held = await incidents.add(call.party, call.params["name"], entries, call.now_us)
        return Answer(201, _whole(held))

    async def take(call: Call) -> Answer:
        body: FileIn = call.body
        try:
            beside = body.signatures.encode("ascii")
        except UnicodeEncodeError:
            raise InputError("not ASCII", where="signatures", expected="signatures of an incident") from None
        found = await incidents.take(call.party, body.file.encode(), beside, call.now_us)
        return Answer(body=TakenOut(what=found.what, lines=found.lines, incident=_row_out(found.held.row)))

    async def report(call: Call) -> Answer:
        how = call.query.get("format", "json")
        if how not in {"json", "html"}:
            raise InputError("no format of a report", where="format", found=how, expected="json or html")
        event = call.query.get("event", "")
        found = await incidents.report(call.party, call.params["name"], event, call.now_us)
        if how == "json":
            return Answer(body=found.data)
        made = page(found.held.kept, found.books, found.data)
        return Answer(body=made, media_type="text/html; charset=utf-8")

    async def file(call: Call) -> Answer:
        held = await incidents.get(call.party, call.params["name"], call.now_us)
        return Answer(body=held.kept.data, media_type=_LINES)

    async def signatures(call: Call) -> Answer:
        held = await incidents.get(call.party, call.params["name"], call.now_us)
        return Answer(body=held.signatures, media_type=_TEXT)

    async def copy(call: Call) -> Answer:
        held = await incidents.get(call.party, call.params["name"], call.now_us)
        found = next((each for each in held.copies if each.head.hex() == call.params["head"]), None)
        if found is None:
            raise Refused(Reason.UNKNOWN, "no such file beside it", where="head", found=call.params["head"])
        body = FileIn(file=found.data.decode(), signatures=found.signatures.decode("ascii"))
        return Answer(body=body)

    async def extract(call: Call) -> Answer:
        since_us = parse_instant(call.query["since"], where="since") if "since" in call.query else 0
        until_us = call.now_us
        if "until" in call.query:
            until_us = parse_instant(call.query["until"], where="until")
        found = await incidents.extract(call.party, call.now_us, since_us, until_us)
        return Answer(body={"extract": write_record(found.book, mode), "left_out": list(found.left_out)})

    unknown = {404: "There is no such incident."}
    conflict = {409: "The incident does not allow it.", 412: "It is closed."}
    return (
        _DOOR.row("listIncidents", "GET", _PATH, listed, "All incidents", answer=IncidentsOut),
        _DOOR.row(
            "newIncident",
            "POST",
            _PATH,
            new,
            "Open an incident",
            body=IncidentIn,
            answer=WholeOut,
            statuses={201: "Opened.", 409: "There is one of that name."},
        ),
        _DOOR.row("getIncident", "GET", _ONE, get, "One, with its lines", answer=WholeOut, statuses=unknown),
        _DOOR.row(
            "addToIncident",
            "POST",
            f"{_ONE}/entries",
            add,
            "Add entries, all or none",
            body=EntriesIn,
            answer=WholeOut,
            statuses={201: "Written.", **unknown, **conflict},
        ),
        _DOOR.row(
            "withdrawAccount",
            "POST",
            f"{_ONE}/withdrawals",
            withdraw,
            "Withdraw an account of this party; it stays visible",
            body=WithdrawalIn,
            answer=WholeOut,
            statuses={201: "Written.", **unknown, **conflict},
        ),
        _DOOR.row(
            "assessIncident",
            "POST",
            f"{_ONE}/assessments",
            assess,
            "Add an assessment",
            body=AssessmentIn,
            answer=WholeOut,
            statuses={201: "Written.", **unknown, **conflict},
        ),
        _DOOR.row(
            "takeIncident",
            "POST",
            "/api/v1/incident-files",
            take,
            "Take another's file of an incident, with its signatures",
            body=FileIn,
            answer=TakenOut,
            statuses={200: "Taken, known, or kept beside.", 429: "So many that differ are here already."},
        ),
        _DOOR.row(
            "reportIncident",
            "GET",
            f"{_ONE}/report",
            report,
            "The report, beside this party's own record",
            statuses=unknown,
            query={
                "format": "json, or html: one page that opens offline.",
                "event": "When the event was; what *before* is counted from.",
            },
        ),
        _DOOR.row(
            "getIncidentFile", "GET", f"{_ONE}/file", file, "The incident as its file", statuses=unknown
        ),
        _DOOR.row(
            "getIncidentSignatures",
            "GET",
            f"{_ONE}/signatures",
            signatures,
            "The file of its signatures",
            statuses=unknown,
        ),
        _DOOR.row(
            "getIncidentCopy",
            "GET",
            f"{_ONE}/copies/{{head}}",
            copy,
            "Another's file of it that went on otherwise",
            answer=FileIn,
            statuses={404: "There is no such incident, or no such file."},
        ),
        _DOOR.row(
            "extractRecord",
            "GET",
            "/api/v1/record-extract",
            extract,
            "What this party's record says of its hotline, each leaf proven",
            query={"since": "Of what was written here after this instant.", "until": "And not after this."},
        ),
    )


def _said(body: Struct) -> dict[str, Any]:
    """The members of a body that were said."""
    return {name: value for name, value in structs.asdict(body).items() if value is not UNSET}


def _row_out(row: IncidentRow) -> IncidentOut:
    return IncidentOut(**_told(row))


def _told(row: IncidentRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "status": row.status,
        "entries": row.entries,
        "head": row.head.hex(),
        "opened": format_instant(row.opened_us),
        "changed": format_instant(row.changed_us),
    }


def _whole(held: Held) -> WholeOut:
    marks = None if held.standing is None else held.standing.marks
    lines = [
        LineOut(
            n=each.number,
            line=json.loads(each.line),
            sha256=held.kept.digests[each.number],
            way=each.way,
            account=each.account,
            written=format_instant(each.written_us),
            leaf=each.leaf,
            signed=None if marks is None else marks[each.number].value,
        )
        for each in held.entries
    ]
    copies = [
        CopyOut(
            head=each.head.hex(),
            entries=each.entries,
            parted=each.parted,
            account=each.account,
            arrived=format_instant(each.arrived_us),
            leaf=each.leaf,
        )
        for each in held.copies
    ]
    return WholeOut(**_told(held.row), lines=lines, copies=copies)
