"""The skull as a surface that is coloured by its score, in the form MZ3 of Surfice, which NiiVue reads.

The surface encloses the bone with everything inside it, so that it is seen from outside alone. A vertex has the colour
of the highest excess nearby: that of bone up to `FROM` times the threshold, then those of the heatmap.
"""

from __future__ import annotations

import gzip
import struct

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.affines import transform_points
from ...preprocessing.regions import SKULL
from ..overlay import HEAT
from ..planes import Array, head_box_mm
from .surface import surface
from .volumes import Volumes

SPACING_MM = 2.0
"""Of the grid that the surface is made on."""

BONE_HU = 200.0
"""HU above which a place is bone."""

SMOOTH_MM = 2.0
"""Standard deviation of the smoothing."""

NEARBY_MM = 3.0
"""Distance from a vertex in which its excess is looked for."""

FROM, UP_TO = 0.6, 2.0
"""The excess at which the colours of heat begin, and at which they end."""

BONE = np.array([226.0, 218.0, 200.0])
"""The colour of bone."""

MAGIC, WITH_FACES, WITH_VERTICES, WITH_COLOURS = 23117, 1, 2, 4
"""The first number of an MZ3 file, and the bits that say what is in it."""


def skull_mesh(volumes: Volumes, threshold: float | None) -> bytes:
    """The file of the skull's surface in scan RAS mm, empty without any bone; `threshold` is that of the skull.

    Without a threshold the surface has the colour of bone.
    """
    low, high = head_box_mm(volumes.scan, volumes.affine)
    start = low - 3 * SPACING_MM
    shape = np.ceil((high - low) / SPACING_MM).astype(int) + 7
    points = np.moveaxis(np.indices(tuple(shape)), 0, -1) * SPACING_MM + start
    voxels = np.moveaxis(transform_points(np.linalg.inv(volumes.affine), points), -1, 0)
    hu = ndimage.map_coordinates(volumes.scan, voxels, np.float32, order=1, cval=-1000.0)
    solid = ndimage.gaussian_filter(filled(hu > BONE_HU).astype(np.float32), SMOOTH_MM / SPACING_MM)
    vertices, triangles = surface(solid, 0.5)
    if not len(triangles):
        return b""
    excess = nearby(volumes, threshold, start, solid.shape, vertices) if threshold else np.zeros(len(vertices))
    return mz3(vertices * np.float32(SPACING_MM) + start.astype(np.float32), triangles, colours(excess))


def filled(bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece of bone (I, J, K), with what it encloses in the slices across each axis."""
    labels, count = ndimage.label(bone, np.ones((3, 3, 3)))
    if not count:
        return bone
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    full = np.zeros_like(largest)
    for axis in range(3):
        for number in range(largest.shape[axis]):
            place = (slice(None),) * axis + (number,)
            full[place] |= ndimage.binary_fill_holes(largest[place])
    return np.asarray(full)


def nearby(
    volumes: Volumes, threshold: float, start_mm: Array, shape: tuple[int, ...], vertices: NDArray[np.float32]
) -> Array:
    """The highest excess of the skull near each vertex (n,) of a grid of `SPACING_MM` that starts at a point (3,)."""
    places = np.nonzero((volumes.regions == SKULL) & (volumes.heatmap > FROM * threshold))
    at = np.rint((transform_points(volumes.affine, np.stack(places, axis=1)) - start_mm) / SPACING_MM).astype(int)
    kept, coarse = ((at >= 0) & (at < shape)).all(axis=1), np.zeros(shape)
    np.maximum.at(coarse, tuple(at[kept].T), volumes.heatmap[places][kept] / threshold)
    highest = ndimage.maximum_filter(coarse, size=1 + 2 * round(NEARBY_MM / SPACING_MM))
    return np.asarray(ndimage.map_coordinates(highest, vertices.T.astype(np.float64), order=1))


def colours(excess: Array) -> NDArray[np.uint8]:
    """The colour of each vertex (n, 4), of its excess."""
    level = np.clip((excess - FROM) / (UP_TO - FROM), 0, 1)
    stops = np.linspace(0, 1, len(HEAT))
    heat = np.stack([np.interp(level, stops, channel) for channel in HEAT.T], axis=-1)
    share = np.clip(4 * level, 0, 1)[:, None]
    rgb = (1 - share) * BONE + share * heat
    return np.concatenate([np.rint(rgb), np.full((len(rgb), 1), 255)], axis=1).astype(np.uint8)


def mz3(points_mm: NDArray[np.float32], triangles: NDArray[np.uint32], rgba: NDArray[np.uint8]) -> bytes:
    """A compressed MZ3 file of points (n, 3), triangles (m, 3) and colours (n, 4)."""
    parts = WITH_FACES | WITH_VERTICES | WITH_COLOURS
    header = struct.pack("<HHIII", MAGIC, parts, len(triangles), len(points_mm), 0)
    data = (triangles.astype("<u4"), points_mm.astype("<f4"), rgba)
    return gzip.compress(header + b"".join(array.tobytes() for array in data), mtime=0)
