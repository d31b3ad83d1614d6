"""Files that are written whole or not at all, and where links lead."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from skypact.errors import InputError
from skypact.formats.output import replacing

if TYPE_CHECKING:
    from pathlib import Path


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    """What is written through a link, or through two, is in the file at their end."""
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "found.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    (tmp_path / "one").symlink_to(target)
    (tmp_path / "two").symlink_to("one")
    with replacing(tmp_path / "two") as stream:
        stream.write(b"new")
    assert target.read_text(encoding="utf-8") == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "one").is_symlink()
    assert (tmp_path / "two").is_symlink()
    assert [p.name for p in (tmp_path / "far").iterdir()] == ["found.json"]


def test_a_link_to_nothing_yet_makes_what_it_leads_to(tmp_path: Path) -> None:
    """The name that was given says whether it is gzip."""
    (tmp_path / "out.csv.gz").symlink_to(tmp_path / "data")
    with replacing(tmp_path / "out.csv.gz") as stream:
        stream.write(b"a,b")
    assert (tmp_path / "out.csv.gz").is_symlink()
    assert gzip.decompress((tmp_path / "data").read_bytes()) == b"a,b"


def test_links_in_a_loop_are_refused(tmp_path: Path) -> None:
    """There is no file at their end."""
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(InputError, match="a loop of links"), replacing(tmp_path / "one") as stream:
        stream.write(b"never")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]
