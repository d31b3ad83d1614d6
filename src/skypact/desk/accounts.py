"""The accounts of a party's people: who may act for the party, and as what.

Law: :data:`MAY` is the whole of who may do what, and :class:`Acting` is asked before anything is done. Who
acts is looked up when he acts: an account that was ended acts no more, at once, whatever his token says. A
name is one person's for ever; it is never given to another, and none that reads as it does. Whatever is done
to an account is a leaf of the ledger, written with it, which says who did it; nobody changes or ends his own.

The party itself (a token whose ``sub`` is the party, signed by the node's own key) administers accounts, and
needs none: so a party cannot lock itself out, and speaks to no other party without a person's name.

Known limits: letters of different scripts that look alike are different letters here; who makes accounts sees
to it. Who holds a name is for the issuer of tokens to know.
"""

from __future__ import annotations

import enum
import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.messages import Post
from skypact.formats.plain import controls
from skypact.instants import format_instant
from skypact.store import accounts as kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.store import Store
    from skypact.store.accounts import Account
    from skypact.store.tx import Tx

SCOPE: Final = "skypact.people"
"""What a person's token permits: to be asked for an account. What it may do is that account's."""
NAME_MAX: Final = 100
DISPLAY_MAX: Final = 200
"""Characters of a name, and of the text that is shown beside it."""


class Act(enum.Enum):
    """What can be done."""

    READ = "read"
    SAY = "say"
    """Say something to another party on the hotline."""
    FILE = "file"
    """File lists of sites and movements, notices and zones."""
    INVESTIGATE = "investigate"
    """Incidents, the record as of an instant, exports."""
    ADMINISTER = "administer"
    """Make, change and end accounts."""


class Role(enum.Enum):
    """As what a person acts for the party."""

    OBSERVER = "observer"
    WATCH_KEEPER = "watch-keeper"
    DUTY_OFFICER = "duty-officer"
    INVESTIGATOR = "investigator"
    ADMINISTRATOR = "administrator"


MAY: Final[Mapping[Role, frozenset[Act]]] = {
    Role.OBSERVER: frozenset({Act.READ}),
    Role.WATCH_KEEPER: frozenset({Act.READ, Act.SAY, Act.FILE}),
    Role.DUTY_OFFICER: frozenset({Act.READ, Act.SAY, Act.FILE}),
    Role.INVESTIGATOR: frozenset({Act.READ, Act.INVESTIGATE}),
    Role.ADMINISTRATOR: frozenset({Act.READ, Act.ADMINISTER}),
}
"""Who may do what."""

POSTS: Final[Mapping[Role, Post]] = {
    Role.WATCH_KEEPER: Post.WATCH_KEEPER,
    Role.DUTY_OFFICER: Post.DUTY_OFFICER,
}
"""The posts of those who may speak; what each post may say is the hotline's table."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts: the name that what he does is written under, and as what."""

    name: str
    role: Role

    @property
    def may(self) -> frozenset[Act]:
        """What he may do."""
        return MAY[self.role]

    @property
    def post(self) -> Post:
        """The post that he speaks from; :attr:`Post.MACHINE` for who may not speak."""
        return POSTS.get(self.role, Post.MACHINE)

    def demand(self, act: Act) -> None:
        """Have him refused what is not his to do.

        Raises
        ------
        Refused
            FORBIDDEN: his role may not.
        """
        if act not in self.may:
            may = " or ".join(role.value for role, acts in MAY.items() if act in acts)
            raise Refused(
                Reason.FORBIDDEN,
                f"{self.name} may not {act.value} here",
                where="role",
                found=self.role.value,
                expected=may,
            )


