"""The HTML map in a real browser: offline, quiet, and doing what it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from awkward import BASE_US, GEOD, rng
from map_pages import CENTRE, SECOND_US, data_of, drawn, ground_once, scene, straight
from sample_report import findings
from skypact.airspace import Labels, Polygon, States, Trajectories, Volume4D, Volumes
from skypact.airspace.labels import DataMode
from skypact.check.findings import FindingKind
from skypact.formats.contents import Contents
from skypact.formats.html_map import write_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("SKYPACT_CHROMIUM", "/usr/bin/chromium"))
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = [
    "</script><script>window.struck = 1</script>",
    "<img src=x onerror='window.struck = 1'>",
    "\u202eturned\u202c",
    "'\"><b>bold</b>",
]


@pytest.fixture(autouse=True, scope="module")
def _ground_once() -> Iterator[None]:
    with ground_once():
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's own Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is not there (install chromium, or set SKYPACT_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield chromium
        chromium.close()


class Visit:
    """A page opened from a file, and everything that it asked for or complained about."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path.as_uri())
        self.settle()

    def settle(self) -> None:
        """Wait until two frames have been drawn."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def ask(self, expression: str, *given: Any) -> Any:
        """Evaluate in the page."""
        return self.page.evaluate(expression, *given)

    def wait(self, condition: str) -> None:
        """Wait until something holds, for ten seconds at most; the policy forbids the driver's own way."""
        self.page.evaluate(
            f"""new Promise((done, fail) => {{
              const end = performance.now() + 10000;
              const look = () => {{
                if ({condition}) done();
                else if (performance.now() > end) fail(new Error('not in ten seconds'));
                else requestAnimationFrame(look);
              }};
              look();
            }})"""
        )

    def text(self, selector: str) -> str:
        """The text that is shown."""
        return self.page.locator(selector).inner_text()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Opens a map; afterwards nothing may have been asked for but the file, and nothing complained of."""
    opened: list[Visit] = []

    def open_(
        contents: list[Contents] | None = None, found: Any = None, title: str = "A day", **options: Any
    ) -> Visit:
        if contents is None:
            contents, found = scene()
        path = tmp_path / "map.html"
        write_map(path, contents, found or [], title=title)
        settings: dict[str, Any] = {
            "viewport": {"width": 1280, "height": 800},
            "reduced_motion": "reduce",
            "color_scheme": "light",
        }
        context = browser.new_context(**settings | options)
        context.set_offline(True)
        made = Visit(context.new_page(), path)
        opened.append(made)
        return made

    yield open_
    for made in opened:
        assert made.requests == [made.path.as_uri()]
        assert made.complaints == []
        made.page.context.close()


def test_it_opens_offline_and_says_what_it_is(visit: Callable[..., Visit]) -> None:
    """From a file, without a network: title, data mode, statement, and the three counts side by side."""
    page = visit(title="al-Tanf")
    assert page.text("#title") == "al-Tanf"
    assert page.text("#mode") == "SIMULATED Made-up traffic. None of it was flown."
    assert page.text("#statement").startswith("2 conflicts found: 1 loss of separation, 1 zone entry")
    tabs = [tab.split("\n") for tab in page.page.locator("#tabs button").all_inner_texts()]
    assert tabs[:3] == [["2", "Findings"], ["1", "Unchecked"], ["1", "Unobserved"]]


def test_the_policy_lets_nothing_out(visit: Callable[..., Visit]) -> None:
    """Even a program in the page could not fetch, open a socket, load an image or run other script."""
    page = visit()
    refused = page.ask(
        """async () => {
          const out = [];
          document.addEventListener('securitypolicyviolation', (event) => out.push(event.effectiveDirective));
          await fetch('http://127.0.0.1:9/').catch(() => {});
          try { new WebSocket('ws://127.0.0.1:9/'); } catch (error) { /* refused */ }
          const image = new Image();
          image.src = 'http://127.0.0.1:9/x.png';
          const script = document.createElement('script');
          script.textContent = 'window.struck = 1';
          document.body.append(script);
          await new Promise((done) => setTimeout(done, 200));
          return [out, window.struck ?? null];
        }"""
    )
    assert {"connect-src", "img-src", "script-src-elem"} <= set(refused[0])
    assert refused[1] is None
    assert all("Content Security Policy" in text for text in page.complaints)
    page.complaints.clear()
    # the driver reports an image as asked for before the policy refuses it; nothing came of it
    assert page.requests[1:] == ["http://127.0.0.1:9/x.png"]
    del page.requests[1:]


def test_a_click_on_a_finding_shows_its_closest_point(visit: Callable[..., Visit]) -> None:
    """The clock stands at the closest point, the view holds both positions, the numbers are the check's."""
    page = visit()
    page.page.click("#all")
    page.ask("setTime(DATA.range[0])")
    page.page.click("#finding-0")
    page.settle()
    assert page.text("#now").split("\n")[0] == page.ask("say.time(DATA.findings[0].closest)")
    assert page.text(".detail .then").endswith("1.07 NM · 656 ft")
    assert "2,000 m" in page.text(".detail")
    assert page.page.locator("#finding-0").get_attribute("aria-expanded") == "true"
    places = page.ask("[DATA.findings[0].a, DATA.findings[0].b].map((s) => placeOnScreen(...s.at))")
    width, height = page.ask("[view.width, view.height]")
    for x, y in places:
        assert 0.1 * width < x < 0.95 * width
        assert 0.1 * height < y < 0.9 * height
    assert np.hypot(*np.subtract(*places)) > 60
    # the line between the two is painted in the colour of findings
    middle = np.mean(places, axis=0)
    painted = page.ask(
        """([x, y]) => {
          const ctx = liveCanvas.getContext('2d');
          const r = view.ratio;
          return [...ctx.getImageData(Math.round(x * r) - 2, Math.round(y * r) - 2, 5, 5).data];
        }""",
        middle.tolist(),
    )
    red, green, blue, alpha = np.array(painted).reshape(-1, 4).T
    assert ((red > 180) & (green < 90) & (blue < 60) & (alpha > 200)).any()
    assert page.page.locator(".detail canvas").count() == 2
    page.page.keyboard.press("Escape")
    assert page.ask("chosen.selected") == -1


