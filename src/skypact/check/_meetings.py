"""One finding for each meeting of two bodies, however many volumes they claim.

Law: nothing is lost but repetition. Rows of one pair of bodies, under one rule and one agreement, whose
windows touch or overlap become one row: from the first of their starts to the last of their ends, with the
closest point of the closest of them. Windows that do not touch stay apart. It owes itself to the error bound
only where each of its rows does. What was not decided is joined likewise, by its reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skypact.check.findings import Unchecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skypact.check.findings import Findings


def meetings(findings: Findings) -> Findings:
    """The findings with a row for each window in which two bodies meet.

    Rows number a volume of each body, one of those that come closest.
    """
    f = findings
    body_a, body_b = f.labels_a.body, f.labels_b.body
    group = _joined((body_a[f.a], body_b[f.b], f.rule, f.agreed), f.start_us, f.end_us)
    left = f.unchecked
    undecided = _joined((body_a[left.a], body_b[left.b], left.reason), left.start_us, left.end_us)
    f = replace(f, unchecked=_unchecked(left, undecided))
    if not group.shape[0] or int(group.max()) + 1 == group.shape[0]:
        return f
    order = np.lexsort((f.a, f.start_us, np.nan_to_num(f.vertical_m), f.horizontal_m, group))
    _, first = np.unique(group[order], return_index=True)
    closest = order[first]
    start, end = _windows(group, f.start_us, f.end_us)
    marginal = np.ones(closest.shape[0], np.bool_)
    np.logical_and.at(marginal, group, f.marginal)
    again = np.lexsort((f.b[closest], f.a[closest], start))
    rows = closest[again]
    return replace(
        f,
        a=f.a[rows],
        b=f.b[rows],
        start_us=start[again],
        end_us=end[again],
        closest_us=f.closest_us[rows],
        horizontal_m=f.horizontal_m[rows],
        vertical_m=f.vertical_m[rows],
        lat_deg=f.lat_deg[rows],
        lng_deg=f.lng_deg[rows],
        altitude_m=f.altitude_m[rows],
        margin_m=f.margin_m[rows],
        marginal=marginal[again],
        rule=f.rule[rows],
        agreed=f.agreed[rows],
    )


def _joined(
    keys: Sequence[NDArray[np.generic]], start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> NDArray[np.intp]:
    """For each row the number of its group: rows of equal keys whose windows touch, one through another."""
    n = start_us.shape[0]
    group = np.zeros(n, np.intp)
    order = np.lexsort((start_us, *reversed(keys)))
    other = np.zeros(n, np.bool_)
    for key in keys:
        other[1:] |= key[order][1:] != key[order][:-1]
    starts, ends = start_us[order].tolist(), end_us[order].tolist()
    number, reached = 0, ends[0] if n else 0
    for k in range(1, n):
        if other[k] or starts[k] > reached:
            number += 1
            reached = ends[k]
        reached = max(reached, ends[k])
        group[order[k]] = number
    return group


def _windows(
    group: NDArray[np.intp], start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first start and the last end of each group."""
    n = int(group.max()) + 1
    start, end = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(start, group, start_us)
    np.maximum.at(end, group, end_us)
    return start, end


def _unchecked(left: Unchecked, group: NDArray[np.intp]) -> Unchecked:
    if not group.shape[0]:
        return left
    _, rows = np.unique(group, return_index=True)
    start, end = _windows(group, left.start_us, left.end_us)
    return Unchecked(left.a[rows], left.b[rows], start, end, left.reason[rows], left.no_rule_pairs)
