"""Plants a lesion of the simulator into a registered healthy scan.

The lesion grows in the scan's own label map (`tissue`) by the simulator's code, in the *calm* scan (`noise`). What it
changes there is a *change*, HU to add: brain that is pushed aside (mass effect), and the lesion itself. The lesion's
part of it goes through the scan's slices (`through_slices`), so that its edges are as soft as those of the scan. The
rest is brain that the scan has blurred already. The change is added to the scan, whose noise stays where it is: its
grain goes through the lesion and over its edge.

Beside the skull, voxels hold a share of bone. There the calm scan is held down to that of brain, so that the share of
bone stays on the scan, above the lesion.

HU of blood and fluid are those that the simulator draws, on the scan's own scale: they are moved by as much as the
median of its brain differs from the usual one. Changes of brain are relative to the brain of the scan anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.coordinates import grid_affine
from ...simulation.anatomy.braincase import labelled
from ...simulation.anatomy.labels import BONE, BRAIN, SINUS
from ...simulation.lesions.bleeds import BLOOD_HU
from ...simulation.lesions.planting import DROPS_HU, HU, plant_lesion
from .noise import calm, noise_level
from .plan import Wish
from .through_slices import through_slices
from .tissue import Tissue, tissue_of

SPACING_MM = float(grid_affine()[0, 0])

BRAIN_HU = 33.0
"""Median of the brain that the simulator's HU of lesions are for."""

EDGE_MM = 1.5
"""Width over which the lesion's part of the change becomes that of the brain around it, which is only pushed."""

RIM_MM, RIM_HU = 3.0, 6.0
"""Within so far of bone, what is brighter than the median of the brain by more than this is the share of bone."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ground:
    """A registered healthy scan, ready to be planted into.

    Attributes:
        hu: (256, 256, 256), HU.
        head: its foreground in the field of view, of that shape.
        tissue: its label map, on a block.
        calm: the scan without its noise and without shares of bone, on that block.
        noise_hu: standard deviation of the noise.
        shape: of the scan on its own grid.
        affine: of that grid (4, 4), scan mm.
        matrix: registration (4, 4), scan mm to reference mm.
    """

    hu: Volume
    head: Mask
    tissue: Tissue
    calm: Volume
    noise_hu: float
    shape: tuple[int, ...]
    affine: Array
    matrix: Array


@dataclass(frozen=True, eq=False)
class Planted:
    """A scan with a lesion.

    Attributes:
        hu: (256, 256, 256), HU.
        mask: of that shape: the lesion, without the swelling around it.
        contrast_hu: by how much the lesion is brighter than the median of the brain, in the mean; negative if darker.
        midline_mm: by how much it shifts the midline.
    """

    hu: Volume
    mask: Mask
    contrast_hu: float
    midline_mm: float

    @property
    def volume_ml(self) -> float:
        """Volume of the lesion."""
        return float(self.mask.sum()) * SPACING_MM**3 / 1000


def ground_of(
    hu: Volume,
    head: Mask,
    regions: NDArray[np.uint8],
    atlas: NDArray[np.uint8],
    shape: tuple[int, ...],
    affine: Array,
    matrix: Array,
) -> Ground:
    """The ground of a registered scan; the arguments are those of `Ground`, and `tissue_of`.

    Raises:
        ValueError: it shows no brain on one side.
    """
    tissue = tissue_of(hu, head, regions, atlas)
    brain, block = labelled(tissue.labels, BRAIN), hu[tissue.box]
    noise_hu = noise_level(block, brain)
    quiet = calm(block, noise_hu)
    bone = np.isin(tissue.labels, (*BONE, SINUS))
    rim = ndimage.distance_transform_edt(~bone) <= RIM_MM / SPACING_MM if bone.any() else bone
    quiet[rim] = np.minimum(quiet[rim], np.float32(tissue.brain_hu + RIM_HU))
    return Ground(hu, head, tissue, quiet, noise_hu, shape, affine, matrix)


def planted(ground: Ground, wish: Wish, space_share: float | None = None) -> Planted:
    """The scan with the lesion that is wished for; the same wish gives the same bytes.

    Args:
        ground: the healthy scan.
        wish: kind, side, volume and seed.
        space_share: the share of its volume by which the lesion pushes the brain aside; drawn if not given.

    Raises:
        ValueError: it does not fit.
    """
    rng, tissue = np.random.default_rng(wish.seed), ground.tissue
    lesion_hu = None
    if wish.kind not in DROPS_HU:
        lesion_hu = float(rng.uniform(*HU.get(wish.kind, BLOOD_HU))) + tissue.brain_hu - BRAIN_HU
    lesion = plant_lesion(
        ground.calm,
        tissue.labels,
        SPACING_MM,
        wish.kind,
        wish.side,
        rng,
        volume_ml=wish.volume_ml,
        lesion_hu=lesion_hu,
        space_share=space_share,
    )
    hu = with_change(ground, lesion.hu - ground.calm, lesion.mask > 0)
    mask = np.zeros(hu.shape, bool)
    mask[tissue.box] = lesion.mask == 1
    if not mask.any():
        raise ValueError("nothing of the lesion lies inside the scan")
    return Planted(hu, mask, float(hu[mask].mean()) - tissue.brain_hu, lesion.midline_mm)


def with_change(ground: Ground, change: Volume, lesion: Mask) -> Volume:
    """The scan (256, 256, 256) with a change, whose part at the lesion goes through the scan's slices; on the block."""
    near = ndimage.binary_dilation(lesion, iterations=2)
    own = np.clip(ndimage.gaussian_filter(near.astype(np.float32), EDGE_MM / SPACING_MM), 0, 1)
    sliced = through_slices(own * change, ground.tissue.box, ground.shape, ground.affine, ground.matrix)
    hu = ground.hu.copy()
    block = hu[ground.tissue.box]
    block += np.where(ground.head[ground.tissue.box], (1 - own) * change + sliced, np.float32(0)).astype(np.float32)
    return hu
