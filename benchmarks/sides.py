"""Left is left: a bleed in either hemisphere, in 8 axis orders, as DICOM and as NIfTI: 32 whole runs.

    python benchmarks/sides.py [--stride 4]

plants a bleed of 34 ml in the reference head at 2 mm, stores it in each way, and runs the inference config on it. The
hemisphere with the bleed, the patient's left or right one, must score highest. All 16 heatmaps of one side should agree
in world space: the last column is the largest share of voxels that differ by more than 0.05 mm from the first heatmap
of that side.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "tests" / "support")]

from planted import ORDERS, write_planted

from scripts.commands.main import parser_for

AGREEMENT_MM = 0.05
"""Heatmaps that differ by less agree."""


def run(folder: Path, side: str, order: str, kind: str, stride: int) -> tuple[dict[str, Any], Any]:
    """Scores of one case, and its heatmap in the axis order +R, +A, +S."""
    scan, words = write_planted(folder / "in", side, order, kind)
    words = ["run", str(scan), "-o", str(folder / "out"), "--stride", str(stride), *words]
    args = parser_for(words).parse_args(words)
    with redirect_stdout(StringIO()):
        status = args.main(args)
    if status != 0:
        raise SystemExit(f"the run failed: {side}, {order}, {kind}")
    scores = json.loads((folder / "out" / "result.json").read_text())["scores"]
    heatmap: Any = nib.load(folder / "out" / "heatmap.nii.gz")
    return scores, np.asarray(nib.as_closest_canonical(heatmap).dataobj)


def cases() -> Iterator[tuple[str, str, str]]:
    """Side, axis order and format of every case."""
    for side in ("left", "right"):
        for order in ORDERS:
            for kind in ("nifti", "dicom"):
                yield side, order, kind


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description="a bleed in either hemisphere in every axis order and format")
    parser.add_argument("--stride", type=int, choices=(1, 2, 4), default=4)
    stride = parser.parse_args().stride
    count, first = 0, {}
    for number, (side, order, kind) in enumerate(cases(), start=1):
        begin = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            scores, heatmap = run(Path(folder), side, order, kind, stride)
        sides = {"left": scores["left_hemisphere"], "right": scores["right_hemisphere"]}
        correct = max(sides, key=lambda name: sides[name]) == side
        count += correct
        reference = first.setdefault(side, heatmap)
        differ = float((np.abs(heatmap - reference) > AGREEMENT_MM).mean())
        print(
            f"{number:2} {side:5} {order:9} {kind:5} left {sides['left']:5.1f} right {sides['right']:5.1f} "
            f"{'ok' if correct else 'WRONG'} differ {differ:.1e} {time.process_time() - begin:.0f} CPU-s",
            flush=True,
        )
    print(f"the hemisphere with the bleed scores highest in {count} of {number}")


if __name__ == "__main__":
    main()
