"""The report of an incident as one HTML file: it opens offline, asks for nothing, runs nothing, and prints.

Law: the page says what :mod:`skypact.formats.incident_report` says, no more and no less, with the data mode
on top. Text from an incident reaches it only through :func:`_text`, which escapes it and writes out what
could turn or hide it; there is no script in the page, and its content security policy allows none. The order
and the width of the columns are the same for all parties, and colour is never the only sign of anything.

How it works. The ground under the map is the one of :mod:`~skypact.formats.html_world`, drawn as SVG around
everything that has a place. Positions are drawn in its plane, good to the width of a line at this scale;
nothing is measured on the drawing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import unicodedata
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import earth
from skypact.formats import html_world
from skypact.incident.values import length_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from skypact.airspace import Volumes
    from skypact.formats.incident_file import Kept
    from skypact.incident.logbook import Logbook

_COLOURS: Final = 5
_MODES: Final = {
    "real": "REAL. Records of what is said to have happened.",
    "exercise": "EXERCISE. Not for use outside it.",
    "simulated": "SIMULATED. Made up; none of it happened.",
    "test": "TEST of the system. Not for operations.",
}
_SIDES: Final = {
    "agreed": "agreed",
    "disputed": "disputed",
    "for people": "to be compared by people",
    "one side": "one side alone speaks",
    "nobody": "withdrawn by all who spoke",
}
_SIZE: Final = 320.0
"""Half the side of the drawing, in its own units."""
_REACH_M: Final = 20_000.0
"""The map reaches so far at least."""
_POINTS: Final = 800
"""So many points of one track are drawn."""
_NAMES: Final = 14
"""So many places of the ground are named."""
_CAPTION: Final = (
    "North is up. A disc is a claimed place with its accuracy, named by its claim; a dashed disc is denied; "
    "dotted outlines are zones as they were declared, whoever recognises them; lines are recorded tracks. "
    "The ground is good to about a kilometre, and borders are drawn as their source draws them."
)


def page(kept: Kept, books: Sequence[Logbook], data: Mapping[str, Any]) -> bytes:
    """The page of a report.

    Parameters
    ----------
    kept, books
        As :func:`~skypact.formats.incident_report.report` took them: what is drawn on the map.
    data
        What it answered.
    """
    style = resources.files("skypact.formats").joinpath("data", "incident", "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    title = _text(data["incident"]["title"])
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n',
        f"<title>{title} · Skypact incident</title>\n<style>{style}</style>\n</head>\n<body>\n",
        *_head(data),
        *_sides(data),
        *_map(kept, books, data),
        *_records(data),
        *_timeline(data),
        *_accounts(data),
        *_evidence(data),
        *_assessments(data),
        *_log(data),
        "</body>\n</html>\n",
    ]
    return "".join(parts).encode()


def _text(value: object) -> str:
    """Text as it may stand on the page: escaped, without what steers, hides or turns it."""
    shown = "".join(
        "\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} and char not in "\n\t" else char
        for char in str(value)
    )
    return html.escape(shown)


def _party(data: Mapping[str, Any], party: str) -> str:
    """A party's name with its mark."""
    for k, one in enumerate(data["incident"]["parties"]):
        if one["id"] == party:
            return f'<span class="party p{k % _COLOURS}">{_text(one["name"])}</span>'
    return _text(party)


def _tag(word: str, text: str = "") -> str:
    return f'<span class="tag {word.replace(" ", "-")}">{_text(text or word)}</span>'


def _head(data: Mapping[str, Any]) -> Iterator[str]:
    incident, counts = data["incident"], data["counts"]
    yield f'<p id="mode" role="note">{_text(_MODES[incident["data_mode"]])}</p>\n'
    yield f"<header>\n<h1>{_text(incident['title'])}</h1>\n"
    yield f'<p class="statement">{_text(data["statement"])}</p>\n<dl class="facts">\n'
    disputed = f" (disputed by {', '.join(incident['disputed_by'])})" if incident["disputed_by"] else ""
    window = incident["window"]
    facts = [
        ("Incident", incident["name"]),
        ("Handling", f"{incident['status']}{disputed}"),
        ("Window", f"{window['said']}; in UTC {window['utc']}" if window else ""),
        ("Area", incident["area"] or ""),
        ("Agreements invoked", ", ".join(incident["instruments"])),
    ]
    for name, text in facts:
        if text:
            yield f"<dt>{name}</dt><dd>{_text(text)}</dd>\n"
    parties = " · ".join(_party(data, one["id"]) for one in incident["parties"])
    yield f"<dt>Parties</dt><dd>{parties}</dd>\n"
    file = data["file"]
    yield f"<dt>File</dt><dd>{file['entries']} entries, the last with SHA-256 "
    yield f"<code>{file['head']}</code></dd>\n"
    yield f"<dt>Signatures</dt><dd>{_text(_signed(data['signatures']))}</dd>\n"
    yield f'<dt>Written by</dt><dd>Skypact {_text(data["version"])}</dd>\n</dl>\n<ul class="counts">\n'
    for word, text in _SIDES.items():
        if counts["sides"][word]:
            yield f"<li><b>{counts['sides'][word]}</b> {_tag(word, text)}</li>\n"
    yield "</ul>\n</header>\n<main>\n"


