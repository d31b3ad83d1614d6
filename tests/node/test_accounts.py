"""Who may act for a party, and as what; whose name is whose, and what is written of it."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from node_world import Sender, story
from skypact.desk.accounts import MAY, NAME_MAX, Accounts, Act, Acting, Role
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.messages import Post
from skypact.server import accounts as served
from skypact.store import Store
from skypact.store import accounts as kept
from skypact.store.schema import leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from node_world import World
    from skypact.store.tx import Tx

T = TypeVar("T")

NOW_US = 1_780_000_000_000_000
PARTY = "alfa"


def told(url: str, tell: Callable[[Accounts, Store], Awaitable[T]]) -> T:
    """Open a store with the tables, tell a story of the accounts in it, close it."""

    async def run() -> T:
        store = await Store.open(url)
        try:
            return await tell(Accounts(store, PARTY), store)
        finally:
            await store.close()

    return asyncio.run(run())


def leaves(tx: Tx) -> list[tuple[int, str, str, Any]]:
    """The leaves of accounts: position, kind, reference, content."""
    rows = tx.connection.execute(select(leaf).order_by(leaf.c.position))
    return [(row.position, row.kind, row.ref, json.loads(row.content)) for row in rows]


async def refused(doing: Awaitable[object], reason: Reason) -> str:
    """What is said where something is refused for this reason."""
    with pytest.raises(Refused) as caught:
        await doing
    assert caught.value.reason is reason
    return str(caught.value)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database of SQLite with the tables made."""
    path: Path = tmp_path_factory.mktemp("accounts") / "empty.db"

    async def make() -> None:
        await (await Store.open(f"sqlite:///{path}", upgrade=True)).close()

    asyncio.run(make())
    return path.read_bytes()


@pytest.mark.parametrize(
    ("role", "acts", "post"),
    [
        ("observer", {"read"}, "machine"),
        ("watch-keeper", {"read", "say", "file"}, "watch-keeper"),
        ("duty-officer", {"read", "say", "file"}, "duty-officer"),
        ("investigator", {"read", "investigate"}, "machine"),
        ("administrator", {"read", "administer"}, "machine"),
    ],
)
def test_each_role_may_what_the_table_says_and_nothing_else(role: str, acts: set[str], post: str) -> None:
    """Every act of every role is tried; the refusal names the role and who may."""
    acting = Acting("A. Person", Role(role))
    assert acting.post.word == post
    for act in Act:
        if act.value in acts:
            acting.demand(act)
            continue
        with pytest.raises(Refused) as caught:
            acting.demand(act)
        assert caught.value.reason is Reason.FORBIDDEN
        assert caught.value.found == role
        assert caught.value.expected == " or ".join(each.value for each in Role if act in MAY[each])


def test_whoever_may_speak_has_a_post_and_nobody_else_has() -> None:
    """A message of the hotline is never said from a post that its speaker has not."""
    for role in Role:
        assert (Acting("x", role).post is not Post.MACHINE) == (Act.SAY in MAY[role])
    assert set(MAY) == set(Role)


def test_an_account_acts_in_its_role_until_it_is_ended(store_url: str) -> None:
    """Made, given another role, ended: each holds for the next act, and each is a leaf with who did it."""

    async def story(accounts: Accounts, store: Store) -> list[tuple[int, str, str, Any]]:
        said = await refused(accounts.acting("Rana"), Reason.FORBIDDEN)
        assert said == "sub: Rana has no account here; expected an account"
        made = await accounts.make(PARTY, "Rana", Role.WATCH_KEEPER, "R. Haddad, watch A", NOW_US)
        assert await accounts.acting("Rana") == Acting("Rana", Role.WATCH_KEEPER)
        changed = await accounts.change(PARTY, "Rana", Role.DUTY_OFFICER, NOW_US + 1)
        assert (await accounts.acting("Rana")).post is Post.DUTY_OFFICER
        assert changed == made._replace(role="duty-officer", leaf=made.leaf + 1)
        assert await accounts.change(PARTY, "Rana", Role.DUTY_OFFICER, NOW_US + 2) == changed
        ended = await accounts.end(PARTY, "Rana", NOW_US + 3_000_000)
        assert await accounts.end(PARTY, "Rana", NOW_US + 9_000_000) == ended
        said = await refused(accounts.acting("Rana"), Reason.FORBIDDEN)
        assert "the account of Rana was ended at 2026-05-28T" in said
        await refused(accounts.change(PARTY, "Rana", Role.OBSERVER, NOW_US + 4), Reason.CONFLICT)
        assert await accounts.every(PARTY) == [ended]
        return await store.read(leaves)

    rows = told(store_url, story)
    first = rows[0][0]
    assert rows == [
        (
            first,
            "account.made",
            "Rana",
            {
                "name": "Rana",
                "role": "watch-keeper",
                "display": "R. Haddad, watch A",
                "by": PARTY,
                "at": "2026-05-28T20:26:40Z",
            },
        ),
        (
            first + 1,
            "account.changed",
            "Rana",
            {
                "name": "Rana",
                "role": "duty-officer",
                "was": "watch-keeper",
                "by": PARTY,
                "at": "2026-05-28T20:26:40.000001Z",
            },
        ),
        (
            first + 2,
            "account.ended",
            "Rana",
            {"name": "Rana", "role": "duty-officer", "by": PARTY, "at": "2026-05-28T20:26:43Z"},
        ),
    ]


