"""The detections that a picture shows, and the slices they lie in.

A *mark* is a detection in a picture: its number in the list `detections` of the result, from 1, its place, and words.
Its *excess* is its peak over the threshold of its region. Three are shown in planes: the one with the highest excess in
the brain, that in the skull, then the next ones of either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .planes import Array

SHOWN = 3
"""Marks that are shown in planes."""


@dataclass(frozen=True, eq=False)
class Mark:
    """A detection in a picture.

    Attributes:
        number: its place in the list of detections, from 1.
        words: what it is, and how large.
        at_mm: (3,), its peak in scan RAS mm.
        bone: True in the skull.
        excess: its peak over the threshold.
    """

    number: int
    words: str
    at_mm: Array
    bone: bool
    excess: float


def marks(rows: Sequence[Mapping[str, Any]], limits: Mapping[str, float | None]) -> list[Mark]:
    """The marks of the rows of `detections`, in the order in which they are shown.

    `limits` are the thresholds of "brain" and "skull"; rows of a region without one are left out.
    """
    found = []
    for number, row in enumerate(rows, 1):
        limit = limits.get(row["region"])
        if limit:
            at_mm, bone = np.asarray(row["peak_mm"], dtype=float), row["region"] == "skull"
            found.append(Mark(number, in_words(row), at_mm, bone, float(row["peak"]) / limit))
    found.sort(key=lambda mark: -mark.excess)
    first = [next((mark for mark in found if mark.bone == bone), None) for bone in (False, True)]
    return sorted(found, key=lambda mark: mark not in first)


def in_words(row: Mapping[str, Any]) -> str:
    """A row of `detections` in words: its name or its side, or its kind and bone, and its size."""
    if row["region"] != "skull":
        return f"{row.get('name') or row['side'] + ' brain'}, {row['volume_ml']:.1f} ml"
    size = f"{row['depth_mm']:.0f} mm deep" if row["depth_mm"] is not None else f"{row['length_mm']:.0f} mm"
    return f"{row['kind']}, {row['bone']}, {size}"


def slice_in_words(point_mm: Array, normal: Array, affine: Array, shape: Sequence[int]) -> str:
    """The slice of a volume (I, J, K) nearest to a point (3,), as "slice 12 of 40", counted from 1 along K.

    It is empty for planes, given by a normal (3,), that show the slices from the side, and beyond the volume.
    """
    across = np.cross(affine[:3, 0], affine[:3, 1])
    if np.abs(across @ normal) < np.cos(np.deg2rad(45)) * np.linalg.norm(across):
        return ""
    number = round(float((np.linalg.inv(affine) @ [*point_mm, 1])[2]))
    return f"slice {number + 1} of {shape[2]}" if 0 <= number < shape[2] else ""
