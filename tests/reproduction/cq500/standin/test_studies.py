"""Series of a study: all of one head, at its place, each with what it is made for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_study import SEED, toy_study

from reproduction.cq500.standin.studies import (
    FIELD_MM,
    THIN_MM,
    Series,
    Study,
    averaged,
    bone,
    contrast,
    localizer,
    thick,
    thin,
    tilted,
)
from scripts.simulation.anatomy.labels import SINUS
from scripts.simulation.scanner.sampling import sample
from scripts.simulation.scanner.scan import PADDING_HU

pytestmark = pytest.mark.xdist_group("toy_study")


def labels_at(series: Series, labels: np.ndarray | None = None) -> np.ndarray:
    """Labels of the head at the voxels of a series."""
    head = toy_study().head
    i, j, k = (np.arange(size, dtype=np.float64) for size in series.hu.shape)
    matrix = np.linalg.inv(head.affine) @ series.affine
    shown = (head.labels if labels is None else labels).astype(np.float32)
    return sample(shown, matrix, (i, j, k), mode="nearest").astype(int)


def test_a_mean_of_slices_lies_in_their_middle() -> None:
    hu = np.arange(2 * 3 * 7, dtype=np.int16).reshape(2, 3, 7)
    hu[1, 2, 4] = PADDING_HU
    affine = np.diag([2.0, 2.0, 1.25, 1.0])
    affine[:3, 3] = 5, 6, 7
    mean, moved = averaged(hu, affine, 3)
    assert mean.shape == (2, 3, 2)
    assert mean[0, 1].tolist() == [8, 11], "means of 7, 8, 9 and of 10, 11, 12; 13 is left out"
    assert mean[1, 2, 1] == PADDING_HU, "unknown in part is unknown"
    np.testing.assert_allclose(moved @ (0, 0, 1, 1), affine @ (0, 0, 4, 1))
    np.testing.assert_allclose(moved[:3, 2], 3 * affine[:3, 2])


def test_the_thin_scan_has_the_field_and_the_slices_that_were_asked_for(study: Study, fine: Series) -> None:
    assert fine.hu.shape[:2] == (64, 64)
    np.testing.assert_allclose(np.linalg.norm(fine.affine[:3, :3], axis=0), [FIELD_MM / 64, FIELD_MM / 64, THIN_MM])
    assert fine.hu.shape[2] >= 100
    assert thin(study).hu is fine.hu, "scanned once"


def test_the_same_seed_gives_the_same_series(study: Study, fine: Series) -> None:
    again = Study(study.head, SEED, 64)
    for make in (thin, contrast, tilted):
        np.testing.assert_array_equal(make(again).hu, make(study).hu)
    assert not np.array_equal(thin(Study(study.head, SEED + 1, 64)).hu.shape, fine.hu.shape)


@pytest.mark.parametrize("make", [thin, thick, tilted, contrast, bone])
def test_every_series_shows_the_head_where_it_lies(make: object, study: Study) -> None:
    """Bone is bright and air dark at the places that the head's labels say."""
    series = make(study)  # type: ignore[operator]
    labels, known = labels_at(series), series.hu != PADDING_HU
    assert np.median(series.hu[np.isin(labels, (515, 516)) & known]) > 300
    assert np.median(series.hu[np.isin(labels, (2, 41)) & known]) == pytest.approx(30, abs=12)
    assert np.median(series.hu[(labels == 0) & known]) < -900


def test_thick_slices_are_less_noisy(study: Study, fine: Series) -> None:
    white = [series.hu[np.isin(labels_at(series), (2, 41))] for series in (fine, thick(study))]
    assert np.std(white[1]) < 0.75 * np.std(white[0])
    assert thick(study).thickness_mm == 5


def test_tilted_slices_lean_and_follow_the_table(study: Study) -> None:
    affine = tilted(study).affine
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    angle = np.degrees(np.arccos(normal[2] / np.linalg.norm(normal)))
    assert 8 <= angle <= 20
    np.testing.assert_allclose(affine[:2, 2], 0)


def test_contrast_agent_brightens_vessels_and_no_bone(study: Study) -> None:
    """A block of the right hemisphere counts as a sinus here, since the toy head has no vessels."""
    labels = study.head.labels.copy()
    labels[100:115, 100:115, 100:115] = SINUS
    with_sinus = Study(replace(study.head, labels=labels), SEED, 64)
    series, (before, affine) = contrast(with_sinus), averaged(with_sinus.thin.hu, with_sinus.thin.affine, 2)
    np.testing.assert_array_equal(series.affine, affine)
    gained, found = series.hu.astype(int) - before, labels_at(series, labels)
    assert np.median(gained[found == SINUS]) > 30
    assert np.abs(gained[(found == 515) & (before < 2500)]).mean() < 5
    assert 0 < np.median(gained[np.isin(found, (3, 42))]) < 15


def test_a_bone_reconstruction_is_sharper_and_says_so(study: Study, fine: Series) -> None:
    before, _ = averaged(fine.hu, fine.affine, 2)
    series = bone(study)
    assert series.kernel == "BONEPLUS"
    assert (
        np.abs(np.diff(series.hu.astype(int), axis=0)).mean() > 1.3 * np.abs(np.diff(before.astype(int), axis=0)).mean()
    )
    np.testing.assert_array_equal(series.hu == PADDING_HU, before == PADDING_HU)


def test_a_localizer_is_one_projection_from_the_front(study: Study, fine: Series) -> None:
    series = localizer(study)
    assert series.hu.shape == (64, fine.hu.shape[2], 1)
    assert series.attributes["ImageType"][2] == "LOCALIZER"
    np.testing.assert_allclose(series.hu[10, 20, 0], fine.hu[10, :, 20].mean(), atol=0.51)
    np.testing.assert_allclose(series.affine @ (3, 5, 0, 1), fine.affine @ (3, 31.5, 5, 1))
