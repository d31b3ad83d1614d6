"""Tracks as rows: the columns that Skypact itself writes, in CSV, Parquet and JSON alike.

Law: every fact of a trajectory is a column, with its unit in its name, so that the readers give back what
was written: names, body, party, kind, data mode, the track's number, RFC 3339 time, position, altitude
with its reference, and the uncertainties. Rows come in batches of :data:`BATCH_ROWS`; a file of any length
is written in bounded memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skypact.airspace.moving import Trajectories

BATCH_ROWS: Final = 65_536
"""How many rows are made at once."""


def written_columns() -> pa.Schema:
    """Names and types of the columns."""
    import pyarrow as pa

    word = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            ("id", word),
            ("body", word),
            ("party", word),
            ("kind", word),
            ("data_mode", word),
            ("trajectory", pa.int64()),
            ("time", pa.timestamp("us", "UTC")),
            ("lat", pa.float64()),
            ("lng", pa.float64()),
            ("altitude_m", pa.float64()),
            ("altitude_reference", word),
            ("horizontal_uncertainty_m", pa.float64()),
            ("vertical_uncertainty_m", pa.float64()),
        ]
    )


def record_batches(tracks: Trajectories, rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """The points of ``tracks``, in order, as batches of at most ``rows``."""
    import pyarrow as pa

    labels = tracks.labels
    schema = written_columns()
    kinds, references = [k.word for k in Kind], [r.name for r in AltitudeReference]
    for start in range(0, tracks.time_us.shape[0], rows):
        part = slice(start, min(start + rows, tracks.time_us.shape[0]))
        owner = np.searchsorted(tracks.offsets, np.arange(part.start, part.stop), side="right") - 1
        first = int(owner[0])
        ids = list(labels.ids[first : int(owner[-1]) + 1])
        columns: list[pa.Array[Any]] = [
            _coded(owner - first, ids),
            _coded(labels.body[owner], labels.bodies),
            _coded(labels.party[owner], labels.parties),
            _coded(labels.kind[owner], kinds),
            _coded(np.zeros(owner.shape[0], np.int32), [labels.data_mode.value]),
            pa.array(owner + 1, pa.int64()),
            pa.array(tracks.time_us[part], pa.timestamp("us", "UTC")),
            pa.array(tracks.lat_deg[part]),
            pa.array(tracks.lng_deg[part]),
            pa.array(tracks.altitude_m[part], from_pandas=True),
            _coded(tracks.reference[owner], references),
            pa.array(tracks.horizontal_uncertainty_m[owner]),
            pa.array(tracks.vertical_uncertainty_m[owner]),
        ]
        yield pa.record_batch(columns, schema=schema)


def _coded(codes: NDArray[Any], words: Sequence[str]) -> pa.Array[Any]:
    import pyarrow as pa

    present, used = np.unique(codes, return_inverse=True)
    values = pa.array([words[code] for code in present.tolist()], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(used, pa.int32()), values)
