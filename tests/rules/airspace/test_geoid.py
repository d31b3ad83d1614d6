"""The packaged geoid against the EGM96 series itself, and the packaged file against its builder."""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skypact.airspace import earth, geoid
from skypact.airspace.altitude import EGM96_INTERPOLATION_ERROR_M, EGM96_LEG_ERROR_M
from skypact.errors import GeometryError

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

FILE_SHA256 = "8f39db9e9d2a238bd80594bb4dfd7e3c4a00376b8b45eac0643210f6b5535602"
TABLE_SHA256 = "baf3aac0312820483bb7014deb611e434d917c8a61cadf937d2bba1208427f78"
"""Of the decoded table as big-endian int16 centimetres: what a rebuild must give, whatever its zlib."""

unhurried = settings(deadline=None, max_examples=60)  # the first example may compile a kernel

# Latitude, longitude, undulation in metres: the harmonic synthesis of NIMA's program F477 (EGM96 and its
# correction coefficients to degree 360, minus 0.53 m), in double precision, with its C translation of 2006.
# First places that others test with, then poles and the antimeridian, then the worst places of bilinear,
# cubic and sixth-order interpolation and of the geoid's curvature, low and high regions, then anywhere.
F477 = (
    (38.628155, 269.779155, -31.6291),
    (-14.621217, 305.021114, -2.9660),
    (46.874319, 102.448729, -43.5720),
    (-23.617446, 133.874712, 15.8678),
    (38.625473, 359.9995, 50.0650),
    (-0.466744, 0.0023, 17.3295),
    (1.0, 1.0, 16.7417),
    (45.565906, 6.066653, 49.8336),
    (-13.542795, -43.267415, -13.9763),
    (12.579898, 54.035084, -36.7707),
    (-10.683891, 142.528842, 71.8971),
    (65.592987, -163.198089, 6.3925),
    (90, 0, 13.6062),
    (-90, 0, -29.5338),
    (89.9, 37.3, 13.6266),
    (-89.95, -120.6, -29.5780),
    (89.99, 179.99, 13.5995),
    (52.3, 180, 5.1654),
    (52.3, -180, 5.1654),
    (-16.8, 179.999, 52.1426),
    (-16.8, -179.999, 52.1354),
    (33.5046, 38.618, 20.1904),
    (19.625, 204.375, 26.7059),
    (28.4375, 343.375, 49.4282),
    (27.3671875, 92.61474609375, -31.9481),
    (4.8828125, 284.87548828125, 25.1357),
    (27.5625, 142.25, 50.6609),
    (4.7, 78.8, -107.0275),
    (-4.7, 140.0, 77.3298),
    (14.4888, 142.997, 53.9842),
    (33.4611, -98.9254, -29.6971),
    (-23.5574, 134.4792, 18.2440),
    (-81.6776, 115.6422, -28.6661),
    (36.4513, -11.5434, 51.8086),
    (-23.1996, -79.7668, 8.0443),
    (-29.3577, -19.7725, 9.6875),
    (0.5212, 19.259, -14.2416),
    (82.3074, 105.3583, 4.6706),
    (14.1439, 176.0257, 13.6515),
    (-34.7072, -122.3237, -12.1255),
    (13.0075, -164.1809, 10.5530),
    (-68.2237, 5.36, 12.3654),
    (-3.8755, 150.1804, 79.3537),
    (14.9783, 5.0824, 20.8101),
    (-0.3583, -90.8946, -4.8477),
    (-77.5307, -110.7352, -34.4649),
    (22.5857, -107.7816, -30.6443),
    (-15.1251, -178.6557, 47.3593),
    (41.3072, -124.394, -30.3997),
    (-27.6974, 136.9196, 9.6410),
    (1.122, 124.9741, 68.7997),
    (16.2264, 87.0375, -74.6155),
    (-54.7865, 14.8118, 27.0122),
    (0.8907, 133.6822, 73.7291),
    (-16.1094, 35.3463, -9.4592),
    (-61.8234, -40.4526, 19.0988),
    (-20.7277, -125.9281, -9.9577),
    (39.2478, -43.3994, 19.6253),
    (73.235, 32.397, 16.6579),
    (12.1289, 49.6788, -27.5648),
    (20.6648, -125.7163, -44.8772),
    (-6.8559, -93.757, -13.0530),
    (-11.2449, -145.1865, -1.5934),
    (69.3344, -102.5985, -30.2088),
    (20.0921, -71.8488, -43.8027),
)


