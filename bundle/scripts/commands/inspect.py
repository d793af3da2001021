"""`head-ct-anomaly inspect`: which series there are, which would be used and why, and every finding about it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import OutputExists, OutputFailed
from ..files.atomic import write_output
from ..files.nifti import nifti_bytes
from ..files.zipped import unpacked
from ..findings import REFUSAL, InputRefused
from ..reading.inputs import Inspection, SeriesRow, inspect_input
from ..volume import Volume
from ..words import printable
from .arguments import add_series_uid

FORMAT_VERSION = 1
"""Stands in what is printed as JSON; it grows when a program that reads it has to change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "input", metavar="INPUT", type=Path, help="a folder (series or study), a DICOM file, a NIfTI or a zip"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_series_uid(parser)
    parser.add_argument("--save", metavar="VOLUME.nii.gz", type=nifti_path, help="write the volume that would be used")


def nifti_path(text: str) -> Path:
    """Path of a NIfTI file to write, checked.

    Raises:
        argparse.ArgumentTypeError: the name does not end in .nii.gz.
    """
    if not text.endswith(".nii.gz"):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .nii.gz")
    return Path(text)


def main(args: argparse.Namespace) -> int:
    """Print the findings; 0 if the input is accepted, 3 if it is refused.

    Raises:
        OutputExists, OutputFailed: the volume can't be saved.
    """
    if args.save:
        check_free(args.save)
    inspection = inspected(args.input, args.series_uid)
    print(json.dumps(as_json(inspection), indent=2, allow_nan=False) if args.json else as_text(inspection))
    if inspection.volume is None:
        print(*(f.message for f in inspection.findings if f.severity == REFUSAL), file=sys.stderr)
        return 3
    if args.save:
        save(args.save, inspection.volume)
    return 0


def inspected(path: Path, series_uid: str | None) -> Inspection:
    """The inspection of a path, or of what a zip archive holds."""
    try:
        with unpacked(path) as place:
            return inspect_input(place, series_uid)
    except InputRefused as refused:  # an archive that can't be unpacked
        return Inspection("none", (), refused.findings, None)


def save(path: Path, volume: Volume) -> None:
    """Write a volume, HU with air outside the field of view, on its own grid; completely or not at all.

    Raises:
        OutputExists: `path` is there already.
        OutputFailed: it can't be written, or its folder is not there.
    """
    check_free(path)
    write_output(path, nifti_bytes(volume.hu, volume.affine))


def check_free(path: Path) -> None:
    """Raise OutputExists when there is something at `path`, OutputFailed when there is no folder for it."""
    if not path.parent.is_dir():
        raise OutputFailed(
            f"{path} can't be written: there is no folder {path.parent}. Make it, or choose another one."
        )
    if path.exists() or path.is_symlink():
        raise OutputExists(f"{path} exists. Choose another name.")


def as_json(inspection: Inspection) -> dict[str, Any]:
    """The inspection in the form of `docs/inspect.schema.json`.

    UIDs, which the user needs to name a series, are the only identifiers in it.
    """
    volume = inspection.volume
    return {
        "format_version": FORMAT_VERSION,
        "accepted": inspection.accepted,
        "source": inspection.source,
        "series": [
            {**asdict(row), "objections": list(row.objections), "serves": list(row.serves)} for row in inspection.series
        ],
        "findings": [found.as_dict() for found in inspection.findings],
        "volume": None if volume is None else {"shape": list(volume.hu.shape), "affine": volume.affine.tolist()},
    }


def as_text(inspection: Inspection) -> str:
    """The inspection in lines for a reader; why an input was refused is said on stderr."""
    lines = [_series_line(row) for row in inspection.series]
    lines += [f"{f.severity} {f.code}: {f.message}" for f in inspection.findings if f.severity != REFUSAL]
    if inspection.volume is not None:
        shape = " x ".join(str(n) for n in inspection.volume.hu.shape)
        lines.append(f"accepted: {shape} voxels")
    else:
        lines.append("refused")
    return "\n".join(lines)


def _series_line(row: SeriesRow) -> str:
    """One series in a line: what it was chosen for, how much it covers, and why it was not chosen."""
    number = "?" if row.series_number is None else row.series_number
    spacing = "" if row.spacing_mm is None else f" x {row.spacing_mm:.2f} mm, covers {row.coverage_mm:.0f} mm"
    words = [row.kind, *row.objections, *(["contrast"] if row.contrast else [])]
    kernel = f", kernel {printable(row.kernel)}" if row.kernel else ""
    mark = f"chosen for {' and '.join(row.serves)}" if row.serves else "chosen" if row.chosen else "not chosen"
    return f"{mark}: series {number} {printable(row.series_uid)}: {row.slices}{spacing}{kernel} ({', '.join(words)})"
