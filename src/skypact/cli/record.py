"""``skypact record``: this party's ledger, proven to others; and what others prove, verified by anybody.

Law: what is verified is verified with the keys that are given, from the files that are given; no network, and
for a receipt or a folder no database and no configuration. That something was recorded is never said to mean
that it is true, and a proof that is missing is never said to be one of guilt. What cannot be taken back
(``erase``) asks for a reason.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skypact.cli import FOUND, OK, complain, visible
from skypact.cli.parsing import Parser
from skypact.cli.up import places, told
from skypact.errors import InputError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from skypact.cli.progress import Progress
    from skypact.desk.record import AsOf, Record
    from skypact.record.checkpoint import Policy, Trusted
    from skypact.record.receipt import Proven
    from skypact.store import Store

UNPROVEN: Final = 3
"""Of ``compare``: nobody has shown that one grew into the other, which says nothing against the log."""
FILE_BYTES: Final = 40 * 1024 * 1024
"""Larger files are no receipts or checkpoints."""

ACTIONS: Final = {
    "key": (0, 0),
    "witness-key": (0, 0),
    "export": (1, 1),
    "prove": (1, 1),
    "verify": (0, 1),
    "compare": (2, 2),
    "as-of": (1, 1),
    "erase": (1, 1),
}
"""What there is to do, and how few and how many arguments each takes."""
_OPTIONS: Final = {
    "key": ("verify", "compare"),
    "witness": ("verify", "compare"),
    "quorum": ("verify", "compare"),
    "bodies": ("export", "verify"),
    "output": ("prove", "verify"),
    "without_content": ("prove",),
    "tiles": ("compare",),
    "reason": ("erase",),
    "json": ("verify", "compare", "as-of"),
}
"""Which options belong to which actions."""

_DESCRIPTION = """\
This party's ledger: proven to others, and verified by anybody.

  key               print the key that others verify this ledger with
  witness-key       print the key that this party cosigns others' ledgers with
  export DIR        write the ledger as static files that prove it and say
                    nothing (C2SP tlog-tiles), or add to them what came
  prove ID          write a receipt of a leaf, by its position or reference
  verify            compute this ledger anew, with all checkpoints
  verify FILE|DIR   verify a receipt or an export: no database, no network
  compare ONE OTHER how two checkpoints or receipts stand to each other
  as-of TIME        what this party had on record at an instant
  erase POSITION    forget a leaf's content and salt; proofs still stand"""
_EPILOG = """\
Exit status: 0 done, proven or sound; 1 'verify' found it not to be so, or
'compare' found a log that contradicts itself; 2 bad usage, or a file or
database that cannot be used; 3 'compare' found nothing proven."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact record``."""
    p = Parser("record", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=tuple(ACTIONS), help="one of the above")
    p.add_argument("what", metavar="ARGUMENT", nargs="*", help="as above")
    p.add_argument(
        "--key",
        metavar="VKEY",
        action="append",
        default=[],
        help="of verify and compare: the log's key, as it was handed on; to verify "
        "this ledger, keys that it had before",
    )
    p.add_argument(
        "--witness", metavar="VKEY", action="append", default=[], help="a witness's key; as many as there are"
    )
    p.add_argument("--quorum", metavar="K", type=int, help="how many witnesses have to have cosigned (all)")
    p.add_argument(
        "--bodies", metavar="FILE", type=Path, help="contents, as JSON lines: to write, or to verify"
    )
    p.add_argument("--output", metavar="FILE", help="where the receipt goes, or a verified content (-)")
    p.add_argument(
        "--without-content", action="store_true", help="of prove: keep the content back, give its digest"
    )
    p.add_argument(
        "--tiles", metavar="DIR", type=Path, help="of compare: an export that has the proof between the two"
    )
    p.add_argument("--reason", metavar="TEXT", help="of erase: why; it stays on record")
    p.add_argument("--json", action="store_true", help="of verify, compare and as-of: print JSON")
    places(p)
    p.add_argument("--quiet", action="store_true", help="no progress, no summary")
    return p


