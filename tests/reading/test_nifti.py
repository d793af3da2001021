"""NIfTI volumes: values, affines, and files that are not what they should be."""

from __future__ import annotations

import errno
import gzip
import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from dicom_series import head_hu
from geometries import GEOMETRIES, LPS, PLAIN, Geometry, geometry
from read_failures import read_fails

from scripts.files.names import is_nifti
from scripts.findings import InputRefused
from scripts.reading import nifti
from scripts.reading.budget import READ_BYTES
from scripts.reading.nifti import read_nifti


def write(
    path: Path, data: Any = None, geometry: Geometry = PLAIN, codes: tuple[int, int] = (1, 1), **header: Any
) -> Path:
    """Write a volume (default: the head) with sform and qform of these codes."""
    data = head_hu(geometry.points()) if data is None else data
    kind = nib.Nifti2Image if header.pop("nifti2", False) else nib.Nifti1Image
    image = kind(data, None)
    image.set_sform(geometry.affine, codes[0])
    image.set_qform(geometry.affine, codes[1])
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_disk_that_fails_is_not_called_damage(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read_of = write(tmp_path / f"head{suffix}"), nifti._read

    def read(stream: Any, count: int) -> bytes:
        if count > 1000:  # the voxels
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_of(stream, count)

    monkeypatch.setattr(nifti, "_read", read)
    with read_fails(r"^The NIfTI file can't be read \(Input/output error\)\. Check the d"):
        read_nifti(path)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_values_and_affine(tmp_path: Path, geometry: Geometry) -> None:
    sheared = geometry.name.startswith("tilted")
    volume = read_nifti(write(tmp_path / "head.nii.gz", geometry=geometry, codes=(1, 0 if sheared else 1)))
    np.testing.assert_allclose(volume.affine, geometry.affine, atol=1e-4)
    np.testing.assert_array_equal(volume.hu, head_hu(geometry.points()))
    assert volume.hu.dtype == np.int16
    assert volume.valid is None
    assert [f.code for f in volume.findings] == (["thick_slices"] if max(np.abs(geometry.affine[2])) > 3.1 else [])


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint16, np.float32, np.float64, ">i2"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_data_types(tmp_path: Path, dtype: Any, suffix: str) -> None:
    hu = head_hu(PLAIN.points())
    offset = 1024 if dtype == np.uint16 else 0
    path = write(tmp_path / f"head{suffix}", (hu.astype(np.int32) + offset).astype(dtype))
    if offset:
        image = nib.load(path)
        raw = nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
        raw.header.set_slope_inter(1, -1024)
        path = tmp_path / f"scaled{suffix}"
        nib.save(raw, path)
        hu = np.asarray(nib.load(path).dataobj)
    np.testing.assert_array_equal(read_nifti(path).hu, hu)


def test_nifti_2(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_nifti(write(tmp_path / "h.nii.gz", nifti2=True)).hu, head_hu(PLAIN.points()))


def test_qform_alone_is_enough(tmp_path: Path) -> None:
    np.testing.assert_allclose(read_nifti(write(tmp_path / "h.nii", codes=(0, 1))).affine, PLAIN.affine, atol=1e-4)


def test_a_trailing_axis_of_one_is_dropped(tmp_path: Path) -> None:
    assert read_nifti(write(tmp_path / "h.nii", head_hu(PLAIN.points())[..., None])).hu.shape == PLAIN.shape


def test_header_extensions_do_not_matter(tmp_path: Path) -> None:
    image = nib.load(write(tmp_path / "h.nii"))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 4000))
    nib.save(image, tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(read_nifti(tmp_path / "x.nii.gz").hu, head_hu(PLAIN.points()))


def test_padding(tmp_path: Path) -> None:
    hu = head_hu(PLAIN.points())
    hu[:4] = -3024
    volume = read_nifti(write(tmp_path / "h.nii", hu))
    assert volume.valid is not None
    assert np.flatnonzero(~volume.valid.any(axis=(1, 2))).tolist() == [0, 1, 2, 3]
    assert volume.hu.min() == -1024


def test_contradicting_affines_are_flagged(tmp_path: Path) -> None:
    image = nib.load(write(tmp_path / "h.nii"))
    image.set_qform(np.diag([-1, 1, 1, 1]) @ PLAIN.affine, 1)
    nib.save(image, tmp_path / "x.nii")
    volume = read_nifti(tmp_path / "x.nii")
    assert "nifti_affines_differ" in [f.code for f in volume.findings]
    np.testing.assert_allclose(volume.affine, PLAIN.affine, atol=1e-4)


@pytest.mark.parametrize("field", ["pixdim", "qoffset_x"])
def test_a_qform_that_is_no_number_is_flagged_where_there_is_a_sform(field: str, tmp_path: Path) -> None:
    path = write(tmp_path / "h.nii")
    header = nib.load(path).header
    header.set_qform(PLAIN.affine, 1)
    header[field] = np.full_like(header[field], np.inf)
    path.write_bytes(header.binaryblock + path.read_bytes()[len(header.binaryblock) :])
    volume = read_nifti(path)
    assert "The qform is not finite" in " ".join(f.message for f in volume.findings)
    np.testing.assert_allclose(volume.affine, PLAIN.affine, atol=1e-4)


@pytest.mark.parametrize("has_sform", [True, False])
def test_a_qform_that_is_no_rotation_is_flagged_where_there_is_a_sform(has_sform: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "h.nii")
    header = nib.load(path).header
    header.set_sform(PLAIN.affine, int(has_sform))
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = 0.0, 0.8, 0.60001
    path.write_bytes(header.binaryblock + path.read_bytes()[len(header.binaryblock) :])
    if has_sform:
        volume = read_nifti(path)
        assert "The qform is no rotation; the sform was used." in " ".join(f.message for f in volume.findings)
        np.testing.assert_allclose(volume.affine, PLAIN.affine, atol=1e-4)
    else:
        with pytest.raises(InputRefused, match="w2 should be positive") as error:
            read_nifti(path)
        assert error.value.code == "nifti_corrupt"


def with_nan(hu: Any) -> Any:
    """A head with one NaN."""
    hu = hu.astype(np.float32)
    hu[3, 4, 5] = np.nan
    return hu


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda hu: hu[:, :, 0], "nifti_not_3d"),
        (lambda hu: hu[:, :, :1], "nifti_not_3d"),
        (lambda hu: np.stack([hu, hu], axis=-1), "nifti_not_3d"),
        (lambda hu: np.clip(hu, 0, 255).astype(np.uint8), "nifti_data_type"),
        (lambda hu: np.clip(hu, 0, 127).astype(np.int8), "nifti_data_type"),
        (lambda hu: np.zeros(hu.shape, RGB), "nifti_data_type"),
        (lambda hu: hu.astype(np.complex64), "nifti_data_type"),
        (with_nan, "not_finite"),
        (lambda hu: np.full(hu.shape, 40, np.int16), "zero_variance"),
        (lambda hu: np.where(hu < -500, 0, hu).astype(np.int16), "implausible_hu"),
        (lambda hu: (hu + 1024).astype(np.int16), "implausible_hu"),
        (lambda hu: np.random.default_rng(0).random(hu.shape, np.float32), "implausible_hu"),
        (lambda hu: hu[:, :, :14], "too_few_slices"),
        (lambda hu: hu[:, :, :30], "short_coverage"),
    ],
)
def test_refusals(tmp_path: Path, change: Any, code: str) -> None:
    path = write(tmp_path / "h.nii.gz", change(head_hu(PLAIN.points())))
    with pytest.raises(InputRefused) as error:
        read_nifti(path)
    assert error.value.findings[0].code == code
    assert len(str(error.value)) <= 400


