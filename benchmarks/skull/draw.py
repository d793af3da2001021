"""Stage 1: healthy and fractured heads with sutures, scanned in thin, middle and thick slices.

A *pair* is one head of the widened population, healthy and with a fracture; the healthy one is scanned in each *class*
of slices, the fractured one in those of the pair. The *harder* fractures are several at once, along and across a suture
of the head, into the skull base, depressed with gaps, and lines of the least and of the largest width.
A *case* is one such scan: a file `NAME.npz` with `hu`, `affine`, `matrix` (scan mm to reference mm, with an error),
`lesion_mm` (n, 3), points of the fracture in scan mm, and `truth`, JSON. The alignment is the true one with an error of
3.5 mm and 3 degrees (root mean square of the length and of the angle), in place of a registration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scripts.files.atomic import staged
from scripts.geometry.affines import transform_points
from scripts.simulation.anatomy.label_map import Anatomy, load_anatomy
from scripts.simulation.lesions.breaks import MORE_FRACTURES
from scripts.simulation.lesions.cuts import WIDTH_MM
from scripts.simulation.person.head import SimulatedHead, draw_head, stream
from scripts.simulation.scanner.protocol import Protocol, draw_protocol
from scripts.simulation.scanner.scan import Scan, acquire

KINDS = ("linear_fracture", "depressed_fracture", "diastatic_fracture")
SIDES = ("left", "right")

CLASSES_MM = {"thin": (1.0, 1.5), "middle": (2.5, 3.0), "thick": (5.0, 5.0)}
"""Range of the slice thickness in each class."""

HARDER = (*((kind, None) for kind in MORE_FRACTURES), *(("linear_fracture", width_mm) for width_mm in WIDTH_MM))
"""The harder fractures: kind, and width of the gap in mm or None for a drawn one."""

SHIFT_ERROR_MM, ROTATION_ERROR_DEG = 3.5, 3.0
"""Root mean square of the length of the shift, and of the angle of the rotation, of an alignment."""

LOWEST_MM = -60.0
"""Reference height below which no slice is made: the calvaria ends above."""

ROOM_MM = 12.0
"""Room beside the head in a slice."""

SLICES_STREAM, POSE_ERROR_STREAM = 40, 41
"""Streams of random numbers beside those of the simulator; the class of slices adds its place times ten."""

MOST_POINTS = 400
"""Points kept of a fracture."""


@dataclass(frozen=True)
class Pair:
    """One head to draw: its anatomy, its seed, the kind, side and width of the fracture, and its classes of slices."""

    anatomy: str
    seed: int
    kind: str
    side: str
    width_mm: float | None = None
    slices: tuple[str, ...] = tuple(CLASSES_MM)

    @property
    def name(self) -> str:
        """The kind, and the width if it was asked for."""
        return self.kind if self.width_mm is None else f"{self.kind}_{self.width_mm:g}mm"


def pairs(anatomies: Sequence[str], rounds: int, seed: int) -> Iterator[Pair]:
    """Pairs that take turns over anatomies, kinds and sides; any number of first ones is balanced."""
    for number in range(rounds * len(anatomies)):
        turn, where = divmod(number, len(anatomies))
        kind = KINDS[(where + turn) % len(KINDS)]
        yield Pair(anatomies[where], seed + number, kind, SIDES[(number // len(KINDS) + turn) % 2])


def harder_pairs(anatomies: Sequence[str], rounds: int, seed: int) -> Iterator[Pair]:
    """Every harder fracture in each of some heads, one scan each; sides and classes of slices take turns."""
    classes = tuple(CLASSES_MM)
    for number in range(rounds * len(anatomies)):
        turn, where = divmod(number, len(anatomies))
        for place, (kind, width_mm) in enumerate(HARDER):
            slices = classes[(number + turn + place) % len(classes)]
            yield Pair(anatomies[where], seed + number, kind, SIDES[(number + place) % 2], width_mm, (slices,))


def draw_pair(pair: Pair, anatomies: Path, folder: Path) -> int:
    """Draw the scans of a pair that are not in the folder yet; returns their number."""
    scans = [*((None, slices) for slices in CLASSES_MM), *((pair.name, slices) for slices in pair.slices)]
    wanted = [scan for scan in scans if not (folder / f"{case_name(pair, *scan)}.npz").is_file()]
    heads = {kind: drawn(pair, kind is not None, anatomies) for kind in dict.fromkeys(kind for kind, _ in wanted)}
    for kind, slices in wanted:
        protocol = protocol_of(heads[kind], pair.seed, slices)
        scan = acquire(heads[kind], protocol, pair.seed + list(CLASSES_MM).index(slices))
        write_case(folder / f"{case_name(pair, kind, slices)}.npz", pair, kind, slices, heads[kind], scan, protocol)
    return len(wanted)


def case_name(pair: Pair, kind: str | None, slices: str) -> str:
    """Name of a case: anatomy, seed, kind or healthy, class of slices."""
    return f"{pair.anatomy}_{pair.seed:05d}_{kind or 'healthy'}_{slices}"


def drawn(pair: Pair, fractured: bool, anatomies: Path) -> SimulatedHead:
    """The head of a pair, healthy or with the fracture."""
    anatomy = _anatomy(anatomies / f"{pair.anatomy}.nii.gz")
    if not fractured:
        return draw_head(anatomy, pair.seed, variety="widened")
    size: dict[str, Any] = {} if pair.width_mm is None else {"width_mm": pair.width_mm}
    return draw_head(anatomy, pair.seed, lesion=pair.kind, side=pair.side, lesion_size=size, variety="widened")


def protocol_of(head: SimulatedHead, seed: int, slices: str) -> Protocol:
    """A protocol of a class of slices, one spacing, and a field of view just around the head."""
    place = list(CLASSES_MM).index(slices)
    rng = stream(seed, SLICES_STREAM + 10 * place)
    drawn = draw_protocol(rng, float(rng.uniform(*CLASSES_MM[slices])))
    drawn = replace(drawn, change_mm=None, bottom_mm=max(drawn.bottom_mm, LOWEST_MM))
    tissue = np.argwhere((head.labels > 0)[::4, ::4, ::4]) * 4
    points = transform_points(head.affine, tissue)
    high_enough = transform_points(head.to_reference, points)[:, 2] > drawn.bottom_mm
    low, high = points[high_enough].min(axis=0) - ROOM_MM, points[high_enough].max(axis=0) + ROOM_MM
    from_reference = np.linalg.inv(head.to_reference)
    middle = (drawn.bottom_mm + drawn.top_mm) / 2
    axis = from_reference[:3, :3] @ (0, -8, middle) + from_reference[:3, 3]
    stretched = (high - low)[:2] / drawn.spacing_mm / (1, np.cos(np.deg2rad(drawn.tilt_deg)))
    centre = ((low + high) / 2 - axis)[:2]
    size = (int(np.ceil(stretched[0])), int(np.ceil(stretched[1])))
    return replace(drawn, size=size, centre_mm=(float(centre[0]), float(centre[1])))


def pose_error(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random rigid 4x4 in reference space, of the size that a registration may have."""
    error = np.eye(4)
    angles = rng.normal(0, ROTATION_ERROR_DEG / np.sqrt(3), 3)
    error[:3, :3] = Rotation.from_rotvec(angles, degrees=True).as_matrix()
    error[:3, 3] = rng.normal(0, SHIFT_ERROR_MM / np.sqrt(3), 3)
    return error


def write_case(
    path: Path, pair: Pair, kind: str | None, slices: str, head: SimulatedHead, scan: Scan, protocol: Protocol
) -> None:
    """Write a case; the file appears whole or not at all."""
    truth = {"anatomy": pair.anatomy, "seed": pair.seed, "kind": kind, "side": pair.side if kind else None}
    truth |= {"slices": slices, "thickness_mm": protocol.thickness_mm, "increment_mm": protocol.increment_mm}
    points = np.argwhere(head.lesion == 1)
    chosen = points[:: max(len(points) // MOST_POINTS, 1)]
    rng = stream(pair.seed, POSE_ERROR_STREAM + 10 * list(CLASSES_MM).index(slices))
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            hu=scan.hu,
            affine=scan.affine,
            matrix=pose_error(rng) @ head.to_reference,
            lesion_mm=transform_points(head.affine, chosen),
            truth=np.array(json.dumps(truth)),
        )


@lru_cache(maxsize=1)
def _anatomy(path: Path) -> Anatomy:
    """A label map, read once for the pairs of one anatomy that follow one another."""
    return load_anatomy(path)