def _signed(signatures: Mapping[str, Any] | None) -> str:
    """What is known of the signatures under an incident's lines, in one line."""
    if signatures is None:
        return "not looked at: no pact was given"
    parts = [f"{signatures['mark']}:"] if signatures["mark"] else []
    if signatures["unsigned"]:
        lines = ", ".join(str(number + 1) for number in signatures["unsigned"][:20])
        more = len(signatures["unsigned"]) - 20
        parts.append(
            f"not signed by who wrote them: lines {lines}" + (f" and {more} more" if more > 0 else "")
        )
    else:
        parts.append("each line is signed by the party that it was written for")
    parts += [f"; FAULT: {fault}" for fault in signatures["faults"]]
    return " ".join(parts)


# -- side by side -------------------------------------------------------------------------------------------


def _sides(data: Mapping[str, Any]) -> Iterator[str]:
    claims = {claim["id"]: claim for claim in data["claims"]}
    yield '<section id="sides">\n<h2>Side by side</h2>\n'
    if not data["sides"]:
        yield '<p class="quiet">No claim has been written yet.</p>\n</section>\n'
        return
    heads = "".join(f'<th scope="col">{_party(data, one["id"])}</th>' for one in data["incident"]["parties"])
    yield '<div class="scroll"><table class="sides">\n<thead><tr><th scope="col">Question</th>'
    yield f'{heads}<th scope="col">How they stand</th></tr></thead>\n<tbody>\n'
    for row in data["sides"]:
        yield f'<tr><th scope="row">{_text(row["question"])}<br>'
        yield f'<span class="quiet">{_text(row["subject"])}</span></th>'
        for party in row["cells"]:
            cell = "".join(_cell(claims[ident]) for ident in row["cells"][party])
            yield f"<td>{cell or '<span class=silent>silent</span>'}</td>"
        yield f"<td>{_tag(row['agreement'], _SIDES[row['agreement']])}{_why(row)}</td></tr>\n"
    yield "</tbody></table></div>\n</section>\n"


def _cell(claim: Mapping[str, Any]) -> str:
    gone = ""
    if claim["withdrawn"] is not None:
        gone = f'<br><span class="note">withdrawn: {_text(claim["withdrawn"])}</span>'
    elif claim["superseded_by"] is not None:
        gone = f'<br><span class="note">put right by {_text(claim["superseded_by"])}</span>'
    value = "not known" if claim["value"] is None else claim["value"]
    said = {"denied": "denies: ", "unknown": "does not know: ", "conditional": "on a condition: "}
    during = f" · {_text(claim['during']['said'])}" if claim["during"] else ""
    condition = f" · if: {_text(claim['condition'])}" if claim["condition"] else ""
    source = f"{claim['id']} · {claim['attributed_to']}, {claim['said']} · {claim['source']}"
    return (
        f'<div class="claim{" gone" if gone else ""}"><span class="value">'
        f"{said.get(claim['modality'], '')}{_text(value)}</span>"
        f"<span class=note>{during}{condition}</span><br><q>{_text(claim['quote'])}</q>"
        f'<br><span class="note">{_text(source)}</span>{gone}</div>'
    )


def _why(row: Mapping[str, Any]) -> str:
    lines = []
    for each in (*row["between"], *row["within"]):
        if each["relation"] == "agrees" and not each["said_by"]:
            continue
        pair = f"{each['first']} and {each['second']}"
        if each["relation"] == "refines":
            finer, other = (each["first"], each["second"])
            if each["finer"] == "second":
                finer, other = other, finer
            text = f"{finer} says all that {other} does, and more"
        else:
            text = f"{pair} {_RELATION[each['relation']]}"
        if each["why"]:
            text += f": {each['why']}"
        if each["said_by"]:
            text += f" (said by the {each['said_by']})"
        lines.append(f'<br><span class="note">{_text(text)}</span>')
    return "".join(lines)


