"""Documents made to break a reader: only a clean error may come out, quickly, in bounded memory."""

from __future__ import annotations

import copy
import json
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skypact.errors import InputError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.ed269 import read_ed269
from skypact.formats.f3548 import read_f3548
from skypact.formats.geojson import read_geojson
from skypact.formats.openair import read_openair
from skypact.formats.plan import read_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reader = Callable[[bytes, str, Defaults], Contents]

STARTED = Defaults(start_us=0)
RING = [[5.0, 50.0], [5.5, 50.0], [5.5, 50.5], [5.0, 50.0]]
TIMES = ["2017-06-08T12:00:00Z", "2017-06-08T12:10:00Z"]
LIMITS = {
    "lower": "surface",
    "upper": {"value": 1, "unit": "M", "reference": "AMSL"},
    "start": TIMES[0],
    "end": TIMES[1],
}
GEOJSON = {
    "type": "FeatureCollection",
    "data_mode": "test",
    "features": [
        {
            "type": "Feature",
            "id": 1,
            "properties": {"party": "blue", "kind": "crewed", "radius_m": 10, **LIMITS},
            "geometry": {
                "type": "GeometryCollection",
                "geometries": [
                    {
                        "type": "MultiPolygon",
                        "coordinates": [[RING], [[[180, 0], [180, 1], [179, 0], [180, 0]], RING]],
                    },
                    {"type": "Point", "coordinates": [5.0, 50.0]},
                ],
            },
        },
        {
            "type": "Feature",
            "properties": {"times": [TIMES], "role": "plan", "altitude_reference": "STD"},
            "geometry": {"type": "MultiLineString", "coordinates": [[[0, 60, 1], [9, 60, 2]]]},
        },
    ],
}
VOLUME = {
    "volume": {
        "outline_polygon": {"vertices": [{"lat": 1, "lng": 2}, {"lat": 2, "lng": 2}, {"lat": 2, "lng": 3}]},
        "altitude_lower": {"value": 1, "reference": "W84", "units": "M"},
    },
    "time_start": {"value": TIMES[0], "format": "RFC3339"},
}
F3548 = {
    "data_mode": "test",
    "operational_intents": [{"reference": {"id": "a", "manager": "b"}, "details": {"volumes": [VOLUME]}}],
    "constraints": [{"details": {"volumes": [VOLUME], "type": "x"}}],
}
ED269 = {
    "features": [
        {
            "identifier": "A",
            "country": "CHE",
            "restriction": "PROHIBITED",
            "restrictionConditions": ["x"],
            "applicability": [{"permanent": "NO", "startDateTime": TIMES[0], "schedule": [{"day": ["MON"]}]}],
            "geometry": [
                {
                    "uomDimensions": "FT",
                    "lowerLimit": 0,
                    "lowerVerticalReference": "AGL",
                    "upperLimit": "100",
                    "upperVerticalReference": "AMSL",
                    "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
                },
                {"horizontalProjection": {"type": "Circle", "center": [5, 50], "radius": 9}},
            ],
        }
    ]
}


def item(command: int, *params: float | None) -> dict[str, Any]:
    """A simple item."""
    return {"type": "SimpleItem", "command": command, "frame": 3, "doJumpId": 1, "params": list(params)}


