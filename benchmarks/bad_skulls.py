"""The skull's score on bad input: surgery, cut scans, metal, motion, thick slices, a bone kernel.

    python benchmarks/bad_skulls.py ANATOMIES --names head_05 head_06 [--seed 801]

Draws healthy heads, spoils them (see `skull/spoiled.py`), and prints a row a scan: score, threshold, detections,
motion, and the codes of the findings. Aligned by the true pose. About 60 CPU-seconds a head.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.skull.assessment import assess
from scripts.skull.files import Calibration, read_calibration
from scripts.skull.surface import SkullNotJudged
from scripts.skull.transforms import skull_findings
from skull.spoiled import Spoiled, spoiled, surgery

KINDS = ("craniectomy", "burr holes", "child")


def scans(folder: Path, name: str, seed: int) -> Iterator[Spoiled]:
    """All bad input from one anatomy."""
    anatomy = load_anatomy(folder / f"{name}.nii.gz")
    yield from spoiled(anatomy, seed)
    for kind in KINDS:
        yield from surgery(anatomy, kind, seed)


def row(name: str, scan: Spoiled, calibration: Calibration) -> str:
    """A row of the table, in Markdown."""
    try:
        found = assess(scan.hu, scan.affine, scan.matrix, calibration)
    except SkullNotJudged as reason:
        return f"| {name} | {scan.what} | {scan.slices} | null | | | | {reason} |"
    codes = ", ".join(one["code"] for one in skull_findings(found))
    numbers = f"{found.scores['score']:.1f} | {found.threshold:.1f} | {len(found.detections)}"
    return f"| {name} | {scan.what} | {scan.slices} | {numbers} | {found.skull.motion_mm:.2f} | {codes} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anatomies", type=Path, help="folder of label maps")
    parser.add_argument("--names", nargs="+", required=True, help="anatomies to draw")
    parser.add_argument("--seed", type=int, default=801, help="of the first head (801)")
    args = parser.parse_args()
    calibration = read_calibration(ROOT / "bundle" / "models" / "skull_normative.npz")
    print(
        "| head | what is bad | slices | score | threshold | detections | motion, mm | findings |\n" + "|---" * 8 + "|"
    )
    for number, name in enumerate(args.names):
        for scan in scans(args.anatomies, name, args.seed + number):
            print(row(name, scan, calibration), flush=True)


if __name__ == "__main__":
    main()
