"""Space and time: the one 4D volume, things that move, references, separation.

The front door of the geometry. Everything here is columns of plain numbers with units in their names; nothing
here reads a file, a clock or a network.
"""

from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import States, Trajectories
from skypact.airspace.separation import EN_ROUTE, Matrix, Minima, Proximity, Rule, Separation
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes, Zones

__all__ = [
    "EN_ROUTE",
    "Altitude",
    "AltitudeReference",
    "Circle",
    "DataMode",
    "Kind",
    "Labels",
    "Matrix",
    "Minima",
    "Polygon",
    "Proximity",
    "Rule",
    "Separation",
    "States",
    "Trajectories",
    "Volume4D",
    "Volumes",
    "Zones",
]