def run(options: argparse.Namespace) -> int:
    """Do it."""
    few, most = ACTIONS[options.action]
    if not few <= len(options.what) <= most:
        raise UsageError(f"'skypact record {options.action}' takes {_counted(few, most)}")
    for name, actions in _OPTIONS.items():
        if getattr(options, name) and options.action not in actions:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is an option of {' and '.join(actions)}, not of '{options.action}'")
    return _DO[options.action](options)


def _counted(few: int, most: int) -> str:
    return {(0, 0): "no argument", (0, 1): "one argument at most", (2, 2): "two arguments"}.get(
        (few, most), "one argument"
    )


def _now_us() -> int:
    return time.time_ns() // 1_000  # the terminal is one of the places where the clock enters


def _on_record(options: argparse.Namespace, work: Callable[[Store, Record], Awaitable[Any]]) -> Any:
    """Do something with the record of the node that is meant."""
    import asyncio

    from skypact.desk.record import Record
    from skypact.node.keys import record_key
    from skypact.store import Store

    config = told(options, make=False)

    async def run() -> Any:
        key = record_key(config)
        store = await Store.open(config.store_url)
        try:
            return await work(store, Record(store, key, config.record.origin))
        finally:
            await store.close()

    return asyncio.run(run())


def _key(options: argparse.Namespace) -> int:
    async def work(_store: Store, record: Record) -> str:
        return (await record.log_key()).text

    _say([_on_record(options, work)])
    return OK


def _witness_key(options: argparse.Namespace) -> int:
    from skypact.desk.witness import Witness
    from skypact.node.keys import record_key

    config = told(options, make=False)

    async def work(store: Store, _record: Record) -> str:
        return (await Witness(store, record_key(config), name=config.record.origin).witness_key()).text

    _say([_on_record(options, work)])
    return OK


def _export(options: argparse.Namespace) -> int:
    from skypact.desk.archive import export
    from skypact.record.checkpoint import Policy

    folder = Path(options.what[0])
    if options.bodies is not None and folder.resolve() in options.bodies.resolve().parents:
        raise UsageError("--bodies: contents do not belong into a folder that is to be handed on")
    progress = _progress(options)

    async def work(store: Store, record: Record) -> list[str]:
        made = await record.checkpoint(_now_us())
        row = await record.last() or made  # with the cosignatures that there are
        key = await record.log_key()
        many = await export(store, row, folder, Policy(key), bodies=options.bodies, tell=progress.step)
        return [
            f"{folder}: {row.size} entries, {many} files written",
            f"root {row.root.hex()}",
            f"Verify with: skypact record verify {folder} --key {key.text}",
        ]

    lines = progress.run(lambda: _on_record(options, work))
    if not options.quiet:
        _say(lines)
    return OK


def _prove(options: argparse.Namespace) -> int:
    from skypact.cli.output import binary

    ident = options.what[0]

    async def work(_store: Store, record: Record) -> bytes:
        position = int(ident) if ident.isascii() and ident.isdecimal() else None
        if position is None:
            found = await record.about(ident)
            if len(found) != 1:
                listed = ", ".join(f"{at} ({kind})" for at, kind in found[:20])
                more = f" and {len(found) - 20} more" if len(found) > 20 else ""
                raise UsageError(
                    f"{ident!r}: {len(found)} leaves are about it; name one by its position: {listed}{more}"
                    if found
                    else f"{ident!r}: no leaf is about it"
                )
            position = found[0][0]
        receipt = await record.prove(position, _now_us(), content=not options.without_content)
        return receipt.encode()

    data = _progress(options).run(lambda: _on_record(options, work))
    with binary(None if options.output in {None, "-"} else Path(options.output)) as stream:
        stream.write(data)
    return OK


def _verify(options: argparse.Namespace) -> int:
    if not options.what:
        if options.witness or options.bodies or options.output:
            raise UsageError("--witness, --bodies and --output: to verify a FILE or a DIR")
        return _verify_database(options)
    if Path(options.what[0]).is_dir():
        return _verify_folder(options)
    return _verify_receipt(options)


