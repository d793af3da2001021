"""Scans of simulated heads whose true pose is known, and one of a body.

A *case* is one scan, drawn from a fixed seed: of a kind of `KINDS` (turned by up to 30 degrees, cut at the chin or the
vertex, with thick slices, a tilted gantry and a head rest); *rescaled*; or *reshaped* (scaled differently along each
axis and displaced by up to 8.5 mm, which no rigid registration can follow).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

from scripts.simulation.anatomy.label_map import Anatomy, load_anatomy
from scripts.simulation.anatomy.labels import AIR
from scripts.simulation.person.head import SimulatedHead, draw_head
from scripts.simulation.person.shape import Shape, draw_shape, identity_shape
from scripts.simulation.person.varieties import PLAIN
from scripts.simulation.scanner.protocol import Protocol
from scripts.simulation.scanner.scan import PADDING_HU, acquire
from scripts.volume import UNKNOWN_HU

Array = NDArray[np.float64]

THIN = Protocol(size=(256, 256), spacing_mm=0.9, increment_mm=2.5, thickness_mm=2.5, bottom_mm=-95.0)
"""Protocol of a scan unless its kind says otherwise."""

KINDS: dict[str, tuple[tuple[float, float, float], dict[str, float]]] = {
    "usual": ((0, 0, 0), {}),
    "cut at the chin": ((0, 0, 0), {"bottom_mm": -20.0}),
    "cut at the vertex": ((0, 0, 0), {"top_mm": 75.0}),
    "cut at both": ((0, 0, 0), {"bottom_mm": -40.0, "top_mm": 85.0}),
    "pitch +30": ((30, 0, 0), {}),
    "pitch -30": ((-30, 0, 0), {}),
    "roll 30": ((0, 30, 0), {}),
    "yaw -30": ((0, 0, -30), {}),
    "turned 20 each": ((20, -20, 20), {}),
    "slices of 5 mm": ((0, 0, 0), {"increment_mm": 5.0, "thickness_mm": 5.0, "bottom_mm": -60.0}),
    "tilted, rest touches": ((0, 0, 0), {"tilt_deg": 18.0, "rest_gap_mm": 0.0, "increment_mm": 5.0}),
}
"""Rotation about +R, +A, +S in degrees, and what the protocol changes."""

SCALES = (0.86, 0.92, 1.05, 1.10)
"""Factors of the rescaled heads."""

RESHAPED = 5
"""Reshaped heads of each anatomy."""


@dataclass(frozen=True)
class Case:
    """One scan: HU (I, J, K), affine, the true rigid matrix to reference mm, and head points (N, 3) in scan mm.

    Where nobody knows the true pose, there are no points. `lesion` says whether the head has one.
    """

    anatomy: int
    kind: str
    volume: NDArray[np.float32]
    affine: Array
    truth: Array
    points: Array
    lesion: bool = False


def cases(folder: Path, numbers: Sequence[int]) -> Iterator[Case]:
    """All cases, anatomy by anatomy, from fixed seeds."""
    as_it_is = identity_shape()
    for number in numbers:
        anatomy = load_anatomy(folder / f"head_{number:02d}.nii.gz")
        for row, (kind, (angles, changes)) in enumerate(KINDS.items()):
            yield make_case(anatomy, number, kind, 100 * number + row, angles, replace(THIN, **changes), as_it_is)
        for row, scale in enumerate(SCALES):
            shape = replace(as_it_is, scale=np.full(3, scale))
            yield make_case(anatomy, number, f"rescaled {scale}", 100 * number + 50 + row, (0, 0, 0), THIN, shape)
        for row in range(RESHAPED):
            shape = draw_shape(np.random.default_rng([number, row]))
            yield make_case(anatomy, number, f"reshaped {row}", 100 * number + 70 + row, (0, 0, 0), THIN, shape)


def make_case(
    anatomy: Anatomy,
    number: int,
    kind: str,
    seed: int,
    angles_deg: tuple[float, float, float],
    protocol: Protocol,
    shape: Shape | None,
    bleed_ml: float | None = None,
    variety: str = PLAIN,
) -> Case:
    """Draw a head, with a subdural bleed where a volume is given, turn it in the scanner, and scan it.

    Without a `shape` it has one of its own. `variety` is the population that it comes from, see `person.variety`.

    Raises:
        ValueError: the bleed does not fit.
    """
    lesion = {"lesion": "subdural", "lesion_size": {"volume_ml": bleed_ml}} if bleed_ml else {}
    head = turned(
        draw_head(anatomy, seed, shape=shape, variety=variety, largest_rotation_deg=6.0, **lesion), angles_deg
    )
    scan = acquire(head, protocol, seed)
    volume = np.where(scan.hu <= PADDING_HU, np.float32(UNKNOWN_HU), scan.hu.astype(np.float32))
    return Case(number, kind, volume, scan.affine, head.to_reference, seen_points(head, scan.affine, volume))


def turned(head: SimulatedHead, angles_deg: tuple[float, float, float]) -> SimulatedHead:
    """The head, turned in the scanner about the middle of reference space."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix()
    pose = turn @ head.to_reference
    return replace(head, to_reference=pose, affine=np.linalg.inv(pose) @ head.to_reference @ head.affine)


