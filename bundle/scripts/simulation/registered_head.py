"""Heads for training: drawn, scanned and brought into reference space as the pipeline would, with its small errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry.affines import transform_points
from ..geometry.coordinates import REFERENCE_SIZE, grid_affine
from .anatomy.label_map import Anatomy
from .person.head import SimulatedHead, draw_head, stream
from .person.tissue import AIR_HU
from .person.varieties import PLAIN
from .scanner.protocol import Protocol, draw_protocol
from .scanner.sampling import sample
from .scanner.scan import PADDING_HU, Scan, acquire

PIXEL_MM = 1.0
"""Pixel size of the scans that are made on the way: what a 1 mm reference grid keeps of finer pixels."""

LEAST_INCREMENT_MM = 0.9
"""Slices that lie closer than this are left out: a 1 mm reference grid does not show them."""

ROOM_MM = 16.0
"""Room around the head within the slice, on each side."""

ROTATION_ERROR_DEG, SHIFT_ERROR_MM = 1.0, 1.5
"""Standard deviation, about and along each axis, of the error of the alignment."""

PROTOCOL_STREAM, ERROR_STREAM = 5, 6
"""Streams of random numbers, beside those of `head`."""


def draw_training_head(
    anatomy: Anatomy, seed: int, *, lesion: str | None = None, side: str | None = None, variety: str = PLAIN
) -> NDArray[np.int16]:
    """HU (256, 256, 256), int16, in reference space: a drawn head, scanned, and aligned with a residual error.

    Voxels outside the field of view are -1024. The same seed gives the same bytes.

    Raises:
        ValueError: the anatomy lacks the brain structures, or there is no such lesion or variety.
    """
    head = draw_head(anatomy, seed, lesion=lesion, side=side, variety=variety)
    return scanned_in_reference_space(head, seed)


def scanned_in_reference_space(head: SimulatedHead, seed: int) -> NDArray[np.int16]:
    """HU (256, 256, 256), int16, of a head as scanned with a drawn protocol and aligned with a residual error."""
    protocol = _around(head, draw_protocol(stream(seed, PROTOCOL_STREAM)))
    scan = acquire(head, protocol, seed)
    return in_reference_space(scan, alignment_error(stream(seed, ERROR_STREAM)) @ head.to_reference)


def lesion_in_reference_space(head: SimulatedHead, seed: int) -> NDArray[np.uint8]:
    """The lesion's mask (256, 256, 256), uint8, of the head that `scanned_in_reference_space` shows, aligned alike."""
    if not head.lesion.any():
        return np.zeros((REFERENCE_SIZE,) * 3, dtype=np.uint8)
    aligned = alignment_error(stream(seed, ERROR_STREAM)) @ head.to_reference @ head.affine
    line = np.arange(REFERENCE_SIZE, dtype=np.float64)
    found = sample(
        head.lesion.astype(np.float32), np.linalg.inv(aligned) @ grid_affine(), (line, line, line), "nearest"
    )
    return found.astype(np.uint8)


def alignment_error(rng: np.random.Generator) -> NDArray[np.float64]:
    """A small random rigid 4x4 in reference space."""
    error = np.eye(4)
    angles = rng.normal(0, ROTATION_ERROR_DEG, 3)
    error[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    error[:3, 3] = rng.normal(0, SHIFT_ERROR_MM, 3)
    return error


def in_reference_space(scan: Scan, to_reference: NDArray[np.float64]) -> NDArray[np.int16]:
    """A scan sampled on the reference grid, int16 (256, 256, 256); outside its slices unknown, beside them air."""
    matrix = np.linalg.inv(to_reference @ scan.affine) @ grid_affine()
    inside = _inside(matrix, scan.hu.shape, axes=(2,))
    box = _box(to_reference @ scan.affine, scan.hu.shape)
    out = np.full((REFERENCE_SIZE,) * 3, int(AIR_HU), dtype=np.int16)
    hu = scan.hu.astype(np.float32)
    hu[scan.hu == PADDING_HU] = np.nan
    axes = [np.arange(s.start, s.stop, dtype=np.float64) for s in box]
    values = sample(hu, matrix, (axes[0], axes[1], axes[2]))
    unknown = np.isnan(values)
    values[unknown] = PADDING_HU
    beside = ~_inside(matrix, scan.hu.shape, axes=(0, 1))[box] & ~unknown
    values[beside] = AIR_HU
    out[box] = np.rint(values, out=values)
    out[~inside] = PADDING_HU
    return out


def _inside(matrix: NDArray[np.float64], shape: tuple[int, ...], axes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Voxels (256, 256, 256) that lie within the scan along the given axes of it."""
    n = np.arange(REFERENCE_SIZE)
    inside = np.ones((REFERENCE_SIZE,) * 3, dtype=bool)
    for axis in axes:
        a, b, c, d = matrix[axis].astype(np.float32)
        index = ((a * n)[:, None, None] + (b * n)[None, :, None]) + (c * n + d)[None, None, :]
        inside &= (index >= -0.5) & (index <= shape[axis] - 0.5)
    return inside


def _box(matrix: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The part of the reference grid that a scan of this shape can reach."""
    ends = np.stack(np.meshgrid(*[(-0.5, size - 0.5) for size in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    reached = transform_points(matrix, ends) - grid_affine()[:3, 3]
    low = np.clip(np.floor(reached.min(axis=0)), 0, REFERENCE_SIZE).astype(int)
    high = np.clip(np.ceil(reached.max(axis=0)) + 1, 0, REFERENCE_SIZE).astype(int)
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True))


def _around(head: SimulatedHead, protocol: Protocol) -> Protocol:
    """The protocol with pixels of 1 mm, no more slices than show, and a field of view just around the head."""
    tissue = np.argwhere((head.labels > 0)[::4, ::4, ::4]) * 4
    points = transform_points(head.affine, tissue)
    low, high = points.min(axis=0) - ROOM_MM, points.max(axis=0) + ROOM_MM
    from_reference = np.linalg.inv(head.to_reference)
    axis = from_reference[:3, :3] @ (0, -8, (protocol.bottom_mm + protocol.top_mm) / 2) + from_reference[:3, 3]
    size = np.ceil((high - low)[:2] / PIXEL_MM).astype(int)
    centre = ((low + high) / 2 - axis)[:2]
    stretched = int(np.ceil(size[1] / np.cos(np.deg2rad(protocol.tilt_deg))))
    return replace(
        protocol,
        size=(int(size[0]), stretched),
        spacing_mm=PIXEL_MM,
        centre_mm=(float(centre[0]), float(centre[1])),
        increment_mm=max(protocol.increment_mm, LEAST_INCREMENT_MM),
    )
