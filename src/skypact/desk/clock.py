"""The clock of a running node: where time enters, for everybody above the rules.

Law: the one reading of the wall clock in the program that serves. Tests give another to those who read it.
"""

from __future__ import annotations

import time


def now_us() -> int:
    """Now, in microseconds since 1970 UTC."""
    return time.time_ns() // 1_000