def in_any_orientation(case: Case, seed: int) -> Case:
    """The case as if its header were wrong by a random rotation."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    truth = case.truth @ np.linalg.inv(turn)
    return replace(case, kind="orientation", affine=turn @ case.affine, truth=truth, points=moved(turn, case.points))


def body(rng: np.random.Generator) -> NDArray[np.float32]:
    """A chest: soft tissue and fat, two lungs, a heart, a spine, twelve pairs of ribs; 400 x 260 x 240 mm."""
    grid = np.stack(
        np.meshgrid(*[np.arange(n) * s for n, s in zip((200, 130, 80), (2.0, 2.0, 3.0), strict=True)], indexing="ij"),
        -1,
    )
    x, y, z = np.moveaxis(grid - (200, 130, 120), -1, 0) * rng.uniform(0.9, 1.1, 3)[:, None, None, None]
    hu = np.full(x.shape, -1000.0)
    hu[(x / 180) ** 2 + (y / 115) ** 2 < 1] = -90
    chest = (x / 160) ** 2 + (y / 98) ** 2
    hu[chest < 1] = 45
    hu[(chest > 0.86) & (chest < 1) & (((z + 0.4 * np.abs(x)) % 22) < 9)] = 500
    for side in (-1, 1):
        hu[((x - side * 75) / 62) ** 2 + (y / 80) ** 2 + (z / 130) ** 2 < 1] = -830
    hu[((x + 25) / 55) ** 2 + ((y - 25) / 45) ** 2 + ((z + 20) / 60) ** 2 < 1] = 42
    hu[(x / 20) ** 2 + ((y + 70) / 22) ** 2 < 1] = 350
    return (hu + rng.normal(0, 12, hu.shape)).astype(np.float32)


def seen_points(head: SimulatedHead, affine: Array, volume: NDArray[np.float32]) -> Array:
    """Points (N, 3), scan mm, 6 mm apart, of the head that the scan shows."""
    index = np.argwhere(head.labels[::6, ::6, ::6] > AIR) * 6.0
    points = moved(head.affine, index)
    voxels = np.rint(moved(np.linalg.inv(affine), points)).astype(int)
    inside = np.all((voxels >= 0) & (voxels < volume.shape), axis=1)
    inside[inside] = volume[tuple(voxels[inside].T)] > UNKNOWN_HU
    return points[inside]


def gaps_mm(matrix: Array, case: Case) -> Array:
    """Distances (N,) between where a matrix and the true one bring the head's points."""
    gaps = moved(matrix, case.points) - moved(case.truth, case.points)
    return np.asarray(np.linalg.norm(gaps, axis=1))


def moved(matrix: Array, points: Array) -> Array:
    """Points (N, 3) moved by a matrix (4, 4)."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])
