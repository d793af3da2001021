"""Populations: heads of one kind, scan by scan, each with its true pose.

A population is named NAME=FOLDER:

* *simulator*: heads of this project's simulator, from the label maps in FOLDER. Five of each anatomy are drawn, each
  with a shape and a look of its own, and scanned once, from the neck to above the vertex; three more have a subdural
  bleed of 90 to 120 ml. What is shown of them are *fair poses*: turned by up to 20 degrees about each axis, cut between
  chin and orbits and as low as 20 mm below the vertex, made of slices of 2.5 or 5 mm, and with some more noise.
* *widened*, *unusual*: likewise, of the simulator's heads that are less even and less alike, and of those with surgery
  or of children.
* *uneven*: the heads of another simulator in FOLDER, with its `cases.json`, as they are.
* *series*: the scan in FOLDER, DICOM or NIfTI; nobody knows its pose.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from registration_cases import THIN, Array, Case, make_case, moved
from scipy.spatial.transform import Rotation

from scripts.files.atomic import staged
from scripts.geometry.coordinates import CENTRE_MM
from scripts.reading.inputs import read_volume
from scripts.simulation.anatomy.label_map import Anatomy, load_anatomy
from scripts.simulation.person.varieties import PLAIN, UNUSUAL, WIDENED
from scripts.volume import AIR_HU, UNKNOWN_HU

ANATOMIES = (12, 13, 14)
"""Numbers of the test anatomies."""

HEADS, FAIR = 5, 14
"""Heads of each anatomy, and fair poses of each unless another number is asked for."""

BLEEDS_ML = {"bleed a": 110.0, "bleed b": 90.0, "bleed c": 120.0}
"""The heads with a subdural bleed, and its volume."""

TURN_DEG = 20.0
"""Largest rotation about each axis."""

BOTTOM_MM, TOP_MM = (-95.0, -35.0), (84.0, 118.0)
"""Reference heights between which a fair scan begins, and between which it ends."""

NOISE_HU = 8.0
"""Most noise that is added."""

UNEVEN_PITCH_DEG, UNEVEN_CENTRE_MM = 20.1, (0.5, -0.9, -1.3)
"""The other simulator's frame against reference space: its turn about +R, and where it has the middle of the brain.

Fitted over the registrations of the twelve heads, from which it differs by 0.6 to 3.5 mm and 1.0 to 4.7 degrees.
"""


@dataclass(frozen=True)
class Options:
    """A folder for drawn heads, the numbers of the anatomies, and how many fair poses of a head there are."""

    work: Path
    anatomies: Sequence[int] = ANATOMIES
    fair: int = FAIR


@dataclass(frozen=True)
class Scan:
    """A scan of a population: its name, how to make it, and whether it is the first of its head."""

    name: str
    make: Callable[[], Case]
    first: bool = True


def simulator(folder: Path, options: Options, variety: str = PLAIN) -> Iterator[Scan]:
    """Fair poses of the heads of these anatomies, and one pose of each head with a bleed."""
    for head in head_scans(folder, options, variety):
        name = f"head_{head.anatomy:02d}_{head.kind}"
        if head.lesion:
            yield Scan(name, lambda head=head: turned(head, np.random.default_rng(head.anatomy)))
            continue
        for row in range(options.fair):
            seed = [head.anatomy, int(head.kind), row]
            yield Scan(f"{name}_fair_{row}", lambda head=head, s=seed: fair(head, np.random.default_rng(s)), row == 0)


def uneven(folder: Path, options: Options) -> Iterator[Scan]:
    """The heads of another simulator."""
    for case in json.loads((folder / "cases.json").read_text(encoding="utf-8")):
        yield Scan(case["case"], lambda case=case: uneven_case(folder, case))


def uneven_case(folder: Path, case: dict[str, object]) -> Case:
    """One head of another simulator, of its row in `cases.json`."""
    scan = read_volume(folder / str(case["image"]))
    truth = uneven_to_reference() @ np.array(case["scan_to_common"], dtype=np.float64)
    points = np.array(case["head_points_mm"], dtype=np.float64)
    lesion = case["class"] != "healthy"
    return Case(0, str(case["class"]), scan.with_unknown(), scan.affine, truth, points, lesion)


def uneven_to_reference() -> Array:
    """Rigid matrix (4, 4) from the other simulator's frame to reference space."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("x", -UNEVEN_PITCH_DEG, degrees=True).as_matrix()
    matrix[:3, 3] = CENTRE_MM - matrix[:3, :3] @ UNEVEN_CENTRE_MM
    return matrix


def series(folder: Path, options: Options) -> Iterator[Scan]:
    """The scan in a folder."""

    def make() -> Case:
        scan = read_volume(folder)
        return Case(0, "", scan.with_unknown(), scan.affine, np.eye(4), np.zeros((0, 3)))

    yield Scan(folder.name, make)


POPULATIONS: dict[str, Callable[[Path, Options], Iterator[Scan]]] = {
    "simulator": simulator,
    WIDENED: partial(simulator, variety=WIDENED),
    UNUSUAL: partial(simulator, variety=UNUSUAL),
    "uneven": uneven,
    "series": series,
}
"""Makers of the scans of each population, of its folder and the options."""


