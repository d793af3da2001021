"""The quality of a pose: what is measured at it, by name. `verdict` judges it, and `result.json` holds it as it is."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class PoseQuality(TypedDict):
    """How well the pose fits, see `checks`; shares and correlations as fractions."""

    ncc: float
    symmetry: float
    bone_distance_mm: float
    overlap: float
    rotation_deg: float
    scale: float


class HeadQuality(TypedDict):
    """What lies at the pose, see `plausibility`; the brain in view is a share, the distortion 1 or more."""

    tipped_deg: float
    brain_in_view: float
    brain_hu: float
    intracranial_ml: float
    distortion: float


class Quality(PoseQuality, HeadQuality):
    """All of it, with level and peak of the brain (see `brain_level`) and, of a coarse network, its agreement."""

    level: float
    peak: float
    inlier_fraction: NotRequired[float]
