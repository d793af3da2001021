"""Bad input for the skull: drawn heads after surgery, cut, with metal, moved, in thick slices, or with a sharp kernel.

A *spoiled* scan is that of a healthy head by another protocol, or with its voxels painted over. `surgery` are heads of
the unusual population by kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scripts.geometry.coordinates import CENTRE_MM
from scripts.simulation.anatomy.label_map import Anatomy
from scripts.simulation.person.head import BUILD_STREAM, SimulatedHead, draw_head, stream
from scripts.simulation.person.variety import draw_build
from scripts.simulation.scanner.protocol import Protocol
from scripts.simulation.scanner.scan import PADDING_HU, acquire
from scripts.volume import UNKNOWN_HU

from .draw import CLASSES_MM, protocol_of

METAL_HU, PLATE_MM, CLIP_MM = 3071, 1.6, 4.0
"""HU, thickness of a plate and radius of a clip of metal."""

Volume = NDArray[np.int16]
Points = NDArray[np.float64]


class Spoiled(NamedTuple):
    """A scan: what is bad, its slices, HU (I, J, K), affine, and the true pose, scan mm to reference mm."""

    what: str
    slices: str
    hu: Volume
    affine: Points
    matrix: Points


def still(head: SimulatedHead, seed: int, slices: str) -> Protocol:
    """The protocol of a class of slices without motion, metal and head rest."""
    plain = {"metal": None, "motion_mm": 0.0, "ghost": 0.0, "rest_gap_mm": None}
    return replace(protocol_of(head, seed, slices), **plain)  # type: ignore[arg-type]


def scanned(what: str, slices: str, head: SimulatedHead, protocol: Protocol, seed: int) -> Spoiled:
    """The scan of a head by a protocol."""
    scan = acquire(head, protocol, seed)
    hu = np.where(scan.hu == PADDING_HU, np.int16(UNKNOWN_HU), scan.hu)
    return Spoiled(what, slices, hu, scan.affine, head.to_reference)


def spoiled(anatomy: Anatomy, seed: int) -> Iterator[Spoiled]:
    """Healthy and spoiled scans of one head."""
    head = draw_head(anatomy, seed, variety="widened")
    for slices in CLASSES_MM:
        plain = still(head, seed, slices)
        yield scanned("healthy", slices, head, plain, seed)
        for motion_mm, ghost in ((1.0, 0.0), (2.0, 0.0), (4.0, 0.0), (3.0, 0.4)):
            name = f"moved by {motion_mm:.0f} mm{', double contours' if ghost else ''}"
            yield scanned(name, slices, head, replace(plain, motion_mm=motion_mm, ghost=ghost), seed)
    for apart_mm in (7.0, 10.0):
        thick = replace(still(head, seed, "thick"), thickness_mm=apart_mm, increment_mm=apart_mm)
        yield scanned("healthy", f"{apart_mm:.0f} mm", head, thick, seed)
    plain = still(head, seed, "middle")
    changes: dict[str, dict[str, Any]] = {
        "head rest that touches": {"rest_gap_mm": 0.0},
        "electrodes": {"metal": "electrodes"},
        "bone kernel": {"blur_mm": 0.25, "noise_hu": 40.0},
    }
    for name, change in changes.items():
        yield scanned(name, "middle", head, replace(plain, **change), seed)
    scan = scanned("", "middle", head, plain, seed)
    for name, paint in PAINTED.items():
        hu = scan.hu.copy()
        paint(hu, from_centre(scan))
        yield scan._replace(what=name, hu=hu)


def surgery(anatomy: Anatomy, kind: str, seed: int) -> Iterator[Spoiled]:
    """Thin and thick scans of the first head from a seed on that had a kind of surgery, or is a child."""
    while kind_of(seed) != kind:
        seed += 1
    head = draw_head(anatomy, seed, variety="unusual")
    for slices in ("thin", "thick"):
        yield scanned(kind, slices, head, still(head, seed, slices), seed)


def kind_of(seed: int) -> str:
    """The kind of unusual head that a seed draws."""
    build = draw_build("unusual", stream(seed, BUILD_STREAM))
    if build is None or build.surgery is None:
        return "child"
    return "craniectomy" if any(build.surgery.flap_deg) else "burr holes"


def from_centre(scan: Spoiled) -> Points:
    """Places (I, J, K, 3) of voxels in reference mm from the centre of the calvaria."""
    whole = scan.matrix @ scan.affine
    index = np.moveaxis(np.indices(scan.hu.shape), 0, -1)
    return np.asarray(index @ whole[:3, :3].T + whole[:3, 3] - np.array(CENTRE_MM))


def _plate(hu: Volume, points: Points) -> None:
    """A round plate of 30 mm on the left parietal bone."""
    out = np.array([-0.7, 0.3, 0.65]) / np.linalg.norm([-0.7, 0.3, 0.65])
    radius = np.linalg.norm(points, axis=-1)
    near, bone = points @ out > radius * np.cos(15 / 85), hu > 300
    spacing = [float(np.linalg.norm(np.diff(points, axis=axis)[0, 0, 0])) for axis in range(3)]
    away = ndimage.distance_transform_edt(~bone, sampling=spacing)
    hu[near & ~bone & (away < PLATE_MM) & (radius > np.median(radius[near & bone]))] = METAL_HU


def _clip(hu: Volume, points: Points) -> None:
    """A ball of metal in the middle of the brain."""
    hu[np.linalg.norm(points - (10, 20, -10), axis=-1) < CLIP_MM] = METAL_HU


def _cut_vertex(hu: Volume, points: Points) -> None:
    """Nothing is known from 55 mm above the centre on."""
    hu[:, :, points[..., 2].mean(axis=(0, 1)) > 55] = int(UNKNOWN_HU)


def _cut_side(hu: Volume, points: Points) -> None:
    """Nothing is known from 55 mm to the right of the centre on."""
    hu[points[..., 0] > 55] = int(UNKNOWN_HU)


PAINTED: dict[str, Callable[[Volume, Points], None]] = {
    "metal plate": _plate,
    "metal clip": _clip,
    "vertex cut": _cut_vertex,
    "side cut": _cut_side,
}
