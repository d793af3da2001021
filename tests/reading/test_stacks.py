"""From DICOM images to a volume: every voxel must hold what the head has at its place in the world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_series import head_hu, store, write_enhanced, write_series
from geometries import GEOMETRIES, PLAIN, Geometry, world
from pydicom.dataset import Dataset

from scripts.findings import InputRefused
from scripts.reading.headers import Headers, read_headers
from scripts.reading.series import Stack, stacks_of
from scripts.reading.stacks import check_neighbours, stack_volume
from scripts.volume import AIR_HU, Volume


def stack_at(path: Path) -> Stack:
    """The only stack at `path`."""
    (stack,) = stacks_of(read_headers(path))
    return stack


def truth(volume: Volume) -> np.ndarray:
    """HU of the head at the volume's voxels."""
    return head_hu(Geometry("", volume.hu.shape, volume.affine).points())


def codes(volume: Volume) -> list[str]:
    """Codes of the findings."""
    return [found.code for found in volume.findings]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_every_voxel_is_where_it_belongs(tmp_path: Path, geometry: Geometry) -> None:
    write_series(tmp_path, geometry)
    volume = stack_volume(stack_at(tmp_path))
    assert sorted(volume.hu.shape) == sorted(geometry.shape)
    assert np.mean(volume.hu != truth(volume)) < 1e-4  # points on an edge may fall on either side


def test_a_transposed_volume_would_be_seen(tmp_path: Path) -> None:
    write_series(tmp_path)
    volume = stack_volume(stack_at(tmp_path))
    assert np.mean(volume.hu[::-1] != truth(volume)) > 0.01
    assert np.mean(volume.hu[:, ::-1] != truth(volume)) > 0.01
    assert np.mean(volume.hu[:, :, ::-1] != truth(volume)) > 0.01


def test_an_extent_that_no_scan_has(tmp_path: Path) -> None:
    write_series(tmp_path, at=[5 * k for k in range(200)], edit=lambda data, k: setattr(data, "PixelSpacing", [4, 4]))
    with pytest.raises(InputRefused, match=r"The scan spans \d+ x \d+ x 3000 mm, more than a person does") as error:
        stack_volume(stack_at(tmp_path))
    assert error.value.code == "geometry_invalid"


@pytest.mark.parametrize("order", ["shuffled", "constant", "absent"])
def test_instance_numbers_and_file_names_do_not_matter(tmp_path: Path, order: str) -> None:
    def number(dataset: Dataset, k: int) -> None:
        dataset.InstanceNumber = (k * 17) % 37 if order == "shuffled" else 1
        if order == "absent":
            del dataset.InstanceNumber

    paths = write_series(tmp_path / "a", edit=number)
    expected = stack_volume(stack_at(tmp_path / "a"))
    names = np.random.default_rng(1).permutation(len(paths))
    for path, name in zip(paths, names, strict=True):
        path.rename(tmp_path / "a" / f"x{name}")
    volume = stack_volume(stack_at(tmp_path / "a"))
    np.testing.assert_array_equal(volume.hu, truth(volume))
    assert volume.hu.tobytes() == expected.hu.tobytes()
    assert volume.affine.tobytes() == expected.affine.tobytes()


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_two_spacings_are_resampled_at_true_positions(tmp_path: Path, geometry: Geometry) -> None:
    at = np.concatenate([np.arange(0, geometry.shape[2] - 7), np.arange(geometry.shape[2] - 6, geometry.shape[2], 2)])
    write_series(tmp_path, geometry, at)
    volume = stack_volume(stack_at(tmp_path))
    assert "two_spacings" in codes(volume)
    for position in at:  # every slice that was written is in the volume, at its own place
        expected = head_hu(geometry.points(np.array([position])))
        corner = world(np.linalg.inv(volume.affine), world(geometry.affine, np.array([0, 0, position])))
        np.testing.assert_allclose(corner[:2], 0, atol=1e-6)
        assert corner[2] == pytest.approx(round(corner[2]), abs=1e-4)
        np.testing.assert_array_equal(volume.hu[:, :, round(corner[2])], expected[:, :, 0])