class Accounts:
    """The accounts of one party.

    Parameters
    ----------
    store
        Where they are kept.
    party
        Whose they are; it has none itself.
    """

    def __init__(self, store: Store, party: str) -> None:
        self._store = store
        self.party = party

    # -- who acts -------------------------------------------------------------------------------------------

    async def acting(self, call_party: str) -> Acting:
        """Who acts, by the ``sub`` of his token.

        Raises
        ------
        Refused
            FORBIDDEN: he has no account, or it was ended.
        """
        return await self._store.read(lambda tx: self.acting_in(tx, call_party))

    def acting_in(self, tx: Tx, call_party: str) -> Acting:
        """The same, inside the transaction of what he does."""
        if call_party == self.party:
            return Acting(self.party, Role.ADMINISTRATOR)
        found = kept.one(tx, call_party)
        if found is None:
            raise Refused(
                Reason.FORBIDDEN, f"{call_party} has no account here", where="sub", expected="an account"
            )
        if found.ended_us is not None:
            raise Refused(
                Reason.FORBIDDEN,
                f"the account of {call_party} was ended at {format_instant(found.ended_us)}",
                where="sub",
                expected="an account that was not ended",
            )
        return Acting(found.name, Role(found.role))

    # -- accounts -------------------------------------------------------------------------------------------

    async def every(self, by: str) -> list[Account]:
        """All of them, those that were ended too, in the order in which they were made.

        Raises
        ------
        Refused
            FORBIDDEN: ``by`` administers none.
        """

        def work(tx: Tx) -> list[Account]:
            self.acting_in(tx, by).demand(Act.ADMINISTER)
            return kept.every(tx)

        return await self._store.read(work)

    async def make(self, by: str, name: str, role: Role, display: str, now_us: int) -> Account:
        """Give a person an account.

        Parameters
        ----------
        by
            Who makes it: the ``sub`` of his token.
        name
            What his tokens call him, and what he does is written under: a printable line of at most 100
            characters in Unicode's composed form (NFC), with single spaces between words, a letter or digit
            in it, and no ``/``.
        display
            What is shown beside it: his full name, his post; may be empty.

        Raises
        ------
        InputError
            A text is not one of these, or the name is the party's own.
        Refused
            CONFLICT: somebody has, or had, this name or one that reads as it does. FORBIDDEN: ``by`` may not.
        """
        _named(name)
        _shown(display)
        if _folded(name) == _folded(self.party):
            raise InputError(
                "the name of the party itself", where="name", found=name, expected="a person's name"
            )

        def work(tx: Tx) -> Account:
            acting = self.acting_in(tx, by)
            acting.demand(Act.ADMINISTER)
            taken = next((row for row in kept.every(tx) if _folded(row.name) == _folded(name)), None)
            if taken is not None:
                raise Refused(
                    Reason.CONFLICT,
                    "a name is never given twice",
                    where="name",
                    found=taken.name,
                    expected="one that nobody has or had",
                )
            said = {"name": name, "role": role.value, "display": display}
            leaf = _leaf(tx, "account.made", name, said, acting, now_us)
            row = kept.Account(name, role.value, display, now_us, acting.name, None, leaf)
            kept.add(tx, row)
            return row

        return await self._store.write(work)

    async def change(self, by: str, name: str, role: Role, now_us: int) -> Account:
        """Give an account another role; one that has it already stays as it is.

        Raises
        ------
        Refused
            UNKNOWN: there is none. CONFLICT: it was ended. FORBIDDEN: ``by`` may not, or it is his own.
        """

        def work(tx: Tx) -> Account:
            row, acting = self._to_change(tx, by, name)
            if row.ended_us is not None:
                raise Refused(
                    Reason.CONFLICT,
                    "the account was ended",
                    where="name",
                    found=name,
                    expected="an account that was not ended",
                )
            if row.role == role.value:
                return row
            said = {"name": name, "role": role.value, "was": row.role}
            leaf = _leaf(tx, "account.changed", name, said, acting, now_us)
            changed = row._replace(role=role.value, leaf=leaf)
            kept.put(tx, changed)
            return changed

        return await self._store.write(work)

    async def end(self, by: str, name: str, now_us: int) -> Account:
        """End an account, for ever; one that was ended stays as it is.

        Raises
        ------
        Refused
            UNKNOWN: there is none. FORBIDDEN: ``by`` may not, or it is his own.
        """

        def work(tx: Tx) -> Account:
            row, acting = self._to_change(tx, by, name)
            if row.ended_us is not None:
                return row
            leaf = _leaf(tx, "account.ended", name, {"name": name, "role": row.role}, acting, now_us)
            ended = row._replace(ended_us=now_us, leaf=leaf)
            kept.put(tx, ended)
            return ended

        return await self._store.write(work)

    def _to_change(self, tx: Tx, by: str, name: str) -> tuple[Account, Acting]:
        acting = self.acting_in(tx, by)
        acting.demand(Act.ADMINISTER)
        row = kept.one(tx, name)
        if row is None:
            raise Refused(Reason.UNKNOWN, "no account of this name", where="name", found=name)
        if name == acting.name:
            raise Refused(
                Reason.FORBIDDEN,
                "nobody changes or ends his own account",
                where="name",
                found=name,
                expected="another administrator, or the party itself",
            )
        return row, acting


def _leaf(tx: Tx, kind: str, name: str, said: dict[str, Any], acting: Acting, now_us: int) -> int:
    whole = said | {"by": acting.name, "at": format_instant(now_us)}
    content = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    return tx.append(kind, name, content)


def _named(name: str) -> None:
    _line(name, NAME_MAX, where="name")
    spaced = name == " ".join(name.split())
    told = any(char.isalnum() for char in name) and "/" not in name  # it is a part of paths, too
    if not spaced or not told or not unicodedata.is_normalized("NFC", name):
        raise InputError(
            "not a name as names are written",
            where="name",
            found=name,
            expected="words with single spaces between, no /, in Unicode's composed form (NFC)",
        )


def _shown(display: str) -> None:
    _line(display, DISPLAY_MAX, where="display")


def _line(text: str, most: int, *, where: str) -> None:
    if len(text) > most:
        raise InputError("too long", where=where, found=f"{len(text)} characters", expected=f"at most {most}")
    if not text.isprintable():  # controls of direction are among what is not
        raise InputError(
            "not one printable line",
            where=where,
            found=controls(text) or text,
            expected="text without controls, also without those that turn its direction",
        )


def _folded(name: str) -> str:
    """The name as a reader may take it: one form for names of another case, width or composition."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
