"""What holds of the volumes of anything that is filed, whatever it is.

Law: rules of volumes alone, shared by flights, by constraints and by the discovery service; each refusal
names the place and the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skypact.errors import Reason, Refused
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from skypact.airspace.volumes import Volumes


def at_most(found: int, limit: int, name: str, *, where: str) -> None:
    """Refuse more of something, ``volumes`` or ``vertices``, than a limit.

    Raises
    ------
    Refused
        TOO_LARGE, with the number and the limit.
    """
    if found > limit:
        raise Refused(
            Reason.TOO_LARGE,
            f"too many {name}",
            where=where,
            found=f"{found:,}",
            expected=f"at most {limit:,} in all ({name})",
        )


def closed_in_time(volumes: Volumes, *, where: str) -> None:
    """Refuse volumes whose window is open.

    Raises
    ------
    Refused
        INVALID, naming the volume.
    """
    for column, name, is_open in (
        (volumes.start_us, "time_start", EVER),
        (volumes.end_us, "time_end", FOREVER),
    ):
        rows = np.nonzero(column == is_open)[0]
        if rows.size:
            raise Refused(
                Reason.INVALID, "a time is needed", where=f"{where}[{rows[0]}].{name}", found="none"
            )


def closed_in_altitude(volumes: Volumes, *, where: str) -> None:
    """Refuse volumes that have no floor or no ceiling.

    Raises
    ------
    Refused
        INVALID, naming the volume.
    """
    for column, name in ((volumes.lower_m, "altitude_lower"), (volumes.upper_m, "altitude_upper")):
        rows = np.nonzero(np.isinf(column))[0]
        if rows.size:
            raise Refused(
                Reason.INVALID,
                "an altitude is needed",
                where=f"{where}[{rows[0]}].volume.{name}",
                found="none",
            )
