"""What a party's ledger says of its hotline, as a logbook for incidents: from a node's store, or an export.

Law: **nothing is taken into a logbook but what was signed by its sender and is proven to be in the ledger.**
Each message that is used is a leaf whose inclusion under a signed checkpoint was verified, and whose
signature fits a key that the pact gave to its sender. What cannot be shown so is left out, and told. An
export is read with the keys that are given, without a network and without a database; whose ledger it is
follows from the messages in it.

That a log contradicted itself is said to be proven where its own key signed two roots for one size, and that
key was given; a record that says so without it is told as saying so.

Known limits: from an export, when a message came is known by the receipt that its machine gave, or else only
as before whatever its holder said next. Tracks are no part of the ledger; they are files beside.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from skypact.desk.archive import CHECKPOINT, contents, subtrees
from skypact.desk.witness import FORK
from skypact.errors import FormatError, InputError, Refused
from skypact.exchange.hotline.messages import Kind
from skypact.formats.hotline_jws import carried, read_envelope, verified
from skypact.formats.pact_toml import read_pact
from skypact.incident.correspondence import Taken, correspondence
from skypact.incident.logbook import Clock, Logbook
from skypact.instants import SECOND_US, format_instant
from skypact.record import checkpoint as checkpoints
from skypact.record import note as notes
from skypact.record import tree
from skypact.record.checkpoint import Policy
from skypact.record.receipt import Leaf, Receipt
from skypact.store import hotline as kept
from skypact.store import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from skypact.desk.record import Record
    from skypact.pact.agreement import Pact
    from skypact.record.checkpoint import Trusted
    from skypact.record.note import VerifierKey
    from skypact.store import Store, Tx

SENT: Final = "hotline.sent"
RECEIVED: Final = "hotline.received"
MANY: Final = 20_000
"""So many messages are taken into one extract, at most."""
_SHORT: Final = 16
"""So many hexadecimal digits of a root are shown."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What a ledger says.

    Attributes
    ----------
    book
        Its messages and stances.
    left_out
        What is in the ledger and was not used, and why.
    """

    book: Logbook
    left_out: tuple[str, ...]


class _Leaf(NamedTuple):
    """A message as it lies in a ledger.

    The place, the signed text, when it came (None: not known), the proof in words; and where the place alone
    says so, no later than when it came: a later leaf is of something that the holder said then.
    """

    position: int
    text: str
    arrived_us: int | None
    proof: str
    by_us: int | None = None


async def of_node(
    store: Store,
    record: Record,
    party: str,
    now_us: int,
    *,
    since_us: int = 0,
    until_us: int | None = None,
    logs: Sequence[VerifierKey] = (),
) -> Extract:
    """What this party's own record says of its hotline.

    Parameters
    ----------
    since_us, until_us
        Messages that came, or were said here, after the one and not after the other.
    logs
        Keys of others' logs that may have contradicted themselves.

    Raises
    ------
    InputError
        A row is not what its leaf in the ledger says.
    Refused
        As :meth:`Record.prove <skypact.desk.record.Record.prove>` raises it.
    """
    last_us = now_us if until_us is None else until_us

    def work(tx: Tx) -> tuple[list[kept.MessageRow], dict[str, Pact], list[ledger.LeafRow], dict[str, Clock]]:
        rows = [row for row in kept.arrived(tx, since_us, MANY) if row.arrived_us <= last_us]
        found = {each.digest: _pact(each.text, each.name) for each in kept.editions(tx)}
        clocks: dict[str, Clock] = {}
        for other in {row.recipient for row in rows} - {party}:
            for each in kept.clocks(tx, other, since_us, last_us):
                clocks[bytes(each.message).hex()] = Clock(each.offset_us, each.bound_us)
        return rows, found, _forks(tx), clocks

    rows, pacts, forks, clocks = await store.read(work)
    leaves: list[_Leaf] = []
    left_out: list[str] = []
    trusted: Trusted | None = None
    policy = Policy(await record.log_key())
    for row in rows:
        if (
            row.state == "refused" or row.carrier
        ):  # what was carried is opened from the message that brought it
            continue
        receipt = await record.prove(row.leaf, now_us, content=False)
        proven = receipt.verify(policy)
        said = proven.statement
        if isinstance(said, Leaf) and said.digest != _digest(row.envelope):
            raise InputError(
                "a message that is not what the ledger says", where=f"leaf {row.leaf}", found=row.id.hex()
            )
        if trusted is None or proven.trusted.checkpoint.size > trusted.checkpoint.size:
            trusted = proven.trusted
        size = proven.trusted.checkpoint.size
        leaves.append(_Leaf(row.leaf, row.envelope, row.arrived_us, f"leaf {row.leaf} of {size}, proven"))
    told = [fork_words(row.content, row.position, logs) for row in forks if row.content is not None]
    return _extract(party, leaves, pacts, left_out, trusted, told, clocks)


def of_export(
    folder: Path,
    bodies: Path,
    policy: Policy,
    pacts: Mapping[str, Pact],
    *,
    logs: Sequence[VerifierKey] = (),
    tell: Callable[[str], None],
) -> Extract:
    """What an export of a ledger says of its party's hotline.

    Parameters
    ----------
    folder, bodies
        The export, and its contents (``skypact record export DIR --bodies FILE``).
    policy
        The log's key, and the witnesses that have to have cosigned.
    pacts
        The texts that messages may have been said under, by their digests.
    logs
        Keys of others' logs that may have contradicted themselves.
    tell
        Told where the work stands, for a person who waits.

    Raises
    ------
    InputError
        The folder is no export of this log, a leaf that is used is not in it, or whose ledger it is cannot
        be told from its messages.
    """
    place = folder / CHECKPOINT
    size, tiles = subtrees(folder, policy)
    note = notes.parse(place.read_bytes(), where=str(place))
    trusted = policy.trust(note, where=str(place))
    leaves: list[_Leaf] = []
    left_out: list[str] = []
    told: list[str] = []
    holders: dict[str, int] = {}
    for each in contents(bodies):
        where = f"leaf {each.position}"
        if each.position % 10_000 == 0:
            tell(f"reading: {each.position} of {size} leaves")
        if each.erased:
            left_out.append(f"{where}: erased; what it was is not known any more")
            continue
        if each.kind not in {SENT, RECEIVED, FORK}:
            continue
        leaf = Leaf.of(each.kind, each.ref, each.salt, each.content)
        path = tuple(tree.inclusion(each.position, size, tiles)) if each.position < size else ()
        Receipt(leaf, each.position, path, note).verify(policy, where=f"{bodies}: {where}")
        if each.kind == FORK:
            told.append(fork_words(each.content, each.position, logs))
            continue
        text = each.content.decode("ascii", errors="replace")
        leaves.append(_Leaf(each.position, text, None, f"{where} of {size}, proven"))
        holder = _holder(text, each.kind)
        if holder:
            holders.setdefault(holder, each.position)
    if len(holders) != 1:
        raise InputError(
            "whose ledger it is cannot be told from its messages",
            where=str(bodies),
            found=", ".join(f"{name} (leaf {at})" for name, at in holders.items()) or "no message",
            expected="messages that one party has said or received",
        )
    holder = next(iter(holders))
    return _extract(holder, _dated(leaves, holder), pacts, left_out, trusted, told, {})


def fork_words(content: bytes, position: int, logs: Sequence[VerifierKey]) -> str:
    """What a leaf with two checkpoints of one log shows, in words.

    Parameters
    ----------
    logs
        The keys with which such a log may have signed them.
    """
    said = f"leaf {position} says that a log has contradicted itself"
    try:
        told = json.loads(content)
        pair = [notes.parse(told[name].encode(), where=name) for name in ("one", "other")]
        one, other = (checkpoints.parse(each.text) for each in pair)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError):
        return f"{said}, and cannot be read"
    known = [notes.VerifierKey(one.origin, log.kind, log.key) for log in logs]
    try:
        signed = [{each.key.text for each in notes.opened(each, known).signed} for each in pair]
    except FormatError as error:
        return f"{said}, and shows nothing: {error}"
    if (one.origin, one.size) != (other.origin, other.size) or one.root == other.root:
        return f"{said}, and shows nothing: its two checkpoints are not of one size with two roots"
    roots = f"{one.root.hex()[:_SHORT]}… and {other.root.hex()[:_SHORT]}…"
    if not signed[0] & signed[1]:
        return (
            f"{said} ({one.origin}, {one.size} leaves, {roots}); not verified: no key of that log was given"
        )
    return (
        f"Proven: the log {one.origin} signed two roots for one size of {one.size} leaves, {roots}; "
        f"leaf {position} has both checkpoints"
    )


def _dated(leaves: Sequence[_Leaf], holder: str) -> list[_Leaf]:
    """The same, each with the instant of what the holder said next: a ledger is in the order of writing."""
    by_us: int | None = None
    found = []
    for leaf in reversed(leaves):
        found.append(leaf._replace(by_us=by_us))
        try:
            message = read_envelope(leaf.text).message
        except FormatError:
            continue
        if message.sender == holder:
            by_us = message.said_us if by_us is None else min(by_us, message.said_us)
    return found[::-1]


def _extract(
    holder: str,
    leaves: Iterable[_Leaf],
    pacts: Mapping[str, Pact],
    left_out: list[str],
    trusted: Trusted | None,
    forks: Sequence[str],
    clocks: Mapping[str, Clock],
) -> Extract:
    taken: list[Taken] = []
    for leaf in leaves:
        try:
            taken += _taken(leaf, pacts)
        except (InputError, Refused) as error:
            left_out.append(f"leaf {leaf.position}: {error}")
    messages, positions = correspondence(holder, taken, measured=clocks)
    words = "" if trusted is None else _ledger_words(trusted)
    return Extract(Logbook(holder, messages, positions, ledger=words, forks=tuple(forks)), tuple(left_out))


def _taken(leaf: _Leaf, pacts: Mapping[str, Pact]) -> list[Taken]:
    """The message of a leaf, and the one that it carries, each said by whom it says."""
    envelope = read_envelope(leaf.text)
    digest = envelope.message.pact
    if digest not in pacts:
        raise InputError(
            "said under a pact whose text is not at hand",
            where=f"{envelope.message.kind.value} {envelope.message.serial} of {envelope.message.sender}",
            found=digest,
            expected=", ".join(pacts) or "a pact",
        )
    message = verified(envelope, pacts[digest], digest)
    found = [Taken(message, leaf.arrived_us, leaf.proof, leaf.by_us)]
    if message.kind is Kind.FORWARD:
        inner = carried(message)
        if pacts[digest].party(inner.message.sender) is not None:
            said = verified(inner, pacts[digest], digest)
            found.append(Taken(said, leaf.arrived_us, leaf.proof, leaf.by_us))
    return found


def _holder(text: str, kind: str) -> str:
    """Whose ledger has such a leaf; "" where the message cannot be read."""
    try:
        message = read_envelope(text).message
    except FormatError:
        return ""
    return message.sender if kind == SENT else message.to


def _ledger_words(trusted: Trusted) -> str:
    head = trusted.checkpoint
    seen = ", ".join(
        f"{each.key.name} at {format_instant((each.time_s or 0) * SECOND_US)}" for each in trusted.witnesses
    )
    by = f"cosigned by {seen}" if seen else "cosigned by no witness that was asked for"
    return f"log {head.origin}, {head.size} leaves, root {head.root.hex()[:_SHORT]}…; {by}"


def _forks(tx: Tx) -> list[ledger.LeafRow]:
    return [row for at in ledger.forks(tx) for row in ledger.leaves(tx, at, at + 1)]


def _pact(text: bytes, name: str) -> Pact:
    found = read_pact(text, name).pact
    assert found is not None  # noqa: S101  # it was read before it was kept
    return found


def _digest(envelope: str) -> bytes:
    return hashlib.sha256(envelope.encode()).digest()
