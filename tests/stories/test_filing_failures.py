"""Two documented failures of notified sites: a place nobody looked after (F8), a list that was used (F14).

Sources: research on deconfliction practice. F8: sites that had moved or closed stayed on lists. F14: of 182
sites that were notified in 2019, 27 were hit (reported by the New York Times, 29 December 2019).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filings import NOON, activity, site
from filings_world import KEEPER, NOW, story
from skypact.desk.filings import stale
from skypact.errors import Reason, Refused
from skypact.formats.filings_json import read_filings
from skypact.instants import DAY_US, SECOND_US
from skypact.notify.filing import Site, Window

if TYPE_CHECKING:
    from pathlib import Path

    from filings_world import World


def test_f8_a_stale_site_is_shown_as_stale_and_is_no_less_protected(tmp_path: Path) -> None:
    """Nobody confirmed a hospital: it holds, is met by what is filed near it, and is stale until one does."""

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        (held,) = await office.filings.file([site()], KEEPER, NOW)
        await world.settle()
        for side in (office, north):
            (seen,) = await side.filings.listed(kind="site")
            assert not stale(seen.filing, NOON + 30 * DAY_US - 1)
            assert stale(seen.filing, NOON + 30 * DAY_US)
        world.now_us = later = NOON + 40 * DAY_US
        await world.settle()
        for side in (office, north):
            (seen,) = await side.filings.listed(kind="site", live=True)
            assert (seen.filing.state, stale(seen.filing, later)) == ("filed", True)
        near = north.own(activity(window=Window(later + 4 * DAY_US, later + 5 * DAY_US)))
        (planned,) = await north.filings.file([near], KEEPER, later)
        assert planned.check is not None
        found = json.loads(planned.check.findings)
        assert found["found"] == 1
        assert held.filing.name in json.dumps(found["meets"])
        await world.settle()
        again = await office.filings.check("office", 1, later + SECOND_US)
        assert again.check is not None
        assert json.loads(again.check.findings)["against"]["filings"] == 1
        renewed = site()
        assert isinstance(renewed.subject, Site)
        subject = replace(renewed.subject, reconfirm_by_us=later + 30 * DAY_US)
        await office.filings.amend(1, replace(renewed, subject=subject), KEEPER, later + 2 * SECOND_US)
        world.now_us += 3 * SECOND_US
        await world.settle()
        for side in (office, north):
            (seen,) = await side.filings.listed(kind="site", live=True)
            assert (seen.filing.version, stale(seen.filing, world.now_us)) == (2, False)

    story(tmp_path, tell)


def test_f14_a_list_of_sites_reaches_those_it_names_and_nobody_else(tmp_path: Path) -> None:
    """Named to one side: the other gets no notice, no bytes by their digest, and no word of it in a check."""

    async def tell(world: World) -> None:
        office = await world.side("office")
        north, south = await world.side("north"), await world.side("south")
        secret = site(releasable_to=("north",), name="Field hospital")
        (held,) = await office.filings.file([secret], KEEPER, NOW)
        await world.settle()
        assert [each.filing.name for each in await north.filings.listed()] == ["Field hospital"]
        assert await south.filings.listed() == []
        digest = held.version.sha256.hex()
        for asked in (office, north):
            with pytest.raises(Refused) as refused:
                await asked.filings.served(digest, "south", world.now_us)
            assert refused.value.reason is Reason.UNKNOWN
        unknown = hashlib.sha256(b"nothing").hexdigest()
        with pytest.raises(Refused) as never:
            await office.filings.served(unknown, "south", world.now_us)
        assert str(never.value) == str(refused.value)  # there or not, the answer is the same
        (own,) = await south.filings.file([south.own(activity())], KEEPER, NOW)
        assert own.check is not None
        found = json.loads(own.check.findings)
        assert (found["found"], found["against"]["filings"], found["not_read"]) == (0, 0, [])
        # released to nobody from now on: who knew it is told that what he knows holds no longer
        hidden = await office.filings.amend(1, replace(secret, releasable_to=()), KEEPER, NOW + SECOND_US)
        await world.settle()
        (seen,) = await north.filings.listed(filer="office")
        assert seen.filing.state == "cancelled"
        assert seen.version.content is not None
        assert read_filings(seen.version.content, "")[0].releasable_to == ("north",)
        with pytest.raises(Refused):
            await office.filings.served(hidden.version.sha256.hex(), "north", world.now_us)

    story(tmp_path, tell)