_RELATION: Final = {
    "agrees": "can both be true",
    "contradicts": "contradict each other",
    "incomparable": "are not compared",
}


# -- what records say ---------------------------------------------------------------------------------------


def _records(data: Mapping[str, Any]) -> Iterator[str]:
    if not data["records"]:
        return
    yield '<section id="records">\n<h2>Claims beside the records</h2>\n<p class="quiet">Records of '
    yield f"{', '.join(_party(data, one) for one in data['records'])}. A record is its holder's own.</p>\n"
    yield from _ledgers(data)
    yield '<table>\n<thead><tr><th scope="col">Claim</th><th scope="col">Record of</th>'
    yield '<th scope="col">It says</th><th scope="col">Margin and entries</th></tr></thead>\n<tbody>\n'
    for claim in data["claims"]:
        for each in claim["records"]:
            entries = (
                f'<br><span class="note">{_text(", ".join(each["entries"]))}</span>'
                if each["entries"]
                else ""
            )
            yield (
                f"<tr><td>{_text(claim['id'])} {_party(data, claim['party'])}<br>"
                f'<span class="quiet">{_text(claim["subject"])}</span></td>'
                f"<td>{_party(data, each['holder'])}</td>"
                f"<td>{_tag(each['verdict'])}</td><td>{_text(each['margin'])}{entries}</td></tr>\n"
            )
    yield "</tbody></table>\n</section>\n"


def _ledgers(data: Mapping[str, Any]) -> Iterator[str]:
    """What each record was proven against, and which logs are shown to have contradicted themselves."""
    for one in data["ledgers"]:
        proven = one["ledger"] or "an extract that names no ledger: its holder's word"
        yield f'<p class="note">{_party(data, one["holder"])}: {_text(proven)}</p>\n'
        for fork in one["forks"]:
            yield f'<p class="note"><b>Proven:</b> {_text(fork)}</p>\n'


def _timeline(data: Mapping[str, Any]) -> Iterator[str]:
    if not data["timeline"]:
        return
    yield '<section id="timeline">\n<h2>Timeline</h2>\n<p class="quiet">UTC. What is claimed and what '
    yield "is recorded stand in one order; a stretch stands where it begins.</p>\n"
    yield '<table>\n<thead><tr><th scope="col">From</th><th scope="col">Until</th>'
    yield '<th scope="col">Whose</th><th scope="col">What</th></tr></thead>\n<tbody>\n'
    for each in data["timeline"]:
        until = "" if each["until"] == each["from"] else _text(each["until"])
        yield (
            f'<tr><td class="time">{_text(each["from"])}</td><td class="time">{until}</td>'
            f"<td>{_party(data, each['party'])}</td>"
            f'<td><span class="note">{_text(each["sort"])}</span> {_text(each["what"])}</td></tr>\n'
        )
    yield "</tbody></table>\n</section>\n"


def _accounts(data: Mapping[str, Any]) -> Iterator[str]:
    yield '<section id="accounts">\n<h2>Accounts</h2>\n'
    for one in data["accounts"]:
        gone = ""
        if one["withdrawn"] is not None:
            gone = f" · withdrawn: {_text(one['withdrawn'])}"
        elif one["superseded_by"] is not None:
            gone = f" · put right by {_text(one['superseded_by'])}"
        yield f"<h3>{_text(one['id'])} {_party(data, one['party'])} {_text(one['speaker'])}{gone}</h3>\n"
        channel = f", by {one['channel']}" if one.get("channel") else ""
        facts = (
            f"{one['standing']}{channel}; said {one['said']}; received {one['received']}; "
            f"in {one['language']}; from: {one['source']}"
        )
        yield f'<p class="note">{_text(facts)}</p>\n'
        for name in ("text", "translation"):
            if one.get(name):
                note = "" if name == "text" else '<span class="note">translation:</span> '
                yield f"<p>{note}<q>{_text(one[name])}</q></p>\n"
    if not data["accounts"]:
        yield '<p class="quiet">No account has been written yet.</p>\n'
    yield "</section>\n"


