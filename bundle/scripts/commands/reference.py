"""`head-ct-anomaly reference`: the reference head, its regions and its masks, made from the training anatomies."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..assets import bundle_root
from ..errors import WrongUsage
from ..files.nifti import nifti_bytes
from ..geometry.coordinates import grid_affine
from ..integrity import renew
from ..simulation.anatomy.label_map import anatomy_paths, load_anatomy
from ..simulation.person.population import mean_population, reference_hu, reference_masks, reference_regions

TRAINING = tuple(f"head_{number:02d}.nii.gz" for number in range(1, 9))
"""The anatomies that networks train on; the others stay unseen."""

FILES = ("reference.nii.gz", "regions.nii.gz", "reference_masks.nii.gz")
"""HU (int16); 1 left hemisphere, 2 right hemisphere, 3 skull; 1 head + 2 inside the skull."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("reference", help="make the reference head and its regions from label maps")
    parser.add_argument("anatomies", metavar="ANATOMIES", type=Path, help="folder of label maps (.nii.gz)")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder, e.g. bundle/models")
    parser.add_argument(
        "--all", action="store_true", help="use every label map in the folder, not only the training anatomies"
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Make the three files; the same anatomies give the same bytes.

    Raises:
        WrongUsage: there are no label maps to make them from.
    """
    paths = [path for path in anatomy_paths(args.anatomies) if args.all or path.name in TRAINING]
    if not paths:
        raise WrongUsage(f"None of {TRAINING[0]} to {TRAINING[-1]} is in {args.anatomies}. Add them or use --all.")
    population = mean_population([load_anatomy(path) for path in paths])
    volumes: tuple[NDArray[np.int16] | NDArray[np.uint8], ...] = (
        reference_hu(population),
        reference_regions(population),
        reference_masks(population),
    )
    args.output.mkdir(parents=True, exist_ok=True)
    for name, volume in zip(FILES, volumes, strict=True):
        write(args.output / name, volume)
        print(args.output / name)
    renew(bundle_root(), args.output)
    return 0


def write(path: Path, volume: NDArray[np.int16] | NDArray[np.uint8]) -> None:
    """Write a volume on the reference grid; the file appears complete or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(nifti_bytes(volume, grid_affine()))
    os.replace(partial, path)