def test_the_closest_point_on_the_map_can_be_clicked(visit: Callable[..., Visit]) -> None:
    """The ring on the map chooses the finding as the list does."""
    page = visit()
    page.ask("setTime(DATA.range[0])")
    page.settle()
    x, y = page.ask("placeOnScreen(...DATA.findings[0].a.at)")
    box = page.page.locator("#live").bounding_box()
    assert box is not None
    page.page.mouse.click(box["x"] + x, box["y"] + y)
    page.settle()
    assert page.ask("chosen.selected") == 0
    assert page.page.locator(".detail").count() == 1


def test_the_slider_moves_things(visit: Callable[..., Visit]) -> None:
    """Dragging the time moves what moves: in the list of things, and on the canvas."""
    page = visit()
    page.page.click("#tab-3")

    def set_time(part: float) -> tuple[list[str], str]:
        page.ask(
            """(part) => {
              slider.value = String(DATA.range[0] + part * (DATA.range[1] - DATA.range[0]));
              slider.dispatchEvent(new Event('input'));
              panel.thingsDrawn = 0;
            }""",
            part,
        )
        page.settle()
        page.settle()
        return page.page.locator("tbody tr").all_inner_texts(), page.ask("liveCanvas.toDataURL()")

    early, late = set_time(0.02), set_time(0.05)
    assert early[0] != late[0]
    assert early[1] != late[1]
    assert any("HAWK 21" in row and "FL295" in row for row in early[0])


