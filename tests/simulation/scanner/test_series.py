"""A simulated series read back with nothing but its own headers: geometry, pixels, the standard's attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scripts.simulation.scanner.series import PADDING_STORED, TRANSFER_SYNTAXES, SeriesText, write_series

Array = NDArray[np.float64]
SHAPE = (32, 36, 5)


def rotation(degrees: float, axis: int) -> Array:
    """A 4x4 rotation about one axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(4)
    a, b = [n for n in range(3) if n != axis]
    matrix[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return matrix


def plain() -> Array:
    """Axes along +R, +A, +S, anisotropic."""
    affine = np.diag([0.45, 0.6, 5.0, 1.0])
    affine[:3, 3] = -110.2, -95.7, -31.123456
    return affine


def tilted() -> Array:
    """Gantry tilt of 18 degrees: planes lean, slices follow one another along z."""
    affine = plain()
    affine[:3, :2] = rotation(18, 0)[:3, :3] @ affine[:3, :2]
    return affine


GEOMETRIES = {
    "plain": plain(),
    "flipped": plain() @ np.diag([-1.0, 1, -1, 1]),
    "oblique": rotation(11, 0) @ rotation(-7, 1) @ rotation(23, 2) @ plain(),
    "tilted": tilted(),
    "sagittal": plain()[:, [2, 0, 1, 3]],
}


def volume(seed: int = 0) -> NDArray[np.int16]:
    """HU (I, J, K) that no flip maps to itself."""
    return np.random.default_rng(seed).integers(-1024, 3072, SHAPE).astype(np.int16)


def read(files: list[Path]) -> list[Dataset]:
    """All images of a series."""
    return [pydicom.dcmread(file) for file in files]


def world_values(images: list[Dataset]) -> dict[tuple[float, ...], int]:
    """HU by RAS position, from each image's own header, pixel by pixel as the standard's equation says."""
    values = {}
    for image in images:
        hu = image.pixel_array * image.RescaleSlope + image.RescaleIntercept
        orientation = np.array(image.ImageOrientationPatient, float)
        for row in range(image.Rows):
            for column in range(image.Columns):
                lps = np.array(image.ImagePositionPatient, float)
                lps = lps + column * image.PixelSpacing[1] * orientation[:3]
                lps = lps + row * image.PixelSpacing[0] * orientation[3:]
                values[tuple(np.round(lps * (-1, -1, 1), 3) + 0.0)] = int(hu[row, column])
    return values


@pytest.mark.parametrize("keep_axes", [False, True])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_each_pixel_lies_where_the_affine_puts_its_voxel(tmp_path: Path, name: str, keep_axes: bool) -> None:
    """Whether the axes are flipped for storage or not, a slow loop over headers finds every voxel in its place."""
    hu, affine = volume(), GEOMETRIES[name]
    values = world_values(read(write_series(tmp_path, hu, affine, keep_axes=keep_axes)))
    assert len(values) == hu.size
    points = np.argwhere(np.ones(SHAPE)) @ affine[:3, :3].T + affine[:3, 3]
    got = [values[tuple(np.round(point, 3) + 0.0)] for point in points]
    np.testing.assert_array_equal(got, hu.ravel())


@pytest.mark.parametrize("name", GEOMETRIES)
def test_headers_give_the_affine_back(tmp_path: Path, name: str) -> None:
    """Position, orientation and spacing of the slices rebuild the affine to a nanometre or so."""
    images = read(write_series(tmp_path, volume(), GEOMETRIES[name], keep_axes=True))
    orientation = np.array(images[0].ImageOrientationPatient, float)
    row_mm, column_mm = images[0].PixelSpacing
    first, last = (np.array(image.ImagePositionPatient, float) for image in (images[0], images[-1]))
    lps = np.eye(4)
    lps[:3] = np.c_[orientation[:3] * column_mm, orientation[3:] * row_mm, (last - first) / 4, first]
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ lps, GEOMETRIES[name], atol=1e-8)
    assert all(image.ImageOrientationPatient == images[0].ImageOrientationPatient for image in images)


def test_images_are_stored_as_scanners_store_them(tmp_path: Path) -> None:
    """Rows toward the patient's left, columns toward posterior; the tilt is in the header."""
    upright = read(write_series(tmp_path / "a", volume(), plain()))[0]
    assert list(upright.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert upright.GantryDetectorTilt == 0
    leaning = read(write_series(tmp_path / "b", volume(), tilted()))[0]
    np.testing.assert_allclose(leaning.ImageOrientationPatient[:3], [1, 0, 0], atol=1e-9)
    assert leaning.ImageOrientationPatient[4] > 0.9
    assert leaning.GantryDetectorTilt == pytest.approx(18)
    assert leaning.SliceThickness == pytest.approx(5 * np.cos(np.deg2rad(18)))


@pytest.mark.parametrize("transfer_syntax", TRANSFER_SYNTAXES)
def test_pixels_survive_every_transfer_syntax(tmp_path: Path, transfer_syntax: str) -> None:
    """Bit for bit, padding included, for random and for smooth pixels; the file says how it is compressed."""
    smooth = np.linspace(-1000, 2000, 64 * 48 * 2).reshape(64, 48, 2)
    outside = np.zeros(smooth.shape, bool)
    outside[:5] = True
    for name, hu, hidden in (("random", volume(), None), ("smooth", smooth, outside)):
        folder = tmp_path / name
        files = write_series(
            folder, hu, plain(), transfer_syntax=transfer_syntax, outside=hidden, keep_axes=True, seed=3
        )
        for k, image in enumerate(read(files)):
            expected = np.rint(hu[:, :, k]).astype(int)
            got = image.pixel_array.astype(int).T + int(image.RescaleIntercept)
            if hidden is not None:
                expected[hidden[:, :, k]] = PADDING_STORED - 1024
                assert image.PixelPaddingValue == PADDING_STORED
            np.testing.assert_array_equal(got, expected)
            assert image.file_meta.TransferSyntaxUID == TRANSFER_SYNTAXES[transfer_syntax]
            assert image.LossyImageCompression == "00"


TYPE_1 = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality FrameOfReferenceUID ImageType "
    "SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored HighBit PixelRepresentation Rows Columns "
    "PixelSpacing ImageOrientationPatient ImagePositionPatient RescaleIntercept RescaleSlope PixelData RescaleType"
)
TYPE_2 = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName "
    "StudyID SeriesNumber PositionReferenceIndicator Manufacturer SliceThickness KVP AcquisitionNumber InstanceNumber "
    "PatientPosition"
)
"""Mandatory attributes of the CT Image IOD, PS3.3 A.3 and the modules that it names: with a value, or there at all."""


