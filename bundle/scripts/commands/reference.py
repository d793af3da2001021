"""`head-ct-anomaly dev reference`: the reference head, its regions, masks and atlas, from the training anatomies.

What every run needs of them is computed here, too, once for all (see `files.derived`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..assets import bundle_root
from ..errors import WrongUsage
from ..files.atomic import replace_file
from ..files.derived import derived_bytes
from ..files.json_text import json_text
from ..files.nifti import MAP_LEVEL, nifti_bytes
from ..geometry.coordinates import grid_affine
from ..integrity import renew
from ..simulation.anatomy.label_map import anatomy_paths, load_anatomy
from ..simulation.person.atlas import NAMES, reference_atlas
from ..simulation.person.population import mean_population, reference_hu, reference_masks, reference_regions
from ..workflow import quiet
from .arguments import add_output

TRAINING = tuple(f"head_{number:02d}.nii.gz" for number in range(1, 9))
"""The anatomies that networks train on; the others stay unseen."""

ATLAS = ("atlas.nii.gz", "atlas.json")
"""Labels of structures (uint8), and their names; see `simulation.person.atlas`."""

FILES = ("reference.nii.gz", "regions.nii.gz", "reference_masks.nii.gz")
"""HU (int16); 1 left hemisphere, 2 right hemisphere, 3 skull; 1 head + 2 inside the skull."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "anatomies",
        metavar="ANATOMIES",
        type=Path,
        nargs="?",
        help="folder of label maps (.nii.gz); without it, only what is computed of the reference in OUT is made anew",
    )
    add_output(parser, "folder, e.g. bundle/models")
    parser.add_argument(
        "--all", action="store_true", help="use every label map in the folder, not only the training anatomies"
    )


def main(args: argparse.Namespace) -> int:
    """Make the files and what follows from them; the same anatomies give the same bytes.

    Raises:
        WrongUsage: there are no label maps to make them from, and no reference.
    """
    made = (*FILES, *ATLAS) if args.anatomies else ()
    if args.anatomies:
        make_reference_head(args.anatomies, args.output, args.all)
    elif missing := [name for name in FILES if not (args.output / name).is_file()]:
        raise WrongUsage(f"There is no {missing[0]} in {args.output}. Name the folder of label maps to make it from.")
    with quiet(warn=args.debug):
        derived = derived_files(args.output)
    for name, content in derived.items():
        replace_file(args.output / name, content)
    print(*(args.output / name for name in (*made, *derived)), sep="\n")
    renew(bundle_root(), args.output)
    return 0


def make_reference_head(anatomies: Path, output: Path, every: bool) -> None:
    """Write the reference head, its regions, masks and atlas, of the training anatomies or of every one in a folder.

    Raises:
        WrongUsage: none of them is there.
    """
    paths = [path for path in anatomy_paths(anatomies) if every or path.name in TRAINING]
    if not paths:
        raise WrongUsage(f"None of {TRAINING[0]} to {TRAINING[-1]} is in {anatomies}. Add them or use --all.")
    heads = [load_anatomy(path) for path in paths]
    population = mean_population(heads)
    volumes: tuple[NDArray[np.int16] | NDArray[np.uint8], ...] = (
        reference_hu(population),
        reference_regions(population),
        reference_masks(population),
    )
    for name, volume in zip(FILES, volumes, strict=True):
        replace_file(output / name, nifti_bytes(volume, grid_affine()))
    atlas = reference_atlas(heads, population.intracranial)
    replace_file(output / ATLAS[0], nifti_bytes(atlas, grid_affine(), level=MAP_LEVEL))
    replace_file(output / ATLAS[1], json_text({"names": NAMES}).encode())


def derived_files(folder: Path) -> dict[str, bytes]:
    """The derived files, by name, of the reference head in a folder."""
    from ..anomaly.reader import DENSITIES_NAME, make_densities
    from ..preprocessing.regions import region_target
    from ..preprocessing.transforms import REGION_TARGET_NAME, load_regions
    from ..registration.transforms import TARGETS_NAME, make_reference

    head, regions, masks = (str(folder / name) for name in FILES)
    return {
        TARGETS_NAME: derived_bytes(make_reference(head, masks), (head, masks)),
        DENSITIES_NAME: derived_bytes(make_densities(head, regions), (head, regions)),
        REGION_TARGET_NAME: derived_bytes(region_target(load_regions(regions)), (regions,)),
    }
