"""How well scans of heads that are not in the reference are registered to it, and whether wrong poses are recognised.

    python benchmarks/registration.py ANATOMIES

draws scans of six anatomies that the reference was not made from: turned by up to 30 degrees, cut at the chin or the
vertex, with thick slices, a tilted gantry and a head rest; rescaled by 0.86 to 1.10; and reshaped (scaled differently
along each axis and displaced by up to 8.5 mm, which no rigid registration can follow). The *error* of a registration is
the 95th percentile, over the head's points in the field of view, of the distance to where the simulator's true pose
brings them. An error over 10 mm is a failure.

*Wrong poses* are made by climbing from starts that are far off, and by pushing the right pose off by 20 to 40 mm or 15
to 40 degrees; the same three checks judge them, and those that are over 20 mm off should not pass.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

from scripts.anatomies import load_anatomy  # noqa: E402
from scripts.foreground import validity  # noqa: E402
from scripts.pose_quality import judge, pose_quality  # noqa: E402
from scripts.pose_score import HeadImage, head_image, level, pose_matrices  # noqa: E402
from scripts.pose_search import COARSE_STEP, climb, head_centre  # noqa: E402
from scripts.registration import Reference, Registration, register, without_scale  # noqa: E402
from scripts.resampling import to_canonical  # noqa: E402
from scripts.simulation.anatomy import Anatomy  # noqa: E402
from scripts.simulation.common_space import CENTRE_MM  # noqa: E402
from scripts.simulation.head import SimulatedHead, draw_head  # noqa: E402
from scripts.simulation.labels import AIR  # noqa: E402
from scripts.simulation.scanner import PADDING_HU, Protocol, acquire  # noqa: E402
from scripts.simulation.shape import Shape, draw_shape, identity_shape  # noqa: E402
from scripts.transforms import load_reference  # noqa: E402
from scripts.volume import UNKNOWN_HU  # noqa: E402

Array = NDArray[np.float64]

ANATOMIES = (9, 10, 11, 12, 13, 14)
"""Numbers of the anatomies that are not in the reference."""

FAILURE_MM, WRONG_MM = 10.0, 20.0
"""Errors from which a registration has failed, and from which a pose should not pass."""


THIN = Protocol(size=(256, 256), spacing_mm=0.9, increment_mm=2.5, thickness_mm=2.5, bottom_mm=-95.0)
"""What a scan is unless its kind says otherwise."""

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

RESHAPED = 2
"""Reshaped heads of each anatomy."""


@dataclass(frozen=True)
class Case:
    """One scan: HU (I, J, K), affine, the true rigid matrix to reference mm, and head points (N, 3) in scan mm."""

    anatomy: int
    kind: str
    volume: NDArray[np.float32]
    affine: Array
    truth: Array
    points: Array


def cases(folder: Path) -> Iterator[Case]:
    """All cases, anatomy by anatomy, from fixed seeds."""
    as_it_is = identity_shape()
    for number in ANATOMIES:
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
    shape: Shape,
) -> Case:
    """Draw a head, turn it in the scanner, and scan it."""
    head = turned(draw_head(anatomy, seed, shape=shape, largest_rotation_deg=6.0), angles_deg)
    scan = acquire(head, protocol, seed)
    volume = np.where(scan.hu <= PADDING_HU, np.float32(UNKNOWN_HU), scan.hu.astype(np.float32))
    return Case(number, kind, volume, scan.affine, head.to_reference, seen_points(head, scan.affine, volume))


def turned(head: SimulatedHead, angles_deg: tuple[float, float, float]) -> SimulatedHead:
    """The head, turned in the scanner about the middle of reference space."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix()
    pose = turn @ head.to_reference
    return replace(head, to_reference=pose, affine=np.linalg.inv(pose) @ head.to_reference @ head.affine)


def seen_points(head: SimulatedHead, affine: Array, volume: NDArray[np.float32]) -> Array:
    """Points (N, 3), scan mm, 6 mm apart, of the head that the scan shows."""
    index = np.argwhere(head.labels[::6, ::6, ::6] > AIR) * 6.0
    points = moved(head.affine, index)
    voxels = np.rint(moved(np.linalg.inv(affine), points)).astype(int)
    inside = np.all((voxels >= 0) & (voxels < volume.shape), axis=1)
    inside[inside] = volume[tuple(voxels[inside].T)] > UNKNOWN_HU
    return points[inside]


def moved(matrix: Array, points: Array) -> Array:
    """Points (N, 3) moved by a matrix (4, 4)."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def error_mm(matrix: Array, case: Case) -> float:
    """95th percentile of the distance between where two matrices bring the head's points."""
    gaps = moved(matrix, case.points) - moved(case.truth, case.points)
    return float(np.percentile(np.linalg.norm(gaps, axis=1), 95))