def test_things_are_where_the_geodesic_says(visit: Callable[..., Visit], tmp_path: Path) -> None:
    """Between samples the page's own place is that of the recorded flight, to the page's step."""
    page = visit()
    for seconds in (3.0, 57.5, 299.9, 444.4):
        t = BASE_US / 1000 + seconds * 1000
        place = page.ask(
            "(t) => [placeAt(0, t - DATA.base)].map((p) => [p.lat, p.lng, p.altitude, p.speed])[0]", t
        )
        thing = drawn(data_of((tmp_path / "map.html").read_bytes()))[0]
        k = int(np.searchsorted(thing["time"], t)) - 1
        azimuth, _, length = GEOD.inv(
            thing["lng"][k], thing["lat"][k], thing["lng"][k + 1], thing["lat"][k + 1]
        )
        part = (t - thing["time"][k]) / (thing["time"][k + 1] - thing["time"][k])
        lng, lat, _ = GEOD.fwd(thing["lng"][k], thing["lat"][k], azimuth, part * length)
        assert GEOD.inv(place[1], place[0], lng, lat)[2] < 0.05
        assert place[2] == pytest.approx(9000.0)
        assert place[3] == pytest.approx(200.0, rel=1e-3)


def test_in_a_gap_nothing_is_claimed(visit: Callable[..., Visit]) -> None:
    """In an unobserved stretch the drone is shown where it was last seen, and said so."""
    page = visit()
    page.page.click("#tab-2")
    assert "Nobody saw where these were" in page.text("#list-2")
    page.page.click("#list-2 .entry")
    page.ask(f"setTime({BASE_US / 1000 + 300_000} - DATA.base)")
    page.page.click("#tab-3")
    page.settle()
    row = page.page.locator("tbody tr", has_text="UAV-7").inner_text()
    assert "not observed" in row
    assert "last seen" in row
    assert page.ask(f"placeAt(3, {BASE_US / 1000 + 300_000} - DATA.base).unseen") is True
    assert page.ask(f"placeAt(3, {BASE_US / 1000 + 450_000} - DATA.base).unseen") is False


def test_volumes_are_active_in_their_window_only(visit: Callable[..., Visit]) -> None:
    """The first volume ends when the second begins; at that instant only the second is active."""
    page = visit()
    active = page.ask(
        "(start) => [0, 239999, 240000, 480000].map((t) => volumes.map((v) => activeAt(v, start + t)))",
        BASE_US / 1000 - page.ask("DATA.base"),
    )
    assert active == [[True, False], [True, False], [False, True], [False, False]]


def test_play_runs_and_pauses(visit: Callable[..., Visit]) -> None:
    """The button and the space bar start and stop the clock; it stops by itself at the end."""
    page = visit()
    page.ask("setTime(DATA.range[0])")
    page.page.click("#play")
    page.wait("chosen.t > DATA.range[0] + 1000")
    page.page.click("#play")
    stopped = page.ask("chosen.t")
    page.settle()
    assert page.ask("chosen.t") == stopped
    page.page.focus("#live")
    page.page.keyboard.press("Space")
    assert page.page.get_attribute("#play", "aria-pressed") == "true"
    page.ask("setTime(DATA.range[1] - 1)")
    page.wait("!playing")
    assert page.ask("chosen.t") == page.ask("DATA.range[1]")


def test_a_zone_says_who_recognises_it(visit: Callable[..., Visit]) -> None:
    """Hovering over the zone tells who declared it and what each party says of it; so does the list."""
    page = visit()
    page.ask("setTime(DATA.range[0])")
    page.settle()
    x, y = page.ask(
        "toScreen(zones[0].west * 0.7 + zones[0].east * 0.3, zones[0].south * 0.8 + zones[0].north * 0.2)"
    )
    box = page.page.locator("#live").bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + x, box["y"] + y)
    page.settle()
    hint = page.text("#hint")
    for line in (
        "al-tanf-55km",
        "entry by notice",
        "Declared by: US-led coalition (coalition)",
        "Recognised by: US-led coalition (coalition)",
        "Rejected by: russia",
        "No word from: government",
    ):
        assert line in hint
    page.page.click("#tab-3")
    listed = page.text("#list-3")
    assert "The zone around al-Tanf" in listed
    assert "surface to no ceiling" in listed


