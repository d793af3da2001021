"""The shape of a drawn head: how positions in it correspond to positions in the anatomy it is drawn from.

A drawn head is its anatomy, brought rigidly into reference space, scaled along each axis, displaced smoothly, and in
half of the heads mirrored. The map runs *backward*, as resampling needs it: source(q) = M (q / s + u(q)), with the
scales s, the displacement u, and the mirror M or the identity. The displacement is Gaussian noise smoothed on a coarse
lattice over the reference grid and interpolated linearly. `forward` inverts it: q <- s (M p - u(q)), to a fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.coordinates import REFERENCE_SIZE, grid_affine

Array = NDArray[np.float64]

LATTICE_STEP = 8
"""Voxels of the reference grid, hence mm, between the points of the coarse lattice."""

LATTICE_SIZE = REFERENCE_SIZE // LATTICE_STEP + 1
"""Lattice points along each side; the last one lies one voxel beyond the grid."""

SMOOTHNESS_MM = 26.0
"""Standard deviation of the smoothing of the displacement."""

INVERSION_ROUNDS = 15
"""Fixed-point rounds of `forward`; the displacement changes by at most .4 mm a mm, so the error shrinks to microns."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Scales (3,), displacement (3, 33, 33, 33) in mm on the lattice, and whether the head is a mirror image."""

    scale: Array
    displacement: Array
    flipped: bool

    def source(self, points: Array) -> Array:
        """Reference RAS mm (n, 3) in the aligned anatomy for points (n, 3) of the drawn head."""
        moved = points / self.scale + self._displaced(points)
        return np.asarray(moved * self._sides())

    def forward(self, points: Array) -> Array:
        """Points (n, 3) of the drawn head for reference RAS mm (n, 3) in the aligned anatomy."""
        unmirrored = points * self._sides()
        found = unmirrored * self.scale
        for _ in range(INVERSION_ROUNDS):
            found = (unmirrored - self._displaced(found)) * self.scale
        return np.asarray(found)

    def _sides(self) -> Array:
        return np.array([-1.0 if self.flipped else 1.0, 1.0, 1.0])

    def _displaced(self, points: Array) -> Array:
        lattice = (points - grid_affine()[:3, 3]) / LATTICE_STEP
        axes = [
            ndimage.map_coordinates(component, lattice.T, order=1, mode="nearest") for component in self.displacement
        ]
        return np.stack(axes, axis=1)


def draw_shape(rng: np.random.Generator, largest_scale: float = 0.1, largest_displacement_mm: float = 8.5) -> Shape:
    """A random shape: scales within 1 ± `largest_scale`, a displacement whose peak is up to the largest one."""
    common = rng.uniform(-0.6, 0.6) * largest_scale
    scale = 1 + common + rng.uniform(-0.4, 0.4, 3) * largest_scale
    noise = rng.standard_normal((3,) + (LATTICE_SIZE,) * 3)
    smooth = np.stack([ndimage.gaussian_filter(axis, SMOOTHNESS_MM / LATTICE_STEP) for axis in noise])
    peak = np.sqrt((smooth**2).sum(axis=0)).max()
    amplitude = rng.uniform(0.25, 1.0) * largest_displacement_mm
    return Shape(scale, smooth * (amplitude / peak), bool(rng.random() < 0.5))


def identity_shape() -> Shape:
    """The shape of a head that looks exactly like its anatomy."""
    return Shape(np.ones(3), np.zeros((3,) + (LATTICE_SIZE,) * 3), False)
