"""`head-ct-anomaly demo`: the main job on a sample whose truth is known, and how the heatmap compares with it.

A *sample* is a folder with a DICOM series (in `dicom`, or beside the rest), `lesion.nii.gz`, the mask of what was
planted, and `truth.json`, what it is. The mask has a grid of its own: points are compared in world space, RAS mm.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WrongUsage
from ..geometry.affines import transform_points
from ..preprocessing.regions import scored_regions
from ..processes.progress import stage_bar
from ..results.checks import read_map
from ..results.judging import judge
from ..results.planes import Array, peak_mm
from ..results.record import verify
from ..results.terminal import summary
from .arguments import add_output

REGION_NAMES = {1: "the left hemisphere", 2: "the right hemisphere", 3: "the skull"}
"""Names of the labels of `regions.nii.gz`; every other voxel belongs to none of the three."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sample", metavar="SAMPLE", type=Path, help="folder of the sample, as in the project's sources")
    add_output(parser, "folder of the results")
    parser.add_argument("--overwrite", action="store_true", help="replace earlier results in OUT")


def main(args: argparse.Namespace) -> int:
    """Run the sample, then print scores, peak and picture; 0 when the results are written.

    Raises:
        WrongUsage: the folder is no sample.
        InputRefused, OutputExists, OutputFailed: as of `run`.
    """
    if lacking := [name for name in ("truth.json", "lesion.nii.gz") if not (args.sample / name).is_file()]:
        raise WrongUsage(f"{args.sample} has no {lacking[0]}: it is no sample. Name the folder sample of the sources.")
    series = args.sample / "dicom" if (args.sample / "dicom").is_dir() else args.sample
    with stage_bar():
        judge(series, args.output, overwrite=args.overwrite, warn=args.debug)
    print("\n".join([f"results in {args.output}", *report(args.sample, args.output)]))
    return 0


def report(sample: Path, output: Path) -> list[str]:
    """Lines about the results in `output`, and on whether the peak lies in the lesion of the sample."""
    record = verify(output)
    heatmap, affine = read_map(output / "heatmap.nii.gz")
    regions, _ = read_map(output / "regions.nii.gz")
    lesion, lesion_affine = read_map(sample / "lesion.nii.gz")
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))
    peak = peak_mm(heatmap, affine, scored_regions(regions, record["scores"]))
    return [
        *summary(record, output),
        f"peak of the heatmap: {nearest(heatmap, affine, peak):.1f} at {in_words(peak)},"
        f" in {region_at(regions, affine, peak)}",
        f"planted: {truth.get('description', 'a lesion')}, {volume_ml(lesion, lesion_affine):.0f} ml;"
        f" the peak lies {where(lesion, lesion_affine, peak)}",
    ]


def in_words(point_mm: Array) -> str:
    """A world position, with the side it is on."""
    x, y, z = point_mm
    return f"x {x:.0f} mm ({'left' if x < 0 else 'right'} of the scanner's middle), y {y:.0f} mm, z {z:.0f} mm"


def region_at(regions: NDArray[Any], affine: Array, point_mm: Array) -> str:
    """Name of the region at a world position."""
    return REGION_NAMES.get(int(nearest(regions, affine, point_mm)), "no region")


def nearest(values: NDArray[Any], affine: Array, point_mm: Array) -> Any:
    """The value of the voxel that holds a world position; 0 outside the grid."""
    index = np.round(np.linalg.inv(affine) @ [*point_mm, 1])[:3].astype(int)
    return values[tuple(index)] if ((index >= 0) & (index < values.shape)).all() else 0


def volume_ml(mask: NDArray[Any], affine: Array) -> float:
    """Volume of a mask in millilitres."""
    return float(np.count_nonzero(mask) * abs(np.linalg.det(affine[:3, :3])) / 1000)


def where(lesion: NDArray[Any], affine: Array, point_mm: Array) -> str:
    """A phrase on whether a world position lies inside a mask, or its distance in mm.

    Raises:
        ValueError: the mask is empty.
    """
    if not lesion.any():
        raise ValueError("The mask of the sample is empty: there is nothing to compare with.")
    if nearest(lesion, affine, point_mm):
        return "inside it"
    points = transform_points(affine, np.argwhere(lesion))
    return f"{np.linalg.norm(points - point_mm, axis=1).min():.0f} mm outside it"
