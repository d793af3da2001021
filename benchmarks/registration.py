"""How well scans of heads that are not in the reference are registered to it, and what is refused.

    python benchmarks/registration.py FOLDER                       # all six anatomies that are not in the reference
    python benchmarks/registration.py FOLDER --anatomies 9,10,11   # some of them
    python benchmarks/registration.py FOLDER --search              # the search alone, without the coarse network

draws scans of these anatomies: turned by up to 30 degrees, cut at the chin or the vertex, with thick slices, a tilted
gantry and a head rest; rescaled by 0.86 to 1.10; and reshaped (scaled differently along each axis and displaced by up
to 8.5 mm, which no rigid registration can follow). The first ten of each anatomy are registered once more in a random
*orientation*, any rotation being as likely as any other, as if the header were wrong. The *error* of a registration is
the 95th percentile, over the head's points in the field of view, of the distance to where the simulator's true pose
brings them. An error over 10 mm is a failure. The error of the coarse network *alone*, before any refinement, is
printed beside it.

*Wrong poses* are made by climbing from starts that are far off, and by pushing the right pose off by 20 to 40 mm or 15
to 40 degrees; the same checks judge them, and those that are over 20 mm off should not pass. *No heads* are a body,
noise, and each anatomy's first scan with wrong values or shuffled slices; they should be refused.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

from scripts.anatomies import load_anatomy  # noqa: E402
from scripts.findings import InputRefused  # noqa: E402
from scripts.foreground import validity  # noqa: E402
from scripts.inputs import read_volume  # noqa: E402
from scripts.locator import locate  # noqa: E402
from scripts.networks import DensePositionNet  # noqa: E402
from scripts.pose_quality import judge  # noqa: E402
from scripts.pose_score import HeadImage, head_image, level, pose_matrices  # noqa: E402
from scripts.pose_search import COARSE_STEP, climb, head_centre  # noqa: E402
from scripts.registration import Reference, Registration, described, register, without_scale  # noqa: E402
from scripts.resampling import to_canonical  # noqa: E402
from scripts.simulation.anatomy import Anatomy  # noqa: E402
from scripts.simulation.common_space import CENTRE_MM  # noqa: E402
from scripts.simulation.head import SimulatedHead, draw_head  # noqa: E402
from scripts.simulation.labels import AIR  # noqa: E402
from scripts.simulation.protocol import Protocol  # noqa: E402
from scripts.simulation.scanner import PADDING_HU, acquire  # noqa: E402
from scripts.simulation.shape import Shape, draw_shape, identity_shape  # noqa: E402
from scripts.transforms import load_locator, load_reference  # noqa: E402
from scripts.volume import UNKNOWN_HU, Volume, check_values, split_padding  # noqa: E402

Array = NDArray[np.float64]

ANATOMIES = (9, 10, 11, 12, 13, 14)
"""Numbers of the anatomies that are not in the reference."""

TURNED = 10
"""Scans of each anatomy that are also registered in a random orientation."""

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

RESHAPED = 5
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
    shape: Shape,
    bleed_ml: float | None = None,
) -> Case:
    """Draw a head, with a subdural bleed where a volume is given, turn it in the scanner, and scan it.

    Raises:
        ValueError: the bleed does not fit.
    """
    lesion = {"lesion": "subdural", "lesion_size": {"volume_ml": bleed_ml}} if bleed_ml else {}
    head = turned(draw_head(anatomy, seed, shape=shape, largest_rotation_deg=6.0, **lesion), angles_deg)
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


def no_heads(case: Case, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32], Array]]:
    """Volumes that are no head, or no CT, with their names and affines; most are made from a case."""
    hu, known = case.volume, case.volume > UNKNOWN_HU
    yield "HU shifted by 1000", np.where(known, hu + 1000, hu), case.affine
    yield "HU halved", np.where(known, hu / 2, hu), case.affine
    yield "HU inverted", np.where(known, 1000 - hu, hu), case.affine
    yield "slices shuffled", hu[:, :, rng.permutation(hu.shape[2])], case.affine
    yield "noise", rng.normal(0, 500, hu.shape).astype(np.float32), case.affine
    blobs = ndimage.gaussian_filter(rng.standard_normal((80, 80, 60)), 4)
    yield "blobs", (blobs / blobs.std() * 400 - 300).astype(np.float32), np.diag([3.0, 3.0, 3.0, 1.0])
    yield "body", body(rng), np.diag([2.0, 2.0, 3.0, 1.0])


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
    """What came out for one case; `alone_mm` is the error of the coarse network's pose, NaN without one."""

    case: Case
    result: Registration
    error_mm: float
    alone_mm: float
    cpu_s: float


def run(case: Case, reference: Reference, locator: DensePositionNet | None) -> Row:
    """Register one case."""
    begin = time.process_time()
    result = register(case.volume, case.affine, reference, locator)
    seconds = time.process_time() - begin
    return Row(case, result, error_mm(result.matrix, case), alone_mm(case, locator), seconds)


def alone_mm(case: Case, locator: DensePositionNet | None) -> float:
    """The error of the pose that the coarse network finds, without its scale; NaN where it finds none."""
    volume, affine = to_canonical(case.volume, case.affine)
    located = locate(locator, head_image(volume, validity(volume), affine)) if locator is not None else None
    if located is None:
        return float("nan")
    return error_mm(without_scale(located.fit.matrix, located.fit.scale, np.array(CENTRE_MM)), case)