def _verify_database(options: argparse.Namespace) -> int:
    from skypact.desk.audit import Audit, audit
    from skypact.record.note import verifier_key

    progress = _progress(options)
    before = [verifier_key(text, where="--key") for text in options.key]

    async def work(store: Store, record: Record) -> Audit:
        return await audit(store, [await record.log_key(), *before], progress.step)

    found: Audit = progress.run(lambda: _on_record(options, work))
    for fault in found.faults:
        complain(f"fault: {fault}")
    if found.untold:
        complain(f"fault: and {found.untold} more")
    _result(
        options,
        {
            "sound": not found.faults,
            "leaves": found.leaves,
            "erased": found.erased,
            "checkpoints": found.checkpoints,
            "cosignatures": found.cosignatures,
            "messages": found.messages,
            "root": found.root.hex(),
            "faults": found.faults,
        },
        [
            f"{found.leaves} leaves, {found.erased} erased; root {found.root.hex()}",
            f"{found.checkpoints} checkpoints, each of this tree and signed",
            f"{found.cosignatures} cosignatures of witnesses",
            f"{found.messages} messages of the hotline, each signed with its sender's key of the pact",
            "No fault was found.",
        ]
        if not found.faults
        else [f"{found.leaves} leaves, {found.checkpoints} checkpoints; faults above"],
    )
    return FOUND if found.faults else OK


def _verify_folder(options: argparse.Namespace) -> int:
    from skypact.desk.archive import verify

    folder, policy, progress = Path(options.what[0]), _policy(options), _progress(options)
    try:
        found = progress.run(lambda: verify(folder, policy, bodies=options.bodies, tell=progress.step))
    except InputError as error:
        return _unproven(options, error)
    lines = [
        f"Proven: all {found.trusted.checkpoint.size} entries and their tree are what the log signed.",
        *_signed(found.trusted),
    ]
    if options.bodies is not None:
        lines.append(f"contents  {found.bodies} are what the entries commit to; {found.erased} said erased")
    value = _json_trusted(found.trusted) | {"contents": found.bodies, "erased": found.erased}
    _result(options, {"proven": True} | value, lines)
    return OK


def _verify_receipt(options: argparse.Namespace) -> int:
    from skypact.cli.output import binary
    from skypact.record import receipt

    policy, (data,) = _policy(options), _files(options)
    try:
        found = receipt.parse(data, where=options.what[0]).verify(policy, where=options.what[0])
    except InputError as error:
        return _unproven(options, error)
    content = getattr(found.statement, "content", None)
    if options.output is not None:
        if content is None:
            raise UsageError("--output: there is no content in this receipt")
        with binary(None if options.output == "-" else Path(options.output)) as stream:
            stream.write(content)
        if options.output == "-":
            return OK
    _result(options, {"proven": True} | _json_proven(found), _proven(found))
    return OK


def _compare(options: argparse.Namespace) -> int:
    from skypact.record.checkpoint import Relation, relation

    policy = _policy(options)
    heads: list[Trusted] = []
    leaves: list[Proven] = []
    for name, data in zip(options.what, _files(options), strict=True):
        try:
            head, leaf = _head(data, policy, name)
        except InputError as error:
            raise error.at("not comparable") from None
        heads.append(head)
        leaves += [leaf] if leaf is not None else []
    path = None if options.tiles is None else _between(options.tiles, heads, policy)
    found = relation(heads[0], heads[1], path)
    if len(leaves) == 2 and leaves[0].contradicts(leaves[1]):
        found = Relation.FORKED
    sizes = [head.checkpoint.size for head in heads]
    text = {
        Relation.SAME: f"Same: one log at {sizes[0]} leaves.",
        Relation.GROWN: f"Grown: the tree of {max(sizes)} leaves begins with that of {min(sizes)}.",
        Relation.UNPROVEN: "Unproven: nothing shows that the one grew into the other. That is no proof "
        "against the log; ask it for one (--tiles).",
        Relation.FORKED: "Forked: the log signed both, and they contradict each other. These two files "
        "prove it to anybody who has its key.",
    }[found]
    _result(options, {"relation": found.value, "origin": policy.log.name, "sizes": sizes}, [text])
    return {Relation.FORKED: FOUND, Relation.UNPROVEN: UNPROVEN}.get(found, OK)


