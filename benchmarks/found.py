"""The list of `run` beside lesions whose truth is known: overlap, false detections, volumes, sides, names.

    python benchmarks/found.py WORK -o OUT [--scans NAME ...] [--stride 4]

`WORK` is the folder of a cohort that `benchmarks/detection.py draw` left: `scans/NAME` with `scan.nii.gz`,
`lesion.nii.gz` and `truth.json`. Each scan (all of them, or those named) is judged into OUT/NAME, unless it was before,
as a user would judge it; only what stands in its `result.json` and `detections.nii.gz` is compared with the truth. A
detection of the brain is of the lesion if it overlaps it; one of the skull if its peak lies within 10 mm of it. The
table has a row a scan; the summary below it counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from scripts.anomaly.detections.transforms import load_atlas
from scripts.assets import place
from scripts.files.tables import Table
from scripts.findings import InputRefused
from scripts.geometry.affines import transform_points
from scripts.geometry.coordinates import REFERENCE_SIZE, grid_affine
from scripts.results.judging import judge
from scripts.results.record import RESULT_NAME
from scripts.words import counted

NEAR_MM = 10.0
"""A detection of the skull is of a fracture within this distance of it."""

LEAST_ML = 5.0
"""Smallest bleed whose volume the summary compares."""

BLEEDS = ("intraparenchymal", "subdural", "epidural", "callosal_bleed", "cerebellar_bleed", "pontine_bleed")
"""Lesions with one outline, brighter than the brain."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """The list of a run of one scan, beside the truth.

    Attributes:
        name: of the scan.
        truth: of its lesion; kind None if it is healthy.
        rows: of the detections, each with `of_lesion`.
        refused: why the scan was refused, or "".
    """

    name: str
    truth: dict[str, Any]
    rows: list[Row]
    refused: str = ""

    @property
    def hits(self) -> list[Row]:
        """Detections of the lesion."""
        return [row for row in self.rows if row["of_lesion"]]

    @property
    def false(self) -> int:
        """Number of the other detections."""
        return len(self.rows) - len(self.hits)

    @property
    def volume_ratio(self) -> float | None:
        """Volume of the detections of the lesion in the brain by the true one; None without both."""
        listed = [row["volume_ml"] for row in self.hits if row["region"] == "brain"]
        true = self.truth.get("volume_ml")
        return sum(listed) / true if listed and true else None


def compared(name: str, scan: Path, result: Path) -> Found:
    """The detections of a judged scan beside its truth."""
    truth = json.loads((scan / "truth.json").read_text(encoding="utf-8"))
    record = json.loads((result / RESULT_NAME).read_text(encoding="utf-8"))
    mask = nib.load(scan / "lesion.nii.gz")
    lesion = np.argwhere(np.asarray(mask.dataobj) == 1)  # type: ignore[attr-defined]
    points_mm = transform_points(np.asarray(mask.affine), lesion)  # type: ignore[attr-defined]
    ranks = overlapping(result / "detections.nii.gz", points_mm)
    truth["name"] = true_name(points_mm, np.array(record["registration"]["matrix"])) if len(points_mm) else None
    rows = [{**row, "of_lesion": is_of(row, ranks, points_mm)} for row in record["detections"]]
    return Found(name, {**truth, "kind": truth["lesion"]}, rows)


def true_name(points_mm: NDArray[np.float64], matrix: NDArray[np.float64]) -> str:
    """The structures that the atlas has where a lesion is, by a registration (4, 4) from scan mm to reference mm."""
    to_voxel = np.linalg.inv(grid_affine()) @ matrix
    voxels = np.rint(transform_points(to_voxel, points_mm)).astype(int)
    return load_atlas(place("models/atlas.nii.gz")).name(np.clip(voxels, 0, REFERENCE_SIZE - 1))


def overlapping(path: Path, points_mm: NDArray[np.float64]) -> set[int]:
    """The ranks of the detections in a label map that hold one of some points (n, 3), RAS mm."""
    image = nib.load(path)
    labels = np.asarray(image.dataobj)  # type: ignore[attr-defined]
    if not len(points_mm):
        return set()
    voxels = np.rint(transform_points(np.linalg.inv(image.affine), points_mm)).astype(int)  # type: ignore[attr-defined]
    inside = ((voxels >= 0) & (voxels < labels.shape)).all(axis=1)
    return {int(rank) for rank in np.unique(labels[tuple(voxels[inside].T)])} - {0}


def is_of(row: Row, ranks: set[int], points_mm: NDArray[np.float64]) -> bool:
    """True if a detection is of the lesion that has these points."""
    if row["region"] == "brain":
        return row["rank"] in ranks
    if not len(points_mm):
        return False
    return bool(cKDTree(points_mm).query(row["peak_mm"])[0] <= NEAR_MM)


def line(one: Found) -> tuple[str, ...]:
    """A row of the table."""
    kind = (one.truth["kind"] or "healthy").replace("_", " ")
    volume = one.truth.get("volume_ml")
    where = f", {one.truth['name']}" if one.truth.get("name") and "fracture" not in kind else ""
    truth = f"{kind}{where}, {one.truth.get('side') or ''}".rstrip(", ") + (f", {volume:.0f} ml" if volume else "")
    if one.refused:
        return (one.name, truth, "refused", "", "")
    words = "; ".join(described(row) for row in one.hits) or ("missed" if one.truth["kind"] else "")
    ratio = "" if one.volume_ratio is None else f"{one.volume_ratio:.2f}"
    return (one.name, truth, words, ratio, str(one.false))


def described(row: Row) -> str:
    """A detection in a few words."""
    size = f"{row['volume_ml']:.1f} ml" if row["region"] == "brain" else f"{row['length_mm']:.0f} mm"
    return f"{row['kind']}, {row['name']}, {row['side']}, {size}"


def totals(found: Sequence[Found]) -> list[str]:
    """Lines that count."""
    judged = [one for one in found if not one.refused]
    healthy = [one for one in judged if one.truth["kind"] is None]
    sick = [one for one in judged if one.truth["kind"]]
    ratios = [
        ratio
        for one in sick
        if one.truth["kind"] in BLEEDS and one.truth["volume_ml"] >= LEAST_ML and (ratio := one.volume_ratio)
    ]
    sides = [row["side"] == one.truth["side"] for one in sick if one.truth["side"] != "both" for row in one.hits]
    named = [
        bool(set(row["name"].split(", ")) & set(one.truth["name"].split(", ")))
        for one in sick
        for row in one.hits
        if row["region"] == "brain"
    ]
    lines = [
        f"{counted(len(sick), 'scan')} with a lesion: {sum(bool(one.hits) for one in sick)} with a detection of it",
        f"false detections in them: {sum(one.false for one in sick)}",
        f"{counted(len(healthy), 'healthy scan')}: {sum(one.false for one in healthy)} false detections in "
        f"{sum(bool(one.false) for one in healthy)} of them",
        f"side right: {sum(sides)} of {len(sides)}",
        f"a structure named in which the lesion lies: {sum(named)} of {len(named)} in the brain",
    ]
    if ratios:
        near = sum(1 / 1.5 <= ratio <= 1.5 for ratio in ratios)
        lines.append(
            f"volume of bleeds of {LEAST_ML:g} ml or more, listed by true: median {np.median(ratios):.2f}, "
            f"{near} of {len(ratios)} within a factor of 1.5"
        )
    refused = len(found) - len(judged)
    return [*lines, f"refused: {refused}"] if refused else lines


def main() -> None:
    """Judge the scans and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", metavar="WORK", type=Path, help="folder of a cohort")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder of the results")
    parser.add_argument("--scans", nargs="+", metavar="NAME", help="which ones (all)")
    parser.add_argument("--stride", type=int, choices=(1, 2, 4), default=4)
    args = parser.parse_args()
    found = []
    for name in args.scans or sorted(path.name for path in (args.work / "scans").iterdir()):
        scan, result = args.work / "scans" / name, args.output / name
        try:
            if not (result / RESULT_NAME).is_file():
                judge(scan / "scan.nii.gz", result, {"stride": args.stride}, overwrite=True)
        except InputRefused as refusal:
            truth = json.loads((scan / "truth.json").read_text(encoding="utf-8"))
            found.append(Found(name, {**truth, "kind": truth["lesion"]}, [], str(refusal)))
        else:
            found.append(compared(name, scan, result))
        print(" | ".join(line(found[-1])), file=sys.stderr, flush=True)
    head = ("scan", "truth", "detections of it", "volume by true", "false ones")
    print(Table(head, tuple(map(line, found))).markdown().rstrip(), "", *totals(found), sep="\n")


if __name__ == "__main__":
    main()