def judge_wrong(
    case: Case, reference: Reference, locator: DensePositionNet | None, rng: np.random.Generator
) -> list[tuple[float, dict[str, float]]]:
    """Errors and quality of wrong poses of a case that are over 20 mm off."""
    volume, affine = to_canonical(case.volume, case.affine)
    scan = head_image(volume, validity(volume), affine)
    located = locate(locator, scan) if locator is not None else None
    found = []
    for pose, scale in wrong_poses(case, scan, reference, rng):
        error = error_mm(without_scale(pose, scale, np.array(CENTRE_MM)), case)
        if error > WRONG_MM:
            found.append((error, described(pose, float(scale), reference, scan, located)))
    return found


def print_row(row: Row) -> None:
    """Print what came out for one case."""
    measured = f"{row.error_mm:5.1f} mm, alone {row.alone_mm:5.1f} mm, {row.cpu_s:4.1f} s"
    print(f"{row.case.anatomy} {row.case.kind:20} {measured} {judged_text(row.result)}", flush=True)


def summary(rows: list[Row], wrong: list[tuple[float, dict[str, float]]], refused: list[bool]) -> None:
    """Print the table."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        kind = row.case.kind.split()[0]
        name = kind if kind in ("rescaled", "reshaped", "orientation") else "held-out heads"
        groups.setdefault(name, []).append(row)
    for name, mine in groups.items():
        errors, alone = (np.array([getattr(row, key) for row in mine]) for key in ("error_mm", "alone_mm"))
        print(
            f"{name}: {len(mine)} cases, {(errors > FAILURE_MM).sum()} failures, median {np.median(errors):.1f} mm, "
            f"worst {errors.max():.1f} mm; alone: {(~(alone <= FAILURE_MM)).sum()} failures, "
            f"median {np.nanmedian(alone):.1f} mm, worst {np.nanmax(alone):.1f} mm"
        )
    upright = [row for row in rows[1:] if row.case.kind != "orientation"]
    seconds = [row.cpu_s for row in upright]
    print(f"CPU-seconds a scan, after start-up: median {np.median(seconds):.1f}, most {max(seconds):.1f}")
    print(f"start: {sum(row.result.start == 'locator' for row in rows)} locator, of {len(rows)}")
    for name, verdicts in (
        ("right poses", [row.result.verdict for row in rows if row.error_mm <= FAILURE_MM]),
        ("failures", [row.result.verdict for row in rows if row.error_mm > FAILURE_MM]),
        ("wrong poses", [judge(quality)[0] for _, quality in wrong]),
    ):
        print(f"{name}: " + ", ".join(f"{verdicts.count(v)} {v}" for v in ("pass", "review", "fail")))
    print(f"no heads: {sum(refused)} of {len(refused)} refused")


def judge_no_heads(
    case: Case, reference: Reference, locator: DensePositionNet | None, rng: np.random.Generator
) -> Iterator[bool]:
    """Whether each volume that is no head is refused: by what its values say, as when it is read, or unregistered."""
    for name, volume, affine in no_heads(case, rng):
        result, said = read_and_registered(volume, affine, reference, locator)
        print(f"{case.anatomy} {name:20} {said}", flush=True)
        yield result is None or result.verdict == "fail"


def read_and_registered(
    volume: NDArray[np.float32], affine: Array, reference: Reference, locator: DensePositionNet | None
) -> tuple[Registration | None, str]:
    """The registration of a volume, None where its values refuse it as when it is read, and what is said of it."""
    hu = volume.copy()
    try:
        read = Volume(hu, affine, split_padding(hu))
        check_values(read)
        result = register(read.with_unknown(), affine, reference, locator)
    except (InputRefused, ValueError) as error:
        return None, str(error)
    return result, judged_text(result)


def describe_scan(path: Path, reference: Reference, locator: DensePositionNet | None) -> None:
    """Register a scan whose pose nobody knows, DICOM or NIfTI, and print what the checks say."""
    volume = read_volume(path)
    print(path.name, judged_text(register(volume.with_unknown(), volume.affine, reference, locator)), flush=True)


def judged_text(result: Registration) -> str:
    """Start, verdict and quality in one line."""
    numbers = " ".join(f"{name} {value:.2f}" for name, value in result.quality.items())
    return f"{result.start:7} {result.verdict:6} {numbers}"


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description="registration of held-out simulated heads")
    parser.add_argument("folder", type=Path, help="folder of label maps, head_01.nii.gz and so on")
    parser.add_argument("--anatomies", default=",".join(map(str, ANATOMIES)), help="their numbers, with commas")
    parser.add_argument(
        "--models", type=Path, default=ROOT / "bundle" / "models", help="folder of reference and locator"
    )
    parser.add_argument("--search", action="store_true", help="without the coarse network")
    parser.add_argument("--scans", nargs="*", type=Path, default=[], help="other scans, registered and described first")
    args = parser.parse_args()
    reference = load_reference(str(args.models / "reference.nii.gz"), str(args.models / "reference_masks.nii.gz"))
    locator = None if args.search else load_locator(str(args.models / "locator.pt"))
    for path in args.scans:
        describe_scan(path, reference, locator)
    rows, wrong, refused, count = [], [], [], Counter[int]()
    rng = np.random.default_rng(0)
    for case in cases(args.folder, [int(number) for number in args.anatomies.split(",")]):
        rows.append(run(case, reference, locator))
        print_row(rows[-1])
        wrong += judge_wrong(case, reference, locator, rng)
        if not count[case.anatomy]:
            refused += judge_no_heads(case, reference, locator, rng)
        if count[case.anatomy] < TURNED and locator is not None:
            rows.append(run(in_any_orientation(case, 100 * case.anatomy + count[case.anatomy]), reference, locator))
            print_row(rows[-1])
        count[case.anatomy] += 1
    summary(rows, wrong, refused)


if __name__ == "__main__":
    main()
