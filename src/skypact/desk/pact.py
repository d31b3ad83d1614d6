"""The pact that a node runs under: which text holds now, and every text that ever held.

Law: a node runs under the newest version whose signatures, as the pact itself asks for them, are there and
whose time has come; a draft is run under only where it is not about the real world, and is marked. Each text
that it runs under is kept, with the leaf of the ledger that says since when, and **it never goes back**: an
older version than one that it has run under, or another text of that version, is refused.

A thread stays under the pact under which it was opened, so every text that ever held can be asked for.

Known limit: the files are looked at again every few seconds; between a change of them and that look the
version before holds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from skypact import seal
from skypact.airspace.labels import DataMode
from skypact.errors import InputError, Reason, Refused
from skypact.formats.pact_signatures import write_signatures
from skypact.formats.pact_toml import read_pact
from skypact.pact.signatures import digest_of, holding, run_under, standings
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skypact.pact.agreement import Pact
    from skypact.pact.signatures import Edition, Standing
    from skypact.seal import PublicKey
    from skypact.store import Store, Tx

ENDED: Final = "PACT HAS ENDED"
"""What is shown where a pact that has run out is used all the same."""
LOOK_S: Final = 5.0
"""How often the files are looked at again."""

_LOG = logging.getLogger("skypact.pact")


@dataclass(frozen=True, slots=True)
class Running:
    """A text that holds, or held: the pact, its digest, and what everything under it is marked with."""

    pact: Pact
    digest: str
    mark: str = ""


class Agreement:
    """The pact of one party's node.

    Parameters
    ----------
    load
        Reads the versions from the first one on, as they lie in the configured files.
    party
        Whose node this is: the id of a party of the pact.
    """

    def __init__(self, store: Store, load: Callable[[], Sequence[Edition]], party: str) -> None:
        self.party = party
        self._store = store
        self._load = load
        self._editions: tuple[Edition, ...] = ()
        self._known: tuple[Standing, ...] = ()
        self._texts: dict[str, Running] = {}
        self._told = ""
        self._least: tuple[int, str] = (0, "")

    async def begin(self, now_us: int) -> None:
        """Read the files, and remember under what is run.

        Raises
        ------
        InputError
            A file cannot be read, or is no pact; the party is none of it; it would be a step back.
        Refused
            NOT_NOW: no version holds yet, or signatures are missing.
        """
        for row in await self._store.read(kept.editions):
            self._texts[row.digest] = Running(_pact(row.text), row.digest, row.mark)
            if not row.mark and row.version > self._least[0]:
                self._least = row.version, row.digest
        self._take(self._load())
        await self.turn(now_us)

    async def refresh(self, now_us: int) -> None:
        """Look at the files again; what is amiss with them is logged, and what held goes on."""
        try:
            editions = tuple(self._load())
            if editions != self._editions:
                self._take(editions)
            await self.turn(now_us)
        except (InputError, Refused) as error:
            if str(error) != self._told:
                self._told = str(error)
                _LOG.warning("the pact's files cannot be used; what held goes on: %s", error)

    async def turn(self, now_us: int) -> None:
        """Remember under what is run now, if it is new."""
        running = self.lasting(now_us)
        running = replace(running, mark=running.mark.removesuffix(ENDED).strip())
        edition = next(each for each in self._editions if digest_of(each.text) == running.digest)
        pact = running.pact
        least, digest = self._least
        if not running.mark and (pact.version, running.digest) != (least, digest) and pact.version <= least:
            raise InputError(
                "this node has run under a later pact, and does not go back",
                where=f"{pact.id}, version {pact.version}",
                found=running.digest,
                expected=f"version {least}, {digest}, or a later one",
            )
        if running.digest in self._texts:
            return
        row = kept.EditionRow(
            running.digest,
            pact.id,
            pact.version,
            edition.text,
            write_signatures(edition.signatures) if edition.signatures else b"",
            running.mark,
            now_us,
        )
        await self._store.write(lambda tx: kept.put_edition(tx, row))
        self._texts[running.digest] = running
        if not running.mark:
            self._least = pact.version, running.digest
        _LOG.info(
            "runs under a pact",
            extra={"pact": pact.id, "version": pact.version, "digest": running.digest, "mark": running.mark},
        )

    @property
    def parties(self) -> tuple[str, ...]:
        """The other parties of every version that holds, held or will: an unsigned draft is none."""
        signed = [each.pact for each in self._known if each.complete] or [self._known[0].pact]
        found = [party.id for pact in signed for party in pact.parties]
        return tuple(dict.fromkeys(each for each in found if each != self.party))

    @property
    def newest(self) -> Pact | None:
        """The newest version that is signed as it asks for; None where none is."""
        return next((each.pact for each in reversed(self._known) if each.complete), None)

    def current(self, now_us: int) -> Running:
        """What holds at an instant.

        Raises
        ------
        Refused
            NOT_NOW: no version does.
        """
        held = holding(self._known, now_us)
        if held is not None:
            return Running(held.pact, held.digest)
        drafts = [each for each in self._known if not each.complete]
        if drafts and len(drafts) == len(self._known):  # nothing was ever signed: an exercise
            draft = drafts[0]
            mark = run_under(draft)
            if draft.pact.in_force(now_us):
                return Running(draft.pact, draft.digest, mark)
        last = self._known[-1].pact
        raise Refused(
            Reason.NOT_NOW,
            "no version of the pact is in force now",
            where=f"{last.id}, version {last.version}",
        )

    def lasting(self, now_us: int) -> Running:
        """What holds, or, where the pact has ended, what held last, marked so.

        For what may keep somebody from harm: that an agreement has run out is no reason not to say STOP.

        Raises
        ------
        Refused
            NOT_NOW: none has ever held.
        """
        try:
            return self.current(now_us)
        except Refused:
            ended = [
                each
                for each in self._known
                if each.pact.until_us <= now_us
                and (each.complete or each.pact.data_mode is not DataMode.REAL)
            ]
            if not ended:
                raise
            last = max(ended, key=lambda each: each.pact.until_us)
            return Running(last.pact, last.digest, f"{last.mark} {ENDED}".strip())

    async def known(self, digest: str) -> Running | None:
        """The text of that digest, if this node has run under it."""
        if digest not in self._texts:
            return await self._store.read(lambda tx: self.under_in(tx, digest))
        return self._texts[digest]

    def under_in(self, tx: Tx, digest: str) -> Running | None:
        """As :meth:`known`, within a transaction: another process of this node may have begun a version."""
        if digest not in self._texts:
            row = next((row for row in kept.editions(tx) if row.digest == digest), None)
            if row is None:  # the other side's clock may be ahead: what is signed and has not begun here
                return next((each for each in self._usable() if each.digest == digest), None)
            self._texts[digest] = Running(_pact(row.text), row.digest, row.mark)
        return self._texts[digest]

    def _usable(self) -> tuple[Running, ...]:
        """The versions at hand that are run under, now or later: signed ones, or drafts of an exercise."""
        return tuple(
            Running(each.pact, each.digest, each.mark)
            for each in self._known
            if each.complete or each.pact.data_mode is not DataMode.REAL
        )

    def _take(self, editions: Sequence[Edition]) -> None:
        if not editions:
            raise InputError("no pact", where="pact.files", expected="at least one file")
        known = standings(editions)
        counting = [each.pact for each in known if each.complete] or [known[0].pact]
        if all(pact.party(self.party) is None for pact in counting):
            raise InputError(
                "not a party of the pact",
                where="node.party",
                found=self.party,
                expected=", ".join(party.id for party in counting[-1].parties),
            )
        self._editions = tuple(editions)
        self._known = known
        for each in self._known:
            for fault in each.faults:
                _LOG.warning("a signature of the pact does not count: %s", fault)


class PartyKeys:
    """The keys with which a party proves who calls: those that the pact gives it, while they hold."""

    def __init__(self, agreement: Agreement, party: str) -> None:
        self._agreement = agreement
        self._party = party
        self._kept: tuple[PublicKey, ...] = ()

    def current(self, now_us: int) -> tuple[PublicKey, ...] | None:
        """The keys of now; the same tuple until they change."""
        try:
            pact = self._agreement.lasting(now_us).pact
        except Refused:
            return None
        party = pact.party(self._party)
        keys = () if party is None else party.keys_at(now_us)
        made = tuple(seal.ed25519_key(key.public) for key in keys)
        if tuple(key.ed25519 for key in made) != tuple(key.ed25519 for key in self._kept):
            self._kept = made
        return self._kept

    def wanted(self, kid: str) -> None:
        """There are no others than the pact's."""


def _pact(text: bytes) -> Pact:
    found = read_pact(text, "the pact that was kept").pact
    assert found is not None  # noqa: S101  # it was read before it was kept
    return found
