"""The same kind on both sides, drawn apart or mirrored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harder_head import HU, LABELS, LEFT, plant, volume_ml
from toy_head import SPACING_MM

from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import plant_lesion

KINDS = ("subdural", "intraparenchymal", "infarct", "epidural", "cerebellar_bleed")


def dice_with_mirror_image(mask: np.ndarray) -> float:  # type: ignore[type-arg]
    inside = mask == 1
    return float(2 * (inside & inside[::-1]).sum() / (2 * inside.sum()))


@pytest.mark.parametrize("kind", KINDS)
def test_each_side_has_the_volume(kind: str) -> None:
    for mirrored in (False, True):
        mask = plant(kind, "both", 2, volume_ml=12.0, mirrored=mirrored).mask
        for side in (LEFT, ~LEFT):
            assert volume_ml(mask * side) == pytest.approx(12, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_mirrored_ones_are_mirror_images(kind: str) -> None:
    """The toy head is its own mirror image."""
    assert dice_with_mirror_image(plant(kind, "both", 2, volume_ml=12.0, mirrored=True).mask) > 0.8
    apart = [dice_with_mirror_image(plant(kind, "both", seed, volume_ml=12.0).mask) for seed in range(2, 5)]
    assert min(apart) < 0.75


def test_the_left_one_is_that_of_the_seed_and_the_right_one_that_of_the_second_stream() -> None:
    def planted(side: str, seed: int, hu: Any = HU, **more: Any) -> Lesion:
        rng = np.random.default_rng(seed)
        return plant_lesion(hu, LABELS, SPACING_MM, "subdural", side, rng, space_share=0.0, **more)

    both = planted("both", 7, second=np.random.default_rng(8))
    left = planted("left", 7)
    right = planted("right", 8, left.hu)
    np.testing.assert_array_equal(both.hu, right.hu)
    np.testing.assert_array_equal(both.mask, np.maximum(left.mask, right.mask))


def test_what_is_on_one_side_can_t_be_mirrored() -> None:
    with pytest.raises(ValueError, match="only lesions on both sides can be mirrored, got the side 'left'"):
        plant("subdural", "left", mirrored=True)
