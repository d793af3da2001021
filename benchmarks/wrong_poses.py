"""Wrong poses as the registration might end in them: from wrong starts, refined by ITK as right ones are.

Starts are the pose that was found, *pushed* off, and what the search *climbs* to from orientations that are far off.
What comes of the refinement may be right after all, near, far, or the same far pose as before.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from registration_cases import Array, Case
from scipy.spatial.transform import Rotation

from scripts.geometry.coordinates import CENTRE_MM
from scripts.registration.locator import Located
from scripts.registration.register import Reference, Registration, Scan, described, refine, without_scale
from scripts.registration.score import HeadImage, level, pose_matrices
from scripts.registration.search import COARSE_MM, COARSE_STEP, climb, head_centre

PUSHES = ((0.0, 16.0), (0.0, 24.0), (10.0, 0.0), (16.0, 0.0), (8.0, 12.0), (0.0, 40.0), (25.0, 10.0), (40.0, 0.0))
"""Angles in degrees and shifts in mm by which the pose that was found is pushed off."""

FAR_DEG = ((0, 0, 180), (60, 0, 0), (-75, 0, 0), (0, 180, 0))
"""Orientations, about +R, +A and +S, from which the search climbs, shifted by up to 25 mm along each axis."""

MOST_MM = 25.0
"""Largest of these shifts."""

STARTS = len(PUSHES) + len(FAR_DEG)
"""Number of wrong starts of a scan."""


def wrong_poses(
    case: Case, found: Registration, scan: Scan, reference: Reference, located: Located | None, rng: np.random.Generator
) -> Iterator[tuple[Array, dict[str, float]]]:
    """Registrations (4, 4), scan mm to reference mm, that come of the wrong starts, and their quality.

    `located` is what the coarse network found in the scan.
    """
    for start, scale in (*pushed_poses(case, found, rng), *climbed_poses(scan.head, reference, rng)):
        pose = refine(start, scale, reference, scan.head)
        yield without_scale(pose, scale, np.array(CENTRE_MM)), described(pose, scale, reference, scan, located)


def pushed_poses(case: Case, found: Registration, rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """The pose (4, 4) that was found, and its scale, pushed off."""
    scale, centre = found.quality["scale"], np.array(CENTRE_MM)
    enlarge = np.diag([scale] * 3 + [1.0])
    enlarge[:3, 3] = centre - scale * centre
    pose = np.linalg.inv(found.matrix) @ enlarge
    for angle, shift in PUSHES:
        yield pushed(pose, case, angle, shift, rng), scale


def pushed(pose: Array, case: Case, angle_deg: float, shift_mm: float, rng: np.random.Generator) -> Array:
    """A pose (4, 4), turned about the middle of the head by an angle and shifted, in random directions."""
    axis, direction = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
    push = np.eye(4)
    push[:3, :3] = Rotation.from_rotvec(np.deg2rad(angle_deg) * axis).as_matrix()
    middle = case.points.mean(axis=0)
    push[:3, 3] = middle - push[:3, :3] @ middle + shift_mm * direction
    return np.asarray(push @ pose)


def climbed_poses(scan: HeadImage, reference: Reference, rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """Poses (4, 4) and their scales to which the search climbs from orientations that are far off."""
    start = head_centre(scan.head, scan.affine)
    poses = np.zeros((len(FAR_DEG), 7))
    poses[:, :3] = np.deg2rad(FAR_DEG)
    poses[:, 3:6] = rng.uniform(-MOST_MM, MOST_MM, (len(FAR_DEG), 3))
    target = reference.target.coarse
    climbed, _ = climb(poses, COARSE_STEP, target, level(scan, COARSE_MM), start, rounds=14)
    matrices = pose_matrices(climbed, target.centre, start)
    yield from ((matrix, float(np.exp(numbers[6]))) for matrix, numbers in zip(matrices, climbed, strict=True))
