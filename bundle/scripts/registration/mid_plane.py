"""The skull's own mid-plane: what a pose is corrected by where the brain in it was pushed aside.

The refinement of `registration` aligns brains. A large bleed pushes the brain to one side, and the pose goes along: by
3 to 5 mm, with the two halves of the skull no longer mirror images of each other. The *mid-plane* of a pose is where
it brings the reference's x = 0. It is set by three numbers: the shift along +R, the roll about +A and the yaw about +S,
about the middle of the brain's structures. To *straighten* a pose is to choose these three so that the scan is most
like its own mirror image; what the reference says about pitch and about the other two shifts is kept.
"""

from __future__ import annotations

import numpy as np

from ..geometry.affines import transform_points
from ..geometry.coordinates import CENTRE_MM
from .checks import symmetry
from .score import Array, Level, Points, rotations

FIRST_STEP = np.array([4.0, np.deg2rad(4.0), np.deg2rad(4.0)])
"""First steps: mm, radians, radians."""

LEAST_SHARE = 0.125
"""The search ends when no step of this share of the first ones improves anything: 0.5 mm, 0.5 degrees."""

MOST_ROUNDS = 40
"""Most steps; a pose that is off by 20 mm and 20 degrees needs half of them."""

OUTLINE_MM = np.array([[x, y, z] for x in (-60.0, 60.0) for y in (-60.0, 60.0) for z in (-60.0, 60.0)])
"""Points about the middle of the brain by whose movement a correction is measured."""


def straightened(pose: Array, target: Points, scan: Level) -> tuple[Array, float]:
    """A pose (4, 4), reference mm to scan mm, with the mid-plane about which the scan is most symmetric.

    Returns:
        The pose, and how far it moved the outline of the head, mm (root mean square, in reference space).
    """
    current, steps = np.zeros(3), FIRST_STEP.copy()
    best = symmetry(pose, target, scan)
    signs = np.concatenate([np.eye(3), -np.eye(3)])
    for _ in range(MOST_ROUNDS):
        around = current + signs * steps
        values = [symmetry(pose @ moved_plane(numbers), target, scan) for numbers in around]
        winner = int(np.argmax(values))
        if values[winner] > best:
            current, best = around[winner], values[winner]
        elif steps[0] <= LEAST_SHARE * FIRST_STEP[0]:
            break
        else:
            steps /= 2
    change = moved_plane(current)
    outline = OUTLINE_MM + CENTRE_MM
    gaps = transform_points(change, outline) - outline
    return pose @ change, float(np.sqrt((gaps**2).sum(axis=1).mean()))


def moved_plane(numbers: Array) -> Array:
    """Rigid matrix (4, 4) of a shift along +R (mm), a roll about +A and a yaw about +S (radians)."""
    centre = np.array(CENTRE_MM)
    matrix = np.eye(4)
    matrix[:3, :3] = rotations(np.array([[0.0, numbers[1], numbers[2]]]))[0]
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre + [numbers[0], 0.0, 0.0]
    return matrix