def test_hostile_names_are_only_text(visit: Callable[..., Visit]) -> None:
    """Names that are markup elsewhere are shown letter by letter and run nowhere."""
    tracks = Trajectories.concat([straight(name, *CENTRE, 90.0 * k) for k, name in enumerate(HOSTILE)])
    found = findings(tracks.labels, [(0, 1, 0, 10.0, 10.0), (2, 3, 0, 10.0, 10.0)], rules=(HOSTILE[1],))
    contents = [Contents(HOSTILE[0], HOSTILE[3], tracks=tracks, ignored=(HOSTILE[1],))]
    page = visit(contents, [found], title=HOSTILE[0])
    for n in (0, 1):
        page.page.click(f"#finding-{n}")
    for n in range(5):
        page.page.click(f"#tab-{n}")
        page.settle()
    assert page.ask("window.struck ?? null") is None
    assert page.page.locator("img, b b, #panel script").count() == 0
    assert HOSTILE[0] in page.text("#title")
    assert HOSTILE[1] in (page.page.locator("#list-3").text_content() or "")
    assert "\u202e" not in (page.page.locator("#panel").text_content() or "")
    assert "\ufffdturned\ufffd" in (page.page.locator("#list-0").text_content() or "")


def test_nothing_found_is_not_all_clear(visit: Callable[..., Visit]) -> None:
    """An empty list names its assumptions and what stands beside it."""
    contents, found = scene()
    page = visit(contents, [findings(found[0].labels_a, [])])
    shown = page.text("#list-0")
    assert "No conflict found under these assumptions." in shown
    assert "This is not a clearance." in shown
    assert "as told" in shown


def test_keys_do_what_the_page_says(visit: Callable[..., Visit]) -> None:
    """Zoom, pan, next and previous finding, steps in time and measuring, without a mouse."""
    page = visit()
    page.page.focus("#live")
    k, x = page.ask("[view.k, view.x]")
    page.page.keyboard.press("+")
    assert page.ask("view.k") == pytest.approx(1.5 * k)
    page.page.keyboard.press("ArrowRight")
    assert page.ask("view.x") > x
    page.page.keyboard.press("-")
    page.page.keyboard.press("0")
    page.settle()
    assert page.ask("view.k") == pytest.approx(k)
    page.page.keyboard.press("n")
    assert page.ask("chosen.selected") == 0
    page.page.keyboard.press("n")
    assert page.ask("chosen.selected") == 1
    page.page.keyboard.press("p")
    assert page.ask("chosen.selected") == 0
    t = page.ask("chosen.t")
    page.page.keyboard.press(".")
    assert page.ask("chosen.t") > t
    page.page.keyboard.press("m")
    assert page.page.get_attribute("#ruler", "aria-pressed") == "true"
    page.page.keyboard.press("Escape")
    assert page.page.get_attribute("#ruler", "aria-pressed") == "false"
    assert page.ask("document.getElementById('said').textContent").startswith("Measure")


def test_the_ruler_measures_on_the_ellipsoid(visit: Callable[..., Visit]) -> None:
    """Two clicks give the geodesic between them."""
    page = visit()
    page.page.click("#ruler")
    box = page.page.locator("#live").bounding_box()
    assert box is not None
    for x, y in ((400, 200), (650, 500)):
        page.page.mouse.click(box["x"] + x, box["y"] + y)
    from_, to, done = page.ask("[chosen.ruler.from, chosen.ruler.to, chosen.ruler.done]")
    assert done is True
    expected = GEOD.inv(from_[1], from_[0], to[1], to[0])[2]
    assert page.ask("([a, b]) => geodesicBetween(...a, ...b).metres", [from_, to]) == pytest.approx(
        expected, abs=1e-3
    )


