"""The record, served: the log's static files, and the door of a witness.

Law: what is served here says nothing but how much was recorded (:mod:`skypact.record.ledger`), so that nobody
is asked for a token; neither a log's readers nor other logs have one. A tile or a bundle that was given never
changes. What a witness answers is :data:`skypact.record.witness.STATUS`; what cannot be read is 400.

Source: C2SP tlog-tiles, tlog-witness v1.0.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, Reason, Refused
from skypact.record.tiles import tile_of
from skypact.server.operation import Answer, Call, Operation, Style

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from skypact.desk.record import Record
    from skypact.desk.witness import Witness

PREFIX: Final = "/record"
WITNESS: Final = f"{PREFIX}/witness"

_TEXT: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"
_FRESH: Final = {"cache-control": "max-age=1"}
_FOR_EVER: Final = {"cache-control": "max-age=31536000, immutable"}
_PARTS: Final = range(1, 8)
"""How many parts the name of a tile can have behind its level."""


def operations(record: Record, witness: Witness) -> tuple[Operation, ...]:
    """Every operation of the record."""

    async def checkpoint(_call: Call) -> Answer:
        row = await record.last()
        if row is None:
            raise Refused(Reason.UNKNOWN, "nothing has been signed yet")
        return Answer(body=row.note, headers=_FRESH, media_type=_TEXT)

    async def tile(call: Call) -> Answer:
        parts = (call.params["level"], *(call.params[name] for name in _names(len(call.params) - 1)))
        try:
            named = tile_of("/".join(("tile", *parts)))
        except FormatError as error:
            raise Refused(Reason.UNKNOWN, str(error)) from None
        data = await record.tile(named)
        if data is None:
            raise Refused(Reason.UNKNOWN, "no such tile in the last checkpoint", where=named.path)
        return Answer(body=data, headers=_FOR_EVER, media_type=_BYTES)

    async def add(call: Call) -> Answer:
        said = await witness.add_checkpoint(call.raw, call.now_us)
        return Answer(said.status, said.body, media_type=said.media_type)

    async def held(call: Call) -> Answer:
        found = await witness.holds(call.query["origin"])
        if found is None:
            raise Refused(Reason.UNKNOWN, "nothing of this log was cosigned here", where="origin")
        return Answer(body=found, headers=_FRESH, media_type=_TEXT)

    async def keys(_call: Call) -> Answer:
        lines = f"{(await record.log_key()).text}\n{(await witness.witness_key()).text}\n"
        return Answer(body=lines.encode(), headers=_FRESH, media_type=_TEXT)

    return (
        _row("recordKeys", "/keys", keys, "The keys of this log and of this witness, a line each"),
        _row("recordCheckpoint", "/checkpoint", checkpoint, "The last checkpoint, with its cosignatures"),
        *(
            _row(
                f"recordTile{count}",
                "/tile/{level}/" + "/".join(f"{{{name}}}" for name in _names(count)),
                tile,
                "Hashes of the tree, or entries, as C2SP tlog-tiles names them",
            )
            for count in _PARTS
        ),
        _row(
            "recordWitnessed",
            "/witness/checkpoint",
            held,
            "The last checkpoint of a log that was cosigned here",
            query={"origin*": "The log's origin."},
        ),
        Operation(
            "recordAddCheckpoint",
            "POST",
            f"{WITNESS}/add-checkpoint",
            (),
            add,
            body=bytes,
            style=Style.PROBLEM,
            summary="Have a checkpoint cosigned (C2SP tlog-witness)",
            tag="Record",
            statuses={
                403: "It is not signed with a key of that log.",
                404: "Nobody asked this witness to look at that log.",
                409: "Another size was cosigned last (the body has it), or another root of this size.",
                422: "The proof does not show growth from what was cosigned last.",
            },
            quiet=True,
        ),
    )


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"part{at}" for at in range(count))


def _row(
    name: str,
    path: str,
    handle: Callable[[Call], Awaitable[Answer]],
    summary: str,
    *,
    query: Mapping[str, str] | None = None,
) -> Operation:
    return Operation(
        name,
        "GET",
        f"{PREFIX}{path}",
        (),
        handle,
        style=Style.PROBLEM,
        summary=summary,
        tag="Record",
        statuses={404: "There is none."},
        query=query or {},
        quiet=True,
    )