def wrong_poses(
    case: Case, scan: HeadImage, reference: Reference, rng: np.random.Generator
) -> Iterator[tuple[Array, float]]:
    """Poses (4, 4) and their scales: climbed from starts far off, and the truth pushed off."""
    start = head_centre(scan.head, scan.affine)
    poses = np.zeros((4, 7))
    poses[:, :3] = np.deg2rad([(0, 0, 180), (60, 0, 0), (-75, 0, 0), (0, 180, 0)])
    poses[:, 3:6] = rng.uniform(-25, 25, (4, 3))
    target = reference.target.coarse
    found, _ = climb(poses, COARSE_STEP, target, level(scan, 8.0), start, rounds=14)
    yield from zip(pose_matrices(found, target.centre, start), np.exp(found[:, 6]), strict=True)
    for angle, shift in ((0.0, 25.0), (0.0, 40.0), (15.0, 0.0), (25.0, 10.0), (40.0, 0.0)):
        yield pushed(case, angle, shift, rng), 1.0


def pushed(case: Case, angle_deg: float, shift_mm: float, rng: np.random.Generator) -> Array:
    """The true pose, turned about the middle of the head by an angle and shifted, in random directions."""
    axis, direction = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
    push = np.eye(4)
    push[:3, :3] = Rotation.from_rotvec(np.deg2rad(angle_deg) * axis).as_matrix()
    middle = case.points.mean(axis=0)
    push[:3, 3] = middle - push[:3, :3] @ middle + shift_mm * direction
    return np.asarray(push @ np.linalg.inv(case.truth))


@dataclass(frozen=True)
class Row:
    """What came out for one case."""

    case: Case
    result: Registration
    error_mm: float
    cpu_s: float


def run(case: Case, reference: Reference) -> Row:
    """Register one case."""
    begin = time.process_time()
    result = register(case.volume, case.affine, reference)
    return Row(case, result, error_mm(result.matrix, case), time.process_time() - begin)


def judge_wrong(case: Case, reference: Reference, rng: np.random.Generator) -> list[tuple[float, dict[str, float]]]:
    """Errors and quality of wrong poses of a case that are over 20 mm off."""
    volume, affine = to_canonical(case.volume, case.affine)
    scan = head_image(volume, validity(volume), affine)
    found = []
    for pose, scale in wrong_poses(case, scan, reference, rng):
        error = error_mm(without_scale(pose, scale, np.array(CENTRE_MM)), case)
        if error > WRONG_MM:
            found.append((error, pose_quality(pose, float(scale), reference.quality, scan)))
    return found


def summary(rows: list[Row], wrong: list[tuple[float, dict[str, float]]]) -> None:
    """Print the table."""
    errors = np.array([row.error_mm for row in rows])
    kinds = np.array([row.case.kind.split()[0] for row in rows])
    rescaled, reshaped = kinds == "rescaled", kinds == "reshaped"
    verdicts = [row.result.verdict for row in rows]
    groups = {"held-out heads": ~rescaled & ~reshaped, "rescaled heads": rescaled, "reshaped heads": reshaped}
    for name, mine in groups.items():
        e = errors[mine]
        print(
            f"{name}: {len(e)} cases, {(e > FAILURE_MM).sum()} failures, "
            f"median {np.median(e):.1f} mm, worst {e.max():.1f} mm"
        )
    seconds = [row.cpu_s for row in rows[1:]]
    print(f"CPU-seconds a scan, after start-up: median {np.median(seconds):.1f}, most {max(seconds):.1f}")
    print("right poses: " + ", ".join(f"{verdicts.count(v)} {v}" for v in ("pass", "review", "fail")))
    judged = [judge(quality)[0] for _, quality in wrong]
    print("wrong poses: " + ", ".join(f"{judged.count(v)} {v}" for v in ("pass", "review", "fail")))


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description="registration of held-out simulated heads")
    parser.add_argument("anatomies", type=Path, help="folder of label maps")
    parser.add_argument("--models", type=Path, default=ROOT / "bundle" / "models", help="folder of the reference")
    args = parser.parse_args()
    reference = load_reference(str(args.models / "reference.nii.gz"), str(args.models / "reference_masks.nii.gz"))
    rows, wrong = [], []
    rng = np.random.default_rng(0)
    for case in cases(args.anatomies):
        row = run(case, reference)
        rows.append(row)
        numbers = " ".join(f"{name} {value:.2f}" for name, value in row.result.quality.items())
        print(
            f"{case.anatomy} {case.kind:20} {row.error_mm:5.1f} mm {row.cpu_s:4.1f} s {row.result.verdict:6} {numbers}",
            flush=True,
        )
        wrong += judge_wrong(case, reference, rng)
    summary(rows, wrong)


if __name__ == "__main__":
    main()
