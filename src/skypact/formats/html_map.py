"""The map: one HTML file that shows what a check was given and what it answered, without a network.

Law: the file asks for nothing from anywhere (its own content security policy forbids it), shows the data
mode always, gives what was not decided and not observed the same room as what was found, and never says that
anything is clear. Text from data reaches the page only as text: it stands in one JSON block in which ``<``,
``>`` and ``&`` are escaped, and the page's own program puts it on screen with ``textContent``.

How it works. :mod:`~skypact.formats.html_scene` lays out what is shown as columns,
:mod:`~skypact.formats.html_world` cuts out the ground beneath, :mod:`~skypact.formats.html_thin` chooses
which samples to draw. The page itself is ``data/map/``: a template, a style sheet and plain JavaScript, put
together here without a build step; the policy names the hashes of exactly this style and this script.

Known limits: what does not fit is left out of the drawing, never of the counts, and the page says what
(:data:`~skypact.formats.html_scene.LIMITS`). The ground is good to about a kilometre. Distances of findings
are the check's own, to its precision; distances that the page works out between things as they move are of
thinned tracks.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import skypact
from skypact.check.findings import FindingKind
from skypact.errors import ModeError
from skypact.formats.html_scene import Scene, shown
from skypact.formats.output import replacing
from skypact.formats.report import PREDICTED, RECORDED, Answer, Report
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from skypact.airspace.labels import DataMode
    from skypact.check.findings import Findings
    from skypact.formats.contents import Contents
    from skypact.pact import Pact

_SCRIPTS: Final = ("geo.js", "scene.js", "draw.js", "charts.js", "panel.js", "page.js")
_UNIFORM_RULE: Final = re.compile(r"(\d+(?:[.]\d+)?) NM / (\d+(?:[.]\d+)?) ft", re.ASCII)


def write_map(
    path: str | Path, contents: Sequence[Contents], findings: Sequence[Findings], *, title: str
) -> None:
    """Write a map of some files and of what the engine answered about them.

    The minima of a finding's rule, which order the findings and are drawn in their charts, are looked up by
    the rule's name in the pacts among ``contents``. A caller that has a
    :class:`~skypact.formats.report.Report` uses :func:`write_report_map`.

    Raises
    ------
    ModeError
        Records of different data modes would be on one map.
    InputError
        The file cannot be written.
    """
    pacts = [c.pact for c in contents if c.pact is not None]
    labels = [labels for found in findings for labels in (found.labels_a, found.labels_b) if len(labels)]
    modes = {own.data_mode.value for own in labels} | {mode.value for c in contents for mode in _modes(c)}
    if len(modes) > 1:
        raise ModeError(
            "data of different modes cannot be on one map",
            found=", ".join(sorted(modes)),
            expected="one mode",
        )
    assumptions: dict[str, str] = {}
    for found in findings:
        for name, text in found.assumptions.items():
            known = assumptions.get(name)
            if known is None:
                assumptions[name] = text
            elif text not in known.split("; "):
                assumptions[name] = f"{known}; {text}"
    report = Report(
        version=skypact.__version__,
        data_mode=modes.pop() if modes else "",
        inputs=tuple(contents),
        answers=tuple(_answer(found, pacts) for found in findings),
        assumptions=assumptions,
        pact=pacts[0] if pacts else None,
    )
    write_report_map(path, report, title=title)


def write_report_map(path: str | Path, report: Report, *, title: str) -> None:
    """Write a map of a report; raises :class:`~skypact.errors.InputError` if the file cannot be written."""
    page = _page(Scene(report).data(title), title)
    with replacing(path) as stream:
        stream.write(page)


def _modes(contents: Contents) -> Iterator[DataMode]:
    for part in (contents.tracks, contents.plans, contents.states, contents.volumes):
        if part is not None and len(part):
            yield part.labels.data_mode
    if contents.zones is not None and len(contents.zones):
        yield contents.zones.volumes.labels.data_mode
    if contents.pact is not None:
        yield contents.pact.data_mode


def _answer(found: Findings, pacts: Sequence[Pact]) -> Answer:
    """The engine's answer with the minima of its rules, as far as their names tell."""
    known = {
        rule.name: (rule.minima.horizontal_m, rule.minima.vertical_m)
        for pact in pacts
        for rule in pact.separation.rules
    }
    minima = []
    for name in found.rules:
        match = _UNIFORM_RULE.fullmatch(name)
        written = (float(match[1]) * NM_M, float(match[2]) * FT_M) if match else (0.0, 0.0)
        minima.append(known.get(name, written))
    table = np.array(minima, np.float64).reshape(-1, 2)
    return Answer(
        question=found.kind.word,
        basis=RECORDED if found.now_us is None else PREDICTED,
        findings=found,
        horizontal_m=table[:, 0],
        vertical_m=table[:, 1],
        effect=("",) * len(found.labels_b) if found.kind is FindingKind.ENTRY else None,
    )


# -- the page -----------------------------------------------------------------------------------------------


def _packaged(name: str) -> str:
    return resources.files("skypact.formats").joinpath("data", "map", name).read_text("utf-8")


def _page(data: Mapping[str, Any], title: str) -> bytes:
    style = _packaged("style.css")
    script = "".join(_packaged(name).replace("'use strict';\n", "", 1) for name in _SCRIPTS)
    script = f"'use strict';\n{script}"

    def fingerprint(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    policy = (
        f"default-src 'none'; script-src {fingerprint(script)}; style-src {fingerprint(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    embedded = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    parts = {
        "policy": policy,
        "title": html.escape(f"{shown(title)} · Skypact map"),
        "style": style,
        "script": script,
        "data": embedded.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    }
    # one pass over the template: what is put in is never searched for marks again
    pieces = re.split(r"<!--(\w+)-->", _packaged("page.html"))
    return "".join(parts[p] if k % 2 else p for k, p in enumerate(pieces)).encode()