def test_between_the_slices_values_are_interpolated(tmp_path: Path) -> None:
    at = np.concatenate([np.arange(0, 18), np.arange(18, 37, 2)])
    write_series(tmp_path, at=at)
    volume = stack_volume(stack_at(tmp_path))
    below, above = (head_hu(PLAIN.points(np.array([k])))[:, :, 0] for k in (18.0, 20.0))
    np.testing.assert_array_equal(volume.hu[:, :, 19], np.rint((below.astype(float) + above) / 2))
    assert volume.widest_gap_mm == pytest.approx(6)


def test_slices_that_are_not_interpolated_have_no_widest_gap(tmp_path: Path) -> None:
    write_series(tmp_path)
    assert stack_volume(stack_at(tmp_path)).widest_gap_mm == 0


def test_missing_slices_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, at=[k for k in range(37) if k != 20])
    with pytest.raises(InputRefused, match=r"the gap after slice 20 of 36 is 6\.00 mm, the usual one is 3\.00 mm"):
        stack_volume(stack_at(tmp_path))


def test_images_that_are_there_twice_are_used_once(tmp_path: Path) -> None:
    write_series(tmp_path, at=[*range(37), 5, 20, 20])
    volume = stack_volume(stack_at(tmp_path))
    np.testing.assert_array_equal(volume.hu, truth(volume))
    assert [f.message for f in volume.findings] == ["3 images are there twice and used once."]


def test_a_copied_folder_is_a_duplicate(tmp_path: Path) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b")
    assert codes(stack_volume(stack_at(tmp_path))) == ["duplicates_dropped"]


def test_one_image_is_one_image(tmp_path: Path) -> None:
    write_series(tmp_path / "a", at=[*range(37), 5])
    assert [f.message for f in stack_volume(stack_at(tmp_path / "a")).findings] == [
        "1 image is there twice and used once."
    ]
    write_series(tmp_path / "b", edit=lambda d, k: k == 7 and delattr(d, "ImagePositionPatient"))
    with pytest.raises(InputRefused, match=r"The position is missing or no number in 1 image\."):
        stack_volume(stack_at(tmp_path / "b"))


def test_two_images_at_one_position_must_agree(tmp_path: Path) -> None:
    def edit(dataset: Dataset, k: int) -> None:
        if k == 37:
            store(dataset, np.full((48, 44), 40, np.int16))

    write_series(tmp_path, at=[*range(37), 5], edit=edit)
    with pytest.raises(InputRefused, match=r"Images at one position have different pixels: 0\d\d.dcm and 0\d\d.dcm"):
        stack_volume(stack_at(tmp_path))


