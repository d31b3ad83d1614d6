"""The incidents that a party keeps: written by its people, taken from others' files, held against its record.

Law: **a line is kept as it was written or came, with what signs it, and is a leaf of the ledger in the
transaction that keeps it**; the leaf names the account of the person who did it. Nothing is changed or
removed. What is written here is written for this party, by the post of the account's role, and is signed with
the node's key where the pact gives that key to the party; else it is unsigned, and marked. So only this party
withdraws its own accounts here, and another's withdrawal is taken only as that one signed it.

Another's file of an incident is taken where it goes on from what is here: its further lines become ours, byte
by byte. Where it went on otherwise from some line on, it is kept whole beside ours, and nothing is mixed;
people see both. Lines in this party's own name that it did not sign are not taken.

A line is dated by this node's clock, and never before the line above it: after a line of a clock that is
ahead it has that one's instant. When it was written here, the row and the ledger say.

Every operation asks who acts inside its own transaction (:mod:`skypact.desk.accounts`).
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from skypact.desk.accounts import Act
from skypact.errors import InputError, ModeError, Reason, Refused
from skypact.formats.incident_file import Kept, kept_of, read_incident, started, what_of, written
from skypact.formats.incident_record import stances
from skypact.formats.incident_report import report
from skypact.formats.incident_signatures import read_signatures, write_signatures
from skypact.formats.jsonpath import Node
from skypact.incident import signatures as signing
from skypact.incident import values
from skypact.incident.entries import Entry, Opening, Withdrawal
from skypact.incident.signatures import Mark, Signature, Standing, signature_of
from skypact.seal import take_detached
from skypact.store import incidents as rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from skypact.airspace.labels import DataMode
    from skypact.desk.accounts import Accounts, Acting
    from skypact.desk.extract import Extract
    from skypact.pact.agreement import Pact
    from skypact.seal import SigningKey
    from skypact.store import Store, Tx
    from skypact.store.incidents import CopyRow, EntryRow, IncidentRow, SignatureRow

ENTRY: Final = "incident.entry"
SIGNATURE: Final = "incident.signature"
COPY: Final = "incident.copy"
"""The kinds of the leaves; their reference is the incident's name."""
COPIES_MAX: Final = 100
"""So many files that went on otherwise are kept of one incident, at most."""
_TRIES: Final = 5
"""So often is something written anew that another came before."""
_KNOWN_MAX: Final = 16
"""So many incidents are remembered as they were read."""