PLAN = {
    "fileType": "Plan",
    "version": 1,
    "mission": {
        "version": 2,
        "vehicleType": 1,
        "cruiseSpeed": 15,
        "hoverSpeed": 5,
        "plannedHomePosition": [47.0, 8.0, 400.0],
        "items": [
            item(22, 0, 0, 0, None, 47.01, 8.0, 30.0),
            item(178, 1, 9, 0, 0, 0, 0, 0),
            item(19, 5, 0, 50, 0, 47.02, 8.0, 30.0),
            item(177, 1, 1, 0, 0, 0, 0, 0),
            {
                "type": "ComplexItem",
                "complexItemType": "survey",
                "TransectStyleComplexItem": {"Items": [item(206, *[0] * 7)]},
            },
            {
                "type": "ComplexItem",
                "complexItemType": "fwLandingPattern",
                "landingApproachCoordinate": [47.0, 8.01, 50],
                "landCoordinate": [47.0, 8.0, 0],
                "loiterRadius": 60,
            },
        ],
    },
}
DOCUMENTS: dict[str, tuple[Reader, Any]] = {
    "geojson": (read_geojson, GEOJSON),
    "f3548": (read_f3548, F3548),
    "ed269": (read_ed269, ED269),
    "plan": (read_plan, PLAN),
}
OPENAIR = """AC R
AY TRA
AN x
AL GND
AH FL65
AA 2025-01-01T12:00Z/NONE
DP 50:00:00 N 005:00:00 E
V X=50:00:00 N 005:10:00 E
V D=-
DB 50:10:00 N 005:10:00 E, 50:00:00 N 005:25:00 E
DA 5,0,90
AC D
AN y
V W=2
DY 50:00.5 N 5:0.5 E
DY 51:00 N 5:00 E
"""

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 90, 91, 180, -180, 360, 1e9, 1e300, -1e300, 5e-324, 2**63]),
    st.text(max_size=12),
    st.sampled_from(
        ["FL100", "1 ft", "NaN", "W84", "YES", "2017-06-08T12:00:00Z", "zone", "track", "\x1b[2J"]
    ),
    st.lists(st.one_of(st.floats(-400, 400), st.none(), st.text(max_size=2)), max_size=4),
    st.dictionaries(st.sampled_from(["type", "value", "lat", "reference"]), st.integers(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any, *, remove: bool) -> Any:
    """A copy of a document with one value replaced or taken out."""
    if not path:
        return value
    copied = copy.deepcopy(document)
    at = copied
    for key in path[:-1]:
        at = at[key]
    if remove:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copied


def survives(reader: Reader, data: bytes) -> None:
    """Read; nothing but an InputError may come out, and its text is one line that names the file."""
    try:
        reader(data, "x.file", STARTED)
    except InputError as error:
        text = str(error)
        assert text.startswith("x.file")
        assert "\n" not in text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_that_are_broken_here_are_whole_to_begin_with(name: str) -> None:
    """A test of broken documents needs one that is not."""
    reader, document = DOCUMENTS[name]
    assert reader(json.dumps(document).encode(), "x.file", STARTED).counts


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_document_with_values_replaced_gives_a_clean_error_or_is_read(
    name: str, data: st.DataObject
) -> None:
    """Any value may be replaced by junk, or be missing."""
    reader, document = DOCUMENTS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = changed(document, path, data.draw(junk), remove=data.draw(st.booleans()))
    survives(reader, json.dumps(document).encode())


@pytest.mark.parametrize("name", [*DOCUMENTS, "openair"])
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_document_with_bytes_replaced_gives_a_clean_error_or_is_read(
    name: str, data: st.DataObject
) -> None:
    """Any byte may be another, and the end may be missing."""
    reader, whole = DOCUMENTS.get(name, (read_openair, OPENAIR))
    raw = bytearray(whole.encode() if isinstance(whole, str) else json.dumps(whole).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    survives(reader, bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(OPENAIR.splitlines()),
            st.tuples(
                st.sampled_from(
                    [
                        "AC",
                        "AN",
                        "AL",
                        "AH",
                        "AA",
                        "AY",
                        "DP",
                        "DC",
                        "DA",
                        "DB",
                        "DY",
                        "V",
                        "TO",
                        "XX",
                        "V X=",
                        "V D=",
                    ]
                ),
                st.one_of(
                    st.text(max_size=20),
                    st.sampled_from(
                        [
                            "50:00:00 N 005:00:00 E",
                            "1,2,3",
                            "1e9",
                            "0",
                            "UNL",
                            "GND",
                            "FL65",
                            "NONE",
                            "-",
                            "*",
                        ]
                    ),
                ),
            ).map(" ".join),
        ),
        max_size=14,
    )
)
def test_any_lines_of_openair_give_a_clean_error_or_are_read(lines: list[str]) -> None:
    """Commands in any order, with any text."""
    survives(read_openair, "\n".join(lines).encode("utf-8", "surrogatepass"))


@pytest.mark.unmeasured
@pytest.mark.parametrize("reader", [read_geojson, read_f3548, read_ed269, read_plan, read_openair])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 1000,
        b"[" * 3_000_000,
        b'{"features":' * 200_000,
        b"[" + b"[]," * 200_000 + b"[]]",
        b'{"type": "FeatureCollection", "features": [' + b'{"type":"Feature","geometry":null},' * 20_000,
        b"A" * 3_000_000,
        b"*\n" * 300_000,
        b"AC A\n" * 100_000,
        bytes(range(256)) * 1000,
        b"\x1f\x8b\x08\x00truncated",
    ],
    ids=[
        "empty",
        "zeros",
        "brackets",
        "objects",
        "arrays",
        "cut",
        "letters",
        "comments",
        "classes",
        "bytes",
        "gzip",
    ],
)
def test_megabytes_of_nothing_are_refused_quickly(reader: Reader, data: bytes) -> None:
    """No reader takes them for its format, nor long to say so."""
    began = time.process_time()
    with pytest.raises(InputError):
        reader(data, "x.file", STARTED)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    ("reader", "data", "times_its_size"),
    [
        (read_geojson, b"[" + b"[]," * 200_000 + b"[]]", 40),
        (read_openair, b"* nothing\n" * 60_000, 3),
        (read_openair, b"AC A\n" * 60_000, 3),
    ],
    ids=["empty arrays", "comments", "classes"],
)
def test_memory_is_a_bounded_multiple_of_the_size(reader: Reader, data: bytes, times_its_size: int) -> None:
    """A document is held once, as what it is made of."""
    tracemalloc.start()
    with pytest.raises(InputError):
        reader(data, "x.file", STARTED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < times_its_size * len(data)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ["geojson", "f3548", "ed269", "openair"])
def test_one_hundred_thousand_vertices_are_refused_by_every_format(name: str) -> None:
    """A count and a limit, and nothing quadratic on the way."""
    n = 100_000
    pairs = ",".join(f"[{5.0 + 1e-6 * (k % 1000):.6f},{50.0 + 1e-6 * k:.6f}]" for k in range(n))
    reader, text = {
        "geojson": (read_geojson, f'{{"type": "Polygon", "coordinates": [[{pairs}]]}}'),
        "ed269": (
            read_ed269,
            '[{"geometry": [{"horizontalProjection": {"type": "Polygon", "coordinates": [['
            + pairs
            + "]]}}]}]",
        ),
        "f3548": (
            read_f3548,
            '{"outline_polygon": {"vertices": ['
            + ",".join(f'{{"lat": {50.0 + 1e-6 * k:.6f}, "lng": 5}}' for k in range(n))
            + "]}}",
        ),
        "openair": (
            read_openair,
            "AC R\nAN x\n"
            + "".join(f"DP 50:00:{k % 60:02d} N 005:{k // 60 % 60:02d}:00 E\n" for k in range(n)),
        ),
    }[name]
    began = time.process_time()
    with pytest.raises(InputError, match="too many vertices; found 100000; expected at most 10,000"):
        reader(text.encode(), "x.file", STARTED)
    assert time.process_time() - began < 10.0