@pytest.mark.parametrize(("numbers", "told"), [(True, ", AcquisitionNumber 1 to 2"), (False, "")])
def test_repeated_scans_in_one_series_are_told_from_a_foreign_image(tmp_path: Path, numbers: bool, told: str) -> None:
    def edit(dataset: Dataset, k: int) -> None:
        if k >= 37:
            store(dataset, np.full((48, 44), 40, np.int16))
        if numbers:
            dataset.AcquisitionNumber = 1 + k // 37

    write_series(tmp_path, at=[*range(37), *range(37)], edit=edit)
    with pytest.raises(InputRefused) as error:
        stack_volume(stack_at(tmp_path))
    assert f"and each of 37 positions has several (repeated scans{told}): 000.dcm and" in str(error.value)
    assert str(error.value).endswith("of repeated scans in one series, keep those of one.")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda d, k: delattr(d, "ImagePositionPatient"), "geometry_missing"),
        (lambda d, k: delattr(d, "PixelSpacing"), "geometry_missing"),
        (lambda d, k: delattr(d, "ImageOrientationPatient"), "geometry_missing"),
        (lambda d, k: k == 7 and delattr(d, "ImagePositionPatient"), "geometry_missing"),
        (lambda d, k: setattr(d, "ImageOrientationPatient", [0] * 6), "geometry_invalid"),
        (lambda d, k: setattr(d, "ImageOrientationPatient", [1, 0, 0, 0, 0.5, 0]), "geometry_invalid"),
        (lambda d, k: setattr(d, "PixelSpacing", [0, 0]), "geometry_invalid"),
        (lambda d, k: setattr(d, "PixelSpacing", [-4, 4]), "geometry_invalid"),
        (lambda d, k: setattr(d, "ImagePositionPatient", [0, 0, 0]), "geometry_invalid"),
        (lambda d, k: k > 20 and setattr(d, "PixelSpacing", [4.4, 4.4]), "mixed_geometry"),
        (lambda d, k: delattr(d, "RescaleSlope"), "rescale_missing"),
        (lambda d, k: k == 9 and setattr(d, "RescaleSlope", 0), "rescale_invalid"),
        (lambda d, k: setattr(d, "PhotometricInterpretation", "MONOCHROME1"), "monochrome1"),
        (lambda d, k: setattr(d, "RescaleIntercept", 0), "implausible_hu"),
        (lambda d, k: store(d, np.full((48, 44), 40, np.int16)), "zero_variance"),
        (lambda d, k: store(d, np.full((48, 44), 40 + k, np.int16)), "implausible_hu"),
    ],
)
def test_refusals(tmp_path: Path, edit: Callable[[Dataset, int], None], code: str) -> None:
    write_series(tmp_path, edit=edit)
    with pytest.raises(InputRefused) as error:
        stack_volume(max(stacks_of(read_headers(tmp_path)), key=lambda stack: stack.slices))
    assert error.value.findings[0].code == code
    assert len(str(error.value)) <= 400


def test_a_header_that_asks_for_too_much_is_refused_before_pixels_are_read(tmp_path: Path) -> None:
    def grow(dataset: Dataset, k: int) -> None:
        dataset.Rows = dataset.Columns = 65535

    write_series(tmp_path, edit=grow)
    with pytest.raises(InputRefused, match="asks for 65535 x 65535 x 37 voxels"):
        stack_volume(stack_at(tmp_path))


