"""The reference head of a tiny population: symmetric, repeatable, with regions and masks where they belong."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from poses import pose
from toy_anatomy import CENTRE_MM, toy_anatomy

from scripts.assets import asset
from scripts.geometry.coordinates import grid_affine
from scripts.simulation.person import population
from scripts.simulation.person.population import Population

MIDDLE = tuple(np.rint(CENTRE_MM + 127.5).astype(int))
SWAP = np.array([0, 2, 1, 3], dtype=np.uint8)


@pytest.fixture(scope="module")
def heads() -> Population:
    return population.mean_population([toy_anatomy(), toy_anatomy(pose((9, 3, -5), (4, 2, 1)))])


@pytest.fixture(scope="module")
def regions(heads: Population) -> np.ndarray:
    return population.reference_regions(heads)


def test_the_mean_head_is_exactly_symmetric(heads: Population) -> None:
    hu = population.reference_hu(heads)
    assert hu.dtype == np.int16
    np.testing.assert_array_equal(hu, hu[::-1])
    assert 0 < hu[MIDDLE] < 60
    assert hu[0, 0, 0] == -1000
    assert hu.max() > 700


def test_heads_in_other_poses_are_brought_together(heads: Population) -> None:
    sharp = (heads.inside > 0.95) | (heads.inside < 0.05)
    assert sharp.mean() > 0.98
    assert (heads.inside > 0.95).sum() > 1_000_000


def test_left_is_left_and_the_regions_mirror_each_other(regions: np.ndarray) -> None:
    assert regions.dtype == np.uint8
    assert regions[MIDDLE[0] - 30, MIDDLE[1], MIDDLE[2]] == 1
    assert regions[MIDDLE[0] + 30, MIDDLE[1], MIDDLE[2]] == 2
    assert set(np.unique(regions[:128])) == {0, 1, 3}
    np.testing.assert_array_equal(SWAP[regions[::-1]], regions)


def test_the_skull_surrounds_the_brain_and_not_the_neck(regions: np.ndarray) -> None:
    along = regions[:, MIDDLE[1], MIDDLE[2]]
    assert 3 in along[:64]
    assert along[np.flatnonzero(along)[0]] == 3
    assert not regions[:, :, :60].any()
    lowest = [np.flatnonzero((regions == label).any(axis=(0, 1)))[0] for label in (1, 3)]
    assert lowest[1] >= lowest[0]


def test_the_masks_nest(heads: Population, regions: np.ndarray) -> None:
    masks = population.reference_masks(heads)
    np.testing.assert_array_equal(masks, masks[::-1])
    head, inside = (masks & bit > 0 for bit in (population.HEAD_BIT, population.INTRACRANIAL_BIT))
    assert not (inside & ~head).any()
    np.testing.assert_array_equal(inside, (regions == 1) | (regions == 2))


def test_an_empty_population_and_one_without_a_skull_are_refused() -> None:
    with pytest.raises(ValueError, match="one anatomy at least"):
        population.mean_population([])
    nothing = np.zeros((256, 256, 256), dtype=np.float32)
    with pytest.raises(ValueError, match="no space inside the skull"):
        _ = Population(nothing, nothing, nothing, nothing).intracranial


@pytest.mark.parametrize("name", ["reference", "regions", "reference_masks"])
def test_the_shipped_files_lie_on_the_reference_grid_and_are_symmetric(name: str) -> None:
    path = Path(asset(f"models/{name}.nii.gz"))
    image = nibabel.load(path)
    volume = np.asarray(image.dataobj)
    assert volume.shape == (256, 256, 256)
    assert volume.dtype == (np.int16 if name == "reference" else np.uint8)
    np.testing.assert_allclose(image.affine, grid_affine())
    mirror = SWAP[volume[::-1]] if name == "regions" else volume[::-1]
    np.testing.assert_array_equal(mirror, volume)
    assert path.stat().st_size < 8e6
