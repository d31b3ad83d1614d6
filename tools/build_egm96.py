"""Builds the EGM96 grid that is packaged with Skypact from a .gtx file.

    python tools/build_egm96.py egm96_15.gtx src/skypact/airspace/data/egm96_15min.z

The .gtx file is the 15-arc-minute EGM96 grid that the PROJ project distributes (in Debian: package
``proj-data``), made from the data of the United States' National Geospatial-Intelligence Agency, in the
public domain. Its layout: a big-endian header (south edge, west edge, steps in latitude and longitude as
float64 degrees; rows and columns as int32), then rows from the south, each from the west, float32 metres.

What is written: one line of text that says what it is, then a zlib stream. In the stream is every node, rows
from the south, each from longitude 0 eastward, in whole centimetres, as its difference from the southern
neighbour, then twice as the difference from the western one (the first value's neighbours are 0), each
difference folded to an unsigned 16-bit number (0, -1, 1, -2, ... are 0, 1, 2, 3, ...), all low bytes first,
then all high bytes. :mod:`skypact.airspace.geoid` reads it.
"""  # noqa: INP001  # a program, started by its path

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np

TITLE = b"EGM96 geoid over WGS 84, 15 arc minutes, centimetres; NGA, public domain; tools/build_egm96.py\n"
ROWS, COLUMNS, STEP_DEG = 721, 1440, 0.25


def read_gtx(data: bytes) -> np.ndarray:
    """The grid of a .gtx file in metres, rows from the south, columns from longitude 0; shape (721, 1440)."""
    south, west, step_lat, step_lng, rows, columns = struct.unpack(">ddddii", data[:40])
    if (south, step_lat, step_lng, rows, columns) != (-90.0, STEP_DEG, STEP_DEG, ROWS, COLUMNS):
        sys.exit(f"not a global grid of 15 arc minutes: {rows} x {columns} nodes from latitude {south}")
    grid = np.frombuffer(data, ">f4", ROWS * COLUMNS, 40).reshape(ROWS, COLUMNS).astype(np.float64)
    return np.roll(grid, round(west / STEP_DEG), axis=1)


def encode(grid_m: np.ndarray) -> bytes:
    """The packaged file of a grid in metres."""
    step = np.rint(grid_m * 100.0).astype(np.int16)
    for axis in (0, 1, 1):  # in 16 bits: a difference that overflows comes back as it went
        step = np.diff(step, axis=axis, prepend=np.int16(0))
    folded = (step << 1 ^ step >> 15).astype("<u2")
    planes = folded.reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()
    return TITLE + zlib.compress(planes, 9)


def main(source: str, target: str) -> None:
    """Read the .gtx file ``source``, write ``target``, and say how large it is and what rounding cost."""
    grid = read_gtx(Path(source).read_bytes())
    packed = encode(grid)
    Path(target).write_bytes(packed)
    cost = float(np.abs(np.rint(grid * 100.0) / 100.0 - grid).max())
    sys.stdout.write(f"{target}: {len(packed)} bytes; rounding to centimetres moves a node by {cost:.6f} m\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: build_egm96.py GRID.gtx TARGET")
    main(sys.argv[1], sys.argv[2])