def _as_of(options: argparse.Namespace) -> int:
    from skypact.cli.record_words import message_of, words
    from skypact.instants import format_instant, parse_instant

    at_us = parse_instant(options.what[0], where="TIME")

    async def work(_store: Store, record: Record) -> AsOf:
        return await record.as_of(at_us)

    found: AsOf = _progress(options).run(lambda: _on_record(options, work))
    row = found.checkpoint
    said = (
        f"The checkpoint of {format_instant(row.made_us)} has {row.size} leaves, root {row.root.hex()}."
        if row is not None
        else "No checkpoint had been made."
    )
    until = "since" if found.next_us is None else f"by {format_instant(found.next_us)}, the next one"
    lines = [said, *([f"{found.later} more came {until}; when exactly is not known."] if found.later else [])]
    rows = [
        {
            "position": each.leaf.position,
            "kind": each.leaf.kind,
            "ref": each.leaf.ref,
            "recorded_by": format_instant(each.by_us),
            "says": words(each.leaf.kind, each.leaf.content),
            "message": message_of(each.leaf.kind, each.leaf.content),
            "content": _content(each.leaf.content),
        }
        for each in found.known
    ]
    for each in rows:
        gone = " (erased)" if each["content"] is None else ""
        lines.append(f"{each['position']:>8}  {each['recorded_by']}  {each['kind']}  {each['ref']}{gone}")
        lines += [f"          {each['says']}"] if each["says"] else []
    value = {
        "at": format_instant(at_us),
        "size": 0 if row is None else row.size,
        "root": None if row is None else row.root.hex(),
        "checkpoint": None if row is None else row.note.decode(),
        "later": found.later,
        "known": rows,
    }
    _result(options, value, lines)
    return OK


def _erase(options: argparse.Namespace) -> int:
    ident = options.what[0]
    if not (ident.isascii() and ident.isdecimal()):
        raise UsageError(f"{ident!r}: erase takes the position of a leaf; 'skypact record prove' lists them")
    if not options.reason:
        raise UsageError("'skypact record erase' needs a --reason: it cannot be taken back")

    async def work(_store: Store, record: Record) -> int:
        return await record.erase(int(ident), options.reason, _now_us())

    at = _progress(options).run(lambda: _on_record(options, work))
    if not options.quiet:
        _say(
            [
                f"leaf {ident}: content and salt are forgotten; its entry stays, and so do all proofs",
                f"leaf {at} says so. Backups, and the tables of what is valid now, may hold copies.",
            ]
        )
    return OK


_DO: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "key": _key,
    "witness-key": _witness_key,
    "export": _export,
    "prove": _prove,
    "verify": _verify,
    "compare": _compare,
    "as-of": _as_of,
    "erase": _erase,
}


def _policy(options: argparse.Namespace) -> Policy:
    """Whom the one at the terminal believes."""
    from skypact.record.checkpoint import Policy
    from skypact.record.note import verifier_key

    if len(options.key) != 1:
        raise UsageError(
            f"'skypact record {options.action}' needs the log's one --key ('skypact record key')"
        )
    witnesses = tuple(verifier_key(text, where="--witness") for text in options.witness)
    quorum = len(witnesses) if options.quorum is None else options.quorum
    return Policy(verifier_key(options.key[0], where="--key"), witnesses, quorum)


def _files(options: argparse.Namespace) -> list[bytes]:
    from skypact.formats.source import Source

    found: list[bytes] = []
    for name in options.what:
        with Source(Path(name)) as source:
            found.append(source.read_bytes(FILE_BYTES))
    return found


