"""Measures of an image: noise and its grain on the scan's own grid, and the share of fluid, against what was drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from scripts.geometry.coordinates import grid_affine
from scripts.preprocessing.image_measures import (
    FINE_MM,
    PLACES,
    fluid_share,
    image_measures,
    inside_places,
    within_slice,
)
from scripts.preprocessing.transforms import MeasureImaged

SHAPE, SPACING_MM = (260, 260, 30), (0.5, 0.5, 4.0)
FLUID_FROM_MM = 20.0


@pytest.fixture(scope="module")
def regions() -> NDArray[np.uint8]:
    """Labels of two hemispheres that make a ball of 50 mm."""
    x, y, z = np.meshgrid(*[np.arange(256) - 127.5] * 3, indexing="ij", sparse=True)
    return np.where(x * x + y * y + z * z < 50**2, np.where(x < 0, 1, 2), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def registered() -> NDArray[np.float32]:
    """Brain of 32 HU, and fluid of 8 HU above a height."""
    hu = np.full((256, 256, 256), 32, np.float32)
    hu[:, :, grid_affine()[2, 3] + np.arange(256) > FLUID_FROM_MM] = 8
    return hu


def turned() -> NDArray[np.float64]:
    """A registration: 12 degrees about the vertical axis, and a shift."""
    angle, matrix = np.deg2rad(12), np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = 4, -3, 2
    return matrix


def noisy(sd: float, blur: float = 0.0, axes: tuple[int, ...] = (0, 1, 2)) -> tuple[NDArray[np.int16], Any]:
    """A scan of 32 HU with noise of a standard deviation, its slices along the last of `axes`, and its affine."""
    noise = np.random.default_rng(0).normal(size=SHAPE)
    if blur:
        noise = gaussian_filter(noise, (blur, blur, 0))
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = -np.array(SPACING_MM) * (np.array(SHAPE) - 1) / 2
    hu = np.rint(32 + sd * noise / noise.std()).astype(np.int16)
    return np.ascontiguousarray(hu.transpose(axes)), affine[:, [*axes, 3]]


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("sd", [1.5, 4.0, 9.0])
def test_white_noise_has_its_deviation_and_is_as_strong_in_neighbours(
    sd: float, axes: tuple[int, ...], regions: NDArray[np.uint8], registered: NDArray[np.float32]
) -> None:
    scan, affine = noisy(sd, axes=axes)
    found = image_measures(registered, regions, scan, affine, turned())
    assert found["noise_hu"] == pytest.approx(np.hypot(sd, 12**-0.5), rel=0.06)
    assert found["noise_grain"] == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("level", [20, 45])
def test_strong_noise_of_dark_and_bright_brains(
    level: int, regions: NDArray[np.uint8], registered: NDArray[np.float32]
) -> None:
    scan, affine = noisy(20.0)
    assert image_measures(registered, regions, scan + level - 32, affine, turned())["noise_hu"] == pytest.approx(
        20, rel=0.08
    )


def test_smooth_noise_is_less_in_neighbours(regions: NDArray[np.uint8], registered: NDArray[np.float32]) -> None:
    grains = []
    for blur in (0.5, 0.8, 1.2):
        scan, affine = noisy(5.0, blur)
        found = image_measures(registered, regions, scan, affine, turned())
        near, far = (1 - np.exp(-((steps / blur) ** 2) / 4) for steps in (1, 2))  # of a Gaussian correlation
        expected = np.sqrt(near + (FINE_MM / SPACING_MM[0] - 1) * (far - near))
        assert found["noise_grain"] == pytest.approx(expected, rel=0.1)
        grains.append(found["noise_grain"])
    assert grains == sorted(grains, reverse=True)


def test_the_grain_of_a_kernel_is_nearly_the_same_in_other_pixels(
    regions: NDArray[np.uint8], registered: NDArray[np.float32]
) -> None:
    grains = []
    for pixel_mm in (0.3, 0.4, 0.5):
        scan, affine = noisy(5.0, 0.5 / pixel_mm)
        affine[:2] *= pixel_mm / SPACING_MM[0]
        grains.append(image_measures(registered, regions, scan, affine, turned())["noise_grain"])
    assert max(grains) < 1.1 * min(grains)
    scan, affine = noisy(5.0)
    affine[:2] *= 0.7 / SPACING_MM[0]
    found = image_measures(registered, regions, scan, affine, turned())
    assert set(found) == {"noise_hu", "fluid_share"}, "in wide pixels grain is not measured"


@pytest.mark.parametrize(
    ("spacing", "axes"),
    [
        ((0.5, 0.5, 5.0), [0, 1]),
        ((3.0, 0.4, 0.4), [1, 2]),
        ((0.49, 0.49, 0.4), [0, 1]),
        ((0.4, 0.49, 0.49), [1, 2]),
        ((1.0, 1.0, 1.0), [0, 1]),
        ((0.5, 0.45, 1.0), [0, 1]),
    ],
)
def test_the_axes_of_a_slice(spacing: tuple[float, float, float], axes: list[int]) -> None:
    assert within_slice(np.array(spacing)) == axes


def test_noise_is_measured_where_the_registered_brain_lies(
    regions: NDArray[np.uint8], registered: NDArray[np.float32]
) -> None:
    """The brain lies 30 mm off the middle of the scan; elsewhere the noise is five times as strong."""
    scan, affine = noisy(4.0)
    there = np.array([30.0, 0.0, 0.0])
    sheared = affine.copy()
    sheared[1, 2] = 0.8  # slices that a tilted gantry shifts
    index = np.stack(np.meshgrid(*map(np.arange, scan.shape), indexing="ij"), axis=-1)
    world = index @ sheared[:3, :3].T + sheared[:3, 3]
    outside = np.linalg.norm(world - there, axis=-1) > 51
    scan[outside] = 32 + 5 * (scan[outside] - 32)
    matrix = turned()
    matrix[:3, 3] = -matrix[:3, :3] @ there  # from the scan to the reference, whose middle is that of the brain
    assert image_measures(registered, regions, scan, sheared, matrix)["noise_hu"] == pytest.approx(4, rel=0.07)
    assert image_measures(registered, regions, scan, sheared, np.linalg.inv(matrix))["noise_hu"] > 6


def test_a_border_through_the_brain_hardly_counts(regions: NDArray[np.uint8], registered: NDArray[np.float32]) -> None:
    scan, affine = noisy(4.0)
    scan[:, ::48] += 25  # a sheet of something brighter each 24 mm
    assert image_measures(registered, regions, scan, affine, turned())["noise_hu"] == pytest.approx(4, rel=0.15)


def test_fluid_is_what_lies_below_the_median(regions: NDArray[np.uint8], registered: NDArray[np.float32]) -> None:
    places = inside_places(regions)
    assert len(places) == PLACES
    height = 50 - FLUID_FROM_MM
    cap = np.pi * height**2 * (150 - height) / 3 / (4 / 3 * np.pi * 50**3)
    assert fluid_share(registered, places) == pytest.approx(cap, abs=0.015)
    assert fluid_share(registered + 15, places) == fluid_share(registered, places), "a brighter scan has no more fluid"
    cut = registered.copy()
    cut[:, :, :100] = -1024
    inside = places[places[:, 2] > 100]
    assert fluid_share(cut, places) == fluid_share(registered, inside), "the surface of a cut is no fluid"
    assert fluid_share(np.full_like(cut, -1024), places) is None


def test_what_can_t_be_measured_is_left_out(regions: NDArray[np.uint8], registered: NDArray[np.float32]) -> None:
    scan, affine = noisy(4.0)
    assert image_measures(registered, np.zeros_like(regions), scan, affine, turned()) == {}
    assert list(image_measures(registered, regions, np.full_like(scan, 1200), affine, turned())) == ["fluid_share"]
    even = np.full_like(scan, 32)
    assert list(image_measures(registered, regions, even, affine, turned())) == ["fluid_share"], "no noise has no grain"


def test_the_transform_adds_to_the_quality_and_leaves_its_input(
    regions: NDArray[np.uint8], registered: NDArray[np.float32]
) -> None:
    hu, affine = noisy(4.0)
    image = MetaTensor(torch.from_numpy(registered)[None], affine=torch.from_numpy(grid_affine()))
    image.meta["registration"] = {"matrix": turned().tolist(), "level": 0.8}
    scan = MetaTensor(torch.from_numpy(hu)[None], affine=torch.from_numpy(affine))
    data = {"image": image, "scan": scan, "regions": torch.from_numpy(regions)[None]}
    quality = MeasureImaged("image")(data)["image"].meta["registration"]
    expected = image_measures(registered, regions, hu, affine, turned())
    assert quality == {**image.meta["registration"], **expected}
    assert set(expected) == {"noise_hu", "noise_grain", "fluid_share"}
    assert set(image.meta["registration"]) == {"matrix", "level"}
    without = {"image": image, "regions": data["regions"]}
    assert MeasureImaged("image")(without)["image"] is image
