"""Rotations in a qform: what readers make of them is what was meant."""

from __future__ import annotations

from pathlib import Path

import itk
import nibabel as nib
import numpy as np
import pytest
from geometries import LPS, rotation
from nibabel.quaternions import mat2quat
from numpy.typing import NDArray

from scripts.files.nifti import nifti_bytes
from scripts.files.quaternions import ZERO_BELOW, off, rotation_of, stored_parts

Array = NDArray[np.float64]
HEAD_MM = 300.0
"""Distance from the first voxel to the far corner of a head's grid."""

ORDERS = {
    "LPS": LPS,
    "RAS": np.eye(3),
    "coronal": np.eye(3)[:, [1, 2, 0]],
    "PLI": np.array([[0, -1.0, 0], [-1, 0, 0], [0, 0, -1]]),
}


def quaternion(axes: Array) -> Array:
    found = np.asarray(mat2quat(axes))
    return found if found[0] >= 0 else -found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("degrees", [(0, 0, 0), (7, 0, 0), (0, 0.3, 0), (0, 0, -12), (12, -8, 15), (1e-4, 2e-4, 1e-4)])
def test_readers_make_the_rotation_that_was_meant(order: str, degrees: tuple[float, float, float]) -> None:
    axes = rotation(*degrees) @ ORDERS[order]
    parts = stored_parts(quaternion(axes))
    assert parts.dtype == np.float32
    assert off(parts, axes) * HEAD_MM < 0.01


def test_heads_that_are_pitched_a_little_are_where_they_were() -> None:
    rng = np.random.default_rng(0)
    pitched = [rotation(degrees, 0, 0) @ LPS for degrees in rng.normal(0, 5, 40)]
    assert max(off(stored_parts(quaternion(axes)), axes) for axes in pitched) * HEAD_MM < 0.01
    plain = max(off(quaternion(axes)[1:].astype(np.float32), axes) for axes in pitched)
    assert plain * HEAD_MM > 0.05, "negative control: by rounding alone"


def test_no_rotation_is_off_by_more_than_what_the_readers_take_as_zero() -> None:
    rng = np.random.default_rng(0)
    turned = [rotation(*rng.normal(0, spread, 3)) @ LPS for spread in (0.01, 0.1, 1, 10) for _ in range(20)]
    worst = max(off(stored_parts(quaternion(axes)), axes) for axes in turned)
    assert worst < 2.2 * np.sqrt(max(ZERO_BELOW))


def test_the_two_rules_of_readers() -> None:
    parts = np.array([0, 0, np.sqrt(1 - 5e-8)])
    np.testing.assert_array_equal(rotation_of(parts, 1e-7), LPS)
    assert np.abs(rotation_of(parts, 0.0) - LPS).max() > 1e-4


@pytest.mark.parametrize("mirrored", [False, True])
def test_sform_and_qform_of_a_file_say_the_same_and_itk_reads_it(mirrored: bool, tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation(7, 0, 0) @ LPS @ np.diag([0.45, 0.45, -1.25 if mirrored else 1.25])
    affine[:3, 3] = 110, 120, -40
    path = tmp_path / "volume.nii.gz"
    path.write_bytes(nifti_bytes(np.zeros((4, 5, 6), np.uint8), affine))
    header = nib.load(path).header
    np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-6)
    np.testing.assert_allclose(header.get_sform(), affine, atol=1e-6)
    image = itk.imread(str(path))
    axes = np.asarray(image.GetDirection()) * np.asarray(image.GetSpacing())
    np.testing.assert_allclose(LPS @ axes, affine[:3, :3], atol=1e-6)
