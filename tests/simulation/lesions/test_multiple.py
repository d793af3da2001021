"""Several fractures at once: as many as asked for, apart from one another."""

from __future__ import annotations

import numpy as np
import pytest
from broken_head import broken
from scipy import ndimage
from toy_head import SPACING_MM

from scripts.simulation.lesions.multiple import APART_MM, COUNT


def groups(mask: np.ndarray) -> int:
    """Pieces of a mask, where what is less than `APART_MM` apart is one."""
    near = ndimage.distance_transform_edt(mask != 1, sampling=SPACING_MM) < APART_MM / 2
    return int(ndimage.label(near)[1])


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_there_are_as_many_as_asked_for(count: int) -> None:
    for seed in range(2):
        assert groups(broken("multiple_fractures", seed, count=count).mask) == count


def test_their_number_is_drawn() -> None:
    """Seeds whose first number is each of the range."""
    for seed, count in ((0, 4), (1, 3), (11, 2)):
        assert COUNT[0] <= count <= COUNT[1]
        assert groups(broken("multiple_fractures", seed).mask) == count


def test_more_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="40 fractures do not fit on the right 12 mm apart: ask for fewer"):
        broken("multiple_fractures", 0, count=40)
