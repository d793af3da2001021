"""`head-ct-anomaly simulate`: simulated head CT from label maps, with lesion masks and the truth beside it.

Each scan gets a folder: `series/` (DICOM; with `--bone-series`, `bone/` beside it) or `scan.nii.gz` (-2000 outside the
field of view), `lesion.nii.gz` on the same grid (1 lesion, 2 swelling), and `truth.json`: anatomy (the label map's name
without .nii.gz), seed, pose (scan to reference space, RAS mm), protocol, and the lesion's kind, side ("both" and
"middle", too), centre.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OutputExists, WrongUsage
from ..files.atomic import staged, write_output
from ..files.inputs import SIMULATED_NAME
from ..files.json_text import json_text
from ..files.nifti import nifti_bytes
from ..simulation.anatomy.braincase import BOTH, SIDES
from ..simulation.anatomy.label_map import anatomy_paths, load_anatomy
from ..simulation.case import BONE_SERIES, PRESETS, Case, bone_scan, simulate_case
from ..simulation.lesions.blood import EVEN, LOOKS
from ..simulation.lesions.labels import labels_of
from ..simulation.lesions.planting import ALL_KINDS, check_request
from ..simulation.person.varieties import PLAIN, VARIETIES
from ..simulation.scanner.scan import Scan
from ..volume import UNKNOWN_HU
from .arguments import add_output, add_seed, positive

DATALIST_NAME = "datalist.json"
"""The list of the scans and of their labels, which `cohort` and `evaluate` take."""

LESION_NAME = "lesion.nii.gz"
"""The mask of a scan's lesion, on its grid."""

