"""`head-ct-anomaly reference`: the reference head, its regions and its masks, made from the training anatomies."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..assets import bundle_root
from ..errors import WrongUsage
from ..files.atomic import replace_file
from ..files.nifti import nifti_bytes
from ..geometry.coordinates import grid_affine
from ..integrity import renew
from ..simulation.anatomy.label_map import anatomy_paths, load_anatomy
from ..simulation.person.population import mean_population, reference_hu, reference_masks, reference_regions
from .arguments import add_output

TRAINING = tuple(f"head_{number:02d}.nii.gz" for number in range(1, 9))
"""The anatomies that networks train on; the others stay unseen."""

FILES = ("reference.nii.gz", "regions.nii.gz", "reference_masks.nii.gz")
"""HU (int16); 1 left hemisphere, 2 right hemisphere, 3 skull; 1 head + 2 inside the skull."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("anatomies", metavar="ANATOMIES", type=Path, help="folder of label maps (.nii.gz)")
    add_output(parser, "folder, e.g. bundle/models")
    parser.add_argument(
        "--all", action="store_true", help="use every label map in the folder, not only the training anatomies"
    )


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
    for name, volume in zip(FILES, volumes, strict=True):
        replace_file(args.output / name, nifti_bytes(volume, grid_affine()))
        print(args.output / name)
    renew(bundle_root(), args.output)
    return 0
