"""How well scans of heads that are not in the reference are registered to it, and which wrong poses are refused.

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
to 40 degrees; the same checks judge them, and those that are over 20 mm off should not pass. *Near misses* are poses
that were found, pushed off a little, of which those that are 10 to 20 mm wrong are kept. What is no head at all is
shown to the checks by `verdict.py`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from registration_cases import ROOT, Array, Case, cases, in_any_orientation, moved
from scipy.spatial.transform import Rotation

from scripts.findings import InputRefused
from scripts.geometry.coordinates import CENTRE_MM
from scripts.geometry.resampling import to_canonical
from scripts.networks.position import DensePositionNet
from scripts.preprocessing.foreground import validity
from scripts.registration.checks import judge
from scripts.registration.locator import locate
from scripts.registration.register import Reference, Registration, described, register, without_scale
from scripts.registration.score import HeadImage, head_image, level, pose_matrices
from scripts.registration.search import COARSE_STEP, climb, head_centre
from scripts.registration.transforms import load_locator, load_reference
from scripts.volume import Volume, check_values, split_padding

ANATOMIES = (9, 10, 11, 12, 13, 14)
"""Numbers of the anatomies that are not in the reference."""

TURNED = 10
"""Scans of each anatomy that are also registered in a random orientation."""

FAILURE_MM, WRONG_MM = 10.0, 20.0
"""Errors from which a registration has failed, and from which a pose should not pass."""


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
        yield pushed(np.linalg.inv(case.truth), case, angle, shift, rng), 1.0


def near_poses(case: Case, found: Registration, rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """The pose (4, 4) that was found, and its scale, pushed off a little."""
    scale, centre = found.quality["scale"], np.array(CENTRE_MM)
    enlarge = np.diag([scale] * 3 + [1.0])
    enlarge[:3, 3] = centre - scale * centre
    pose = np.linalg.inv(found.matrix) @ enlarge
    for angle, shift in ((0.0, 10.0), (0.0, 14.0), (0.0, 18.0), (6.0, 0.0), (9.0, 0.0), (12.0, 0.0), (6.0, 8.0)):
        yield pushed(pose, case, angle, shift, rng), scale


def pushed(pose: Array, case: Case, angle_deg: float, shift_mm: float, rng: np.random.Generator) -> Array:
    """A pose (4, 4), turned about the middle of the head by an angle and shifted, in random directions."""
    axis, direction = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
    push = np.eye(4)
    push[:3, :3] = Rotation.from_rotvec(np.deg2rad(angle_deg) * axis).as_matrix()
    middle = case.points.mean(axis=0)
    push[:3, 3] = middle - push[:3, :3] @ middle + shift_mm * direction
    return np.asarray(push @ pose)


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


Judged = list[tuple[float, dict[str, float]]]
"""Errors of poses, mm, and their quality."""


def judge_poses(
    row: Row,
    reference: Reference,
    locator: DensePositionNet | None,
    rng: np.random.Generator,
    near: np.random.Generator,
) -> tuple[Judged, Judged]:
    """Wrong poses of a case, over 20 mm off, and near misses."""
    volume, affine = to_canonical(row.case.volume, row.case.affine)
    scan = head_image(volume, validity(volume), affine)
    located = locate(locator, scan) if locator is not None else None

    def judged(poses: Iterator[tuple[Array, float]], least_mm: float, most_mm: float) -> Judged:
        errors = [(error_mm(without_scale(*pose, np.array(CENTRE_MM)), row.case), *pose) for pose in poses]
        kept = [one for one in errors if least_mm < one[0] <= most_mm]
        return [(error, described(pose, float(scale), reference, scan, located)) for error, pose, scale in kept]

    wrong = judged(wrong_poses(row.case, scan, reference, rng), WRONG_MM, np.inf)
    return wrong, judged(near_poses(row.case, row.result, near), FAILURE_MM, WRONG_MM)


def print_row(row: Row) -> None:
    """Print what came out for one case."""
    measured = f"{row.error_mm:5.1f} mm, alone {row.alone_mm:5.1f} mm, {row.cpu_s:4.1f} s"
    print(f"{row.case.anatomy} {row.case.kind:20} {measured} {judged_text(row.result)}", flush=True)


def summary(rows: list[Row], wrong: Judged, near: Judged) -> None:
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
        ("near misses", [judge(quality)[0] for _, quality in near]),
    ):
        print(f"{name}: " + ", ".join(f"{verdicts.count(v)} {v}" for v in ("pass", "review", "fail")))
    passed = [f"{error:.1f} mm" for error, quality in near if judge(quality)[0] == "pass"]
    print(f"near misses that pass: {', '.join(passed) or 'none'}")


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
    args = parser.parse_args()
    reference = load_reference(str(args.models / "reference.nii.gz"), str(args.models / "reference_masks.nii.gz"))
    locator = None if args.search else load_locator(str(args.models / "locator.pt"))
    rows, wrong, near, count = [], [], [], Counter[int]()
    rng, near_rng = np.random.default_rng(0), np.random.default_rng(1)
    for case in cases(args.folder, [int(number) for number in args.anatomies.split(",")]):
        rows.append(run(case, reference, locator))
        print_row(rows[-1])
        judged = judge_poses(rows[-1], reference, locator, rng, near_rng)
        wrong, near = wrong + judged[0], near + judged[1]
        if count[case.anatomy] < TURNED and locator is not None:
            rows.append(run(in_any_orientation(case, 100 * case.anatomy + count[case.anatomy]), reference, locator))
            print_row(rows[-1])
        count[case.anatomy] += 1
    summary(rows, wrong, near)


if __name__ == "__main__":
    main()
