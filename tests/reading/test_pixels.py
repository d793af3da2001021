"""Pixels as HU: rescale for each image, padding, unused bits, compressed and broken files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_series import head_hu, store, write_enhanced, write_series
from geometries import PLAIN
from input_files import without_preamble
from pydicom.dataset import Dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)
from read_failures import read_fails

from scripts.findings import InputRefused
from scripts.reading.headers import ImageHeader, read_headers
from scripts.reading.pixels import load_hu, to_hu

COMPRESSED = [RLELossless, JPEGLSLossless, JPEG2000Lossless]
TRUE_HU = head_hu(PLAIN.points(np.array([18]))).transpose(2, 1, 0)


def headers_of(
    tmp_path: Path, edit: Callable[[Dataset, int], None] | None = None, **options: object
) -> list[ImageHeader]:
    """Headers of a series of one image, the middle slice of the head."""
    write_series(tmp_path, at=[18], edit=edit, **options)
    return read_headers(tmp_path).images


def test_values_are_hu(tmp_path: Path) -> None:
    hu, padding = load_hu(headers_of(tmp_path))
    assert hu.dtype == np.int16
    assert padding is None
    np.testing.assert_array_equal(hu, TRUE_HU)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1, -8192), (2, -1024), (0.5, -1024), (1, -1000.5)])
def test_rescale_is_undone_for_each_image(tmp_path: Path, slope: float, intercept: float) -> None:
    def rescale(dataset: Dataset, k: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
        stored = np.rint((TRUE_HU[0] - intercept) / slope).astype(np.int16)
        dataset.set_pixel_data(stored, "MONOCHROME2", 16)

    hu, _ = load_hu(headers_of(tmp_path, rescale))
    assert np.abs(hu.astype(int) - TRUE_HU).max() <= max(slope / 2, 0.5)


def test_values_beyond_int16_are_clipped(tmp_path: Path) -> None:
    image = replace(headers_of(tmp_path)[0], slope=10.0, intercept=0.0)
    assert to_hu(np.array([[5000, -5000]]), image).tolist() == [[32767, -32768]]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"slope": None}, "rescale_missing", "Rescale slope or intercept is missing"),
        ({"intercept": None}, "rescale_missing", "Rescale slope or intercept is missing"),
        ({"slope": 0.0}, "rescale_invalid", "The rescale slope is 0"),
        ({"slope": -1.0}, "rescale_invalid", "The rescale slope is -1"),
        ({"rescale_type": "Z_EFF"}, "rescale_invalid", "The rescale type is not HU"),
        ({"bits": (8, 8, False)}, "rescale_invalid", "8 bits a pixel"),
        ({"bits": (12, 12, False)}, "pixels_unsupported", r"BitsAllocated is 12; only 16 and 32 are read\. Export"),
        ({"bits": (16, 0, False)}, "rescale_invalid", "0 of 16 bits are used"),
        ({"bits": (16, 20, False)}, "rescale_invalid", "20 of 16 bits are used"),
        ({"high_bit": 15}, "rescale_invalid", "12 of 16 bits are used, the highest being bit 15: not possible"),
        ({"slope": 1000.0}, "rescale_invalid", "The rescale slope is 1000 and the intercept -1024: that makes no HU"),
        ({"intercept": -1e6}, "rescale_invalid", r"the intercept -1e\+06: that makes no HU"),
        ({"photometric": "MONOCHROME1"}, "monochrome1", "interpretation is not MONOCHROME2"),
    ],
)
def test_what_is_no_hu_is_refused(tmp_path: Path, changes: dict[str, object], code: str, message: str) -> None:
    with pytest.raises(InputRefused, match=message) as error:
        load_hu([replace(headers_of(tmp_path)[0], **changes)])
    assert error.value.findings[0].code == code


@pytest.mark.parametrize(("tag", "limit"), [(-2000, None), (63536, None), (-2000, -1990), (-1990, -2000)])
def test_padding_by_tag(tmp_path: Path, tag: int, limit: int | None) -> None:
    def pad(dataset: Dataset, k: int) -> None:
        stored = (TRUE_HU[0] + 0).astype(np.int16)
        stored[:5] = -2000 if limit is None else -1995
        dataset.set_pixel_data(stored, "MONOCHROME2", 16)
        dataset.RescaleIntercept = 0
        dataset.add_new("PixelPaddingValue", "US" if tag > 0 else "SS", tag)
        if limit is not None:
            dataset.add_new("PixelPaddingRangeLimit", "SS", limit)

    _, padding = load_hu(headers_of(tmp_path, pad))
    assert padding is not None
    assert padding[0, :5].all()
    assert not padding[0, 5:].any()


@pytest.mark.parametrize("compress", [None, RLELossless])
def test_padding_that_the_bits_in_use_can_not_hold(tmp_path: Path, compress: pydicom.uid.UID | None) -> None:
    def pad(dataset: Dataset, k: int) -> None:
        stored = (TRUE_HU[0] + 1024).astype(np.uint16)
        stored[:5] = 63536
        dataset.set_pixel_data(stored, "MONOCHROME2", 16)
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.add_new("PixelPaddingValue", "US", 63536)
        if compress:
            dataset.compress(compress)

    hu, padding = load_hu(headers_of(tmp_path, pad))
    assert padding is not None
    assert padding[0, :5].all()
    assert not padding[0, 5:].any()
    np.testing.assert_array_equal(hu[0, 5:], TRUE_HU[0, 5:])


def test_negative_numbers_in_unsigned_bits_are_padding_without_a_tag(tmp_path: Path) -> None:
    """-2000 in 12 unsigned bits would be 1072 HU; a single unused bit is an overlay's."""

    def pad(dataset: Dataset, k: int) -> None:
        stored = (TRUE_HU[0] + 1024).astype(np.uint16)
        stored[:5] = 63536
        stored[20, 10] |= 1 << 15
        stored[21, 10] = 65536 - 100  # -1124 HU: below air, but noise may reach it
        dataset.set_pixel_data(stored, "MONOCHROME2", 16)
        dataset.BitsStored, dataset.HighBit = 12, 11

    hu, padding = load_hu(headers_of(tmp_path, pad))
    assert padding is not None
    assert padding[0, :5].all()
    assert not padding[0, 5:].any()
    np.testing.assert_array_equal(hu[0, 5:21], TRUE_HU[0, 5:21])


