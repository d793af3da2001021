"""The pattern search on functions whose peak is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.registration.pattern_search import pattern_search

PEAK = np.array([1.3, -0.4])
FREE = np.array([[-np.inf, -np.inf], [np.inf, np.inf]])


def hill(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (...) of places (..., 2): a hill that is longer than it is wide."""
    return -(((places - PEAK) * [1, 3]) ** 2).sum(axis=-1)


@pytest.mark.parametrize(("parabolas", "accuracy"), [(True, 1e-9), (False, 2e-3)])
def test_every_start_comes_to_the_peak(parabolas: bool, accuracy: float) -> None:
    starts = np.array([[0.0, 0.0], [2.0, 0.5]])
    places, values = pattern_search(hill, starts, np.array([0.5, 0.5]), FREE, 40, parabolas)
    np.testing.assert_allclose(places, [PEAK, PEAK], atol=accuracy)
    np.testing.assert_array_equal(values, hill(places))
    assert starts.tolist() == [[0, 0], [2, 0.5]], "the starts stay as they were"


def test_no_parameter_leaves_its_bounds() -> None:
    bounds = np.array([[-1.0, -np.inf], [1.0, np.inf]])
    places, _ = pattern_search(hill, np.zeros((1, 2)), np.array([0.5, 0.5]), bounds, 40)
    np.testing.assert_allclose(places, [[1.0, -0.4]], atol=1e-6)


def test_it_ends_when_small_steps_improve_nothing() -> None:
    asked = []

    def counted(places: NDArray[np.float64]) -> NDArray[np.float64]:
        asked.append(places)
        return -np.abs(places).sum(axis=-1)

    pattern_search(counted, np.zeros((1, 2)), np.ones(2), FREE, 40, False, 0.3)
    assert [float(np.abs(places).max()) for places in asked] == [0, 1, 0.5, 0.25]