def test_the_ct_image_iod_is_complete(tmp_path: Path) -> None:
    """Type 1 attributes have values, type 2 ones exist, and numbering and UIDs are consistent."""
    images = read(write_series(tmp_path, volume(), plain()))
    for image in images:
        assert [keyword for keyword in TYPE_1.split() if image.get(keyword) in (None, "")] == []
        assert [keyword for keyword in TYPE_2.split() if keyword not in image] == []
        assert list(image.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID
    assert [image.InstanceNumber for image in images] == [1, 2, 3, 4, 5]
    assert len({image.SOPInstanceUID for image in images}) == 5
    assert len({(image.StudyInstanceUID, image.SeriesInstanceUID) for image in images}) == 1


@pytest.mark.parametrize("transfer_syntax", TRANSFER_SYNTAXES)
def test_the_same_call_writes_the_same_bytes(tmp_path: Path, transfer_syntax: str) -> None:
    """Twice the same; another seed is another study, another text another series of the same study."""
    first, again = (
        write_series(tmp_path / name, volume(), plain(), seed=1, transfer_syntax=transfer_syntax) for name in "ab"
    )
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in again]
    other = read(write_series(tmp_path / "c", volume(), plain(), seed=2))[0]
    bone = read(write_series(tmp_path / "d", volume(), plain(), seed=1, text=SeriesText(ConvolutionKernel="BONE")))[0]
    image = read(first)[0]
    assert other.StudyInstanceUID != image.StudyInstanceUID
    assert bone.StudyInstanceUID == image.StudyInstanceUID
    assert bone.SeriesInstanceUID != image.SeriesInstanceUID


def test_images_may_be_left_out_share_a_place_or_be_unevenly_spaced(tmp_path: Path) -> None:
    """Each image lies where its place along the third axis says, with its own pixels and its own UID."""
    at = (0, 1, 1, 2.5, 7)
    images = read(write_series(tmp_path, volume(), tilted(), at=at, keep_axes=True))
    for k, place in enumerate(at):
        expected = (tilted() @ (0, 0, place, 1))[:3] * (-1, -1, 1)
        np.testing.assert_allclose(np.array(images[k].ImagePositionPatient, float), expected, atol=1e-6)
        np.testing.assert_array_equal(images[k].pixel_array.T - 1024, volume()[:, :, k])
    assert len({image.SOPInstanceUID for image in images}) == 5


def test_attributes_are_replaced_or_added_and_make_another_series(tmp_path: Path) -> None:
    words = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "ContrastBolusAgent": "invented"}
    changed = read(write_series(tmp_path / "a", volume(), plain(), attributes=words))[0]
    assert list(changed.ImageType) == words["ImageType"]
    assert changed.ContrastBolusAgent == "invented"
    same = read(write_series(tmp_path / "b", volume(), plain()))[0]
    assert "ContrastBolusAgent" not in same
    assert changed.SeriesInstanceUID != same.SeriesInstanceUID
    assert changed.StudyInstanceUID == same.StudyInstanceUID


def test_what_dicom_cannot_say_is_refused(tmp_path: Path) -> None:
    """Nothing is written, and the message says which value was wrong."""
    skewed = plain()
    skewed[0, 1] = 0.05
    for match, arguments in (
        ("explicit, jpeg2000, jpegls, rle, got 'zip'", {"transfer_syntax": "zip"}),
        (r"orthogonal, the cosine of their angle is 0\.08", {"affine": skewed}),
        ("invertible 4x4", {"affine": np.zeros((4, 4))}),
        ("from -3024 to 31743, got 0.0 to 40000.0", {"hu": np.linspace(0, 40000, 8).reshape(2, 2, 2)}),
        ("32 pixels a side, got 8 x 40", {"hu": np.zeros((8, 40, 2)), "transfer_syntax": "jpeg2000"}),
        (r"each of the 5 images needs a place, got 2 in `at`", {"at": (0, 1)}),
        ("HU must be finite", {"hu": np.full((2, 2, 2), np.nan)}),
        (r"same shape, got \(32, 36, 5\) and \(2, 2, 2\)", {"outside": np.ones((2, 2, 2), bool)}),
    ):
        call = {"folder": tmp_path / "x", "hu": volume(), "affine": plain(), **arguments}
        with pytest.raises(ValueError, match=match):
            write_series(**call)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()
