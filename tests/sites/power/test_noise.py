from __future__ import annotations

import numpy as np
import pytest

from scripts.sites.power.noise import calm, noise_level


def test_the_level_is_that_of_the_noise_and_the_filter_takes_it_away_but_keeps_an_edge() -> None:
    head = np.full((40, 30, 30), 35, np.float32)
    head[20:] = 5  # fluid
    noisy = head + 4 * np.random.default_rng(0).standard_normal(head.shape).astype(np.float32)
    level = noise_level(noisy, np.ones(head.shape, bool))
    assert level == pytest.approx(4, rel=0.1)
    quiet = calm(noisy, level)
    assert quiet[3:14].std() < 1.5
    assert quiet[18].mean() - quiet[21].mean() > 22


def test_the_skull_does_not_disturb_what_lies_beside_it() -> None:
    head = np.full((30, 20, 20), 35, np.float32)
    head[20:] = 1200
    assert np.abs(calm(head, 4)[:16] - 35).max() < 0.5


def test_without_brain_there_is_no_level() -> None:
    with pytest.raises(ValueError, match="needs brain"):
        noise_level(np.zeros((5, 5, 5), np.float32), np.zeros((5, 5, 5), bool))
