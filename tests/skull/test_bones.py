from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.person import sutures
from scripts.skull.bones import LANDMARKS_DEG, bone_of, direction


@pytest.mark.parametrize(
    ("azimuth", "elevation", "bone"),
    [
        (90, 20, "frontal bone, midline"),
        (70, 20, "frontal bone, right"),
        (125, 30, "frontal bone, left"),
        (10, 45, "parietal bone, right"),
        (200, 45, "parietal bone, left"),
        (270, 60, "parietal bone, midline"),
        (0, 2, "temporal bone, right"),
        (180, 5, "temporal bone, left"),
        (205, -8, "temporal bone, left"),
        (270, 5, "occipital bone, midline"),
        (285, -5, "occipital bone, right"),
        (250, 0, "occipital bone, left"),
    ],
)
def test_the_bone_and_the_side_of_a_direction(azimuth: float, elevation: float, bone: str) -> None:
    assert bone_of(direction(azimuth, elevation)) == bone
    assert bone_of(3.5 * direction(azimuth, elevation)) == bone


def test_a_place_beside_a_suture_lies_in_the_bone_on_its_side() -> None:
    bregma, pterion = (direction(*LANDMARKS_DEG[name]) for name in ("bregma", "pterion"))
    across = np.cross(bregma, pterion) / np.linalg.norm(np.cross(bregma, pterion))
    middle = (bregma + pterion) / np.linalg.norm(bregma + pterion)
    names = {bone_of(middle + side * 0.05 * across) for side in (-1, 1)}
    assert names == {"frontal bone, right", "parietal bone, right"}


def test_the_landmarks_are_those_of_simulated_sutures() -> None:
    """Both come from the same mean skull; the table stands here, too, since no scan needs the simulator."""
    assert {name: sutures.LANDMARKS_DEG[name] for name in LANDMARKS_DEG} == LANDMARKS_DEG