def test_values_of_32_bits_do_not_wrap(tmp_path: Path) -> None:
    image = replace(headers_of(tmp_path)[0], bits=(32, 32, False), high_bit=31, intercept=-1024.0)
    assert to_hu(np.array([[2**32 - 1, 2**31, 1064]], dtype=np.uint32), image).tolist() == [[32767, 32767, 40]]


def test_a_file_without_meta_information(tmp_path: Path) -> None:
    images = headers_of(tmp_path)
    without_preamble([images[0].path])
    np.testing.assert_array_equal(load_hu(read_headers(tmp_path).images)[0], TRUE_HU)


def test_padding_tag_that_no_pixel_has(tmp_path: Path) -> None:
    assert load_hu(headers_of(tmp_path, lambda d, k: d.add_new("PixelPaddingValue", "US", 4000)))[1] is None


@pytest.mark.parametrize("signed", [False, True])
def test_unused_bits_are_ignored(tmp_path: Path, signed: bool) -> None:
    def soil(dataset: Dataset, k: int) -> None:
        dataset.RescaleIntercept = 0 if signed else -1024
        stored = (TRUE_HU[0] - dataset.RescaleIntercept).astype(np.int32) & 0x0FFF
        dataset.PixelData = (stored | 0x5000).astype(np.uint16).tobytes()
        dataset.PixelRepresentation = int(signed)

    np.testing.assert_array_equal(load_hu(headers_of(tmp_path, soil))[0], TRUE_HU)


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda uid: uid.name)
def test_compressed_images_are_the_same(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    np.testing.assert_array_equal(load_hu(headers_of(tmp_path, compress=syntax))[0], TRUE_HU)


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda uid: uid.name)
def test_compressed_signed_images_are_the_same(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    def signed(dataset: Dataset, k: int) -> None:
        dataset.RescaleIntercept = 0
        dataset.set_pixel_data(TRUE_HU[0].astype(np.int16), "MONOCHROME2", 16)

    np.testing.assert_array_equal(load_hu(headers_of(tmp_path, signed, compress=syntax))[0], TRUE_HU)


def test_frames_have_their_own_rescale(tmp_path: Path) -> None:
    images = read_headers(write_enhanced(tmp_path / "e.dcm", order=[18, 3, 30])).images
    hu, _ = load_hu(images)
    np.testing.assert_array_equal(hu, head_hu(PLAIN.points(np.array([18, 3, 30]))).transpose(2, 1, 0))


def test_big_endian(tmp_path: Path) -> None:
    def swap(dataset: Dataset, k: int) -> None:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()

    np.testing.assert_array_equal(load_hu(headers_of(tmp_path, swap))[0], TRUE_HU)


@pytest.mark.parametrize("keep", [0.4, 0.9, 0.98])
@pytest.mark.parametrize("syntax", [None, *COMPRESSED], ids=str)
def test_truncated_files_are_refused_by_name(tmp_path: Path, keep: float, syntax: pydicom.uid.UID | None) -> None:
    images = headers_of(tmp_path, compress=syntax)
    content = images[0].path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00")
    images[0].path.write_bytes(content[: start + int(keep * (len(content) - start))])
    with pytest.raises(InputRefused, match=r"(The pixel data of|The file) 000\.dcm can't be (decoded|read)") as error:
        load_hu(images)
    assert error.value.findings[0].code == "corrupt_pixels"
    assert len(str(error.value)) <= 400


def test_a_disk_that_fails_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = headers_of(tmp_path)

    def read(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(tmp_path))

    monkeypatch.setattr(pydicom, "dcmread", read)
    with read_fails(r"^The file 000.dcm can't be read \(Input/output error\)\. Check the disk"):
        load_hu(images)


@pytest.mark.parametrize(("rows", "columns"), [(88, 48), (22, 48), (43, 48)])
def test_headers_that_lie_about_the_size_are_refused(tmp_path: Path, rows: int, columns: int) -> None:
    def lie(dataset: Dataset, k: int) -> None:
        dataset.Rows, dataset.Columns = rows, columns

    with pytest.raises(InputRefused, match=r"\d+ bytes, the header says \d+"):
        load_hu(headers_of(tmp_path, lie))


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda uid: uid.name)
def test_compressed_pixels_of_another_size_are_refused(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    path = write_series(tmp_path, at=[18], compress=syntax)[0]
    dataset = pydicom.dcmread(path)
    dataset.Rows = 88
    dataset.save_as(path)
    with pytest.raises(InputRefused, match=r"The pixel data of 000\.dcm"):
        load_hu(read_headers(tmp_path).images)


def test_an_image_without_pixels_is_refused(tmp_path: Path) -> None:
    def strip(dataset: Dataset, k: int) -> None:
        del dataset.PixelData

    with pytest.raises(InputRefused, match="there are none"):
        load_hu(headers_of(tmp_path, strip))


def test_pixels_in_a_private_element_are_named(tmp_path: Path) -> None:
    def hide(dataset: Dataset, k: int) -> None:
        block = dataset.private_block(0x07A1, "ELSCINT1", create=True)
        block.add_new(0x0A, "OW", dataset.PixelData)
        del dataset.PixelData

    with pytest.raises(
        InputRefused, match=r"000\.dcm seem to be in the private element \(07A1,100A\); .* convert it: dcm2niix"
    ) as error:
        load_hu(headers_of(tmp_path, hide))
    assert error.value.code == "pixels_unsupported"


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        ("1.2.840.10008.1.2.4.110", r"1\.2\.840\.10008\.1\.2\.4\.110 \(JPEG XL\)"),
        ("1.2.840.10008.1.2.8.1", r"1\.2\.840\.10008\.1\.2\.8\.1 \(deflated frames\)"),
        ("1.2.840.113619.5.2", r"1\.2\.840\.113619\.5\.2 \(private, of GE\)"),
        ("1.3.6.1.4.1.99.1", r"1\.3\.6\.1\.4\.1\.99\.1"),
    ],
)
def test_transfer_syntaxes_that_are_not_read_are_named(tmp_path: Path, uid: str, words: str) -> None:
    images = headers_of(tmp_path)
    content, meta = images[0].path.read_bytes(), pydicom.dcmread(images[0].path).file_meta
    start, meta.TransferSyntaxUID = 144 + meta.FileMetaInformationGroupLength, uid
    with images[0].path.open("wb") as stream:
        stream.write(content[:132])
        write_file_meta_info(stream, meta)
        stream.write(content[start:])
    match = rf"^The pixels of 000\.dcm are in the transfer syntax {words}, which is not read\. Export the series uncomp"
    with pytest.raises(InputRefused, match=match) as error:
        load_hu(images)
    assert error.value.code == "pixels_unsupported"


