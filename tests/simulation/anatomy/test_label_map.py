"""Preparing label maps: specks, holes, tissues that are added, the border, and centroids."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from toy_anatomy import raw_labels, toy_anatomy

from scripts.simulation.anatomy import labels as names
from scripts.simulation.anatomy.label_map import Anatomy, anatomy_paths, centroids, load_anatomy, prepare
from scripts.simulation.anatomy.labels import STRUCTURES


def test_the_border_is_air_and_below_it_nothing_is_known() -> None:
    labels = toy_anatomy().labels
    assert (labels[:, :, 0] == names.UNCOVERED).all()
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        assert (side[:, 1:] == names.AIR).all()
    assert (labels[:, :, -1] == names.AIR).all()
    assert (labels[:, :, 1] > 0).any()


def test_cropping_keeps_every_voxel_where_it_is() -> None:
    raw, affine = raw_labels()
    prepared = prepare(raw, affine)
    for label in (10, 49, 16):
        before, after = (
            np.argwhere(volume == label).mean(axis=0) @ a[:3, :3].T + a[:3, 3]
            for volume, a in ((raw, affine), (prepared.labels, prepared.affine))
        )
        np.testing.assert_allclose(after, before, atol=1e-9)


def test_specks_outside_the_head_go_and_holes_are_filled() -> None:
    raw, affine = raw_labels()
    raw[2, 2, 2] = names.CSF
    inside = tuple(np.argwhere(raw == 2)[1000])
    soft = np.argwhere(raw == 507)
    neck = tuple(np.median(soft[soft[:, 2] < soft[:, 2].min() + 8], axis=0).astype(int))
    raw[inside] = raw[neck] = names.AIR
    prepared = prepare(raw, affine)
    shift = np.rint(np.linalg.inv(prepared.affine) @ affine)[:3, 3].astype(int)
    assert prepared.labels[tuple(inside + shift)] == names.CSF
    assert prepared.labels[tuple(neck + shift)] == names.SOFT_TISSUE
    assert (prepared.labels > 0).sum() == (raw > 0).sum() - 1 + 2


def test_large_cavities_stay_air() -> None:
    raw, affine = raw_labels()
    middle = np.argwhere(raw == 16).mean(axis=0).round().astype(int)
    cavity = tuple(slice(m - 4, m + 4) for m in middle)
    raw[cavity] = names.AIR
    prepared = prepare(raw, affine)
    shift = np.rint(np.linalg.inv(prepared.affine) @ affine)[:3, 3].astype(int)
    assert prepared.labels[tuple(middle + shift)] == names.AIR


def test_the_falx_lies_in_the_middle_and_the_fat_around_the_eye() -> None:
    raw, affine = raw_labels()
    points = np.argwhere(raw == 507)
    eye = points[np.argmax(points[:, 1])]
    raw[tuple(eye)] = names.EYEBALL
    prepared = prepare(raw, affine)
    falx = prepared.labels == names.FALX
    x = np.argwhere(falx)[:, 0] * prepared.affine[0, 0] + prepared.affine[0, 3]
    assert len(x) > 100
    assert np.abs(x).max() < 4
    fat = np.argwhere(prepared.labels == names.ORBITAL_FAT)
    shift = np.rint(np.linalg.inv(prepared.affine) @ affine)[:3, 3].astype(int)
    distance = np.linalg.norm((fat - eye - shift) * 3.0, axis=1)
    assert len(fat) > 5
    assert distance.max() < 11


def test_centroids_agree_with_a_loop_and_are_nan_where_a_structure_is_missing() -> None:
    anatomy = toy_anatomy()
    labels = anatomy.labels.copy()
    labels[labels == 26] = 24
    found = centroids(labels, anatomy.affine)
    for row, label in enumerate(STRUCTURES):
        if label == 26:
            assert np.isnan(found[row]).all()
            continue
        voxels = np.argwhere(labels == label).mean(axis=0)
        np.testing.assert_allclose(found[row], anatomy.affine[:3, :3] @ voxels + anatomy.affine[:3, 3], atol=1e-9)


def test_the_points_of_a_structure_stand_for_it() -> None:
    anatomy = toy_anatomy()
    inverse = np.linalg.inv(anatomy.affine)
    for row, (label, points) in enumerate(zip(STRUCTURES, anatomy.structure_points, strict=True)):
        assert 0 < len(points) <= 200
        np.testing.assert_allclose(points.mean(axis=0), anatomy.centroids[row], atol=1e-9)
        voxels = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
        assert (anatomy.labels[tuple(voxels.T)] == label).mean() > 0.7


def test_what_is_no_label_map_is_refused() -> None:
    flat = np.zeros((4, 4), dtype=np.int16)
    with pytest.raises(ValueError, match=r"three axes, got shape \(4, 4\)"):
        Anatomy(flat, np.eye(4))
    with pytest.raises(ValueError, match=r"along \+R, \+A, \+S"):
        Anatomy(np.zeros((4, 4, 4), dtype=np.int16), np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(ValueError, match="empty"):
        prepare(np.zeros((4, 4, 4), dtype=np.int16), np.eye(4))


def test_the_orientation_of_the_file_does_not_matter(tmp_path: Path) -> None:
    labels, affine = raw_labels()
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "a.nii.gz")
    turned = nibabel.Nifti1Image(labels, affine).as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    nibabel.save(turned, tmp_path / "b.nii")
    first, second = (load_anatomy(path) for path in anatomy_paths(tmp_path))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_allclose(first.affine, second.affine, atol=1e-4)


def test_a_file_that_holds_no_label_map_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), 0.5, np.float32), np.eye(4)), tmp_path / "hu.nii.gz")
    with pytest.raises(ValueError, match=r"hu.nii.gz is not a label map"):
        load_anatomy(tmp_path / "hu.nii.gz")
    with pytest.raises(FileNotFoundError, match=r"no label map"):
        anatomy_paths(tmp_path / "nowhere")
