"""A surface seen from one side: where the rays of a viewer first meet a mask, and what lies just below.

A *view* is the direction into which the viewer looks; rays are parallel, one a pixel. The mask, smoothed over a
millimetre, is sampled along each ray; the ray's *depth* is where it first exceeds one half. A pixel's *shade* is the
cosine between the surface there and the direction to the light, which shines over the viewer's left shoulder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scripts.geometry.affines import transform_points
from scripts.results.planes import ANTERIOR, RIGHT, SUPERIOR, Array

VIEWS = {
    "from the right": (-RIGHT, ANTERIOR, "PA"),
    "from the front": (-ANTERIOR, -RIGHT, "RL"),
    "from the left": (RIGHT, -ANTERIOR, "AP"),
    "from above": (-SUPERIOR, RIGHT, "LR"),
}
"""For each view: the world directions of looking and of image right, and the letters at the left and the right."""

SMOOTHING_MM = 1.0
"""Standard deviation of the Gaussian that takes the steps of the voxels from the mask."""

STEP_MM = 1.0
"""Distance between pixels, and between samples along a ray."""

BELOW_MM = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
"""Depths below the surface at which values are sampled; the largest one is shown."""

LIGHT = np.array((-0.35, -0.45, -0.82))
"""Direction from the surface to the light: image right, image down, into the image."""

DARKEST = 0.35
"""Shade of what is turned away from the light."""


@dataclass(frozen=True, eq=False)
class SurfaceView:
    """An image of a surface (rows, columns): depth in mm, NaN beside the surface, shade (0 to 1) and values."""

    depth_mm: Array
    shade: Array
    values: Array
    letters: str


def surface_view(
    mask: NDArray[np.bool_], values: NDArray[np.floating], affine: Array, view: str, side_mm: float
) -> SurfaceView:
    """See a mask (I, J, K) from one of `VIEWS`, in a window of `side_mm` around its centre.

    `values` (I, J, K) lie on the same grid, whose voxels `affine` (4, 4) puts into the world (RAS mm).

    Raises:
        ValueError: the mask is empty, or shapes differ.
    """
    if mask.shape != values.shape or not mask.any():
        raise ValueError(
            f"a surface needs voxels and a value for each, got {mask.sum()} of {mask.shape}, {values.shape}"
        )
    into, right, letters = VIEWS[view]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    solid = ndimage.gaussian_filter(mask.astype(np.float32), SMOOTHING_MM / spacing, mode="constant")
    inside = np.argwhere(mask)
    centre = affine[:3, :3] @ ((inside.min(axis=0) + inside.max(axis=0)) / 2) + affine[:3, 3]
    steps = (np.arange(round(side_mm / STEP_MM)) + 0.5) * STEP_MM - side_mm / 2
    axes = np.stack([into, np.cross(into, right), right])
    rays = centre + steps[:, None, None] * axes[1] + steps[None, :, None] * axes[2]
    depth = first_depth(solid, affine, rays, into, steps)
    return SurfaceView(depth, shading(depth), largest_below(values, affine, rays, into, depth), letters)


def first_depth(solid: Array, affine: Array, rays: Array, into: Array, steps: Array) -> Array:
    """Depth in mm (rows, columns), from the window's centre on, at which rays first exceed one half; NaN where none.

    `rays` (rows, columns, 3) are the world positions of the pixels at depth 0, `steps` the depths to look at.
    """
    depth = np.full(rays.shape[:2], np.nan)
    before: Array = np.zeros(rays.shape[:2])
    for step in steps:
        here = sampled(solid, affine, rays + step * into)
        met = np.isnan(depth) & (here > 0.5)
        depth[met] = step - STEP_MM * (here[met] - 0.5) / (here[met] - before[met])
        before = here
    return depth


def sampled(volume: NDArray[np.floating], affine: Array, points: Array) -> Array:
    """A volume (I, J, K) at world positions (..., 3), linear; 0 beyond its voxels."""
    inverse = np.linalg.inv(affine)
    voxels = np.moveaxis(transform_points(inverse, points), -1, 0)
    return np.asarray(ndimage.map_coordinates(volume, voxels, output=np.float64, order=1, mode="constant"))


def largest_below(values: NDArray[np.floating], affine: Array, rays: Array, into: Array, depth: Array) -> Array:
    """The largest of the values at and below the surface (rows, columns); 0 beside it."""
    points = rays + np.nan_to_num(depth)[..., None] * into
    found = np.max([sampled(values, affine, points + below * into) for below in BELOW_MM], axis=0)
    return np.where(np.isnan(depth), 0.0, found)


def shading(depth: Array) -> Array:
    """Shade (0 to 1) of a surface by its depth in mm (rows, columns); 0 beside it."""
    filled = np.where(np.isnan(depth), np.nanmax(depth), depth) if np.isfinite(depth).any() else np.zeros_like(depth)
    down, right = np.gradient(ndimage.gaussian_filter(filled, 1.0), STEP_MM)
    normal = np.stack([right, down, -np.ones_like(filled)])  # toward the viewer
    cosine = np.tensordot(LIGHT / np.linalg.norm(LIGHT), normal / np.linalg.norm(normal, axis=0), 1)
    return np.where(np.isnan(depth), 0.0, DARKEST + (1 - DARKEST) * cosine.clip(0, 1))
