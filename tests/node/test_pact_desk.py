"""The pact that a node runs under: signatures decide, its time decides, and it never goes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hotline_world import NOW
from pact_keys import SECRETS
from skypact.desk.pact import Agreement, PartyKeys
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.messages import Kind
from skypact.formats.pact_signatures import read_signatures
from skypact.instants import DAY_US, SECOND_US
from skypact.pact.keys import public_bytes
from skypact.pact.signatures import Edition, digest_of
from skypact.store import Store
from skypact.store import hotline as kept
from two_desks import FIRST, TEXT, Pair, complete, editions, second

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path


def story(url: str, told: Callable[[Store], Awaitable[None]]) -> None:
    """Run it on a store."""

    async def run() -> None:
        store = await Store.open(url)
        try:
            await told(store)
        finally:
            await store.close()

    asyncio.run(run())


def test_a_version_takes_over_when_it_is_signed_and_its_time_has_come(store_url: str) -> None:
    """The first holds until the second's beginning; both stay known by their digests, each with its leaf."""
    later = second(effective="2026-06-02T06:00:00Z")
    files: list[Sequence[Edition]] = [complete(FIRST)]

    async def told(store: Store) -> None:
        agreement = Agreement(store, lambda: files[0], "north")
        await agreement.begin(NOW)
        assert (agreement.current(NOW).digest, agreement.current(NOW).mark) == (digest_of(FIRST), "")
        files[0] = complete(FIRST, later)
        await agreement.refresh(NOW + SECOND_US)
        assert agreement.current(NOW + SECOND_US).digest == digest_of(FIRST)
        await agreement.refresh(NOW + DAY_US)
        assert agreement.current(NOW + DAY_US).pact.title == "The second"
        rows = await store.read(kept.editions)
        assert [(row.digest, row.version, row.begun_us) for row in rows] == [
            (digest_of(FIRST), 1, NOW),
            (digest_of(later), 2, NOW + DAY_US),
        ]
        assert len(read_signatures(rows[1].signatures, "kept")) == 3
        known = await agreement.known(digest_of(FIRST))
        assert known is not None
        assert known.pact.version == 1
        assert await agreement.known(f"sha256:{'0' * 64}") is None

    story(store_url, told)


def test_an_unsigned_change_changes_nothing(store_url: str) -> None:
    """A second version that one party has not signed is not run under, however long it lies there."""
    first, changed = complete(FIRST, second(effective="2026-06-01T00:00:00Z"))
    lacking = Edition(changed.pact, changed.text, changed.signatures[:2])
    files: list[Sequence[Edition]] = [(first, lacking)]

    async def told(store: Store) -> None:
        agreement = Agreement(store, lambda: files[0], "north")
        await agreement.begin(NOW)
        assert agreement.current(NOW + 9 * DAY_US).digest == digest_of(FIRST)
        files[0] = (first, changed)
        await agreement.refresh(NOW + DAY_US)
        assert agreement.current(NOW + DAY_US).pact.version == 2

    story(store_url, told)


def test_a_node_never_goes_back(store_url: str) -> None:
    """Run under once, a version is not left for an older one: and another text of it is refused too."""
    both = complete(FIRST, second(effective="2026-06-01T00:00:00Z"))
    files: list[Sequence[Edition]] = [both]

    async def told(store: Store) -> None:
        agreement = Agreement(store, lambda: files[0], "north")
        await agreement.begin(NOW)
        files[0] = both[:1]
        with pytest.raises(InputError, match="does not go back") as caught:
            await Agreement(store, lambda: files[0], "north").begin(NOW)
        assert str(caught.value.expected).startswith("version 2, sha256:")
        files[0] = complete(FIRST, second(effective="2026-06-01T00:00:00Z", title="Another"))
        with pytest.raises(InputError, match="does not go back"):
            await Agreement(store, lambda: files[0], "north").begin(NOW)

    story(store_url, told)