def test_the_geodesics_of_the_page_are_right(visit: Callable[..., Visit]) -> None:
    """Distances and places agree with the exact solver to a millimetre, and the plane inverts."""
    page = visit()
    r = rng(5)
    pairs = np.column_stack([np.degrees(np.arcsin(r.uniform(-1, 1, 200))), r.uniform(-180, 180, 200)] * 2)
    pairs[:, 2] = np.clip(pairs[:, 0] + r.normal(0, 20, 200), -90, 90)
    pairs[:, 3] = pairs[:, 1] + r.normal(0, 30, 200)
    pairs[0] = (10.0, 20.0, 10.0, 20.0)
    pairs[1] = (0.0, 179.9, 0.0, -179.9)
    pairs[2] = (90.0, 0.0, 89.0, 50.0)
    azimuth, _, length = GEOD.inv(pairs[:, 1], pairs[:, 0], pairs[:, 3], pairs[:, 2])
    found = page.ask("(rows) => rows.map((p) => geodesicBetween(...p).metres)", pairs.tolist())
    assert np.abs(np.array(found) - length).max() < 1e-3
    back = page.ask(
        "(rows) => rows.map(([lat, lng, a, d]) => geodesicFrom(lat, lng, a, d))",
        np.column_stack([pairs[:, :2], azimuth, length]).tolist(),
    )
    back = np.array(back)
    assert GEOD.inv(back[:, 1], back[:, 0], pairs[:, 3], pairs[:, 2])[2].max() < 1e-3
    there = page.ask(
        "(rows) => rows.map(([lat, lng]) => plane.inverse(...plane.forward(lat, lng)))",
        pairs[3:, :2].tolist(),
    )
    turned = (np.array(there)[:, 1] - pairs[3:, 1] + 180) % 360 - 180
    assert np.abs(np.array(there)[:, 0] - pairs[3:, 0]).max() < 1e-8
    assert np.abs(turned * np.cos(np.radians(pairs[3:, 0]))).max() < 1e-8
    # nearly opposite points have no answer by iteration, and still get a number
    far = page.ask("geodesicBetween(0, 0, 0.5, 179.7).metres")
    assert far == pytest.approx(GEOD.inv(0, 0, 179.7, 0.5)[2], rel=5e-3)


def test_day_and_night(visit: Callable[..., Visit]) -> None:
    """The page follows the system and can be told otherwise; the mode stays visible in both."""
    page = visit(color_scheme="dark")
    assert page.ask("document.documentElement.dataset.theme") == "night"
    dark = page.ask("getComputedStyle(document.body).backgroundColor")
    page.page.click("#theme")
    assert page.ask("document.documentElement.dataset.theme") == "day"
    assert page.ask("getComputedStyle(document.body).backgroundColor") != dark
    page.page.emulate_media(color_scheme="dark")
    assert page.ask("document.documentElement.dataset.theme") == "day"
    assert page.page.locator("#mode").is_visible()


def test_units_can_be_changed(visit: Callable[..., Visit]) -> None:
    """Nautical miles and feet become kilometres and metres everywhere at once."""
    page = visit()
    assert "1.07 NM · 656 ft" in page.text("#finding-0")
    page.page.click("#units")
    assert "2,000 m · 200 m" in page.text("#finding-0")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180), (1280, 800)])
def test_it_fits_the_screen(visit: Callable[..., Visit], width: int, height: int) -> None:
    """On a phone, a tablet and a laptop: no sideways scrolling, and mode, map, list and clock in sight."""
    page = visit(viewport={"width": width, "height": height})
    page.page.click("#finding-0")
    assert page.ask("document.documentElement.scrollWidth") <= width
    for selector in ("#mode", "#title", "#live", "#tabs", "#finding-0", "#play", "#slider"):
        box = page.page.locator(selector).bounding_box()
        assert box is not None, selector
        assert box["x"] >= -1, selector
        assert box["x"] + box["width"] <= width + 1, selector
        assert box["y"] + min(box["height"], 24) <= height + 1, selector
    stage = page.page.locator("#stage").bounding_box()
    assert stage is not None
    assert stage["height"] > 150


def test_parties_can_be_hidden(visit: Callable[..., Visit]) -> None:
    """A party unticked in the key, its flight and its plan, is neither drawn nor listed as present."""
    page = visit()
    before = page.ask("present.length")
    page.page.get_by_label("russia").uncheck()
    page.settle()
    assert page.ask("present.length") == before - 2


