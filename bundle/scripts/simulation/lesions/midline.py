"""Lesions in the middle of the head: of the corpus callosum, the third ventricle, the midline cisterns and the pons.

They grow around a voxel at the mid-plane (`bleeds.clot`), so that both halves of the head have their part and a
comparison of left with right sees little of them.

The *corpus callosum* is not labelled: it is the white matter within `CALLOSAL_MM` of the mid-plane. A bleed in it
spreads along its fibres to both sides. A *butterfly glioma* is a glioblastoma that has crossed it: a tumour in the
white matter of both hemispheres, and darker (Dziurzynski et al., J Neurooncol 109, 2012). A *colloid cyst* sits at the
front of the roof of the third ventricle, is round, 5 to 25 mm wide, and mostly denser than brain (Armao et al.,
Radiographics 20, 2000). A *midline cyst* holds fluid like CSF: between the lateral ventricles (cavum septi pellucidi),
above the sella, or behind the third ventricle over the quadrigeminal plate (Osborn's Brain). A *pontine* bleed, after
hypertension, lies in the thickest part of the brain stem and has 1 to 12 ml; larger ones are hardly survived.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import MIDDLE, Braincase, Mask, block_around, labelled
from ..anatomy.labels import BRAIN_STEM, LEFT_CEREBRUM, RIGHT_CEREBRUM, THIRD_VENTRICLE
from .bleeds import BLOOD_TEXTURE_HU, WHITE, clot
from .growth import Amount, Lesion, Volume

CALLOSAL_ML = (4.0, 30.0)
GLIOMA_ML, GLIOMA_HU = (10.0, 60.0), (14.0, 23.0)
COLLOID_ML, COLLOID_HU = (0.5, 8.0), (45.0, 75.0)
MIDLINE_CYST_ML, MIDLINE_CYST_HU = (5.0, 40.0), (2.0, 12.0)
PONTINE_ML = (1.0, 12.0)

CALLOSAL_MM = 1.5
"""Greatest distance from the mid-plane of the voxels that stand for the corpus callosum."""

ALONG_FIBRES = (1.6, 0.9, 0.9)
"""What crosses the corpus callosum is this much longer along +R, +A and +S than a ball."""

CAVUM = (0.8, 1.3, 0.9)
"""The same of a cyst between the lateral ventricles."""

CYST_PLACES_MM = {"suprasellar": (0.0, 10.0, -14.0), "quadrigeminal": (0.0, -32.0, -4.0)}
"""Middle of the cysts from that of the third ventricle, along +R, +A and +S; a third place is the septum."""

SHARE_OF_DEPTH = 0.8
"""A pontine bleed starts at least this deep in the brain stem, as a share of where it is deepest."""


def callosal_bleed(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount) -> Lesion:
    """A bleed in the corpus callosum with its oedema; see `lesions.plant_lesion`."""
    cerebrum = labelled(case.labels, LEFT_CEREBRUM + RIGHT_CEREBRUM)
    return clot(hu, case, side, rng, bleed, _callosal_voxel(case, rng), cerebrum, stretch=ALONG_FIBRES)


def butterfly_glioma(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, tumour: Amount) -> Lesion:
    """A dark tumour of the white matter on both sides; see `lesions.plant_lesion`."""
    white = labelled(case.labels, WHITE)
    return clot(hu, case, side, rng, tumour, _callosal_voxel(case, rng), white, stretch=ALONG_FIBRES)


def colloid_cyst(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, cyst: Amount) -> Lesion:
    """A cyst in the front of the third ventricle's roof; see `lesions.plant_lesion`."""
    inside = _points(case.labels == THIRD_VENTRICLE, "third ventricle")
    front = inside[inside[:, 1] >= np.quantile(inside[:, 1], 0.6)]
    roof = front[front[:, 2] >= np.quantile(front[:, 2], 0.6)]
    return _cyst(hu, case, side, rng, cyst, np.rint(roof.mean(axis=0)).astype(np.int64), None)


def midline_cyst(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, cyst: Amount) -> Lesion:
    """A cyst between the ventricles, above the sella or behind the third ventricle; see `lesions.plant_lesion`."""
    place = ("cavum", *CYST_PLACES_MM)[int(rng.integers(1 + len(CYST_PLACES_MM)))]
    if place == "cavum":
        centre_mm = case.centre_mm + case.septum_mm
    else:
        third = _points(case.labels == THIRD_VENTRICLE, "third ventricle").mean(axis=0)
        centre_mm = third * case.spacing_mm + CYST_PLACES_MM[place]
    centre = np.rint(centre_mm / case.spacing_mm).astype(np.int64)
    return _cyst(hu, case, side, rng, cyst, centre, CAVUM if place == "cavum" else None)


def pontine_bleed(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount) -> Lesion:
    """A bleed in the thickest part of the brain stem; see `lesions.plant_lesion`."""
    stem = case.labels == BRAIN_STEM
    _points(stem, "brain stem")
    box = block_around(stem, 2)
    depth_mm = ndimage.distance_transform_edt(stem[box], sampling=case.spacing_mm)
    deep = np.argwhere(depth_mm >= SHARE_OF_DEPTH * depth_mm.max())
    centre = deep[rng.integers(len(deep))] + [part.start for part in box]
    return clot(hu, case, side, rng, bleed, centre, stem, swells=False)


def _cyst(
    hu: Volume,
    case: Braincase,
    side: str,
    rng: np.random.Generator,
    cyst: Amount,
    centre: NDArray[np.int64],
    stretch: tuple[float, float, float] | None,
) -> Lesion:
    """A cyst anywhere inside of the skull, even and without oedema."""
    return clot(
        hu,
        case,
        side,
        rng,
        cyst,
        centre,
        case.intracranial,
        swells=False,
        stretch=stretch,
        texture_hu=BLOOD_TEXTURE_HU / 5,
    )


def _callosal_voxel(case: Braincase, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random voxel (3,) of the corpus callosum, its front and back ends as likely as its body.

    Raises:
        ValueError: no white matter lies at the mid-plane.
    """
    box = case.half_box(MIDDLE)
    near = np.abs(case.lateral_mm(case.offsets_mm(box), "right")) <= CALLOSAL_MM
    white = np.zeros(case.labels.shape, dtype=bool)
    white[box] = near & labelled(case.labels[box], WHITE)
    found = _points(_largest(white), "white matter at the mid-plane")
    low, high = found[:, 1].min(), found[:, 1].max()
    slab = np.abs(found[:, 1] - rng.uniform(low, high)) <= max(2, 3 / case.spacing_mm[1])
    chosen = found[slab] if slab.any() else found
    voxel: NDArray[np.int64] = chosen[rng.integers(len(chosen))]
    return voxel


def _largest(mask: Mask) -> Mask:
    """The largest connected piece."""
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    largest: Mask = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]) if count else mask
    return largest


def _points(mask: Mask, name: str) -> NDArray[np.int64]:
    """Voxels (n, 3) of a structure.

    Raises:
        ValueError: there is none.
    """
    found = np.argwhere(mask)
    if not len(found):
        raise ValueError(f"the label map holds no {name}, where this lesion lies")
    return found