def test_nobody_runs_under_an_unsigned_pact_about_the_real_world(store_url: str) -> None:
    """A draft is run under, and marked, unless it is about the real world; then who lacks is named."""

    async def told(store: Store) -> None:
        draft = Agreement(store, lambda: editions(TEXT), "north")
        await draft.begin(NOW)
        assert draft.current(NOW).mark == "UNSIGNED DRAFT"
        with pytest.raises(Refused, match="north, south, office") as caught:
            await Agreement(store, lambda: editions(FIRST), "north").begin(NOW)
        assert caught.value.reason is Reason.NOT_NOW
        with pytest.raises(InputError, match="not a party of the pact"):
            await Agreement(store, lambda: editions(TEXT), "east").begin(NOW)
        with pytest.raises(InputError, match="no pact"):
            await Agreement(store, tuple, "north").begin(NOW)

    story(store_url, told)


def test_files_that_cannot_be_read_change_nothing(store_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """What held goes on where the files are gone or wrong, and the log says so, once."""
    files: list[Sequence[Edition]] = [complete(FIRST)]

    def load() -> Sequence[Edition]:
        if not files[0]:
            raise InputError("cannot be read", where="pact.files[0]")
        return files[0]

    async def told(store: Store) -> None:
        agreement = Agreement(store, load, "north")
        await agreement.begin(NOW)
        files[0] = ()
        await agreement.refresh(NOW + SECOND_US)
        await agreement.refresh(NOW + 2 * SECOND_US)
        assert agreement.current(NOW + SECOND_US).digest == digest_of(FIRST)

    story(store_url, told)
    assert [record.message for record in caplog.records if "cannot be used" in record.message] == [
        "the pact's files cannot be used; what held goes on: pact.files[0]: cannot be read"
    ]


def test_a_partys_keys_are_the_pacts_while_they_hold(store_url: str) -> None:
    """Who calls is known by the keys of now: the same tuple while they hold, none after a revocation."""
    line = TEXT.decode().split('public = "')[1].split('"')[0]
    revoked = TEXT.decode().replace(
        f'public = "{line}"', f'revoked = 2026-06-01T06:00:10Z\npublic = "{line}"', 1
    )

    async def told(store: Store) -> None:
        agreement = Agreement(store, lambda: editions(revoked.encode()), "south")
        await agreement.begin(NOW)
        keys = PartyKeys(agreement, "north")
        now = keys.current(NOW)
        assert now is not None
        assert [key.ed25519 for key in now] == [public_bytes(SECRETS["a"].public)]
        assert keys.current(NOW + SECOND_US) is now
        assert keys.current(NOW + 11 * SECOND_US) == ()
        keys.wanted("another")
        assert PartyKeys(agreement, "nobody").current(NOW) == ()
        assert agreement.parties == ("north", "office")

    story(store_url, told)


def test_an_alarm_is_said_though_the_pact_has_ended(tmp_path: Path) -> None:
    """After the pact's end a notice is refused, and a STOP is said, delivered and receipted, marked so."""
    ending = TEXT.replace(b'data_mode = "test"', b'data_mode = "test"\nuntil = 2026-06-01T06:01:00Z')

    async def run() -> None:
        pair = Pair()
        for name in ("north", "south"):
            await pair.open(name, f"sqlite:///{tmp_path / name}.db", load=lambda: editions(ending))
        pair.north.now_us = pair.south.now_us = NOW + DAY_US
        assert pair.north.agreement.lasting(NOW).mark == "UNSIGNED DRAFT"
        assert pair.north.agreement.lasting(NOW + DAY_US).mark == "UNSIGNED DRAFT PACT HAS ENDED"
        with pytest.raises(Refused, match="in force"):
            await pair.north.say(Kind.NOTIFY)
        stop = await pair.north.say(Kind.STOP)
        await pair.exchange("north")
        assert await pair.north.level(stop) == 1
        again = Agreement(pair.north.store, lambda: editions(ending), "north")
        await again.begin(NOW + 2 * DAY_US)  # and a node starts
        assert again.lasting(NOW + 2 * DAY_US).pact.id == "two-desks"
        keys = PartyKeys(pair.south.agreement, "north").current(NOW + DAY_US)
        assert keys is not None
        assert len(keys) == 1
        await pair.close()

    asyncio.run(run())