def test_infinite_after_scaling_is_refused(tmp_path: Path) -> None:
    hu = head_hu(PLAIN.points()).astype(np.float64)
    hu[0, 0, 0] = 1e300
    with pytest.raises(InputRefused, match="1 voxel is NaN or infinite"):
        read_nifti(write(tmp_path / "h.nii", hu))


def test_without_an_affine(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="Neither sform nor qform is set"):
        read_nifti(write(tmp_path / "h.nii.gz", codes=(0, 0)))


@pytest.mark.parametrize("rows", [{2: [0, 0, 0]}, {0: [4, 0, 0], 1: [4, 0, 0]}, {0: [400, 0, 0]}, {0: [np.nan, 0, 0]}])
def test_impossible_affines(tmp_path: Path, rows: dict[int, list[float]]) -> None:
    path = write(tmp_path / "h.nii")
    content = bytearray(path.read_bytes())
    for row, values in rows.items():
        content[280 + 16 * row : 292 + 16 * row] = np.array(values, "<f4").tobytes()
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"The affine of the NIfTI file") as error:
        read_nifti(path)
    assert error.value.findings[0].code == "nifti_no_affine"


def test_an_extent_that_no_scan_has(tmp_path: Path) -> None:
    large = geometry("", PLAIN.affine[:3, :3] / (4.4, 4.6, 3.0), (20.0, 20.0, 20.0), (60, 60, 60))
    with pytest.raises(InputRefused, match=r"The scan spans 1200 x 1200 x 1200 mm") as error:
        read_nifti(write(tmp_path / "h.nii.gz", geometry=large))
    assert error.value.code == "nifti_no_affine"


