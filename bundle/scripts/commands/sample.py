"""`head-ct-anomaly dev sample`: make the sample of the demo, a simulated head CT with a bleed whose truth is known.

A *sample* is a folder: `dicom/`, the scan as a compressed CT series; `lesion.nii.gz`, the mask of the blood on the grid
of the series; `truth.json`, what was planted where. *Scan space* is the world of the series, RAS mm. The same anatomy
and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.nifti import nifti_bytes
from ..simulation.anatomy.label_map import load_anatomy
from ..simulation.lesions.planting import BRIGHT
from ..simulation.person.head import SimulatedHead, draw_head
from ..simulation.person.look import Look
from ..simulation.scanner.protocol import Protocol
from ..simulation.scanner.sampling import sample
from ..simulation.scanner.scan import Scan, acquire
from .arguments import add_output, add_seed

PROTOCOL = Protocol(
    spacing_mm=0.45,
    increment_mm=3.0,
    thickness_mm=3.0,
    blur_mm=0.75,
    noise_hu=3.5,
    rim_hu=3.0,
    cupping_hu=1.0,
    bottom_mm=-60.0,
    top_mm=104.0,
)

"""A routine head scan with a soft kernel, from below the foramen magnum to above the vertex."""

LOOK = Look(calcified=("choroid", "pineal"), bone_density=1.04, dura_hu=8.0)
"""A plain healthy head, without contrast medium, with the calcium that most have."""

LARGEST_ROTATION_DEG = 8.0
"""Largest rotation of the head in the scanner."""

AIR_BELOW_HU, QUIET_HU = -900, -1000
"""Air is stored without its noise, of which most of a compressed series would consist."""

SERIES_DESCRIPTION, STUDY_DESCRIPTION = "Head 3.0 soft", "Simulated head CT with a bleed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("anatomy", metavar="ANATOMY", type=Path, help="label map of a whole head (.nii.gz)")
    add_output(parser, "folder of the sample")
    add_seed(parser, "everything random follows from it (12)", default=12)
    parser.add_argument("--kind", choices=tuple(BRIGHT), default="intraparenchymal", help="(default: %(default)s)")
    parser.add_argument(
        "--side", choices=("left", "right"), default="right", help="the patient's (default: %(default)s)"
    )
    parser.add_argument("--volume-ml", type=float, default=35.0, help="of the blood (default: %(default)s)")
    parser.add_argument("--hu", type=float, default=62.0, help="mean of the blood (default: %(default)s)")


def main(args: argparse.Namespace) -> int:
    """Make the sample and print its content.

    Raises:
        ValueError: the label map can't be drawn from, or the bleed does not fit.
    """
    from ..simulation.scanner.series import SeriesText, in_scanner_order, write_series

    head = draw_head(
        load_anatomy(args.anatomy),
        args.seed,
        lesion=args.kind,
        side=args.side,
        lesion_size={"volume_ml": args.volume_ml, "lesion_hu": args.hu},
        look=LOOK,
        largest_rotation_deg=LARGEST_ROTATION_DEG,
    )
    scan = acquire(head, PROTOCOL, args.seed)
    quiet = np.where(scan.hu < AIR_BELOW_HU, QUIET_HU, scan.hu)
    truth = truth_of(head, args.kind, args.side, args.hu)
    truth |= {"anatomy": args.anatomy.name.split(".")[0], "seed": args.seed, "protocol": asdict(PROTOCOL)}
    files = write_series(
        args.output / "dicom",
        quiet,
        scan.affine,
        seed=args.seed,
        transfer_syntax="jpegls",
        text=SeriesText(SeriesDescription=SERIES_DESCRIPTION, StudyDescription=STUDY_DESCRIPTION),
        thickness_mm=PROTOCOL.thickness_mm,
    )
    mask, affine = in_scanner_order(native_mask(head, scan), scan.affine)
    (args.output / "lesion.nii.gz").write_bytes(nifti_bytes(np.ascontiguousarray(mask), affine))
    (args.output / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    print(f"{len(files)} images and the truth in {args.output}: {truth['description']}, {truth['volume_ml']:.1f} ml")
    return 0


def truth_of(head: SimulatedHead, kind: str, side: str, lesion_hu: float) -> dict[str, Any]:
    """The truth about the planted lesion: words, size, and its centre in scan space."""
    centre = head.affine @ [*np.argwhere(head.lesion == 1).mean(axis=0), 1]
    return {
        "description": f"{kind} bleed on the {side}",
        "kind": kind,
        "side": side,
        "centre_mm": centre[:3].round(2).tolist(),
        "volume_ml": float((head.lesion == 1).sum()) / 1000,
        "oedema_ml": float((head.lesion == 2).sum()) / 1000,
        "lesion_hu": lesion_hu,
        "scan_to_reference": head.to_reference.round(6).tolist(),
    }


def native_mask(head: SimulatedHead, scan: Scan) -> NDArray[np.uint8]:
    """The lesion itself, without swelling, on the grid of the scan: 1 where it fills half of a voxel or more."""
    axes = [np.arange(size, dtype=np.float64) for size in scan.hu.shape]
    matrix = np.linalg.inv(head.affine) @ scan.affine
    share = sample((head.lesion == 1).astype(np.float32), matrix, (axes[0], axes[1], axes[2]))
    return (share >= 0.5).astype(np.uint8)
