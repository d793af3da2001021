from __future__ import annotations

import numpy as np
import pytest

from scripts.skull.atlas import atlas
from scripts.skull.unrolled import image, pixels


@pytest.mark.parametrize(
    ("direction", "row", "column"), [((0, 0, 1), 0, 0), ((0, 1, 1), -1, 0), ((1, 0, 1), 0, -1), ((-1, 0, 1), 0, 1)]
)
def test_front_is_up_and_the_right_is_on_the_left(direction: tuple[float, float, float], row: int, column: int) -> None:
    tables = atlas()
    out = np.array(direction) / np.linalg.norm(direction)
    shown = image(tables.fine @ out, tables)
    middle = (np.array(shown.shape) - 1) / 2
    peak = np.array(np.unravel_index(np.nanargmax(shown), shown.shape))
    np.testing.assert_array_equal(np.sign(np.rint((peak - middle) / 8)), (row, column))
    np.testing.assert_allclose(pixels(out[None])[0], peak, atol=4)


def test_nothing_is_shown_beyond_the_calvaria() -> None:
    shown = image(np.ones(len(atlas().fine)), atlas())
    assert np.isnan(shown[0, 0])
    assert np.nansum(shown) * 0.25 == pytest.approx(len(atlas().fine), rel=0.05)