def test_real_compressed_files_agree(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "transfer_syntaxes"
    names = ("compressed", "compressed_rle", "compressed_jpegls", "compressed_j2k", "compressed_jpeg")
    volumes = {}
    for name in names:
        images = sorted(read_headers(folder / name).images, key=lambda image: image.position_mm or ())
        volumes[name], _ = load_hu([replace(image, slope=1.0, intercept=0.0) for image in images])
    assert volumes["compressed"].std() > 10
    for name in names:
        np.testing.assert_array_equal(volumes[name], volumes["compressed"], err_msg=name)


def test_store_is_the_inverse(tmp_path: Path) -> None:
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    store(dataset, TRUE_HU[0].T)
    np.testing.assert_array_equal(dataset.pixel_array.astype(int) - 1024, TRUE_HU[0])


@pytest.mark.parametrize("said", [JPEGLossless, JPEGBaseline8Bit, JPEGLSLossless])
def test_compressed_pixels_of_another_coding_are_refused_without_a_decoders_remark(
    said: pydicom.uid.UID, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_series(tmp_path, at=[18], compress=JPEG2000Lossless)[0]
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = said
    dataset.save_as(path)
    with pytest.raises(InputRefused, match=r"they are JPEG 2000, the transfer syntax is one of JPEG"):
        load_hu(read_headers(tmp_path).images)
    assert capfd.readouterr().err == ""
