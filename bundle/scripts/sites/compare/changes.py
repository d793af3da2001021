"""Detections of two scans of one patient, matched in reference space: new, gone, grown, shrunken, or as before.

Two detections of the brain are *of one place* if one, widened by `MISFIT_MM`, overlaps the other, or if their peaks lie
within `NEAR_MM`. Two of the skull are if their lines come within `NEAR_MM`. What hangs together by this is one
*change*: a bleed that is listed as two places in one scan and as one in the other is no new one.

Of a place in the brain the heat is looked up in both scans: the highest within the place, widened by `MISFIT_MM`. A
place of which the other scan shows less than `SEEN_SHARE` is *unseen*, neither new nor gone. A detection of the skull
that the other scan does not list is below its threshold there, and no more is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.affines import transform_points
from ...geometry.coordinates import grid_affine
from .placed import SHAPE, STRIDE, Placed
from .repeats import Noise

NEW, GONE, GROWN, SHRUNKEN, SAME, LISTED, UNSEEN = "new", "gone", "grown", "shrunken", "same", "listed", "unseen"
"""Kinds of changes. *same*: volumes differ by no more than in repeats. *listed*: in both, and no more is known."""

MISFIT_MM, NEAR_MM = 4.0, 10.0
"""How far the places of repeats lie apart at most, as a rule; distance of peaks, and of lines of the skull."""

SEEN_SHARE = 0.5
"""Share of a place that the other scan must show."""

ALONG = np.linspace(0, 1, 9)[:, None]
"""Where a line of the skull is looked at, as parts of its length."""

BRAIN = "brain"
Mask = NDArray[np.bool_]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A place with a detection in one scan or in both.

    Attributes:
        kind: see above.
        region: "brain" or "skull".
        before, after: rows of the lists of detections.
        at_mm: its peak, in reference RAS mm.
        peaks: the heat there before and after; None where it is not known. Of the skull, the peaks of the lists.
        beyond: whether it exceeds what repeats differ by; None where that is not known.
    """

    kind: str
    region: str
    before: Sequence[Row]
    after: Sequence[Row]
    at_mm: tuple[float, float, float]
    peaks: tuple[float | None, float | None]
    beyond: bool | None

    @property
    def volumes_ml(self) -> tuple[float | None, float | None]:
        """The volumes before and after; None where nothing is listed, and of the skull."""
        before, after = (_total(rows) for rows in (self.before, self.after))
        return before, after


def _total(rows: Sequence[Row]) -> float | None:
    volumes = [row["volume_ml"] for row in rows if row.get("volume_ml") is not None]
    return float(sum(volumes)) if volumes else None


def changes(before: Placed, after: Placed, noise: Noise | None) -> list[Change]:
    """The changes: those of the brain first, then those of the skull, each in the order of their kinds and peaks."""
    found = [*_brain_changes(before, after, noise), *_skull_changes(before, after, noise)]
    order = (NEW, GROWN, GONE, SHRUNKEN, SAME, LISTED, UNSEEN)
    return sorted(found, key=lambda one: (one.region != BRAIN, order.index(one.kind), -_highest(one)))


def _highest(change: Change) -> float:
    """The higher of the peaks before and after; 0 where neither is known."""
    return max((peak for peak in change.peaks if peak is not None), default=0.0)


def _brain_changes(before: Placed, after: Placed, noise: Noise | None) -> Iterator[Change]:
    rows = tuple([row for row in scan.detections if row["region"] == BRAIN] for scan in (before, after))
    masks = tuple([place_mask(scan, row) for row in own] for scan, own in zip((before, after), rows, strict=True))
    wide = tuple([widened(mask) for mask in own] for own in masks)
    peaks = tuple([peak_of(scan, row) for row in own] for scan, own in zip((before, after), rows, strict=True))

    def near(i: int, j: int) -> bool:
        overlap = (wide[0][i] & masks[1][j]).any() or (masks[0][i] & wide[1][j]).any()
        return bool(overlap or np.linalg.norm(peaks[0][i] - peaks[1][j]) <= NEAR_MM)

    for one, other in grouped(len(rows[0]), len(rows[1]), near):
        whole = np.any([*(masks[0][i] for i in one), *(masks[1][j] for j in other)], axis=0)
        around = widened(whole)
        heat = (heat_in(before, around), heat_in(after, around))
        at = peaks[1][other[0]] if other else peaks[0][one[0]]
        own = ([rows[0][i] for i in one], [rows[1][j] for j in other])
        shown = (seen(before, whole), seen(after, whole))
        kind, beyond = _judged(own, heat, shown, noise)
        yield Change(kind, BRAIN, *own, _mm(at), heat, beyond)


