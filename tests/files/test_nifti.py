"""`nifti_bytes`: what is written is what other readers read, and always the same bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scripts.files.nifti import MAP_LEVEL, nifti_bytes
from scripts.geometry.affines import is_sheared

TILT = np.deg2rad(18.5)
AFFINES = {
    "identity": np.eye(4),
    "flipped and permuted": np.array([[0, -0.5, 0, 90], [0, 0, -2.0, 40], [0.7, 0, 0, -30], [0, 0, 0, 1]]),
    "oblique": np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, -2], [0, 0, 3, 10], [0, 0, 0, 1]]),
    "tilted gantry": np.array([[-0.45, 0, 0, 100], [0, -0.45, 5 * np.sin(TILT), 50], [0, 0, 5, 0], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8])
def test_voxels_and_affine_come_back(name: str, dtype: type, tmp_path: Path) -> None:
    volume = np.random.default_rng(0).uniform(0, 99, (3, 4, 5)).astype(dtype)
    path = tmp_path / "volume.nii.gz"
    path.write_bytes(nifti_bytes(volume, AFFINES[name]))
    image = nib.load(path)
    assert np.array_equal(np.asanyarray(image.dataobj), volume)
    assert image.get_data_dtype() == dtype
    np.testing.assert_allclose(image.get_sform(), AFFINES[name], atol=1e-5)
    assert image.get_sform(coded=True)[1] == 1
    assert image.header.get_xyzt_units()[0] == "mm"


def test_several_volumes_share_a_grid() -> None:
    volumes = np.random.default_rng(0).normal(size=(3, 4, 5, 2)).astype(np.float32)
    image = nib.Nifti1Image.from_bytes(gzip.decompress(nifti_bytes(volumes, AFFINES["tilted gantry"])))
    assert np.array_equal(np.asanyarray(image.dataobj), volumes)
    np.testing.assert_allclose(image.affine, AFFINES["tilted gantry"], atol=1e-5)


def test_readers_multiply_by_the_step() -> None:
    counts = np.arange(-60, 60, dtype=np.int16).reshape(4, 5, 6)
    image = nib.Nifti1Image.from_bytes(gzip.decompress(nifti_bytes(counts, np.eye(4), 0.01, MAP_LEVEL)))
    assert image.get_data_dtype() == np.int16
    np.testing.assert_allclose(image.get_fdata(), counts / 100, rtol=1e-6)


def test_a_sheared_grid_has_no_qform_that_forgets_the_shear() -> None:
    for name, affine in AFFINES.items():
        raw = gzip.decompress(nifti_bytes(np.zeros((2, 2, 2), np.uint8), affine))
        header = nib.Nifti1Header.from_fileobj(io.BytesIO(raw))
        sheared = name == "tilted gantry"
        assert is_sheared(affine) == sheared
        assert int(header["qform_code"]) == (0 if sheared else 1)
        assert np.allclose(header.get_qform(), affine, atol=1e-4) != sheared


def test_same_volume_same_bytes_whatever_its_memory_order() -> None:
    volume = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    first = nifti_bytes(volume, np.eye(4))
    assert first == nifti_bytes(np.asfortranarray(volume), np.eye(4))
    assert first[4:8] == bytes(4), "the gzip header holds no time"


@pytest.mark.parametrize(
    ("volume", "affine", "message"),
    [
        (np.zeros((2, 2), np.float32), np.eye(4), r"3-D or 4-D and float32, int16 or uint8, got \(2, 2\)"),
        (np.zeros((2, 2, 2), np.float64), np.eye(4), "float64"),
        (np.full((2, 2, 2), np.nan, np.float32), np.eye(4), "8 voxels are not finite"),
        (np.zeros((2, 2, 2), np.uint8), np.zeros((4, 4)), "finite and invertible"),
        (np.zeros((2, 2, 2), np.uint8), np.eye(3), "must be 4x4"),
    ],
)
def test_what_no_file_could_hold_is_refused(volume: np.ndarray, affine: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nifti_bytes(volume, affine)


def test_the_bytes_are_those_of_nibabel_and_gzip() -> None:
    for name, affine in AFFINES.items():
        volume = np.random.default_rng(0).uniform(0, 99, (30, 40, 50)).astype(np.int16)
        image = nib.Nifti1Image(volume, affine)
        image.header.set_xyzt_units("mm")
        image.set_sform(affine, code=1)
        image.set_qform(affine, code=0 if name == "tilted gantry" else 1)
        raw = image.to_bytes()
        assert gzip.decompress(nifti_bytes(volume, affine)) == raw
        stream = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=stream, mtime=0) as packed:
            packed.write(raw)
        assert nifti_bytes(volume, affine) == stream.getvalue()
        assert gzip.decompress(nifti_bytes(volume, affine, level=MAP_LEVEL)) == raw