def head_scans(folder: Path, options: Options, variety: str = PLAIN) -> Iterator[Case]:
    """The heads of these anatomies, one of each in turn, those with bleeds first; drawn once and kept."""
    anatomies: dict[int, Anatomy] = {}
    for kind, number in itertools.product((*BLEEDS_ML, *range(HEADS)), options.anatomies):
        path = options.work / f"{'' if variety == PLAIN else f'{variety}_'}head_{number:02d}_{kind}.npz"
        if not path.is_file():
            if number not in anatomies:
                anatomies[number] = load_anatomy(folder / f"head_{number:02d}.nii.gz")
            keep(path, drawn(anatomies[number], number, kind, variety))
        with np.load(path) as kept:
            volume, lesion = kept["volume"].astype(np.float32), kind in BLEEDS_ML
            yield Case(number, str(kind), volume, kept["affine"], kept["truth"], kept["points"], lesion)


def drawn(anatomy: Anatomy, number: int, kind: int | str, variety: str) -> Case:
    """The head of a number, or with a bleed of that name; another one where the bleed does not fit."""
    tall, first = replace(THIN, top_mm=120.0), 1000 * number + 700
    if isinstance(kind, int):
        return make_case(anatomy, number, "", first + kind, (0, 0, 0), tall, None, variety=variety)
    for seed in range(first + 100 + 10 * list(BLEEDS_ML).index(kind), first + 200):
        with contextlib.suppress(ValueError):
            return make_case(anatomy, number, "", seed, (0, 0, 0), tall, None, BLEEDS_ML[kind], variety)
    raise ValueError(f"{BLEEDS_ML[kind]} ml of blood fit no head of anatomy {number}.")


def keep(path: Path, case: Case) -> None:
    """Write a scan to a file, whole or not at all."""
    arrays = {"affine": case.affine, "truth": case.truth, "points": case.points}
    with staged(path) as partial, partial.open("wb") as stream_:
        np.savez_compressed(stream_, volume=case.volume.astype(np.int16), **arrays)


def fair(case: Case, rng: np.random.Generator) -> Case:
    """The scan of a head as another protocol might have made it, the head turned."""
    volume, affine = cut_along_z(case, rng.uniform(*BOTTOM_MM), rng.uniform(*TOP_MM))
    if rng.random() < 0.5:
        volume, affine = thicker(volume, affine)
    noise = rng.normal(0, rng.uniform(0, NOISE_HU), volume.shape).astype(np.float32)
    volume = np.where(volume > UNKNOWN_HU, np.maximum(volume + noise, AIR_HU), volume)
    return turned(replace(case, kind="fair", volume=volume, affine=affine), rng)


def cut_along_z(case: Case, low_mm: float, high_mm: float) -> tuple[NDArray[np.float32], Array]:
    """The slices whose middle lies between two reference heights."""
    count = case.volume.shape
    middles = np.stack(np.broadcast_arrays(count[0] / 2, count[1] / 2, np.arange(count[2])), -1)
    heights = moved(case.truth @ case.affine, middles)[:, 2]
    chosen = np.flatnonzero((heights >= low_mm) & (heights <= high_mm))
    affine = case.affine.copy()
    affine[:3, 3] += affine[:3, 2] * chosen[0]
    return case.volume[:, :, chosen[0] : chosen[-1] + 1], affine


def thicker(volume: NDArray[np.float32], affine: Array) -> tuple[NDArray[np.float32], Array]:
    """Each two slices as one."""
    pairs = volume[:, :, : volume.shape[2] // 2 * 2].reshape(*volume.shape[:2], -1, 2)
    unknown = (pairs == UNKNOWN_HU).any(axis=3)
    wide = affine.copy()
    wide[:3, 3] += affine[:3, 2] / 2
    wide[:3, 2] *= 2
    return np.where(unknown, np.float32(UNKNOWN_HU), pairs.mean(axis=3)), wide


def turned(case: Case, rng: np.random.Generator) -> Case:
    """The case turned about the middle of the brain; its points are those in the field of view."""
    centre = moved(np.linalg.inv(case.truth), np.array([CENTRE_MM]))[0]
    turn = np.eye(4)
    angles = rng.uniform(-TURN_DEG, TURN_DEG, 3)
    turn[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    index = np.rint(moved(np.linalg.inv(case.affine), case.points)).astype(int)
    seen = np.all((index >= 0) & (index < case.volume.shape), axis=1)
    points = moved(turn, case.points[seen])
    return replace(case, affine=turn @ case.affine, truth=case.truth @ np.linalg.inv(turn), points=points)


def population(text: str) -> tuple[str, Path]:
    """Name and folder of a population.

    Raises:
        argparse.ArgumentTypeError: there is no such population or folder.
    """
    name, _, folder = text.partition("=")
    if name not in POPULATIONS or not folder or not Path(folder).exists():
        known = ", ".join(POPULATIONS)
        raise argparse.ArgumentTypeError(f"{text!r} is no population: NAME=FOLDER, NAME one of {known}")
    return name, Path(folder)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a benchmark over populations to its parser."""
    parser.add_argument("--work", type=Path, required=True, help="folder for drawn heads and results")
    parser.add_argument("--population", type=population, action="append", required=True, help="NAME=FOLDER")
    parser.add_argument("--anatomies", default=",".join(map(str, ANATOMIES)), help="of the simulator, with commas")
    parser.add_argument("--fair", type=int, default=FAIR, help=f"fair poses of each of its heads ({FAIR})")


def options_of(args: argparse.Namespace) -> Options:
    """The options that were given; makes the folder for drawn heads."""
    args.work.mkdir(parents=True, exist_ok=True)
    return Options(args.work, [int(number) for number in args.anatomies.split(",")], args.fair)
