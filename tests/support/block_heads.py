"""Heads made of blocks, and protocols without noise."""

from __future__ import annotations

import numpy as np

from scripts.geometry.coordinates import grid_affine
from scripts.simulation.person.head import SimulatedHead
from scripts.simulation.scanner.protocol import Protocol

SIZE = (90, 100, 110)


PLAIN = Protocol(
    size=(100, 110),
    spacing_mm=1.0,
    increment_mm=2.0,
    thickness_mm=1.0,
    blur_mm=0.0,
    noise_hu=0.0,
    bottom_mm=-40.0,
    top_mm=40.0,
    centre_mm=(0.0, 0.0),
    rest_gap_mm=None,
)


def block_head(turn_deg: float = 0.0, value: float = 40.0) -> SimulatedHead:
    """A ball of soft tissue with a dense off-centre marker; lies in the scanner turned about z by `turn_deg`."""
    grid = np.indices(SIZE) - (np.array(SIZE)[:, None, None, None] - 1) / 2
    radius = np.sqrt((grid**2).sum(axis=0))
    hu = np.where(radius < 42, value, -1000.0).astype(np.float32)
    labels = np.where(radius < 42, 507, 0).astype(np.int16)
    hu[20:26, 60:66, 70:76] = 900
    upright = grid_affine()
    upright[:3, 3] = -(np.array(SIZE) - 1) / 2
    cos, sin = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    pose = np.array([[cos, -sin, 0, 3.0], [sin, cos, 0, -8.0], [0, 0, 1, 5.0], [0, 0, 0, 1]])
    return SimulatedHead(hu, labels, np.zeros(SIZE, np.uint8), pose, np.linalg.inv(pose) @ upright)


def marker_mm(hu: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Centroid of the dense marker in scan space."""
    return affine[:3, :3] @ np.argwhere(hu > 450).mean(axis=0) + affine[:3, 3]