def test_a_flipped_byte_is_noticed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Either the file still holds the very same bytes, or it is refused; nothing is said on stderr."""
    path = write(tmp_path / "h.nii.gz")
    content, truth = path.read_bytes(), gzip.decompress(path.read_bytes())
    refused = 0
    for at in np.linspace(10, len(content) - 1, 40).astype(int):
        spoilt = bytearray(content)
        spoilt[at] ^= 0x10
        path.write_bytes(spoilt)
        try:
            read_nifti(path)
        except InputRefused as error:
            refused += error.findings[0].code in ("nifti_corrupt", "too_large")
        else:
            assert gzip.decompress(spoilt) == truth
    assert refused >= 35
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.99])
def test_truncated_files(tmp_path: Path, suffix: str, keep: float) -> None:
    path = write(tmp_path / f"h{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(InputRefused, match=r"The NIfTI file can't be read"):
        read_nifti(path)


def test_text_with_a_nifti_name(tmp_path: Path) -> None:
    (tmp_path / "x.nii").write_text("hello" * 200)
    with pytest.raises(InputRefused, match="The NIfTI file can't be read"):
        read_nifti(tmp_path / "x.nii")


def test_a_header_that_asks_for_too_much(tmp_path: Path) -> None:
    path = write(tmp_path / "h.nii")
    content = bytearray(path.read_bytes())
    content[42:48] = b"\xff\x7f" * 3
    path.write_bytes(gzip.compress(content))
    with pytest.raises(InputRefused, match="asks for 32767 x 32767 x 32767 voxels"):
        read_nifti(path)


def test_names() -> None:
    assert is_nifti(Path("a.nii"))
    assert is_nifti(Path("A.NII.GZ"))
    assert not is_nifti(Path("a.nii.txt"))


def test_real_template(shared_data: Path) -> None:
    volume = read_nifti(shared_data / "templates" / "scct_hu.nii.gz")
    assert volume.hu.shape == (91, 109, 91)
    assert volume.affine[0, 0] == -2


def test_nibabel_says_nothing_of_its_own(tmp_path: Path) -> None:
    """Run as a process: under pytest, nibabel's lines go elsewhere."""
    (tmp_path / "fake.nii").write_text("hello" * 200)
    bundle = Path(__file__).resolve().parents[2] / "bundle"
    run = subprocess.run([sys.executable, bundle, "inspect", tmp_path / "fake.nii"], capture_output=True, text=True)
    assert run.returncode == 3
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("The NIfTI file can't be read")


def test_scaled_integers_become_float32(tmp_path: Path) -> None:
    path = write(tmp_path / "h.nii", (head_hu(PLAIN.points()) + 1024) * 2)
    content = bytearray(path.read_bytes())
    content[112:120] = struct.pack("<ff", 0.5, -1024)  # slope and intercept
    path.write_bytes(content)
    hu = read_nifti(path).hu
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu, head_hu(PLAIN.points()))


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_reading_never_holds_more_than_the_budget_says(tmp_path: Path, dtype: Any) -> None:
    """As numpy counts what it allocates; what the whole process takes is measured in `benchmarks/reading.py`."""
    hu = head_hu(PLAIN.points()).repeat(2, axis=0).repeat(2, axis=1).repeat(12, axis=2).astype(dtype)
    hu[:3] = -2000
    path = write(tmp_path / "h.nii", hu, geometry("fine", LPS, (2.2, 2.3, 0.25), hu.shape))
    tracemalloc.start()
    try:
        assert read_nifti(path).valid is not None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / hu.size < READ_BYTES


def test_a_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that holds a gigabyte behind its voxels, or before them."""
    read = []
    inflate = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda *args: (data := inflate(*args), read.append(len(data)))[0])
    content = bytearray(write(tmp_path / "h.nii").read_bytes())
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(content) + bytes(2**27), 1))
    with pytest.raises(InputRefused, match="it holds another size than the header says"):
        read_nifti(tmp_path / "b.nii.gz")
    content[108:112] = struct.pack("<f", 2.0**27)  # where the voxels begin
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(content) + bytes(2**27), 1))
    with pytest.raises(InputRefused, match="its voxels begin at byte 134217728"):
        read_nifti(tmp_path / "b.nii.gz")
    assert sum(read) < 2**20


def test_a_header_that_lies_about_the_size_is_noticed(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "h.nii").read_bytes())
    content[42:44] = struct.pack("<h", 47)  # there are 48
    (tmp_path / "h.nii").write_bytes(content)
    with pytest.raises(InputRefused, match="it holds another size than the header says"):
        read_nifti(tmp_path / "h.nii")