@dataclass(frozen=True, slots=True)
class Held:
    """An incident as it is kept here.

    Attributes
    ----------
    row, entries, signed, copies
        Its rows.
    kept
        The incident itself.
    standing
        What its signatures say; None: there is no pact to say whose keys are whose.
    """

    row: IncidentRow
    entries: tuple[EntryRow, ...]
    signed: tuple[SignatureRow, ...]
    copies: tuple[CopyRow, ...]
    kept: Kept
    standing: Standing | None

    @property
    def signatures(self) -> bytes:
        """What signs its lines, as the file beside an incident's file has it."""
        return write_signatures(signature_of(take_detached(each.text)) for each in self.signed)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of another's file.

    Attributes
    ----------
    what
        ``new``, ``extended``, ``known`` or ``beside``.
    lines
        How many lines were added; of ``beside``, from which line on (counted from 1) it went on otherwise.
    held
        The incident as it is kept now.
    """

    what: Literal["new", "extended", "known", "beside"]
    lines: int
    held: Held


class Incidents:
    """The incidents of one party.

    Parameters
    ----------
    accounts
        The party's people, and so the party.
    mode
        The data mode of the node: an incident of another one is refused.
    key
        What lines that are written here are signed with.
    pact
        The pact that holds at an instant; None where none does.
    extract
        What this party's record says of the hotline: now, of what was written from an instant on, until one.
    """

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        mode: DataMode,
        key: SigningKey,
        *,
        pact: Callable[[int], Pact | None],
        extract: Callable[[int, int, int], Awaitable[Extract]],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._mode = mode
        self._key = key
        self._pact = pact
        self._extract = extract
        self._known: dict[str, Kept] = {}

    # -- what there is --------------------------------------------------------------------------------------

    async def listed(self, by: str) -> list[IncidentRow]:
        """All incidents, the last changed first.

        Raises
        ------
        Refused
            FORBIDDEN: ``by`` has no account that reads.
        """

        def work(tx: Tx) -> list[IncidentRow]:
            self._accounts.acting_in(tx, by).demand(Act.READ)
            return rows.every(tx)

        return await self._store.read(work)

    async def get(self, by: str, name: str, now_us: int) -> Held:
        """One incident.

        Raises
        ------
        Refused
            UNKNOWN: there is none of that name. FORBIDDEN: ``by`` has no account that reads.
        """
        return await self._held(by, Act.READ, name, now_us)

    async def report(self, by: str, name: str, event: str, now_us: int) -> Report:
        """An incident beside this party's own record.

        Parameters
        ----------
        event
            When the event was, that *before* is counted from; "" where that is not settled.

        Raises
        ------
        Refused
            As :meth:`get`.
        InputError
            The event's time is none.
        """
        when = values.period(event, where="event") if event else None
        held = await self._held(by, Act.READ, name, now_us)
        found = await self._extract(now_us, 0, now_us)
        pact = self._pact(now_us)
        book = replace(found.book, event=when)
        if pact is not None:
            book = replace(book, positions=(*stances(pact), *book.positions), zones=pact.zones_in_force())
        data = await asyncio.to_thread(report, held.kept, [book], held.standing)
        return Report(held, (book,), data)

    async def extract(self, by: str, now_us: int, since_us: int, until_us: int) -> Extract:
        """What this party's record says of the hotline.

        Parameters
        ----------
        since_us, until_us
            Of what was written here after the one, and not after the other.

        Raises
        ------
        Refused
            FORBIDDEN: ``by`` may not investigate.
        """
        await self._store.read(lambda tx: self._accounts.acting_in(tx, by).demand(Act.INVESTIGATE))
        return await self._extract(now_us, since_us, until_us)

    # -- what is written ------------------------------------------------------------------------------------

    async def new(self, by: str, said: Mapping[str, Any], now_us: int) -> Held:
        """Open an incident.

        Parameters
        ----------
        by
            Who does: the ``sub`` of his token.
        said
            The members of its first entry, as JSON has them; its data mode is the node's.

        Raises
        ------
        InputError
            They are none; the member is named.
        ModeError
            It names another data mode.
        Refused
            CONFLICT: there is one of that name. FORBIDDEN: ``by`` may not.
        """
        whole = {"data_mode": self._mode.value, **said}
        what = what_of(Node(whole, ""), Opening.kind)
        assert isinstance(what, Opening)  # noqa: S101  # its kind says so
        self._same_mode(what)

        def work(tx: Tx) -> None:
            acting = self._investigates(tx, by)
            if rows.one(tx, what.name) is not None:
                raise Refused(Reason.CONFLICT, "there is one of that name", where="name", found=what.name)
            kept = started(Entry(now_us, self._accounts.party, acting.role.value, what))
            self._write(tx, None, kept, acting, now_us, "written", self._signed(kept, now_us))

        await self._store.write(work)
        return await self._held(by, Act.READ, what.name, now_us)

    async def add(
        self, by: str, name: str, entries: Sequence[tuple[str, Mapping[str, Any]]], now_us: int
    ) -> Held:
        """Add entries, all or none of them.

        Parameters
        ----------
        entries
            The kind of each, and its members as JSON has them.

        Raises
        ------
        InputError
            One is none; its place in the list and the member are named.
        Refused
            The incident does not allow one, or UNKNOWN, FORBIDDEN as elsewhere.
        """

        def further(kept: Kept, acting: Acting) -> Kept:
            for at, (kind, said) in enumerate(entries):
                at_us = max(now_us, kept.case.entries[-1].at_us)
                try:
                    entry = written(kept.case, kind, said, at_us, self._accounts.party, acting.role.value)
                    kept = kept.with_entry(entry)
                except InputError as error:
                    raise error.at(f"entries[{at}]") from None
            return kept

        for _ in range(_TRIES):
            held = await self._held(by, Act.INVESTIGATE, name, now_us)
            acting = await self._accounts.acting(by)
            after = await asyncio.to_thread(further, held.kept, acting)
            signed = self._signed(after, now_us)
            if await self._store.write(partial(self._extended, by, held, after, now_us, "written", signed)):
                break
        else:
            raise Refused(Reason.CONFLICT, "others write to it at the same time; try again", where=name)
        return await self._held(by, Act.READ, name, now_us)

    async def take(self, by: str, data: bytes, beside: bytes, now_us: int) -> Taken:
        """Take another's file of an incident, with what signs it.

        Parameters
        ----------
        data, beside
            The file, and the file of its signatures; empty where there is none.

        Raises
        ------
        InputError
            It is none, a signature does not hold, or it has another data mode.
        Refused
            FORBIDDEN: it has a line in this party's name, or another's withdrawal, that is not signed so;
            or ``by`` may not. TOO_MANY: so many files that went on otherwise are here already.
        """
        await self._store.read(lambda tx: self._investigates(tx, by))
        theirs = await asyncio.to_thread(read_incident, data, "file")
        opening = theirs.case.opening
        self._same_mode(opening)
        there = read_signatures(beside, "signatures") if beside else ()
        standing = self._standing(theirs, there, now_us)
        for fault in () if standing is None else standing.faults:
            raise fault
        name = opening.name
        for _ in range(_TRIES):
            row = await self._store.read(lambda tx: rows.one(tx, name))
            if row is None:
                self._demand_signed(theirs, standing, 0)
                work = partial(self._taken_new, by, theirs, now_us, there)
                if await self._store.write(work):
                    return Taken("new", len(theirs.digests), await self._held(by, Act.READ, name, now_us))
                continue
            held = await self._held(by, Act.INVESTIGATE, name, now_us)
            ours, common = held.kept.digests, 0
            for mine, other in zip(ours, theirs.digests, strict=False):
                if mine != other:
                    break
                common += 1
            if common < min(len(ours), len(theirs.digests)):
                await self._store.write(partial(self._taken_beside, by, theirs, beside, common, now_us))
                return Taken("beside", common + 1, await self._held(by, Act.READ, name, now_us))
            after = theirs if len(theirs.digests) > len(ours) else held.kept
            self._demand_signed(theirs, standing, len(ours))
            if await self._store.write(partial(self._extended, by, held, after, now_us, "taken", there)):
                more = len(after.digests) - len(ours)
                there_now = await self._held(by, Act.READ, name, now_us)
                return Taken("extended" if more else "known", more, there_now)
        raise Refused(Reason.CONFLICT, "others write to it at the same time; try again", where=name)

    # -- rows -----------------------------------------------------------------------------------------------

    def _extended(
        self,
        by: str,
        held: Held,
        after: Kept,
        now_us: int,
        way: str,
        signed: Sequence[Signature],
        tx: Tx,
    ) -> bool:
        """Write what comes after what was held; False: another came before."""
        acting = self._investigates(tx, by)
        row = rows.one(tx, held.row.name)
        if row is None or row.head != held.row.head:
            return False
        self._write(tx, row, after, acting, now_us, way, signed)
        return True

    def _taken_new(self, by: str, theirs: Kept, now_us: int, signed: Sequence[Signature], tx: Tx) -> bool:
        acting = self._investigates(tx, by)
        if rows.one(tx, theirs.case.opening.name) is not None:
            return False
        self._write(tx, None, theirs, acting, now_us, "taken", signed)
        return True

    def _taken_beside(self, by: str, theirs: Kept, beside: bytes, parted: int, now_us: int, tx: Tx) -> None:
        acting = self._investigates(tx, by)
        name, head = theirs.case.opening.name, bytes.fromhex(theirs.head)
        there = rows.copies(tx, name)
        if any(each.head == head for each in there):
            return
        if len(there) >= COPIES_MAX:
            raise Refused(
                Reason.TOO_MANY, "files of it that went on otherwise", where=name, expected=COPIES_MAX
            )
        told = {
            "incident": name,
            "parted": parted,
            "account": acting.name,
            "file": theirs.data.decode(),
            "signatures": beside.decode("ascii"),
        }
        leaf = tx.append(COPY, name, msgspec.json.encode(told))
        row = rows.CopyRow(
            name, head, len(theirs.digests), parted, theirs.data, beside, acting.name, now_us, leaf
        )
        rows.add_copy(tx, row)

    def _write(
        self,
        tx: Tx,
        row: IncidentRow | None,
        after: Kept,
        acting: Acting,
        now_us: int,
        way: str,
        signed: Sequence[Signature],
    ) -> None:
        """Keep the lines that are not here yet, each with its leaf, and signatures that are not."""
        name, had = after.case.opening.name, 0 if row is None else row.entries
        fresh = []
        for number, line in enumerate(after.lines[had:], had):
            told = {
                "incident": name,
                "n": number,
                "way": way,
                "account": acting.name,
                "role": acting.role.value,
                "line": line.decode(),
                "signatures": [each.detached.text for each in signed if each.number == number],
            }
            leaf = tx.append(ENTRY, name, msgspec.json.encode(told))
            fresh.append(rows.EntryRow(name, number, line, way, acting.name, now_us, leaf))
        rows.add_entries(tx, fresh)
        there = {each.digest for each in rows.signatures(tx, name)}
        beside = {hashlib.sha256(each.detached.text.encode()).digest(): each for each in signed}
        marks = []
        for digest, each in beside.items():
            if digest in there or each.number >= len(after.digests):
                continue
            if each.number >= had:
                leaf = fresh[each.number - had].leaf
            else:
                told = {"incident": name, "account": acting.name, "signature": each.detached.text}
                leaf = tx.append(SIGNATURE, name, msgspec.json.encode(told))
            marks.append(rows.SignatureRow(name, digest, each.number, each.party, each.detached.text, leaf))
        rows.add_signatures(tx, marks)
        if fresh:
            opened_us = now_us if row is None else row.opened_us
            rows.put(
                tx,
                rows.IncidentRow(
                    name,
                    after.case.opening.title,
                    after.case.status.value,
                    len(after.digests),
                    bytes.fromhex(after.head),
                    opened_us,
                    now_us,
                ),
            )

    async def _held(self, by: str, act: Act, name: str, now_us: int) -> Held:
        def work(
            tx: Tx,
        ) -> tuple[IncidentRow, list[EntryRow], list[SignatureRow], list[CopyRow]]:
            self._accounts.acting_in(tx, by).demand(act)
            row = rows.one(tx, name)
            if row is None:
                raise Refused(Reason.UNKNOWN, "no incident of this name", where="name", found=name)
            return row, rows.entries(tx, name), rows.signatures(tx, name), rows.copies(tx, name)

        row, entries, signed, copies = await self._store.read(work)
        kept = self._known.get(name)
        if kept is None or kept.head != row.head.hex():
            lines = [each.line for each in entries]
            kept = await asyncio.to_thread(kept_of, lines, f"incident {name}")
            while len(self._known) >= _KNOWN_MAX:
                del self._known[next(iter(self._known))]
            self._known[name] = kept
        marks = [signature_of(take_detached(each.text)) for each in signed]
        standing = self._standing(kept, marks, now_us)
        return Held(row, tuple(entries), tuple(signed), tuple(copies), kept, standing)

    # -- rules ----------------------------------------------------------------------------------------------

    def _investigates(self, tx: Tx, by: str) -> Acting:
        acting = self._accounts.acting_in(tx, by)
        acting.demand(Act.INVESTIGATE)
        return acting

    def _standing(self, kept: Kept, signed: Sequence[Signature], now_us: int) -> Standing | None:
        pact = self._pact(now_us)
        if pact is None or pact.data_mode is not kept.case.opening.data_mode:
            return None
        return signing.standing(kept.case, kept.lines, signed, pact)

    def _signed(self, kept: Kept, now_us: int) -> tuple[Signature, ...]:
        """The last line signed, where the pact gives the node's key to its party; else nothing."""
        pact = self._pact(now_us)
        party = None if pact is None else pact.party(self._accounts.party)
        if pact is None or party is None or pact.data_mode is not self._mode:
            return ()
        mine = self._key.public.ed25519
        if not any(key.public == mine for key in party.keys_at(now_us)):
            return ()
        return (signing.sign(self._key, kept.case, kept.lines, pact, now_us),)

    def _same_mode(self, opening: Opening) -> None:
        if opening.data_mode is not self._mode:
            raise ModeError(
                "an incident of another data mode than this node",
                where="data_mode",
                found=opening.data_mode.value,
                expected=self._mode.value,
            )

    def _demand_signed(self, theirs: Kept, standing: Standing | None, had: int) -> None:
        """Refuse lines that only one party can write, and did not sign."""
        for number in range(had, len(theirs.digests)):
            entry = theirs.case.entries[number]
            mark = Mark.UNSIGNED if standing is None else standing.marks[number]
            own = entry.by == self._accounts.party and mark is not Mark.SIGNED
            gone = isinstance(entry.what, Withdrawal) and mark is Mark.UNSIGNED
            if own or gone:
                raise Refused(
                    Reason.FORBIDDEN,
                    "a line in this party's name that it did not sign"
                    if own
                    else "a withdrawal that its party did not sign",
                    where=f"line {number + 1}",
                    found=entry.by,
                    expected=f"a signature of {entry.by} with a key of the pact",
                )


@dataclass(frozen=True, slots=True)
class Report:
    """A report, and what it was made of."""

    held: Held
    books: tuple[Any, ...]
    data: dict[str, Any]
