"""The report of an incident in a real browser: offline, quiet, hostile text shown, printed whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from incident_world import account, claim, entry, opening
from skypact.airspace import DataMode
from skypact.formats.incident_file import load, started
from skypact.formats.incident_html import page
from skypact.formats.incident_record import read_record
from skypact.formats.incident_report import report
from skypact.incident.claims import Quote
from skypact.incident.entries import Stated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("SKYPACT_CHROMIUM", "/usr/bin/chromium"))
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "al-tanf" / "incidents"
HOSTILE = "</style></title><script>window.struck = 1</script><img src=x onerror='window.struck = 1'>\u202e"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's own Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is not there (install chromium, or set SKYPACT_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_offline_without_a_word_and_fits(browser: Browser, tmp_path: Path, width: int) -> None:
    """Nothing but the file is asked for, nothing complained of, and no page scrolls sideways."""
    kept = load(EXAMPLES / "simulated-column.jsonl")
    books = [read_record(EXAMPLES / "simulated-record.json", DataMode.SIMULATED)]
    path = tmp_path / "report.html"
    path.write_bytes(page(kept, books, report(kept, books)))
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.set_offline(True)
    opened = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.goto(path.as_uri())
    assert opened.locator("#mode").inner_text() == "SIMULATED. Made up; none of it happened."
    assert opened.locator("table.sides tbody tr").count() == 5
    assert opened.locator("svg .disc").count() == 2
    sideways = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0
    assert (asked, complaints) == ([path.as_uri()], [])
    if width > 1000:
        printed = opened.pdf(prefer_css_page_size=True)
        assert printed.count(b"/Type /Page\n") in range(2, 12)
    context.close()


def test_hostile_text_is_shown_and_does_nothing(browser: Browser, tmp_path: Path) -> None:
    """A script in a title, a quotation, a speaker: it is read by a person, and by nobody else."""
    kept = started(entry(opening(title=HOSTILE)))
    kept = kept.with_entry(entry(account(speaker=HOSTILE, source=HOSTILE)))
    kept = kept.with_entry(entry(Stated(claim("who", "x", subject=HOSTILE, quote=Quote(HOSTILE)))))
    path = tmp_path / "report.html"
    path.write_bytes(page(kept, [], report(kept)))
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(path.as_uri())
    assert opened.evaluate("window.struck === undefined")
    assert opened.locator("script, img").count() == 0
    shown = HOSTILE.replace("\u202e", "\ufffd")
    assert opened.locator("h1").inner_text() == shown
    assert opened.locator("td q").inner_text().strip("“”") == shown
    context.close()
