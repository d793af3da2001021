"""The atlas: which structure usually lies at a place of the reference head.

The anatomies lie as in the mean head (see `population`), and each voxel belongs to the structure that most of them and
of their mirror images have there. What no structure claims inside the skull is *extra-axial space*: fluid, dura and
sinuses around the brain.

The label maps know no lobes. The cerebrum is divided by three surfaces that are straight where the sulci are not: the
*central sulcus*, the *Sylvian fissure*, and a plane from the parieto-occipital sulcus to the preoccipital notch. Their
landmarks are those of the MNI brain, moved to the reference head by the similarity that fits the centroids of 14 deep
structures (mean error 2.5 mm). A border may lie 10 to 15 mm away in a person. The insula belongs to the lobe beside it,
the inner capsule to the deep grey matter that encloses it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.affines import transform_points
from ...geometry.boxes import bounding_box
from ...geometry.coordinates import REFERENCE_SIZE, grid_affine
from ..anatomy.label_map import Anatomy
from ..anatomy.labels import BRAIN_STEM, CEREBELLUM, LEFT_CEREBRUM, RIGHT_CEREBRUM, TABLE_SIZE, THIRD_VENTRICLE
from .population import Mask, brain_spread, on_grid

NAMES = {
    1: "frontal lobe",
    2: "parietal lobe",
    3: "temporal lobe",
    4: "occipital lobe",
    5: "deep grey matter",
    6: "lateral ventricle",
    7: "third ventricle",
    8: "fourth ventricle",
    9: "cerebellum",
    10: "brain stem",
    11: "extra-axial space",
}
"""Name of each label of the atlas; 0 is outside the skull."""

FRONTAL, PARIETAL, TEMPORAL, OCCIPITAL, DEEP, EXTRA_AXIAL = 1, 2, 3, 4, 5, 11

DEEP_GREY = (10, 49, 11, 50, 12, 51, 13, 52, 26, 58, 28, 60, 136, 163, 137, 164)
"""Thalamus, caudate, putamen, pallidum, accumbens, ventral diencephalon, and deep grey matter without a name."""

CEREBRUM = (*sorted({*LEFT_CEREBRUM, *RIGHT_CEREBRUM} - set(DEEP_GREY)), 25, 57)
"""Cortex, white matter and its lesions, hippocampus and amygdala."""

GROUPS = {
    FRONTAL: CEREBRUM,
    DEEP: DEEP_GREY,
    6: (4, 43, 5, 44, 72),
    7: (THIRD_VENTRICLE,),
    8: (15,),
    9: CEREBELLUM,
    10: (BRAIN_STEM,),
}
"""Labels of the label maps by label of the atlas; the whole cerebrum counts as frontal until it is divided."""

CENTRAL_MM = ((7.0, -34.0, 81.0), (35.0, -24.0, 68.0), (56.0, 1.0, 35.0))
"""The central sulcus, on the right: at the top, at the knob of the hand, and at its lower end; reference mm."""

SYLVIAN_MM = ((-60.0, 24.0), (-31.0, 34.0), (23.0, 12.0), (50.0, 1.0))
"""(y, z) of points of the border above the temporal lobe, mm: the angular gyrus, the back and the front of the Sylvian
fissure, and a point on the same line before it."""

MEDIAL_MM = 15.0
"""Nearer to the mid-plane than this nothing belongs to the temporal lobe."""

OCCIPITAL_MM = ((9.0, -73.5, 42.0), (13.0, -49.0, 20.0), (46.0, -50.0, -1.0))
"""Both ends of the parieto-occipital sulcus, on the right, and the preoccipital notch; reference mm."""

CAPSULE_MM = 5
"""Gaps between deep grey structures up to twice this are filled: the inner capsule."""


def reference_atlas(anatomies: Sequence[Anatomy], intracranial: Mask) -> NDArray[np.uint8]:
    """Labels of `NAMES` (256, 256, 256) inside the skull of the reference head, 0 elsewhere; exactly symmetric.

    `intracranial` is the mask (256, 256, 256) of the space inside the skull.

    Raises:
        ValueError: there are no anatomies, or one lacks the brain structures.
    """
    voted = votes(anatomies)
    near = bounding_box(voted == DEEP, (2 * CAPSULE_MM,) * 3)
    deep = ndimage.binary_closing(voted[near] == DEEP, ball(CAPSULE_MM)) & (voted[near] == FRONTAL)
    voted[near][deep] = DEEP
    cerebrum = np.argwhere((voted == FRONTAL) & intracranial)
    voted[tuple(cerebrum.T)] = lobes(transform_points(grid_affine(), cerebrum))
    return np.where(intracranial, np.where(voted == 0, EXTRA_AXIAL, voted), 0).astype(np.uint8)


def votes(anatomies: Sequence[Anatomy]) -> NDArray[np.uint8]:
    """Label (256, 256, 256) of `GROUPS` that most anatomies and mirror images have at a voxel; 0 for none of them.

    Raises:
        ValueError: there are no anatomies.
    """
    if not anatomies:
        raise ValueError("an atlas needs one anatomy at least, got none")
    spread = np.array([brain_spread(anatomy) for anatomy in anatomies])
    table = np.zeros(TABLE_SIZE, dtype=np.uint8)
    for label, members in GROUPS.items():
        table[list(members)] = label
    found = np.stack(
        [table[on_grid(anatomy, spread.mean(axis=0) / own)] for anatomy, own in zip(anatomies, spread, strict=True)]
    )
    best, most = np.zeros((REFERENCE_SIZE,) * 3, np.uint8), np.zeros((REFERENCE_SIZE,) * 3, np.uint16)
    for label in (0, *GROUPS):
        one = (found == label).sum(axis=0, dtype=np.uint16)
        both = one + one[::-1]
        better = both > most
        best[better], most[better] = label, both[better]
    return best


def lobes(points_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Label (n,) of the lobe at places (n, 3) of the cerebrum, reference mm."""
    right = np.column_stack([np.abs(points_mm[:, 0]), points_mm[:, 1:]])
    fissure = np.interp(right[:, 1], *np.transpose(SYLVIAN_MM))
    found = np.where(side_of_plane(right, CENTRAL_MM, (0, 1, 0)) > 0, FRONTAL, PARIETAL)
    found[(right[:, 2] < fissure) & (right[:, 0] > MEDIAL_MM)] = TEMPORAL
    found[side_of_plane(right, OCCIPITAL_MM, (0, -1, 0)) > 0] = OCCIPITAL
    return found.astype(np.uint8)


def side_of_plane(
    points_mm: NDArray[np.float64], plane_mm: Sequence[Sequence[float]], towards: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Above 0 for places (n, 3) that lie on the side of a plane (three places of it) that a direction points to."""
    first, second, third = np.array(plane_mm)
    normal = np.cross(second - first, third - first)
    return np.asarray((points_mm - first) @ (normal * np.sign(normal @ np.array(towards))))


def ball(radius: int) -> Mask:
    """A ball of voxels as a mask (2 radius + 1, ...)."""
    axes = np.ogrid[tuple(slice(-radius, radius + 1) for _ in range(3))]
    return np.asarray(sum(axis**2 for axis in axes) <= radius**2)
