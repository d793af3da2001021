"""Signs of a young skull in the image: bone, size, and gaps along the sutures, of drawn children and healthy adults.

    python benchmarks/children.py ANATOMIES --names head_01 ... [--children 8] [--adults 20] [--seed 4000]

Draws heads of the unusual population that are children, and of the widened one, scans them in slices of 2.5 to 3 mm,
and prints a row a head: the *bone* is the median mass of the calvaria along a ray, as mm of bone of 1500 HU; the *size*
the mean radius of its surface; *gaps* are the mean missing share of bone within 10 mm of the usual courses of the
coronal, lambdoid and sagittal sutures less that elsewhere; *lines* the mean strength there of the strongest line, in
units of local noise, of the weaker side. Then, for each sign, the AUROC and the children beyond all adults. Aligned by
the true pose. About 4 CPU-seconds a head.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import count
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np
from numpy.typing import NDArray

from scripts.geometry.coordinates import CENTRE_MM
from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.person.head import BUILD_STREAM, SimulatedHead, draw_head, stream
from scripts.simulation.person.variety import draw_build
from scripts.skull.atlas import atlas
from scripts.skull.bones import AT
from scripts.skull.directions import RADIUS_MM, mirrored
from scripts.skull.files import read_calibration
from scripts.skull.gaps import median_mass
from scripts.skull.measure import measure
from scripts.skull.profiles import profiles
from scripts.skull.rays import view
from scripts.statistics.auroc import auroc
from skull.spoiled import kind_of, scanned, still

SIGNS = ("bone", "size", "gaps", "lines")
YOUNGER = {"bone": -1.0, "size": -1.0, "gaps": 1.0, "lines": 1.0}
"""The direction in which a sign is younger."""

NEAR_MM = 10.0
COURSES = (("bregma", "pterion"), ("lambda", "asterion"), ("bregma", "lambda"))


def near_sutures(places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The places (n, 3), unit vectors, near the usual courses of sutures, on both sides."""
    right = np.abs(places[:, :1]) * (1, 0, 0) + places * (0, 1, 1)
    near = np.zeros(len(places), bool)
    for first, last in COURSES:
        share = np.linspace(0, 1, 40)[:, None]
        course = (1 - share) * AT[first] + share * AT[last]
        course /= np.linalg.norm(course, axis=1, keepdims=True)
        near |= (right @ course.T).max(axis=1) > np.cos(NEAR_MM / RADIUS_MM)
    return near


def signs_of(head: SimulatedHead, seed: int, usual_mm: NDArray[np.float64]) -> dict[str, float]:
    """The signs of a head's scan."""
    scan, tables = scanned("", "middle", head, still(head, seed, "middle"), seed), atlas()
    skull = measure(scan.hu, scan.affine, scan.matrix, usual_mm)
    along, gap = near_sutures(tables.fine) & skull.gaps.bone, np.clip(skull.gaps.gap, 0, 1)
    lines = skull.maps["lines"].max(axis=0)
    course = near_sutures(tables.pooled) & skull.known
    return {
        "bone": median_mass(profiles(view(scan.hu, scan.affine, scan.matrix), skull.surface)) / 1350,
        "size": float(np.linalg.norm(skull.surface.points_mm - np.array(CENTRE_MM), axis=1).mean()),
        "gaps": float(gap[along].mean() - gap[skull.gaps.bone & ~along].mean()),
        "lines": float(np.minimum(lines, mirrored(lines))[course].mean()),
    }


def main() -> None:
    """Print the rows and the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anatomies", type=Path, help="folder of label maps")
    parser.add_argument("--names", nargs="+", required=True, help="anatomies to draw")
    parser.add_argument("--children", type=int, default=8)
    parser.add_argument("--adults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=4000, help="of the first head (4000)")
    args = parser.parse_args()
    usual_mm = read_calibration(ROOT / "bundle" / "models" / "skull_normative.npz").usual_mm
    young = (seed for seed in count(args.seed) if kind_of(seed) == "child")
    chosen = [(next(young), True) for _ in range(args.children)]
    chosen += [(args.seed + number, False) for number in range(args.adults)]
    print(f"| head | age | {' | '.join(SIGNS)} |\n" + "|---" * 6 + "|")
    rows = []
    for number, (seed, child) in enumerate(chosen):
        name = args.names[number % len(args.names)]
        head = draw_head(
            load_anatomy(args.anatomies / f"{name}.nii.gz"), seed, variety="unusual" if child else "widened"
        )
        build = draw_build("unusual", stream(seed, BUILD_STREAM)) if child else None
        age = f"{build.child.age:.0f}" if build is not None and build.child is not None else "adult"
        rows.append(signs_of(head, seed, usual_mm))
        print(f"| {name} {seed} | {age} | {' | '.join(f'{rows[-1][sign]:.3f}' for sign in SIGNS)} |", flush=True)
    children = [child for _, child in chosen]
    print("\n| sign | AUROC | children beyond all adults |\n" + "|---" * 3 + "|")
    for sign in SIGNS:
        values = YOUNGER[sign] * np.array([row[sign] for row in rows])
        beyond = int((values[children] > values[np.invert(children)].max()).sum())
        print(f"| {sign} | {auroc(values, children):.2f} | {beyond} of {sum(children)} |")


if __name__ == "__main__":
    main()
