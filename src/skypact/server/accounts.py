"""The accounts of a party's people, served: ``/api/v1/accounts`` and ``/api/v1/me``.

Law: a token with the scope ``skypact.people`` says who asks (``sub``), and nothing of what he may: that is
his account's, looked up for every request (:mod:`skypact.desk.accounts`). The other scopes of ``/api/v1`` ask
for no account and open nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from skypact.desk.accounts import SCOPE, Act, Role
from skypact.instants import format_instant
from skypact.server.operation import Answer, Call, Door, Operation

if TYPE_CHECKING:
    from skypact.desk.accounts import Accounts
    from skypact.store.accounts import Account

_PATH: Final = "/api/v1/accounts"
_DOOR: Final = Door(SCOPE, "Accounts")


class AccountIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """An account to be made. Its name is one person's for ever; ``display`` is what is shown beside it."""

    name: str
    role: Role
    display: str = ""


class RoleIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """The role that an account is to have."""

    role: Role


class AccountOut(Struct, kw_only=True, omit_defaults=True):
    """An account; ``leaf`` is the leaf of the ledger that it was last written with."""

    name: str
    role: str
    display: str
    created: str
    created_by: str
    leaf: int
    ended: str | None = None


class AccountsOut(Struct, kw_only=True):
    """All accounts, those that were ended too, in the order in which they were made."""

    accounts: list[AccountOut]


class MeOut(Struct, kw_only=True):
    """Who asks, as what, from which post he speaks, and what he may."""

    name: str
    party: str
    role: str
    post: str
    may: list[str]


def operations(accounts: Accounts) -> tuple[Operation, ...]:
    """The operations on accounts, and the one that tells a person who he is here."""

    async def me(call: Call) -> Answer:
        acting = await accounts.acting(call.party)
        may = [act.value for act in Act if act in acting.may]
        told = MeOut(
            name=acting.name,
            party=accounts.party,
            role=acting.role.value,
            post=acting.post.word,
            may=may,
        )
        return Answer(body=told)

    async def listed(call: Call) -> Answer:
        rows = await accounts.every(call.party)
        return Answer(body=AccountsOut(accounts=[_out(row) for row in rows]))

    async def make(call: Call) -> Answer:
        body: AccountIn = call.body
        row = await accounts.make(call.party, body.name, body.role, body.display, call.now_us)
        return Answer(201, _out(row))

    async def change(call: Call) -> Answer:
        body: RoleIn = call.body
        return Answer(
            body=_out(await accounts.change(call.party, call.params["name"], body.role, call.now_us))
        )

    async def end(call: Call) -> Answer:
        return Answer(body=_out(await accounts.end(call.party, call.params["name"], call.now_us)))

    unknown = {404: "There is no such account."}
    return (
        _DOOR.row("getMe", "GET", "/api/v1/me", me, "Who I am here, and what I may", answer=MeOut),
        _DOOR.row("listAccounts", "GET", _PATH, listed, "All accounts", answer=AccountsOut),
        _DOOR.row(
            "makeAccount",
            "POST",
            _PATH,
            make,
            "Give a person an account",
            body=AccountIn,
            answer=AccountOut,
            statuses={201: "Made.", 409: "The name is, or was, somebody's."},
        ),
        _DOOR.row(
            "changeAccount",
            "PUT",
            f"{_PATH}/{{name}}",
            change,
            "Give an account another role",
            body=RoleIn,
            answer=AccountOut,
            statuses={**unknown, 409: "It was ended."},
        ),
        _DOOR.row(
            "endAccount",
            "POST",
            f"{_PATH}/{{name}}/end",
            end,
            "End an account, for ever",
            answer=AccountOut,
            statuses=unknown,
        ),
    )


def _out(row: Account) -> AccountOut:
    return AccountOut(
        name=row.name,
        role=row.role,
        display=row.display,
        created=format_instant(row.created_us),
        created_by=row.created_by,
        leaf=row.leaf,
        ended=None if row.ended_us is None else format_instant(row.ended_us),
    )