def _head(data: bytes, policy: Policy, where: str) -> tuple[Trusted, Proven | None]:
    """The checkpoint of a file, and the leaf where it is a receipt."""
    from skypact.record import note, receipt

    if data.startswith(receipt.FIRST.encode()):
        leaf = receipt.parse(data, where=where).verify(policy, where=where)
        return leaf.trusted, leaf
    return policy.trust(note.parse(data, where=where), where=where), None


def _between(folder: Path, heads: list[Trusted], policy: Policy) -> list[bytes]:
    """The consistency proof between two checkpoints, out of an export of the log."""
    from skypact.desk.archive import subtrees
    from skypact.record import tree

    old, new = sorted(head.checkpoint.size for head in heads)
    size, read = subtrees(folder, policy)
    if size < new:
        raise UsageError(f"--tiles {folder}: an export of {size} leaves; the larger of the two has {new}")
    return tree.consistency(old, new, read)


def _signed(trusted: Trusted) -> list[str]:
    from skypact.instants import SECOND_US, format_instant

    head = trusted.checkpoint
    lines = [f"log       {head.origin}, {head.size} leaves, root {head.root.hex()}"]
    lines += [
        f"witness   {each.key.name} at {format_instant((each.time_s or 0) * SECOND_US)}: recorded no later"
        for each in trusted.witnesses
    ]
    if not trusted.witnesses:
        lines.append("witness   none: that the log shows everybody the same is its own word")
    if trusted.others:
        lines.append(f"passed    signatures of {', '.join(trusted.others)}: no key was given")
    return lines


def _proven(found: Proven) -> list[str]:
    from skypact.record.receipt import Leaf

    said = found.statement
    lines = [f"Proven: this is leaf {found.index} of the log."]
    if isinstance(said, Leaf):
        size = "kept back" if said.content is None else f"{len(said.content)} bytes"
        lines += [f"kind      {said.kind}", f"about     {said.ref}"]
        lines.append(f"content   {size}, SHA-256 {said.digest.hex()}")
    else:
        lines.append("content   erased: that there was a leaf is all that can be shown")
    return [*lines, *_signed(found.trusted), "That it was recorded is proven; that it is true is not."]


def _json_trusted(trusted: Trusted) -> dict[str, Any]:
    from skypact.instants import SECOND_US, format_instant

    head = trusted.checkpoint
    return {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "witnesses": [
            {"name": each.key.name, "at": format_instant((each.time_s or 0) * SECOND_US)}
            for each in trusted.witnesses
        ],
        "passed_over": list(trusted.others),
    }


def _json_proven(found: Proven) -> dict[str, Any]:
    from skypact.record.receipt import Leaf

    value: dict[str, Any] = {"position": found.index, "erased": not isinstance(found.statement, Leaf)}
    if isinstance(found.statement, Leaf):
        said = found.statement
        value |= {"kind": said.kind, "ref": said.ref, "sha256": said.digest.hex()}
        value["content"] = _content(said.content)
    return value | _json_trusted(found.trusted)


def _content(content: bytes | None) -> Any:
    """A content as JSON: itself where it is JSON, else its text or base64."""
    import base64
    import json

    if content is None:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        pass
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def _unproven(options: argparse.Namespace, error: InputError) -> int:
    complain(f"not proven: {error}")
    if options.json:
        _result(options, {"proven": False, "why": str(error)}, [])
    return FOUND


def _result(options: argparse.Namespace, value: dict[str, Any], lines: list[str]) -> None:
    if options.json:
        import json

        _say(json.dumps(value, indent=2).splitlines())
    elif not options.quiet:
        _say(lines)


def _say(lines: list[str]) -> None:
    from skypact.cli.output import standard_output

    with standard_output():
        sys.stdout.writelines(f"{visible(line)}\n" for line in lines)


def _progress(options: argparse.Namespace) -> Progress:
    from skypact.cli.progress import Progress

    return Progress(quiet=options.quiet)