def test_acquisitions_may_follow_each_other_but_not_interleave(tmp_path: Path) -> None:
    def number(own: Callable[[int], int]) -> Callable[[Dataset, int], None]:
        return lambda dataset, k: setattr(dataset, "AcquisitionNumber", own(k))

    uneven = [k + 0.1 * (k % 3 == 1) for k in range(37)]
    write_series(tmp_path / "a", at=uneven, edit=number(lambda k: k // 9))
    assert codes(stack_volume(stack_at(tmp_path / "a"))) == ["uneven_spacing", "thick_slices"]
    write_series(tmp_path / "b", at=uneven, edit=number(lambda k: k % 2))
    with pytest.raises(InputRefused, match="2 acquisitions of the series lie between each other's slices"):
        stack_volume(stack_at(tmp_path / "b"))
    write_series(tmp_path / "c", edit=number(lambda k: k % 2))
    assert codes(stack_volume(stack_at(tmp_path / "c"))) == [], "evenly spaced: odd slices after even ones"


def test_padding_is_air_and_outside_the_field_of_view(tmp_path: Path) -> None:
    circle = np.hypot(*np.meshgrid(np.arange(48) - 23.5, np.arange(44) - 21.5, indexing="ij")) < 20

    def pad(dataset: Dataset, k: int) -> None:
        hu = np.where(circle, head_hu(PLAIN.points(np.array([k])))[:, :, 0], -2000).astype(np.int16)
        dataset.RescaleIntercept = 0
        dataset.set_pixel_data(np.ascontiguousarray(hu.T), "MONOCHROME2", 16)
        dataset.add_new("PixelPaddingValue", "SS", -2000)

    write_series(tmp_path, edit=pad)
    volume = stack_volume(stack_at(tmp_path))
    assert volume.valid is not None
    np.testing.assert_array_equal(volume.valid, np.broadcast_to(circle[:, :, None], volume.hu.shape))
    assert (volume.hu[~volume.valid] == AIR_HU).all()
    np.testing.assert_array_equal(volume.hu[volume.valid], truth(volume)[volume.valid])


def test_padding_is_kept_through_resampling(tmp_path: Path) -> None:
    def pad(dataset: Dataset, k: int) -> None:
        if k == 30:
            dataset.RescaleIntercept = 0
            dataset.set_pixel_data(np.full((44, 48), -2000, np.int16), "MONOCHROME2", 16)

    write_series(tmp_path, at=[*range(20), *range(20, 61, 2)], edit=pad)
    volume = stack_volume(stack_at(tmp_path))
    assert volume.valid is not None
    assert np.flatnonzero(~volume.valid.all(axis=(0, 1))).tolist() == [39, 40, 41]


@pytest.mark.parametrize("order", [None, [k * 5 % 37 for k in range(37)]], ids=["in order", "shuffled"])
def test_enhanced_file(tmp_path: Path, order: list[int] | None) -> None:
    volume = stack_volume(stack_at(write_enhanced(tmp_path / "e.dcm", order=order)))
    np.testing.assert_array_equal(volume.hu, truth(volume))
    np.testing.assert_allclose(volume.affine, PLAIN.affine, atol=1e-6)


def test_a_slice_of_noise_is_refused_by_name(tmp_path: Path) -> None:
    def spoil(dataset: Dataset, k: int) -> None:
        if k == 20:
            store(dataset, np.random.default_rng(0).integers(-1024, 3000, (48, 44)).astype(np.int16))

    write_series(tmp_path, edit=spoil)
    with pytest.raises(InputRefused, match=r"The image in 020\.dcm is unlike the slices on both sides") as error:
        stack_volume(stack_at(tmp_path))
    assert error.value.findings[0].code == "corrupt_pixels"


def test_empty_slices_at_the_ends_are_no_damage() -> None:
    hu = np.full((20, 16, 16), -1000, np.int16)
    hu[3:15, 4:12, 4:12] = 40
    check_neighbours(hu, ())


def test_real_head_with_tilt_and_two_spacings(shared_data: Path) -> None:
    """All 28 slices, every voxel at the position its own header gives."""
    folder = shared_data / "dicom" / "head_tilt_two_spacings"
    volume = stack_volume(stack_at(folder))
    assert codes(volume) == ["gantry_tilt", "two_spacings", "thick_slices"]
    paths = sorted(folder.glob("*.dcm"))
    assert len(paths) == 28
    to_voxel = np.linalg.inv(volume.affine)
    for path in paths:
        dataset = pydicom.dcmread(path)
        position, cosines = np.array(dataset.ImagePositionPatient, float), np.array(
            dataset.ImageOrientationPatient, float
        )
        spacing = np.array(dataset.PixelSpacing, float)
        for column, row in [(0, 0), (511, 0), (0, 511), (300, 200)]:
            lps = position + column * spacing[1] * cosines[:3] + row * spacing[0] * cosines[3:]
            i, j, k = world(to_voxel, lps * [-1, -1, 1])
            assert (i, j) == pytest.approx((column, row), abs=1e-3)
        assert abs(k - round(k)) * 1.0009 < 0.1, "every slice has a node within 0.1 mm"
        expected = dataset.pixel_array.astype(float).T
        known = expected > -1500
        np.testing.assert_array_equal(volume.valid[:, :, round(k)], known)
        np.testing.assert_array_equal(volume.hu[:, :, round(k)], np.where(known, expected, AIR_HU))


def test_real_phantom_with_tilt(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "phantom_tilted" / "S2010"
    volume = stack_volume(stack_at(folder))
    assert codes(volume) == ["gantry_tilt"]
    assert volume.hu.shape == (512, 512, 54)
    for path in sorted(folder.glob("I*"))[::7]:
        dataset = pydicom.dcmread(path)
        lps = np.array(dataset.ImagePositionPatient, float)
        i, j, k = world(np.linalg.inv(volume.affine), lps * [-1, -1, 1])
        assert (i, j) == pytest.approx((0, 0), abs=1e-3)
        assert k == pytest.approx(round(k), abs=1e-3)
        np.testing.assert_array_equal(volume.hu[:, :, round(k)], dataset.pixel_array.T.astype(int) - 1024)


def test_empty_headers_make_no_stack() -> None:
    assert stacks_of(Headers()) == []