CODINGS = ("explicit", "jpeg2000", "jpegls", "rle")
"""Names of `TRANSFER_SYNTAXES` in `simulation.scanner.series`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("anatomies", metavar="ANATOMIES", type=Path, help="a label map (.nii.gz), or a folder of them")
    add_output(parser, "folder of the scans")
    parser.add_argument("--count", type=positive, default=1, help="how many scans; they take turns over the anatomies")
    add_seed(parser, "seed of the first scan; the next ones count up (0)")
    parser.add_argument("--variety", choices=VARIETIES, default=PLAIN, help="the population that heads come from")
    parser.add_argument("--lesion", choices=ALL_KINDS, help="plant a lesion of this kind; none by default")
    parser.add_argument(
        "--side", choices=(*SIDES, BOTH), help="the lesion's side; drawn by default, or the middle for kinds of there"
    )
    parser.add_argument("--mirrored", action="store_true", help="lesions on both sides are mirror images")
    parser.add_argument("--blood", choices=LOOKS, default=EVEN, help="how a clot looks inside (default: %(default)s)")
    parser.add_argument("--volume-ml", type=float, help="of the lesion, on each side; drawn by default")
    parser.add_argument("--width-mm", type=float, help="of the gap of a fracture that is no suture; drawn by default")
    parser.add_argument("--fractures", type=int, help="how many multiple_fractures are, on each side; drawn by default")
    parser.add_argument("--format", choices=("nifti", "dicom"), default="nifti", help="of the scans")
    parser.add_argument("--protocol", choices=("drawn", *PRESETS), default="drawn", help="how the scans are made")
    parser.add_argument("--bone-series", action="store_true", help="write a series with a bone kernel, too (DICOM)")
    parser.add_argument("--transfer-syntax", choices=CODINGS, default="explicit", help="compression of DICOM files")


def main(args: argparse.Namespace) -> int:
    """Simulate the scans, one folder each.

    Raises:
        WrongUsage: no head can have the lesion that was asked for.
        OutputExists: a scan's folder is there.
    """
    if args.bone_series and args.format != "dicom":
        print("A bone series is told by its header: add --format dicom.", file=sys.stderr)
        return 2
    size = lesion_size(args)
    paths = anatomy_paths(args.anatomies) if args.anatomies.is_dir() else [args.anatomies]
    for number in range(args.count):
        path, seed_ = paths[number % len(paths)], args.seed + number
        folder = args.output / f"scan_{seed_:04d}"
        if folder.exists():
            raise OutputExists(f"{folder} exists. Choose another folder or another seed.")
        wanted: dict[str, Any] = {"lesion": args.lesion, "side": args.side, "lesion_size": size}
        wanted |= {"protocol": args.protocol, "variety": args.variety}
        case = simulate_case(load_anatomy(path), seed_, **wanted)
        name, bone = path.name.split(".")[0], bone_scan(case) if args.bone_series else None
        write_case(folder, case, name, args.format, args.transfer_syntax, bone)
        print(folder)
        write_datalist(args.output)
    return 0


def write_datalist(output: Path) -> None:
    """Write `datalist.json`: every scan of a folder with its labels and mask, those of earlier calls too, under "test".

    Raises:
        OutputFailed: it can't be written.
    """
    items = []
    for path in sorted(output.glob("*/truth.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        labels = {"labels": labels_of(truth["lesion"], truth.get("side"))} if "lesion" in truth else {}
        planted = truth.get("lesion") is not None and (path.parent / LESION_NAME).is_file()
        mask = {"mask": f"{path.parent.name}/{LESION_NAME}"} if planted else {}
        named: dict[str, Any] = {"case": path.parent.name, "image": image_in(path.parent)}
        items.append({**named, **labels, **mask})
    content = {"description": "simulated heads; the truth of each is in its folder", "test": items}
    write_output(output / DATALIST_NAME, json_text(content).encode())


def image_in(folder: Path) -> str:
    """The scan in a folder that was written here, relative to the folder above; with a bone series, the study."""
    if (folder / SIMULATED_NAME).is_file():
        return f"{folder.name}/{SIMULATED_NAME}"
    return folder.name if (folder / "bone").is_dir() else f"{folder.name}/series"


def lesion_size(args: argparse.Namespace) -> dict[str, Any]:
    """The wishes about the lesion beside kind and side, as `plant_lesion` takes it.

    Raises:
        WrongUsage: no head can have such a lesion.
    """
    asked = {"volume_ml": args.volume_ml, "blood": args.blood, "mirrored": args.mirrored}
    asked |= {"width_mm": args.width_mm, "count": args.fractures}
    size = {name: value for name, value in asked.items() if value not in (None, EVEN, False)}
    if args.lesion is None:
        if size:
            raise WrongUsage(f"There is no lesion to give {', '.join(size)}. Name its kind with --lesion.")
        return size
    try:
        check_request(args.lesion, args.side, **size)
    except ValueError as error:
        raise WrongUsage(f"This lesion can't be: {error}.") from None
    return size


def write_case(
    folder: Path, case: Case, anatomy: str, kind: str, transfer_syntax: str = "explicit", bone: Scan | None = None
) -> None:
    """Write a case, in DICOM with the scan of its bone series if there is one, to a folder that appears complete or not
    at all."""
    with staged(folder) as partial:
        partial.mkdir()
        _write_case(partial, case, anatomy, kind, transfer_syntax)
        if bone is not None:
            from ..simulation.scanner.series import SeriesText, write_series

            text = SeriesText(SeriesNumber=3, SeriesDescription="Head 1.0 bone", ConvolutionKernel="BONE")
            write_series(
                partial / "bone",
                bone.hu,
                bone.affine,
                seed=case.truth["seed"],
                transfer_syntax=transfer_syntax,
                text=text,
                thickness_mm=BONE_SERIES["thickness_mm"],
                outside=bone.outside,
            )


def _write_case(partial: Path, case: Case, anatomy: str, kind: str, transfer_syntax: str) -> None:
    if kind == "dicom":
        from ..simulation.scanner.series import write_series

        write_series(
            partial / "series",
            case.scan.hu,
            case.scan.affine,
            seed=case.truth["seed"],
            transfer_syntax=transfer_syntax,
            thickness_mm=case.truth["protocol"]["thickness_mm"],
            outside=case.scan.outside,
        )
    else:
        hu = np.where(case.scan.outside, np.int16(UNKNOWN_HU), case.scan.hu)
        (partial / SIMULATED_NAME).write_bytes(nifti_bytes(hu, case.scan.affine))
    (partial / LESION_NAME).write_bytes(nifti_bytes(case.lesion, case.scan.affine))
    truth = {"anatomy": anatomy, **case.truth}
    (partial / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
