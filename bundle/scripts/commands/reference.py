"""`head-ct-anomaly dev reference`: the reference head, its regions, masks and atlas, from the training anatomies.

What every run needs of them is computed here, too, once for all (see `files.derived`). So is the mean surface of their
skulls, which begins the calibration of the skull: `calibrate` keeps it, and adds what is usual.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
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
from ..simulation.person.varieties import WIDENED
from ..simulation.registered_head import draw_training_head
from ..simulation.scanner.scan import PADDING_HU
from ..skull.files import NAME as SKULL_NAME
from ..skull.files import Calibration, calibration_bytes
from ..volume import UNKNOWN_HU
from ..workflow import quiet
from .arguments import add_output

TRAINING = tuple(f"head_{number:02d}.nii.gz" for number in range(1, 9))
"""The anatomies that networks train on; the others stay unseen."""

ATLAS = ("atlas.nii.gz", "atlas.json")
"""Labels of structures (uint8), and their names; see `simulation.person.atlas`."""

FILES = ("reference.nii.gz", "regions.nii.gz", "reference_masks.nii.gz")
"""HU (int16); 1 left hemisphere, 2 right hemisphere, 3 skull; 1 head + 2 inside the skull."""

SKULLS_PER_ANATOMY, FIRST_SKULL_SEED = 4, 91_000
"""Widened healthy heads of each anatomy that the mean surface is of, and the seed of the first one."""


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
        WrongUsage: there are no label maps to make them from and no reference, or they show no whole calvaria.
    """
    made = (*FILES, *ATLAS) if args.anatomies else ()
    if args.anatomies:
        paths = chosen(args.anatomies, args.all)
        make_reference_head(paths, args.output)
    elif missing := [name for name in FILES if not (args.output / name).is_file()]:
        raise WrongUsage(f"There is no {missing[0]} in {args.output}. Name the folder of label maps to make it from.")
    with quiet(warn=args.debug):
        derived = derived_files(args.output)
    for name, content in derived.items():
        replace_file(args.output / name, content)
    if args.anatomies and not (args.output / SKULL_NAME).is_file():
        replace_file(args.output / SKULL_NAME, begun_skull_calibration(paths))
        made = (*made, SKULL_NAME)
    print(*(args.output / name for name in (*made, *derived)), sep="\n")
    renew(bundle_root(), args.output)
    return 0


def chosen(anatomies: Path, every: bool) -> list[Path]:
    """The label maps of the training anatomies, or every one, in a folder.

    Raises:
        WrongUsage: none of them is there.
    """
    paths = [path for path in anatomy_paths(anatomies) if every or path.name in TRAINING]
    if not paths:
        raise WrongUsage(f"None of {TRAINING[0]} to {TRAINING[-1]} is in {anatomies}. Add them or use --all.")
    return paths


def make_reference_head(paths: Sequence[Path], output: Path) -> None:
    """Write the reference head, its regions, masks and atlas, of these label maps."""
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


def begun_skull_calibration(paths: Sequence[Path]) -> bytes:
    """The file of a skull's calibration that has the mean surface of heads drawn from label maps, and no scores yet.

    Raises:
        WrongUsage: no head has bone at some place of the calvaria.
    """
    from ..skull.mean_surface import NoBone, mean_surface
    from ..skull.rays import view

    try:
        surface = mean_surface(view(hu, grid_affine(), np.eye(4)) for hu in drawn_heads(paths))
    except NoBone as error:
        raise WrongUsage(
            f"The mean surface of the skull can't be made: {error}. Use label maps of whole heads."
        ) from None
    return calibration_bytes(Calibration(surface, {}, {}))


def drawn_heads(paths: Sequence[Path]) -> Iterator[NDArray[np.int16]]:
    """HU (256, 256, 256) of healthy widened heads, scanned and aligned, with `UNKNOWN_HU` beside the scan."""
    for number, path in enumerate(path for path in paths for _ in range(SKULLS_PER_ANATOMY)):
        hu = draw_training_head(load_anatomy(path), FIRST_SKULL_SEED + number, variety=WIDENED)
        hu[hu == PADDING_HU] = int(UNKNOWN_HU)
        yield hu


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
