"""Tracks that a document names and numbers itself: KML placemarks, GPX tracks.

Law: one element is one track, with a number of its own in the recording; two elements of one name are two
tracks, the second ``NAME/2``. A name says nothing outside its file: two files may both call something
``Track 1``, and taking them for one body would hide a conflict.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from skypact.airspace.altitude import AltitudeReference
from skypact.formats.columns import plain_text
from skypact.formats.recording import LABEL_MAX, Attributes, Recording
from skypact.formats.rows import own_body

if TYPE_CHECKING:
    from skypact.formats.contents import Contents, Defaults


class Path:
    """The samples of one element, in compact columns."""

    __slots__ = ("altitude_m", "lat", "lng", "time_us")

    def __init__(self) -> None:
        self.time_us = array("q")
        self.lat = array("d")
        self.lng = array("d")
        self.altitude_m = array("d")

    def add(self, time_us: int, lat: float, lng: float, altitude_m: float) -> None:
        """One sample; an unknown altitude is NaN."""
        self.time_us.append(time_us)
        self.lat.append(lat)
        self.lng.append(lng)
        self.altitude_m.append(altitude_m)

    def __len__(self) -> int:
        return len(self.time_us)


class Paths:
    """The tracks of one document on their way into a recording."""

    def __init__(self, name: str, form: str, defaults: Defaults) -> None:
        self._name = name
        self.recording = Recording(name, form, defaults, reference=AltitudeReference.AMSL, numbered=True)
        self._seen: dict[str, int] = {}
        self._number = 0

    def add(self, title: str, path: Path, reference: AltitudeReference, where: str) -> None:
        """Hand over a track; one without samples is nothing."""
        if not len(path):
            return
        self._number += 1
        title = plain_text(title)[:LABEL_MAX] or f"track {self._number}"
        self._seen[title] = times = self._seen.get(title, 0) + 1
        ident = title if times == 1 else f"{title}/{times}"
        who = self.recording.who(
            own_body(ident, self._name),
            ident[-LABEL_MAX:],
            Attributes(reference=reference),
            where,
            number=str(self._number),
        )
        self.recording.add(
            np.array(path.time_us, np.int64),
            np.full(len(path), who, np.int32),
            {
                "lat": np.array(path.lat, np.float64),
                "lng": np.array(path.lng, np.float64),
                "altitude": np.array(path.altitude_m, np.float64),
            },
            lambda _row, column: f"{where}, {column}",
        )

    def finish(self) -> Contents:
        """What was read."""
        return self.recording.finish()
