"""Shells of bone (see `shell_skull`) with noise, measured, and judged beside four healthy ones.

What several modules ask for is made once: the modules that use it are one group of pytest-xdist, "shell_skull".
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from shell_skull import Array, grid, shell, slanted, usual

from scripts.skull.assessment import Assessment, assess
from scripts.skull.atlas import atlas
from scripts.skull.calibration import cross_fitted, image_of
from scripts.skull.files import CLASSES, Calibration
from scripts.skull.measure import Skull, measure

Volume = NDArray[np.floating]


@lru_cache(maxsize=1)
def noise(seed: int, sd_hu: float) -> Array:
    """Noise (I, J, K), HU: the same for most scans of a module."""
    return np.random.default_rng(seed).normal(0, sd_hu, grid()[1].shape[:3])


def noisy(hu: Volume, seed: int = 9, sd_hu: float = 8.0) -> NDArray[np.float32]:
    """The shell with noise."""
    return np.asarray(hu + noise(seed, sd_hu), dtype=np.float32)


@cache
def calibration() -> Calibration:
    """What is usual among four healthy shells."""
    skulls = [measure(noisy(shell(), seed), grid()[0], slanted(), usual()) for seed in range(4)]
    found, scores = cross_fitted([image_of(one.maps, one.known, atlas()) for one in skulls], ["a", "b", "c", "d"])
    return Calibration(usual(), dict.fromkeys(CLASSES, found), dict.fromkeys(CLASSES, np.array(scores)))


def assessed(hu: Volume, sd_hu: float = 8.0) -> Assessment:
    """The shell with noise, judged; below -1500 HU nothing is known of it."""
    known = np.where(hu < -1500, np.float32(-2000), noisy(hu, sd_hu=sd_hu))
    found = assess(known, grid()[0], slanted(), calibration())
    assert np.isfinite(found.scores["score"])
    return found


@cache
def healthy() -> Assessment:
    """The shell without a line, a dent or a hole, judged."""
    return assessed(shell())


def measured(hu: Volume) -> Skull:
    """The shell with noise, measured."""
    return measure(hu.astype(np.float32) + noise(1, 8.0).astype(np.float32), grid()[0], slanted(), usual())


@cache
def healthy_skull() -> Skull:
    """The shell without a line, a dent or a hole, measured."""
    return measured(shell())