def _evidence(data: Mapping[str, Any]) -> Iterator[str]:
    if not data["evidence"]:
        return
    yield '<section id="evidence">\n<h2>Evidence and its custody</h2>\n'
    for one in data["evidence"]:
        copy = ", a working copy" if one.get("working") else ""
        yield f"<h3>{_text(one['id'])} {_text(one['title'])} ({_text(one['media_type'])}{copy})</h3>\n"
        tool = f" with {one['tool']}" if one.get("tool") else ""
        facts = (
            f"collected {one['collected']} by {one['collected_by']}{tool}; from: {one['source']}; SHA-256 "
        )
        yield f'<p class="note">{_text(facts)}<code>{_text(one["sha256"])}</code></p>\n<ul>\n'
        for event in one["custody"]:
            to = f" to {event['to']}" if event.get("to") else ""
            note = f": {event['note']}" if event.get("note") else ""
            text = f"{event['at']} {event['handling']}{to} ({event['post']}, {event['by']}){note}"
            yield f"<li>{_text(text)}</li>\n"
        for link in one["links"]:
            view = f"in the view of the {link['post']}, {link['by']}"
            text = f"{link['bearing']} {link['claim']}, {view}: {link['why']}"
            yield f"<li>{_text(text)}</li>\n"
        yield "</ul>\n"
    yield "</section>\n"


def _assessments(data: Mapping[str, Any]) -> Iterator[str]:
    if not data["assessments"]:
        return
    yield '<section id="assessments">\n<h2>Assessments</h2>\n<p class="quiet">Each is its author\'s. '
    yield "The letter says how sure he is; D is for evidence that does not suffice or conflicts.</p>\n"
    for one in data["assessments"]:
        yield f"<h3>{_text(one['id'])} {_text(one['author'])}: {_tag(one['degree'], one['degree'])} "
        yield f"<span class=quiet>{_text(one['degree_means'])}</span></h3>\n<p>{_text(one['finding'])}</p>\n"
        rests = f"; rests on {', '.join(one['claims'])}" if one.get("claims") else ""
        yield f'<p class="note">Method: {_text(one["method"])}{_text(rests)}</p>\n'
        if one.get("dissent"):
            yield f"<p><b>Dissent:</b> {_text(one['dissent'])}</p>\n"
    yield "</section>\n"


def _log(data: Mapping[str, Any]) -> Iterator[str]:
    yield '<section id="log">\n<h2>Everything that was written</h2>\n'
    yield '<table>\n<thead><tr><th scope="col">Line</th><th scope="col">Written</th><th scope="col">By</th>'
    yield '<th scope="col">Entry</th><th scope="col">SHA-256 of the line</th></tr></thead>\n<tbody>\n'
    for one in data["log"]:
        yield (
            f'<tr><td>{one["n"]}</td><td class="time">{_text(one["at"])}</td>'
            f"<td>{_text(one['post'])}, {_text(one['by'])}{_mark(one['signed'])}</td>"
            f"<td>{_text(one['entry'])} {_text(one['about'])}</td>"
            f"<td><code>{one['sha256'][:16]}…</code></td></tr>\n"
        )
    yield "</tbody></table>\n</section>\n</main>\n"


def _mark(signed: str | None) -> str:
    return "" if signed is None else f'<br><span class="note">{_text(signed)}</span>'


# -- the map ------------------------------------------------------------------------------------------------


def _map(kept: Kept, books: Sequence[Logbook], data: Mapping[str, Any]) -> Iterator[str]:
    """Where things are said to have been, where records have them, and the zones."""
    discs = [
        (claim, claim["position"])
        for claim in data["claims"]
        if claim["position"] is not None and claim["withdrawn"] is None and claim["superseded_by"] is None
    ]
    area = kept.case.opening.area
    zones = [book.zones.volumes for book in books if book.zones is not None]
    tracks = [book.tracks for book in books if book.tracks is not None]
    if not discs and not tracks and area is None:
        return
    rings: list[tuple[str, str, str, NDArray[np.float64]]] = []
    if area is not None:
        rings.append(("frame", "", "area", _circle(area.lat_deg, area.lng_deg, area.accuracy_m)))
    for volumes in zones:
        for k, name in enumerate(volumes.labels.ids):
            rings.append(("zone", "", name, _ring(volumes, k)))
    order = [one["id"] for one in data["incident"]["parties"]]
    for claim, place in discs:
        denied = " denied" if claim["modality"] == "denied" else ""
        colour = f"p{order.index(claim['party']) % _COLOURS}"
        ring = _circle(place["lat"], place["lng"], max(place["accuracy_m"], 1.0))
        rings.append((f"disc{denied}", colour, claim["id"], ring))
    lines = [
        (name, np.column_stack([one.lat_deg[a:b], one.lng_deg[a:b]]))
        for one in tracks
        for k, name in enumerate(one.labels.ids)
        for a, b in [(int(one.offsets[k]), int(one.offsets[k + 1]))]
    ]
    yield from _drawing(rings, lines)