def test_the_party_itself_administers_and_speaks_to_nobody(store_url: str) -> None:
    """It needs no account; and what is said to another party has a person's name."""

    async def story(accounts: Accounts, _store: Store) -> Acting:
        return await accounts.acting(PARTY)

    acting = told(store_url, story)
    assert acting == Acting(PARTY, Role.ADMINISTRATOR)
    assert acting.post is Post.MACHINE
    with pytest.raises(Refused, match="alfa may not say here"):
        acting.demand(Act.SAY)


def test_only_who_administers_touches_accounts_and_nobody_his_own(store_url: str) -> None:
    """Whoever may not is refused before it is said whether there is such an account; nothing is written."""

    async def story(accounts: Accounts, store: Store) -> None:
        for role in Role:
            await accounts.make(PARTY, role.value, role, "", NOW_US)
        before = await store.read(leaves)
        others = [role.value for role in Role if role is not Role.ADMINISTRATOR]
        for by in (*others, "nobody"):
            for doing in (
                accounts.every(by),
                accounts.make(by, "new", Role.OBSERVER, "", NOW_US),
                accounts.change(by, "observer", Role.ADMINISTRATOR, NOW_US),
                accounts.change(by, "unknown", Role.ADMINISTRATOR, NOW_US),
                accounts.end(by, "administrator", NOW_US),
            ):
                await refused(doing, Reason.FORBIDDEN)
        own = "administrator"
        for doing in (accounts.change(own, own, Role.DUTY_OFFICER, NOW_US), accounts.end(own, own, NOW_US)):
            assert "nobody changes or ends his own account" in await refused(doing, Reason.FORBIDDEN)
        await refused(accounts.end(own, "unknown", NOW_US), Reason.UNKNOWN)
        await refused(accounts.change(own, PARTY, Role.OBSERVER, NOW_US), Reason.UNKNOWN)
        assert await store.read(leaves) == before
        made = await accounts.make(own, "new", Role.OBSERVER, "", NOW_US)
        assert made.created_by == own
        assert (await store.read(leaves))[-1][3]["by"] == own

    told(store_url, story)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "not a name as names are written"),
        ("..", "not a name as names are written"),
        ("a/b", "not a name as names are written"),
        (" a", "not a name as names are written"),
        ("a ", "not a name as names are written"),
        ("a  b", "not a name as names are written"),
        ("e\u0301", "not a name as names are written"),
        ("a\nb", "not one printable line; found 'U+000A'"),
        ("a\u202eb", "not one printable line; found 'U+202E'"),
        ("a\u2066b", "not one printable line; found 'U+2066'"),
        ("a\u200bb", "not one printable line"),
        ("a\x7f", "not one printable line; found 'U+007F'"),
        ("a\ud800", "not one printable line"),
        ("a" * (NAME_MAX + 1), "too long; found '101 characters'; expected at most 100"),
        ("alfa", "the name of the party itself"),
        ("Alfa", "the name of the party itself"),
        ("\uff41lfa", "the name of the party itself"),
    ],
)
def test_a_name_is_one_plain_line_and_never_the_partys(
    name: str, text: str, empty: bytes, tmp_path: Path
) -> None:
    """A name that could be misread, on a screen or by a program, is refused with what is wrong with it."""
    path = tmp_path / "a.db"
    path.write_bytes(empty)

    async def story(accounts: Accounts, store: Store) -> None:
        with pytest.raises(InputError) as caught:
            await accounts.make(PARTY, name, Role.OBSERVER, "", NOW_US)
        assert str(caught.value).startswith(f"name: {text}")
        assert await store.read(leaves) == []

    told(f"sqlite:///{path}", story)


