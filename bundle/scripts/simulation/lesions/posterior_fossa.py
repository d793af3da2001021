"""Lesions of the cerebellum: a bleed, and an infarct.

A *cerebellar bleed* lies deep in one hemisphere, as after hypertension, and has 3 to 35 ml; 15 ml are where surgeons
begin to operate (Kuramatsu et al., JAMA 322, 2019). It pushes within the posterior fossa. A *cerebellar infarct* takes
the territory of the posterior inferior artery, which is the lower back of one hemisphere, or that of the superior
cerebellar artery, its top (Osborn's Brain). It loses as many HU as one in the cerebrum does (`dark.py`).
"""

from __future__ import annotations

import numpy as np

from ..anatomy.braincase import Braincase, labelled
from .bleeds import clot, deep_voxel
from .dark import CEREBELLAR, EDGE_MM, KEPT_CONTRAST, changed_tissue
from .growth import Amount, Lesion, Volume, grow, smooth_noise, voxels

BLEED_ML, INFARCT_ML = (3.0, 35.0), (5.0, 35.0)

TERRITORIES = {"inferior": (0.3, -0.7, -1.0), "superior": (0.2, 0.0, 1.0)}
"""Where each artery's territory lies in a hemisphere: lateral, anterior, superior."""

ROUGHNESS = 0.15
"""Standard deviation of the noise on the distance from the middle of a territory, as a share of it."""


def cerebellar_bleed(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount) -> Lesion:
    """A bleed in the cerebellum of `side`; see `lesions.plant_lesion`.

    Raises:
        ValueError: the cerebellum holds less, or the label map holds none.
    """
    room = labelled(case.labels, CEREBELLAR[side])
    if not room.any():
        raise ValueError(f"the label map holds no cerebellum on the {side}")
    centre = deep_voxel(room, bleed.volume_ml, case.spacing_mm, rng)
    return clot(hu, case, side, rng, bleed, centre, room, swells=False)


def cerebellar_infarct(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, amount: Amount) -> Lesion:
    """An infarct in the cerebellum of `side`; see `lesions.plant_lesion`.

    Raises:
        ValueError: the cerebellum holds less, or the label map holds none.
    """
    half = case.half_box(side)
    room = labelled(case.labels[half], CEREBELLAR[side])
    if not room.any():
        raise ValueError(f"the label map holds no cerebellum on the {side}")
    offsets = case.offsets_mm(half)
    inside = offsets[room]
    toward = np.array(tuple(TERRITORIES.values())[int(rng.integers(len(TERRITORIES)))])
    toward *= (1 if side == "right" else -1, 1, 1)
    out = (inside - inside.mean(axis=0)) @ (toward / np.linalg.norm(toward))
    start = inside[out >= np.quantile(out, 0.97)].mean(axis=0)
    away_mm = np.linalg.norm(offsets - start, axis=-1)
    away_mm *= np.exp(ROUGHNESS * smooth_noise(away_mm.shape, 10.0, case.spacing_mm, rng))
    dead = grow(away_mm, room, voxels(amount.volume_ml, case.spacing_mm, room)) & room
    flat_hu = amount.hu + KEPT_CONTRAST * (hu[half] - float(hu[half][dead].mean()))
    return changed_tissue(hu, case, side, half, dead, room, flat_hu, EDGE_MM, amount.space_share, rng)