def _judged(
    rows: tuple[Sequence[Row], Sequence[Row]],
    heat: tuple[float | None, float | None],
    shown: tuple[float, float],
    noise: Noise | None,
) -> tuple[str, bool | None]:
    """The kind of a change in the brain, and whether it is beyond the noise."""
    if not (rows[0] and rows[1]):
        here, there = (1, 0) if rows[1] else (0, 1)
        if shown[there] < SEEN_SHARE:
            return UNSEEN, None
        known = noise is not None and heat[here] is not None and heat[there] is not None
        rise = (heat[here] or 0.0) - (heat[there] or 0.0)
        return (NEW if rows[1] else GONE), (rise > noise.peak if known and noise else None)
    if noise is None:
        return LISTED, None
    ratio = math.log((_total(rows[1]) or 1.0) / (_total(rows[0]) or 1.0))
    beyond = abs(ratio) > math.log(noise.volume_ratio)
    return (SAME if not beyond else GROWN if ratio > 0 else SHRUNKEN), beyond


def _skull_changes(before: Placed, after: Placed, noise: Noise | None) -> Iterator[Change]:
    scans = (before, after)
    rows = tuple([row for row in scan.detections if row["region"] != BRAIN] for scan in scans)
    lines = tuple([line_of(scan, row) for row in own] for scan, own in zip(scans, rows, strict=True))

    def near(i: int, j: int) -> bool:
        return bool(np.linalg.norm(lines[0][i][:, None] - lines[1][j][None], axis=-1).min() <= NEAR_MM)

    for one, other in grouped(len(rows[0]), len(rows[1]), near):
        own = ([rows[0][i] for i in one], [rows[1][j] for j in other])
        peaks = tuple(max((float(row["peak"]) for row in part), default=None) for part in own)
        at = lines[1][other[0]] if other else lines[0][one[0]]
        kind, beyond = LISTED, None
        if not (one and other):
            there = 0 if other else 1
            limit = scans[there].record["score_details"].get("skull", {}).get("threshold")
            judged = scans[there].record["scores"].get("skull") is not None and limit is not None
            kind = UNSEEN if not judged else NEW if other else GONE
            if judged and noise is not None:
                beyond = bool(max(p for p in peaks if p is not None) - limit > noise.of_score("skull", True))
        yield Change(kind, "skull", *own, _mm(at[len(at) // 2]), (peaks[0], peaks[1]), beyond)


def grouped(before: int, after: int, near: Any) -> list[tuple[list[int], list[int]]]:
    """Groups of what hangs together among `before` and `after` numbers; `near(i, j)` says whether two of them do."""
    links = {(i, j) for i in range(before) for j in range(after) if near(i, j)}
    left, groups = {("before", i) for i in range(before)} | {("after", j) for j in range(after)}, []
    for start in sorted(left):
        if start not in left:
            continue
        group, todo = set(), [start]
        while todo:
            side, number = todo.pop()
            if (side, number) in group:
                continue
            group.add((side, number))
            pairs = ((i, j) for i, j in links if number == (i if side == "before" else j))
            todo += [("after", j) if side == "before" else ("before", i) for i, j in pairs]
        left -= group
        one, other = (sorted(n for side, n in group if side == name) for name in ("before", "after"))
        groups.append((one, other))
    return groups


def place_mask(scan: Placed, row: Row) -> Mask:
    """The voxels (128, 128, 128) of a detection of the brain; that of its peak where it is smaller than one."""
    mask = scan.ranks == row["rank"]
    if not mask.any():
        index = np.rint(transform_points(np.linalg.inv(grid_affine(STRIDE)), peak_of(scan, row)))
        mask[tuple(np.clip(index.astype(int), 0, np.array(SHAPE) - 1))] = True
    return np.asarray(mask)


def widened(mask: Mask) -> Mask:
    """A mask and what lies within `MISFIT_MM` of it."""
    return np.asarray(ndimage.binary_dilation(mask, iterations=round(MISFIT_MM / STRIDE)))


def heat_in(scan: Placed, mask: Mask) -> float | None:
    """The highest heat of the brain in a mask; None where the scan shows nothing of the brain there."""
    inside = mask & (scan.brain > 0)
    return float(scan.heat[inside].max()) if inside.any() else None


def seen(scan: Placed, mask: Mask) -> float:
    """The share (0 to 1) of a mask that is brain in view of a scan."""
    return float((scan.brain[mask] > 0).mean())


def peak_of(scan: Placed, row: Row) -> NDArray[np.float64]:
    """The peak of a detection (3,), reference RAS mm."""
    return transform_points(scan.matrix, np.asarray(row["peak_mm"], dtype=np.float64))


def line_of(scan: Placed, row: Row) -> NDArray[np.float64]:
    """Points (9, 3) along a detection of the skull, reference RAS mm."""
    ends = np.asarray(row.get("ends_mm") or [row["peak_mm"]] * 2, dtype=np.float64)
    return transform_points(scan.matrix, ends[0] + ALONG * (ends[1] - ends[0]))


def _mm(point: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(part), 1) for part in point)
    return x, y, z
