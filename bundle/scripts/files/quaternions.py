"""Rotations as NIfTI's qform holds them: the last three parts (b, c, d) of a unit quaternion, as float32.

Readers compute the first part, a = sqrt(1 - b² - c² - d²). Where a is near 0, as for most CT, whose rows run from right
to left, rounding b, c and d to float32 makes an a of up to 3e-4: 0.4 mm at the far corner of a head. Readers also
differ: some set a to 0 if its square is below 1e-7. So b, c and d are rounded up or down, or one of them is changed,
such that all readers come close: to 0.01 mm for heads turned about one axis, to 0.2 mm at worst.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

ZERO_BELOW = (0.0, 1e-7)
"""Squares of a up to which readers take it as 0: NiBabel's, and that of NIfTI's own library, which ITK uses."""

CLOSE = 1e-6
"""Rotation matrices that differ by less are equal: 0.0003 mm at the far corner of a head."""

Array = NDArray[np.float64]


def rotation_of(parts: Array, zero_below: float) -> Array:
    """The rotation matrix (3, 3) that a reader makes of (b, c, d)."""
    square = 1 - float(parts @ parts)
    whole = np.array([np.sqrt(square) if square > zero_below else 0.0, *parts])
    a, b, c, d = whole / np.linalg.norm(whole)
    return np.array(
        [
            [1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c)],
        ]
    )


def stored_parts(quaternion: Array) -> NDArray[np.float32]:
    """(b, c, d) as float32 of a unit quaternion (a, b, c, d), a >= 0, of which readers make the closest rotation."""
    wanted = rotation_of(quaternion[1:], 0.0) if quaternion[0] > 0 else rotation_of(quaternion[1:], 1.0)
    rounded = quaternion[1:].astype(np.float32)
    if off(rounded, wanted) < CLOSE:
        return rounded
    return min(candidates(quaternion), key=lambda parts: off(parts, wanted))


def off(parts: NDArray[np.float32], wanted: Array) -> float:
    """The largest difference between a rotation matrix and what any reader makes of (b, c, d)."""
    return max(float(np.abs(rotation_of(parts.astype(np.float64), zero) - wanted).max()) for zero in ZERO_BELOW)


def candidates(quaternion: Array) -> Iterator[NDArray[np.float32]]:
    """(b, c, d) rounded up or down, and with one of them chosen so that a stays as it is."""
    exact = quaternion[1:]
    rounded = exact.astype(np.float32)
    near = [(value, *np.nextafter(value, np.array([-2, 2], np.float32))) for value in rounded]
    for values in itertools.product(*near):
        yield np.array(values, np.float32)
        for free in range(3):
            parts = np.array(values, np.float32)
            parts[free] = 0
            rest = 1 - quaternion[0] ** 2 - float((parts.astype(np.float64) ** 2).sum())
            if rest > 0:
                parts[free] = np.copysign(np.sqrt(rest), exact[free])
                yield parts