def test_a_long_list_is_searched(visit: Callable[..., Visit]) -> None:
    """Three hundred findings: the first rows, more on request, and a search that finds one."""
    n = 300
    tracks = Trajectories.concat(
        [straight(f"F{k:03d}", 47.0 + k / 1000, 8.0, 90.0, n=3) for k in range(n + 1)]
    )
    found = findings(tracks.labels, [(k, k + 1, k / 60, 100.0 + k, 10.0) for k in range(n)])
    page = visit([Contents("a.csv", "csv", tracks=tracks)], [found])
    assert page.page.locator("#list-0 .entry").count() == 250
    page.page.click("#list-0 .more")
    assert page.page.locator("#list-0 .entry").count() == n
    page.page.fill("#list-0 input", "f123 F124")
    assert page.page.locator("#list-0 .entry").count() == 1
    assert "F123" in page.text("#list-0 .entry")


def test_predictions_are_drawn_ahead(visit: Callable[..., Visit]) -> None:
    """A predicted loss: both fly on as they were last seen, and the page says that it is a prediction."""
    states = States.of(
        Labels.of(["a", "b"], source="live.csv", data_mode=DataMode.EXERCISE),
        BASE_US,
        [47.0, 47.0],
        [8.0, 8.8],
        9000.0,
        200.0,
        np.radians([90.0, 270.0]),
    )
    found = findings(
        states.labels,
        [(0, 1, 0, 10.0, 0.0)],
        kind=FindingKind.ENCOUNTER,
        now_us=BASE_US,
        closest_us=np.array([BASE_US + 150 * SECOND_US]),
        lat_deg=np.array([47.0]),
        lng_deg=np.array([8.4]),
    )
    page = visit([Contents("live.csv", "csv", states=states)], [found])
    assert page.text("#mode").startswith("EXERCISE")
    assert "Predicted inside minima" in page.text("#finding-0")
    page.page.click("#finding-0")
    assert "taken to fly straight on" in page.text(".detail")
    assert page.ask("present.length") == 2


def test_a_conflict_of_volumes_is_shown(visit: Callable[..., Visit]) -> None:
    """Two volumes that meet: both outlines in view, and no charts, since nothing moves."""
    corners = ((47.0, 8.0), (47.2, 8.0), (47.2, 8.2), (47.0, 8.2))
    volumes = Volumes.of(
        Labels.of(["OI-1", "OI-2"], source="v.json", data_mode=DataMode.TEST),
        [
            Volume4D(Polygon(corners), start_us=BASE_US, end_us=BASE_US + 600 * SECOND_US),
            Volume4D(Polygon(tuple((a + 0.1, b + 0.1) for a, b in corners))),
        ],
    )
    found = findings(
        volumes.labels,
        [(0, 1, 0, 0.0, 0.0)],
        kind=FindingKind.CONFLICT,
        lat_deg=np.array([47.15]),
        lng_deg=np.array([8.15]),
        closest_us=np.array([BASE_US]),
    )
    page = visit([Contents("v.json", "f3548", volumes=volumes)], [found])
    page.page.click("#finding-0")
    assert "they meet" in page.text("#finding-0")
    assert page.page.locator(".detail canvas").count() == 0
    on_screen = page.ask("volumes.map((v) => [...toScreen(v.west, v.south), ...toScreen(v.east, v.north)])")
    width, height = page.ask("[view.width, view.height]")
    for x1, y1, x2, y2 in on_screen:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y2 < y1 <= height


def test_an_empty_page_is_calm(visit: Callable[..., Visit]) -> None:
    """Nothing to show: a map of the world, no clock, no key, and words that claim nothing."""
    page = visit([], [])
    assert page.text("#mode").startswith("NO DATA")
    assert not page.page.locator("#clock").is_visible()
    assert not page.page.locator("#legend").is_visible()
    for n in range(5):
        page.page.click(f"#tab-{n}")
    assert "No pair was left undecided." in (page.page.locator("#list-1").text_content() or "")
