"""Fractures found by the unrolled skull: AUROC by kind and slice thickness, on heads with sutures.

    python benchmarks/fractures.py draw WORK --anatomies ANATOMIES --names head_01 ... --rounds 2 [--harder]
    python benchmarks/fractures.py measure WORK [--register --calibration FILE]
    python benchmarks/fractures.py judge WORK [--healthy HEALTHY | --calibration FILE]
    python benchmarks/fractures.py calibrate WORK --output bundle/models/skull_normative.npz

`draw` draws pairs of a healthy and a fractured head, with `--harder` of the harder fractures, see `skull/draw.py`, and
keeps their scans in `WORK/cases`; `measure` caches what the skull shows in `WORK/skulls`; `judge` prints the tables,
each scan judged by healthy scans of other anatomies: those of `WORK`, or those of `HEALTHY`, the work folder of
`head-ct-anomaly calibrate`. With a calibration, it judges by that: it may hold healthy scans of the same anatomies.
`calibrate` makes a first calibration, with a mean surface, of the healthy scans in `WORK`. Every stage resumes after a
stop and prints its CPU-seconds. Scans are aligned by their true pose with an error of 3.5 mm and 3
degrees or, with `--register`, by the product's registration; what that refuses is in no figure, but listed.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np

from scripts.files.atomic import replace_file
from scripts.skull.files import CLASSES, Calibration, calibration_bytes, read_calibration
from scripts.skull.mean_surface import mean_surface
from scripts.skull.rays import view
from skull.draw import KINDS, draw_pair, harder_pairs, pairs
from skull.judge import fitted, healthy_in, healthy_of, judged, judged_by, own_healthy, table, table_by_kind
from skull.measured import Measured, measure_case, measured, scan_of
from skull.registered import found_matrix

SURFACE = "mean_surface.npy"
"""Name of the mean surface of the healthy scans in `WORK`."""


def draw(args: argparse.Namespace) -> None:
    """Draw the scans that are not there yet."""
    for pair in (harder_pairs if args.harder else pairs)(args.names, args.rounds, args.seed):
        count = draw_pair(pair, args.anatomies, args.work / "cases")
        print(f"{pair.anatomy} {pair.seed} {pair.name}: {count} scans", flush=True)


def measure(args: argparse.Namespace) -> None:
    """Measure the scans that are not measured yet, by the mean surface of the healthy ones or of a calibration."""
    paths = sorted((args.work / "cases").glob("*.npz"))
    if args.calibration:
        usual_mm = read_calibration(args.calibration).usual_mm
        np.save(args.work / SURFACE, usual_mm)
    elif (args.work / SURFACE).is_file():
        usual_mm = np.load(args.work / SURFACE)
    else:
        healthy = [path for path in paths if path.stem.endswith("healthy_middle")]
        usual_mm = mean_surface(view(*scan_of(path)) for path in healthy)
        np.save(args.work / SURFACE, usual_mm)
    wanted = [path for path in paths if not (args.work / "skulls" / path.name).is_file()]
    spent = 0.0
    for path in wanted:
        matrix = None
        if args.register:
            hu, affine, _ = scan_of(path)
            matrix = found_matrix(hu, affine, args.work / "poses" / f"{path.stem}.npy")
            if matrix is None:
                print(f"{path.stem}: refused by the registration")
                continue
        started = time.process_time()
        measure_case(path, args.work / "skulls" / path.name, usual_mm, matrix)
        spent += (time.process_time() - started) / len(wanted)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{len(wanted)} scans, {spent:.2f} CPU-seconds each; {peak:.0f} MB at most")


def all_measured(work: Path) -> list[Measured]:
    """The measured cases of a folder.

    Raises:
        SystemExit: there are none.
    """
    found = [measured(path) for path in sorted((work / "skulls").glob("*.npz"))]
    if not found:
        raise SystemExit(f"There are no measured scans in {work}: draw and measure first.")
    return found


def judge(args: argparse.Namespace) -> None:
    """Print the tables."""
    cases = all_measured(args.work)
    if args.calibration:
        found = judged_by(cases, read_calibration(args.calibration))
    else:
        found = list(judged(cases, healthy_in(args.healthy) if args.healthy else own_healthy(cases)))
    usual = {case.kind for case in found} <= {None, *KINDS}
    print(table(found) if usual else table_by_kind(found))


def calibrate(args: argparse.Namespace) -> None:
    """Write the calibration of the healthy scans."""
    cases = all_measured(args.work)
    fits = {name: fitted(healthy_of(cases, name)) for name in CLASSES}
    classes, healthy = ({name: fit[n] for name, fit in fits.items()} for n in (0, 1))
    scores = {name: np.array(values) for name, values in healthy.items()}
    content = calibration_bytes(Calibration(np.load(args.work / SURFACE), classes, scores))
    replace_file(args.output, content)
    print(f"{args.output}: {len(content) / 1000:.0f} kB, {', '.join(f'{len(v)} {n}' for n, v in scores.items())} scans")


def main() -> None:
    """Run a stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = parser.add_subparsers(required=True)
    for stage in (draw, measure, judge, calibrate):
        own = stages.add_parser(stage.__name__, help=stage.__doc__)
        own.add_argument("work", metavar="WORK", type=Path, help="folder of the scans")
        own.set_defaults(stage=stage)
        if stage is draw:
            own.add_argument("--anatomies", type=Path, required=True, help="folder of label maps")
            own.add_argument("--names", nargs="+", required=True, help="anatomies to draw")
            own.add_argument("--rounds", type=int, default=2, help="pairs of each anatomy (2)")
            own.add_argument("--seed", type=int, default=9000, help="of the first pair (9000)")
            own.add_argument("--harder", action="store_true", help="every harder fracture in each head, one scan each")
        elif stage is calibrate:
            own.add_argument("--output", type=Path, required=True, help="the file to write")
        elif stage is judge:
            by = own.add_mutually_exclusive_group()
            by.add_argument("--healthy", type=Path, help="work folder of head-ct-anomaly calibrate")
            by.add_argument("--calibration", type=Path, help="skull_normative.npz to judge by")
        else:
            own.add_argument("--calibration", type=Path, help="whose mean surface to measure by")
            own.add_argument("--register", action="store_true", help="align by the product's registration")
    args = parser.parse_args()
    started = time.process_time()
    args.stage(args)
    print(f"{time.process_time() - started:.0f} CPU-seconds")


if __name__ == "__main__":
    main()
