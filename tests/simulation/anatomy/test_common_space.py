"""The rigid fit, the mirror and the table of mean centroids."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from mean_centroids import mean_centroids, mirrored
from poses import pose

from scripts.geometry.affines import transform_points
from scripts.simulation.anatomy import common_space
from scripts.simulation.anatomy.common_space import MEAN_CENTROIDS
from scripts.simulation.anatomy.label_map import centroids


def test_a_known_pose_is_found_also_with_a_structure_missing() -> None:
    true = pose((20, -7, 12), (5, -30, 11))
    moved = transform_points(np.linalg.inv(true), MEAN_CENTROIDS)
    moved[3] = np.nan
    np.testing.assert_allclose(common_space.to_reference(moved), true, atol=1e-9)


def test_a_fit_never_mirrors() -> None:
    flipped = MEAN_CENTROIDS * (-1, 1, 1)
    assert np.linalg.det(common_space.to_reference(flipped)[:3, :3]) == pytest.approx(1)


def test_too_few_points_are_refused() -> None:
    points = np.full((29, 3), np.nan)
    points[:2] = 1
    with pytest.raises(ValueError, match="three pairs of points, got 2"):
        common_space.to_reference(points)


def test_the_table_is_its_own_mirror_image_and_left_is_negative() -> None:
    np.testing.assert_array_equal(mirrored(MEAN_CENTROIDS), MEAN_CENTROIDS)
    assert MEAN_CENTROIDS[0, 0] < 0 < MEAN_CENTROIDS[1, 0]


def test_the_mean_of_moved_copies_is_the_copy() -> None:
    heads = [transform_points(pose(a, (9, 1, 3)), MEAN_CENTROIDS) for a in ((0, 0, 0), (25, 3, -8))]
    mean = mean_centroids(heads)
    fitted = transform_points(common_space.rigid_fit(mean, MEAN_CENTROIDS), mean)
    np.testing.assert_allclose(fitted, MEAN_CENTROIDS, atol=1e-6)
    np.testing.assert_allclose(mirrored(mean), mean, atol=1e-9)


def test_the_table_comes_from_the_training_anatomies(shared_data: Path) -> None:
    paths = [shared_data / "anatomies" / f"head_{number:02d}.nii.gz" for number in range(1, 9)]
    images = [nibabel.as_closest_canonical(nibabel.load(path)) for path in paths]
    heads = [centroids(np.asarray(image.dataobj).astype(np.int16), image.affine) for image in images]
    np.testing.assert_allclose(mean_centroids(heads), MEAN_CENTROIDS, atol=0.05)