def _circle(lat: float, lng: float, radius_m: float) -> NDArray[np.float64]:
    """Points around a place, degrees."""
    azimuth = np.arange(0.0, 360.0, 5.0)
    n = azimuth.shape[0]
    lngs, lats, _ = earth.geod().fwd(np.full(n, lng), np.full(n, lat), azimuth, np.full(n, radius_m))
    return np.column_stack([lats, lngs])


def _ring(volumes: Volumes, row: int) -> NDArray[np.float64]:
    part = slice(int(volumes.offsets[row]), int(volumes.offsets[row + 1]))
    lat, lng = volumes.lat_deg[part], volumes.lng_deg[part]
    radius_m = float(volumes.radius_m[row])
    return _circle(float(lat[0]), float(lng[0]), radius_m) if radius_m else np.column_stack([lat, lng])


def _drawing(
    rings: Sequence[tuple[str, str, str, NDArray[np.float64]]],
    lines: Sequence[tuple[str, NDArray[np.float64]]],
) -> Iterator[str]:
    points = np.concatenate([*(ring for *_, ring in rings), *(line for _, line in lines)])
    units = _units(points).mean(axis=0)
    length = float(np.linalg.norm(units))
    centre = (
        (float(points[0, 0]), float(points[0, 1]))
        if length < 1e-6  # all around the earth: any centre does
        else (
            float(np.degrees(np.arcsin(units[2] / length))),
            float(np.degrees(np.arctan2(units[1], units[0]))),
        )
    )
    east, north = html_world.project(centre, points[:, 0], points[:, 1])
    reach = max(_REACH_M, 1.12 * float(np.abs(np.concatenate([east, north])).max()))
    scale = _SIZE / reach

    def path(where: NDArray[np.float64], end: str = "") -> str:
        x, y = html_world.project(centre, where[:, 0], where[:, 1])
        return _path(np.column_stack([x, y]) * scale, end)

    yield '<section id="map">\n<h2>Map</h2>\n<figure>\n'
    size = 2.0 * _SIZE
    yield f'<svg viewBox="{-_SIZE:g} {-_SIZE:g} {size:g} {size:g}" role="img" aria-label="Map of claims">\n'
    level, half = html_world.windows(reach)[-1]
    ground = html_world.layer(level, centre, half)
    step = ground["step"] * scale
    land = "".join(_path(line * step, "Z") for line in ground["land"])
    yield f'<path class="land" fill-rule="evenodd" d="{land}"/>\n'
    for sort in ("coast", "border"):
        yield f'<path class="{sort}" d="{"".join(_path(line * step) for line in ground[sort])}"/>\n'
    for name, x, y, _ in html_world.names(centre, reach)["place"][:_NAMES]:
        yield f'<text class="name" x="{x * scale:.0f}" y="{-y * scale:.0f}">{_text(name)}</text>\n'
    for _, line in lines:
        yield f'<path class="track" d="{path(line[:: max(1, line.shape[0] // _POINTS)])}"/>\n'
    for sort, colour, _, ring in rings:
        yield f'<path class="{sort} {colour}" d="{path(ring, "Z")}"/>\n'
    labels = [(text, ring[int(np.argmax(ring[:, 0]))]) for _, _, text, ring in rings]
    labels += [(name, line[line.shape[0] // 2]) for name, line in lines]
    for text, (lat, lng) in labels:
        x, y = html_world.project(centre, np.array([lat]), np.array([lng]))
        right, down = float(x[0]) * scale + 4.0, -float(y[0]) * scale - 4.0
        yield f'<text x="{right:.0f}" y="{down:.0f}">{_text(text)}</text>\n'
    bar_m = 10.0 ** np.floor(np.log10(reach / 2.0))
    bar_m *= max(k for k in (1, 2, 5) if k * bar_m <= reach / 2.0)
    left, low = -_SIZE + 24, _SIZE - 24
    yield f'<path class="frame" d="M{left:g} {low - 6:g}v6h{bar_m * scale:.0f}v-6"/>'
    yield f'<text x="{left:g}" y="{low - 12:g}">{length_words(float(bar_m))}</text>\n</svg>\n'
    yield f"<figcaption>{_CAPTION}</figcaption>\n"
    yield "</figure>\n</section>\n"


def _units(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lat, lng = np.radians(points[:, 0]), np.radians(points[:, 1])
    return np.column_stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)])


def _path(points: NDArray[Any], end: str = "") -> str:
    """A line of the drawing, north up."""
    steps: Iterable[str] = (f"{x:.1f} {-y:.1f}" for x, y in points.tolist())
    return f"M{'L'.join(steps)}{end}"