def test_the_text_beside_a_name_is_one_plain_line_too(empty: bytes, tmp_path: Path) -> None:
    """It may be empty, and has a bound of its own."""
    path = tmp_path / "a.db"
    path.write_bytes(empty)

    async def story(accounts: Accounts, _store: Store) -> None:
        for display in ("a\tb", "\u202e", "x" * 201):
            with pytest.raises(InputError, match=r"^display: "):
                await accounts.make(PARTY, "a", Role.OBSERVER, display, NOW_US)
        assert (await accounts.make(PARTY, "a", Role.OBSERVER, "x" * 200, NOW_US)).display == "x" * 200

    told(f"sqlite:///{path}", story)


def test_a_name_is_never_given_to_another(store_url: str) -> None:
    """Neither while its person acts nor after, nor one that a reader would take for it."""

    async def story(accounts: Accounts, _store: Store) -> None:
        await accounts.make(PARTY, "Straße Ost", Role.OBSERVER, "", NOW_US)
        for again in ("Straße Ost", "STRASSE OST", "strasse ost", "\uff33traße Ost"):
            told_so = await refused(accounts.make(PARTY, again, Role.OBSERVER, "", NOW_US), Reason.CONFLICT)
            assert told_so.startswith("name: a name is never given twice; found 'Straße Ost'")
        await accounts.end(PARTY, "Straße Ost", NOW_US)
        await refused(accounts.make(PARTY, "Straße Ost", Role.OBSERVER, "", NOW_US), Reason.CONFLICT)
        assert await refused(accounts.acting("STRASSE OST"), Reason.FORBIDDEN)

    told(store_url, story)


def test_of_two_who_make_one_name_at_once_one_does(store_url: str) -> None:
    """Writes of one moment, and of two processes, are one after the other."""

    async def story(accounts: Accounts, store: Store) -> list[kept.Account]:
        other = await Store.open(store_url)
        try:
            both = [accounts, Accounts(other, PARTY)] * 4
            made = await asyncio.gather(
                *(
                    one.make(PARTY, "Rana", role, "", NOW_US)
                    for one, role in zip(both, [*Role, *Role], strict=False)
                ),
                return_exceptions=True,
            )
        finally:
            await other.close()
        assert sum(isinstance(one, kept.Account) for one in made) == 1
        assert all(isinstance(one, kept.Account | Refused) for one in made)
        assert len(await store.read(leaves)) == 1
        return await accounts.every(PARTY)

    assert len(told(store_url, story)) == 1


_NAMES = st.sampled_from(["Ali", "ali", "ALİ", "Ярмо", "ярмо", "x", "alfa"])
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["make", "change", "end"]),
        st.sampled_from([PARTY, "Ali", "x"]),
        _NAMES,
        st.sampled_from(Role),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(_STEPS)
def test_whatever_is_done_the_ledger_tells_who_may_act(
    tmp_path_factory: pytest.TempPathFactory, empty: bytes, steps: list[tuple[str, str, str, Role]]
) -> None:
    """Read from the first leaf to the last, the leaves alone give every account, its role, and its end."""
    path = tmp_path_factory.mktemp("steps") / "a.db"
    path.write_bytes(empty)

    async def story(accounts: Accounts, store: Store) -> None:
        for at, (act, by, name, role) in enumerate(steps):
            try:
                if act == "make":
                    await accounts.make(by, name, role, "", NOW_US + at)
                elif act == "change":
                    await accounts.change(by, name, role, NOW_US + at)
                else:
                    await accounts.end(by, name, NOW_US + at)
            except (InputError, Refused):
                continue
        replayed: dict[str, tuple[str, bool]] = {}
        for _, kind, ref, said in await store.read(leaves):
            by = said["by"]
            assert by == PARTY or (replayed[by] == ("administrator", False) and by != ref)
            assert (ref in replayed) is (kind != "account.made")
            assert not replayed.get(ref, ("", False))[1]
            replayed[ref] = (said["role"], kind == "account.ended")
        rows = await accounts.every(PARTY)
        assert {row.name: (row.role, row.ended_us is not None) for row in rows} == replayed
        assert len({unicodedata.normalize("NFKC", row.name).casefold() for row in rows}) == len(rows)
        for row in rows:
            if row.ended_us is None:
                assert (await accounts.acting(row.name)).role.value == row.role
            else:
                await refused(accounts.acting(row.name), Reason.FORBIDDEN)

    told(f"sqlite:///{path}", story)


# -- served -------------------------------------------------------------------------------------------------


