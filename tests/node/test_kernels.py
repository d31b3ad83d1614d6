"""A node that says it is ready has its kernels: its first decisions of each sort compile and load nothing."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import gc, json
import numpy as np
from numba.core.dispatcher import Dispatcher
from skypact.airspace.boxes import boxes
from skypact.airspace.labels import DataMode
from skypact.desk.said import Volumed, areas_of, box_of
from skypact.exchange import conformance as watch
from skypact.exchange import planning as plan
from skypact.exchange.dss import Availability, State
from skypact.formats import f3548_wire as wire
from skypact.node.kernels import warm

def compiled():
    return {
        f"{d.py_func.__module__}.{d.py_func.__name__}": sorted(map(str, d.signatures))
        for d in gc.get_objects() if isinstance(d, Dispatcher)
    }

def volume(lat, lng, *, radius=None, size=0.01, banded=True):
    corners = ((-size, -size), (-size, size), (size, size), (size, -size))
    low, high = (wire.Altitude(value=v, reference="W84", units="M") for v in (50.0, 100.0))
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=None if radius is None else wire.Circle(
                center=wire.LatLngPoint(lat=lat, lng=lng), radius=wire.Radius(value=radius, units="M")
            ),
            outline_polygon=None if radius is not None else wire.Polygon(
                vertices=[wire.LatLngPoint(lat=lat + a, lng=lng + b) for a, b in corners]
            ),
            altitude_lower=low if banded else None,
            altitude_upper=high if banded else None,
        ),
        time_start=wire.time(1_000_000), time_end=wire.time(9_000_000),
    )

warm()
before = compiled()
kept = Volumed(DataMode.TEST)
sets = (
    [volume(46, 7)],
    [volume(46, 7, radius=400.0)],
    [volume(46, 7 + k / 100, radius=300.0) if k % 2 else volume(46, 7 + k / 100) for k in range(12)],
    [volume(46, 7, size=0.6)],
    [volume(46, 7, banded=False)],
)
reasons = set()
def others(named, volumes):
    at = (named, named, 1)
    reference = plan.Reference(*at, State.ACTIVATED, Availability.NORMAL, 1_000_000, 9_000_000, "https://p")
    told = plan.Details(*at, State.ACTIVATED, "o" * 20, 0, 1_000_000, 9_000_000, volumes)
    return plan.Other(reference, told)
for n, ours in enumerate(sets):
    made = kept.of(ours, ident="ours", party="ours")
    boxes(made), made.areas_m2(), box_of(made), areas_of(ours)
    for m, theirs in enumerate(sets):
        named = f"theirs-{m}"
        one = others(named, kept.of(theirs, ident=named, party=named))
        more = [others(f"{named}-{k}", kept.of(theirs, ident=f"{named}-{k}", party=named)) for k in range(4)]
        goal = plan.Goal("ours", State.ACTIVATED, 0, made, State.ACTIVATED, made)
        for listed in ([one], more):
            verdict = plan.decide(goal, listed, plan.Rules())
            reasons |= {meeting.why for meeting in (*verdict.refused, *verdict.permitted)}
    fixes = [
        watch.Sighting(2_000_000 + k, 46 + k / 50, 7, None if k % 3 == 2 else 75.0) for k in range(6)
    ]
    judged = [watch.judge([fix], made)[0].inside for fix in fixes]
    assert [v.inside for v in watch.judge(fixes, made)] == judged
    watch.reach(fixes[0], 2_000_000, watch.Limits())
after = compiled()
print(json.dumps({
    "new": {name: found for name, found in after.items() if found != before.get(name, [])},
    "kernels": len(before), "reasons": sorted(reasons),
}))
"""


def test_after_warming_no_decision_compiles_anything() -> None:
    """After the warming no call of planning, monitoring or discovery adds a signature to any kernel."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["new"] == {}
    assert said["kernels"] > 50
    assert any("no worse" in why for why in said["reasons"]), said["reasons"]


def test_warming_meets_every_kernel_of_positions() -> None:
    """Before the warming the kernels that judge positions have no signature; after it they have one."""
    script = (
        "from skypact.check import _solid; from skypact.node.kernels import warm;"
        "b = len(_solid.legs_meet.signatures) + len(_solid.points_on_legs.signatures); warm();"
        "print(b, len(_solid.points_on_legs.signatures), len(_solid.distances_to.signatures))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, points, distances = map(int, done.stdout.split())
    assert before == 0
    assert min(points, distances) >= 1
