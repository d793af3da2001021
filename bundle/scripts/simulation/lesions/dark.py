"""Changes that darken the brain in its place: infarcts, fresh and old, and vasogenic oedema.

An *infarct* is a wedge: the brain of one side within a cone that opens from its apex beside the ventricles to the
surface, as the territory of an artery does. A *fresh* one (hours to days) loses the contrast between grey and white
matter, is 8-16 HU darker and swells slightly; an *old* one has turned into fluid, and the brain around it is drawn in.
*Vasogenic oedema* spreads through white matter only and spares cortex and nuclei, which leaves fingers.

HU after von Kummer et al., Radiology 205 (1997), where an infarct loses some 2.5 HU for each percent of water taken up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import Braincase, Mask, block_around, labelled
from ..anatomy.labels import LEFT_CEREBELLUM, LEFT_CEREBRUM, RIGHT_CEREBELLUM, RIGHT_CEREBRUM
from .bleeds import spread_squared
from .growth import Amount, Lesion, Volume, grow, lowest, smooth_noise, voxels
from .mass_effect import push

INFARCT_ML = (15.0, 150.0)
OLD_INFARCT_ML = (10.0, 90.0)
OEDEMA_ML = (10.0, 100.0)

INFARCT_DROP_HU = (8.0, 16.0)
"""By how much a fresh infarct is darker than the brain it lies in, on average."""

OEDEMA_DROP_HU = (8.0, 14.0)
"""By how much oedema is darker than white matter."""

OLD_HU = (5.0, 15.0)
"""HU of an old infarct."""

KEPT_CONTRAST = 0.3
"""Share of the contrast between grey and white matter that a fresh infarct keeps."""

TEXTURE_HU = 1.0
"""Standard deviation of the smooth unevenness of any of them."""

APEX_MM = ((12.0, 24.0), (-18.0, 18.0), (-6.0, 14.0))
"""Apex of an infarct from the centre of the brain: lateral, anterior, superior."""

AZIMUTH_DEG, ELEVATION_DEG = (-55.0, 60.0), (-10.0, 50.0)
"""Directions that an infarct may open to: see `Braincase.direction`."""

CEREBELLAR = {"left": LEFT_CEREBELLUM, "right": RIGHT_CEREBELLUM}

EDGE_MM, OLD_EDGE_MM, OEDEMA_EDGE_MM = 1.5, 0.8, 1.2
"""Blur of the edges of a fresh infarct, an old one, oedema."""


def infarct(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, amount: Amount) -> Lesion:
    """A fresh infarct in the cerebrum of `side`; see `lesions.plant_lesion`."""
    box, wedge, brain = _wedge(case, side, rng, amount)
    mean_hu = float(hu[box][wedge].mean())
    flat_hu = amount.hu + KEPT_CONTRAST * (hu[box] - mean_hu)
    return changed_tissue(hu, case, side, box, wedge, brain, flat_hu, EDGE_MM, amount.space_share, rng)


def old_infarct(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, amount: Amount) -> Lesion:
    """An old infarct in the cerebrum of `side`; see `lesions.plant_lesion`."""
    box, wedge, brain = _wedge(case, side, rng, amount)
    fluid_hu = np.full(wedge.shape, amount.hu, dtype=np.float32)
    return changed_tissue(hu, case, side, box, wedge, brain, fluid_hu, OLD_EDGE_MM, amount.space_share, rng)


def oedema(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, amount: Amount) -> Lesion:
    """Oedema in the white matter of `side`; see `lesions.plant_lesion`."""
    half = case.half_box(side)
    white = labelled(case.labels[half], (LEFT_CEREBRUM if side == "left" else RIGHT_CEREBRUM)[:1])
    offsets = case.offsets_mm(half)
    out = case.direction(side, rng.uniform(*AZIMUTH_DEG), rng.uniform(*ELEVATION_DEG))
    centre = rng.uniform(0.5, 0.75) * case.tables_mm(out)[0] * out
    axes = np.linalg.qr(rng.standard_normal((3, 3)))[0] * np.exp(rng.uniform(-0.25, 0.25, 3))
    away_mm = np.linalg.norm((offsets - centre) @ axes, axis=-1)
    away_mm *= 1 + 0.15 * smooth_noise(away_mm.shape, 14.0, case.spacing_mm, rng)
    swollen = grow(away_mm, white, voxels(amount.volume_ml, case.spacing_mm, white)) & white
    darker_hu = hu[half] - (float(hu[half][swollen].mean()) - amount.hu)
    return changed_tissue(hu, case, side, half, swollen, white, darker_hu, OEDEMA_EDGE_MM, amount.space_share, rng)


def brain_hu(hu: Volume, case: Braincase, side: str, kind: str) -> float:
    """Mean HU of the tissue that a change of a kind darkens, on `side`."""
    members: tuple[int, ...] = LEFT_CEREBRUM if side == "left" else RIGHT_CEREBRUM
    if kind == "cerebellar_infarct":
        members = CEREBELLAR[side]
    half = case.half_box(side)
    return float(hu[half][labelled(case.labels[half], members[:1] if kind == "oedema" else members)].mean())


def _wedge(
    case: Braincase, side: str, rng: np.random.Generator, amount: Amount
) -> tuple[tuple[slice, ...], Mask, Mask]:
    """A block of the grid, the brain in it that a cone of random direction cuts out, and all of that hemisphere."""
    half = case.half_box(side)
    brain = labelled(case.labels[half], LEFT_CEREBRUM if side == "left" else RIGHT_CEREBRUM)
    apex = np.array([rng.uniform(*place) for place in APEX_MM]) * (1 if side == "right" else -1, 1, 1)
    out = case.direction(side, rng.uniform(*AZIMUTH_DEG), rng.uniform(*ELEVATION_DEG))
    score = spread_squared(case.offsets_mm(half) - apex, out, 1.0, rng.uniform(0.6, 0.9))
    score *= 1 + 0.25 * np.clip(smooth_noise(score.shape, 15.0, case.spacing_mm, rng), -1.5, 1.5)
    wedge = lowest(score, brain, voxels(amount.volume_ml, case.spacing_mm, brain))
    return half, wedge, brain


def changed_tissue(
    hu: Volume,
    case: Braincase,
    side: str,
    box: tuple[slice, ...],
    changed: Mask,
    tissue: Mask,
    new_hu: NDArray[np.float32],
    edge_mm: float,
    space_share: float,
    rng: np.random.Generator,
) -> Lesion:
    """A head whose `tissue` becomes `new_hu` where it is `changed`, with soft edges, and which is pushed aside then."""
    part = block_around(changed, 6)
    box = tuple(slice(b.start + p.start, b.start + p.stop) for b, p in zip(box, part, strict=True))
    changed, tissue, new_hu, mm = changed[part], tissue[part], new_hu[part], case.spacing_mm
    around = np.maximum(ndimage.gaussian_filter(tissue.astype(np.float32), edge_mm / mm), 0.05)
    share = np.clip(ndimage.gaussian_filter(changed.astype(np.float32), edge_mm / mm) / around, 0, 1) * tissue
    painted, mask = hu.copy(), np.zeros(hu.shape, dtype=np.uint8)
    uneven = new_hu + TEXTURE_HU * smooth_noise(changed.shape, 6.0, mm, rng)
    painted[box] += (share * (uneven - painted[box])).astype(np.float32)
    mask[box] = changed
    painted, labels, mask, shift_mm = push(painted, case, side, box, space_share * changed, mask)
    return Lesion(painted, labels, mask, shift_mm)