def served_story(
    folder: Path, tell: Callable[[Callable[..., Awaitable[tuple[int, Any]]]], Awaitable[None]]
) -> None:
    """A node that serves accounts alone, and a way to ask it as somebody."""

    async def run(world: World) -> None:
        world.serve("alfa.example", served.operations(Accounts(await world.store("alfa"), PARTY)))

        async def ask(
            who: str, method: str, path: str, body: Any = None, *, scope: str = "skypact.people"
        ) -> tuple[int, Any]:
            raw = None if body is None else json.dumps(body).encode()
            url = f"https://alfa.example/api/v1{path}"
            answer = await Sender(world, who).send(method, url, scope=scope, body=raw)
            return answer.status, json.loads(answer.body)

        await tell(ask)

    story(folder, run)


def test_accounts_are_made_changed_and_ended_over_http(tmp_path: Path) -> None:
    """Each answer has the account as it is now; a name with a space is a part of a path like any other."""

    async def tell(ask: Callable[..., Awaitable[tuple[int, Any]]]) -> None:
        body = {"name": "Rana H.", "role": "watch-keeper", "display": "watch A"}
        status, made = await ask(PARTY, "POST", "/accounts", body)
        assert status == 201
        assert {name: made[name] for name in (*body, "created_by")} == {**body, "created_by": PARTY}
        assert (await ask(PARTY, "POST", "/accounts", body))[0] == 409
        status, changed = await ask(PARTY, "PUT", "/accounts/Rana%20H.", {"role": "duty-officer"})
        assert (status, changed["role"], changed["leaf"]) == (200, "duty-officer", made["leaf"] + 1)
        status, ended = await ask(PARTY, "POST", "/accounts/Rana%20H./end")
        assert (status, ended["ended"][-1]) == (200, "Z")
        assert await ask(PARTY, "GET", "/accounts") == (200, {"accounts": [ended]})
        assert (await ask(PARTY, "PUT", "/accounts/Rana%20H.", {"role": "observer"}))[0] == 409
        assert (await ask(PARTY, "POST", "/accounts/nobody/end"))[0] == 404

    served_story(tmp_path, tell)


def test_a_person_is_told_who_he_is_and_what_he_may_until_his_account_is_ended(tmp_path: Path) -> None:
    """The very next request with the same token is refused, and the refusal says since when."""

    async def tell(ask: Callable[..., Awaitable[tuple[int, Any]]]) -> None:
        await ask(PARTY, "POST", "/accounts", {"name": "Rana", "role": "duty-officer"})
        assert await ask("Rana", "GET", "/me") == (
            200,
            {
                "name": "Rana",
                "party": PARTY,
                "role": "duty-officer",
                "post": "duty-officer",
                "may": ["read", "say", "file"],
            },
        )
        assert (await ask(PARTY, "GET", "/me"))[1]["may"] == ["read", "administer"]
        assert (await ask("Rana", "GET", "/accounts"))[0] == 403
        assert (await ask("Rana", "POST", "/accounts", {"name": "x", "role": "observer"}))[0] == 403
        await ask(PARTY, "POST", "/accounts/Rana/end")
        status, problem = await ask("Rana", "GET", "/me")
        assert status == 403
        assert problem["detail"].startswith("sub: the account of Rana was ended at 20")
        assert (await ask("bravo", "GET", "/me"))[0] == 403

    served_story(tmp_path, tell)


def test_no_other_scope_opens_accounts(tmp_path: Path) -> None:
    """The party's own token is refused too, where its scope is one of flights."""

    async def tell(ask: Callable[..., Awaitable[tuple[int, Any]]]) -> None:
        for scope in ("skypact.read", "skypact.flights", "skypact.hotline", "utm.strategic_coordination"):
            for method, path in (("GET", "/me"), ("GET", "/accounts"), ("POST", "/accounts/x/end")):
                assert (await ask(PARTY, method, path, scope=scope))[0] == 403

    served_story(tmp_path, tell)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": "x"}, "$"),
        ({"name": "x", "role": "king"}, "$.role"),
        ({"name": "x", "role": "observer", "rank": 1}, "$"),
        ({"name": 5, "role": "observer"}, "$.name"),
        ({"name": "a\u202eb", "role": "observer"}, "$.name"),
        ({"name": "alfa", "role": "observer"}, "name"),
    ],
)
def test_what_makes_no_account_is_refused_by_its_place(body: Any, where: str, tmp_path: Path) -> None:
    """A problem names the member that is wrong, and nothing is made."""

    async def tell(ask: Callable[..., Awaitable[tuple[int, Any]]]) -> None:
        status, problem = await ask(PARTY, "POST", "/accounts", body)
        assert (status, problem["where"]) == (400, where)
        assert (await ask(PARTY, "GET", "/accounts"))[1] == {"accounts": []}

    served_story(tmp_path, tell)
