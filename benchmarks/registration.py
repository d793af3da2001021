"""Registration errors on simulated heads outside the reference, in various poses and cuts.

    python benchmarks/registration.py FOLDER                       # all six anatomies that are not in the reference
    python benchmarks/registration.py FOLDER --anatomies 9,10,11   # some of them
    python benchmarks/registration.py FOLDER --search              # the search alone, without the coarse network

draws scans of these anatomies: turned by up to 30 degrees, cut at the chin or the vertex, with thick slices, a tilted
gantry and a head rest; rescaled by 0.86 to 1.10; and reshaped (scaled differently along each axis and displaced by up
to 8.5 mm, which no rigid registration can follow). The first ten of each anatomy are registered once more in a random
*orientation*, any rotation being as likely as any other, as if the header were wrong. The *error* of a registration is
the 95th percentile, over the head's points in the field of view, of their distance under this and under the true pose.
An error over 10 mm is a failure. The error of the coarse network *alone*, before any refinement, is printed beside it.
For verdicts on wrong poses and on inputs without a head see `verdict.py`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from registration_cases import ROOT, Array, Case, cases, gaps_mm, in_any_orientation

from scripts.geometry.coordinates import CENTRE_MM
from scripts.networks.position import DensePositionNet
from scripts.registration.locator import locate
from scripts.registration.register import Reference, Registration, prepare_scan, register, without_scale
from scripts.registration.transforms import load_locator, load_reference

ANATOMIES = (9, 10, 11, 12, 13, 14)
"""Numbers of the anatomies that are not in the reference."""

TURNED = 10
"""Scans of each anatomy that are also registered in a random orientation."""

FAILURE_MM = 10.0
"""Error above which a registration has failed."""


def error_mm(matrix: Array, case: Case) -> float:
    """95th percentile of the distance between the head's points under a matrix and under the true one."""
    return float(np.percentile(gaps_mm(matrix, case), 95))


@dataclass(frozen=True)
class Row:
    """The result of one case; `alone_mm` is the error of the coarse network's pose, NaN without one."""

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
    """The error of the coarse network's pose, without its scale; NaN if it finds none."""
    located = None if locator is None else locate(locator, prepare_scan(case.volume, case.affine).head)
    if located is None:
        return float("nan")
    return error_mm(without_scale(located.fit.matrix, located.fit.scale, np.array(CENTRE_MM)), case)


def print_row(row: Row) -> None:
    """Print the result of one case."""
    measured = f"{row.error_mm:5.1f} mm, alone {row.alone_mm:5.1f} mm, {row.cpu_s:4.1f} s"
    numbers = " ".join(f"{name} {value:.2f}" for name, value in row.result.quality.items())
    found = f"{row.result.start:7} {row.result.verdict:6} {numbers}"
    print(f"{row.case.anatomy} {row.case.kind:20} {measured} {found}", flush=True)


def group_of(row: Row) -> str:
    """The group of a case, by its kind."""
    kind = row.case.kind.split()[0]
    return kind if kind in ("rescaled", "reshaped", "orientation") else "turned, cut, thick, tilted"


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of the table, then CPU time and kinds of starts."""
    yield "| scans | cases | over 10 mm | median, mm | worst, mm | alone: over 10 mm | median, mm | right | wrong |"
    yield "|---|---|---|---|---|---|---|---|---|"
    groups = {group_of(row): [one for one in rows if group_of(one) == group_of(row)] for row in rows}
    for name, mine in groups.items():
        errors, alone = (np.array([getattr(row, key) for row in mine]) for key in ("error_mm", "alone_mm"))
        yield (
            f"| {name} | {len(mine)} | {(errors > FAILURE_MM).sum()} | {np.median(errors):.1f} | {errors.max():.1f} "
            f"| {(~(alone <= FAILURE_MM)).sum()} | {np.nanmedian(alone):.1f} "
            f"| {verdicts([row for row in mine if row.error_mm <= FAILURE_MM])} "
            f"| {verdicts([row for row in mine if row.error_mm > FAILURE_MM])} |"
        )
    seconds = [row.cpu_s for row in rows[1:] if row.case.kind != "orientation"]
    yield f"\nCPU-seconds a scan, after start-up: median {np.median(seconds):.1f}, most {max(seconds):.1f}"
    yield f"start: {sum(row.result.start == 'locator' for row in rows)} locator, of {len(rows)}"


def verdicts(rows: Sequence[Row]) -> str:
    """Numbers of "pass", "review" and "fail" as text."""
    counts = Counter(row.result.verdict for row in rows)
    return ", ".join(f"{counts[name]} {name}" for name in ("pass", "review", "fail") if counts[name]) or "none"


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
    rows, count = [], Counter[int]()
    for case in cases(args.folder, [int(number) for number in args.anatomies.split(",")]):
        rows.append(run(case, reference, locator))
        print_row(rows[-1])
        if count[case.anatomy] < TURNED and locator is not None:
            rows.append(run(in_any_orientation(case, 100 * case.anatomy + count[case.anatomy]), reference, locator))
            print_row(rows[-1])
        count[case.anatomy] += 1
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
