"""What the page holds of scan and heatmap: the head, in 8 bits, at its place."""

from __future__ import annotations

import gzip
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from report_result import PEAK, SKULL_PEAK, SKULL_THRESHOLD, THRESHOLD, volumes

from scripts.geometry.affines import transform_points
from scripts.results.report import volumes as module
from scripts.results.report.volumes import (
    MARGIN_MM,
    TABLE_HU,
    TOP,
    Shown,
    Volumes,
    block_of,
    by_label,
    codes,
    cut_to_head,
    shown,
)
from scripts.volume import UNKNOWN_HU

SCORES = {"left_hemisphere": 1.0, "right_hemisphere": 9.0, "skull": 14.0}
CONTOURS = {"left_hemisphere": THRESHOLD, "right_hemisphere": THRESHOLD, "skull": SKULL_THRESHOLD}


def opened(content: bytes) -> tuple[Any, Any]:
    """Voxels and affine of a file."""
    image = nib.Nifti1Image.from_bytes(gzip.decompress(content))
    return np.asarray(image.dataobj), image.affine


def test_codes_are_the_nearest_hu() -> None:
    hu = np.arange(int(UNKNOWN_HU), 3000)
    nearest = np.abs(hu[:, None] - TABLE_HU).min(axis=1)
    np.testing.assert_array_equal(np.abs(hu - TABLE_HU[codes(hu)]), nearest)
    assert len(TABLE_HU) == 256
    assert (np.diff(TABLE_HU) > 0).all()
    brain = np.arange(-10, 91)
    np.testing.assert_array_equal(TABLE_HU[codes(brain)], brain)


def test_the_head_is_cut_out_and_nothing_of_it_is_lost() -> None:
    whole = volumes()
    padded = Volumes(
        np.pad(whole.scan, 20, constant_values=-1000),
        np.pad(whole.heatmap, 20),
        np.pad(whole.regions, 20),
        whole.affine @ np.array([[1, 0, 0, -20], [0, 1, 0, -20], [0, 0, 1, -20], [0, 0, 0, 1.0]]),
    )
    head = cut_to_head(padded)
    assert (np.array(head.scan.shape) <= np.array(whole.scan.shape) + 2 * MARGIN_MM).all()
    assert (head.scan > -300).sum() == (whole.scan > -300).sum()
    assert head.heatmap.sum() == pytest.approx(whole.heatmap.sum(), rel=1e-5)
    at = transform_points(head.affine, np.array([np.unravel_index(head.heatmap.argmax(), head.heatmap.shape)]))
    before = transform_points(whole.affine, np.array([np.unravel_index(whole.heatmap.argmax(), whole.heatmap.shape)]))
    np.testing.assert_allclose(at, before)


def test_heat_is_in_units_of_the_threshold_of_its_region() -> None:
    head = volumes()
    found = shown(head, SCORES, CONTOURS)
    heat, affine = opened(found.heat)
    assert (found.scaled, found.top, found.spacing_mm) == (True, TOP, (2.0, 2.0, 2.0))
    np.testing.assert_allclose(affine, head.affine)
    step = TOP / 255
    assert heat[head.regions == 2].max() == pytest.approx(head.heatmap[head.regions == 2].max() / THRESHOLD, abs=step)
    assert heat[head.regions == 2].max() == pytest.approx(PEAK / THRESHOLD, rel=0.1)
    assert heat[head.regions == 3].max() == pytest.approx(SKULL_PEAK / SKULL_THRESHOLD, rel=0.3)
    scan, _ = opened(found.scan)
    np.testing.assert_array_equal(scan, codes(head.scan))


def test_a_region_without_a_score_shows_no_heat() -> None:
    heat, _ = opened(shown(volumes(), {**SCORES, "right_hemisphere": None}, CONTOURS).heat)
    assert heat[volumes().regions == 2].max() == 0
    assert heat[volumes().regions == 3].max() > 1


def test_without_thresholds_the_heatmap_is_shown_as_it_is() -> None:
    found = shown(volumes(), SCORES, {})
    heat, _ = opened(found.heat)
    assert (found.scaled, found.top) == (False, 15.0)
    np.testing.assert_allclose(heat, volumes().heatmap, atol=15 / 255)


def test_factors() -> None:
    np.testing.assert_allclose(by_label(SCORES, CONTOURS), [0.4, 0.4, 0.4, 1 / 7], rtol=1e-6)
    np.testing.assert_allclose(by_label({"skull": 1.0}, {"skull": 5.0}), [0.2, 0, 0, 0.2], rtol=1e-6)
    np.testing.assert_allclose(by_label(SCORES, {}), [1, 1, 1, 1])


@pytest.mark.parametrize(
    ("spacing", "shape", "most", "block"),
    [
        ((0.5, 0.5, 1.0), (40, 40, 40), 64000, (1, 1, 1)),
        ((0.5, 0.5, 1.0), (40, 40, 40), 63999, (2, 2, 1)),
        ((0.5, 0.5, 1.0), (40, 40, 40), 9999, (4, 4, 2)),
        ((3.0, 0.4, 0.4), (40, 40, 40), 20000, (1, 2, 2)),
    ],
)
def test_the_smallest_voxels_are_averaged_first(
    spacing: tuple[float, ...], shape: tuple[int, ...], most: int, block: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_VOXELS", most)
    assert block_of(shape, np.diag([*spacing, 1.0])) == block


def test_averaged_voxels_stay_at_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VOXELS", 30_000)
    whole = volumes()
    skewed = Volumes(whole.scan, whole.heatmap, whole.regions, turned() @ whole.affine)
    found: Shown = shown(skewed, SCORES, CONTOURS)
    heat, affine = opened(found.heat)
    assert found.spacing_mm == (8.0, 8.0, 8.0)
    at = affine @ [*np.unravel_index(heat.argmax(), heat.shape), 1]
    brain = np.where(whole.regions == 2, whole.heatmap, 0)
    peak = skewed.affine @ [*np.unravel_index(brain.argmax(), brain.shape), 1]
    assert np.abs(np.linalg.inv(affine)[:3, :3] @ (at - peak)[:3]).max() <= 0.5 + 1e-6, "in the voxel that holds it"
    scan, _ = opened(found.scan)
    first = whole.scan[:4, :4, :4].mean()
    assert abs(float(TABLE_HU[int(scan[0, 0, 0])]) - first) <= 36


def turned() -> Any:
    """A turn of the world by 30 degrees about z, with a shift."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    return np.array([[c, -s, 0, 5], [s, c, 0, -3], [0, 0, 1, 2], [0, 0, 0, 1]])