@pytest.fixture(scope="module")
def packed() -> bytes:
    """The packaged file."""
    return resources.files("skypact.airspace").joinpath("data", "egm96_15min.z").read_bytes()


@pytest.fixture(scope="module")
def table(packed: bytes) -> NDArray[np.int16]:
    """The packaged table."""
    return geoid.decode(packed)


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """The program that made the packaged file."""
    path = Path(__file__).parents[3] / "tools" / "build_egm96.py"
    spec = importlib.util.spec_from_file_location("build_egm96", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gtx(table: NDArray[np.int16], west_deg: float) -> bytes:
    """A .gtx file of a table, whose rows begin at the given longitude."""
    rows = np.roll(table, -round(west_deg / 0.25), axis=1) / 100.0
    header = struct.pack(">ddddii", -90.0, west_deg, 0.25, 0.25, *table.shape)
    return header + rows.astype(">f4").tobytes()


# -- the file ---------------------------------------------------------------------------------------------


def test_file_is_the_one_recorded(packed: bytes, table: NDArray[np.int16]) -> None:
    """The packaged file, and the table in it, are those whose digests are recorded here."""
    assert hashlib.sha256(packed).hexdigest() == FILE_SHA256
    assert hashlib.sha256(table.astype(">i2").tobytes()).hexdigest() == TABLE_SHA256
    assert table.shape == (721, 1440)


def test_file_says_what_it_is(packed: bytes) -> None:
    """The first line names the model, the source and the builder."""
    title = packed[: packed.index(b"\n")].decode("ascii")
    assert "EGM96" in title
    assert "public domain" in title
    assert "tools/build_egm96.py" in title


@pytest.mark.parametrize("west_deg", [-180.0, 0.0, -90.0])
def test_builder_rebuilds_the_table(
    west_deg: float,
    builder: Any,
    table: NDArray[np.int16],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From a .gtx file of the table, wherever its rows begin, the builder makes the same table."""
    source, target = tmp_path / "grid.gtx", tmp_path / "grid.z"
    source.write_bytes(gtx(table, west_deg))
    builder.main(str(source), str(target))
    assert np.array_equal(geoid.decode(target.read_bytes()), table)
    assert "bytes" in capsys.readouterr().out


def test_builder_refuses_another_grid(builder: Any) -> None:
    """A grid of another extent is refused, not resampled."""
    with pytest.raises(SystemExit, match="not a global grid of 15 arc minutes"):
        builder.read_gtx(struct.pack(">ddddii", -90.0, 0.0, 0.5, 0.5, 361, 720))


def test_codec_keeps_awkward_tables(builder: Any) -> None:
    """Extremes of the 16-bit range survive, though their differences overflow it."""
    wild = np.resize(np.array([-32768, -1, 32767, 0, 1], np.int16), (721, 1440))
    assert np.array_equal(geoid.decode(builder.encode(wild / 100.0)), wild)


# -- the interpolation ------------------------------------------------------------------------------------


def test_undulation_against_the_series() -> None:
    """At all places, the worst ones known included, the error is within the bound, which is not loose."""
    lat, lng, exact = np.array(F477).T
    error = np.abs(geoid.undulation_m(lat, lng) - exact)
    assert error.max() < EGM96_INTERPOLATION_ERROR_M
    assert error.max() > EGM96_INTERPOLATION_ERROR_M / 3.0


def test_nodes_are_kept(table: NDArray[np.int16]) -> None:
    """At a node of the table the undulation is the table's."""
    random = np.random.default_rng(2)
    row, column = random.integers(0, 721, 500), random.integers(0, 1440, 500)
    found = geoid.undulation_m(row / 4.0 - 90.0, column / 4.0)
    assert np.abs(found - table[row, column] / 100.0).max() < 1e-9


@unhurried
@given(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
@example(90.0, 0.0)
@example(-90.0, 0.0)
@example(89.99, 179.99)
@example(-0.0, -1e-20)
@example(12.25, -1e-300)
def test_longitude_wraps(lat: float, lng: float) -> None:
    """A turn more or less changes nothing."""
    other = lng - 360.0 if lng > 0.0 else lng + 360.0
    assert abs(float(geoid.undulation_m(lat, lng) - geoid.undulation_m(lat, other))) < 1e-9


@pytest.mark.parametrize("lat", [90.0, -90.0])
def test_pole_is_one_place(lat: float) -> None:
    """At a pole the longitude makes no difference."""
    assert np.ptp(geoid.undulation_m(lat, np.linspace(-180.0, 180.0, 999))) < 1e-9


@unhurried
@given(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0), st.floats(0.0, 360.0))
@example(90.0, 10.0, 0.0)
@example(-90.0, 10.0, 90.0)
@example(45.0, 180.0, 90.0)
@example(45.0, 0.0, 270.0)
@example(45.25, 10.25, 225.0)
def test_undulation_is_continuous(lat: float, lng: float, azimuth: float) -> None:
    """A metre on, over cell borders, poles, Greenwich and the antimeridian, it changes by under 1 mm."""
    far_lng, far_lat, _ = earth.geod().fwd(lng, lat, azimuth, 1.0)
    assert abs(float(geoid.undulation_m(lat, lng) - geoid.undulation_m(far_lat, far_lng))) < 1e-3


def test_shapes_broadcast() -> None:
    """One place gives one value, a column and a row give a table, none give none."""
    assert geoid.undulation_m(33.5046, 38.618).shape == ()
    lat, lng = np.linspace(-90.0, 90.0, 7)[:, None], np.linspace(-360.0, 360.0, 5)
    found = geoid.undulation_m(lat, lng)
    assert found.shape == (7, 5)
    assert found[2, 3] == geoid.undulation_m(lat[2, 0], lng[3])
    assert geoid.undulation_m([], []).shape == (0,)


def test_threads_give_what_one_gives() -> None:
    """A column long enough for two threads has the values of its parts."""
    random = np.random.default_rng(3)
    lat, lng = random.uniform(-90.0, 90.0, 150_001), random.uniform(-180.0, 180.0, 150_001)
    parts = [geoid.undulation_m(lat[k : k + 40_000], lng[k : k + 40_000]) for k in range(0, 150_001, 40_000)]
    assert np.array_equal(geoid.undulation_m(lat, lng), np.concatenate(parts))


@pytest.mark.parametrize(
    ("lat", "lng", "place"),
    [
        ([0.0, 91.0], [0.0, 0.0], "lat_deg[1]"),
        ([0.0, 0.0], [0.0, 361.0], "lng_deg[1]"),
        (float("nan"), 0.0, "lat_deg[0]"),
        (0.0, float("inf"), "lng_deg[0]"),
    ],
)
def test_places_off_the_earth_are_refused(lat: Any, lng: Any, place: str) -> None:
    """What is no position is an error that names the field, the row and the value."""
    with pytest.raises(GeometryError) as caught:
        geoid.undulation_m(lat, lng)
    assert caught.value.where == place
    assert caught.value.found is not None


def test_a_leg_bends_no_more_than_stated() -> None:
    """Along legs of 25 km the geoid keeps to a straight line within the stated bound, which is not loose."""
    random = np.random.default_rng(4)
    n = 20_000
    lat = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n)))
    lng, azimuth = random.uniform(-180.0, 180.0, n), random.uniform(0.0, 180.0, n)
    lat[:100], lat[100:200] = 90.0, -89.95
    lat[200:300], lng[200:300] = 27.5625, 142.25  # where the geoid is bent most
    half = np.full(n, 12_500.0)
    a_lng, a_lat, _ = earth.geod().fwd(lng, lat, azimuth, half)
    b_lng, b_lat, _ = earth.geod().fwd(lng, lat, azimuth + 180.0, half)
    line = 0.5 * (geoid.undulation_m(a_lat, a_lng) + geoid.undulation_m(b_lat, b_lng))
    bend = np.abs(geoid.undulation_m(lat, lng) - line)
    assert bend.max() + EGM96_INTERPOLATION_ERROR_M < EGM96_LEG_ERROR_M
    assert bend.max() > EGM96_LEG_ERROR_M / 3.0
