"""Sizes that compressed images state, against what was compressed."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from bad_headers import small_deflate_bomb
from dicom_series import write_series
from input_files import MIDDLE, syntax
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from scripts.findings import InputRefused
from scripts.reading.codestreams import check_end, check_inflated_size, coding, image_size, run_length_pixels


def codestream(rows: int, columns: int, bits: int, syntax: pydicom.uid.UID) -> bytes:
    """A compressed ramp."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2", "1.3"
    ramp = (np.arange(rows * columns).reshape(rows, columns) % 2**bits).astype(np.uint16)
    dataset.set_pixel_data(ramp, "MONOCHROME2", bits)
    dataset.compress(syntax)
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name)
@pytest.mark.parametrize(("rows", "columns", "bits"), [(40, 72, 12), (300, 37, 16)])
def test_sizes(rows: int, columns: int, bits: int, syntax: pydicom.uid.UID) -> None:
    data = codestream(rows, columns, bits, syntax)
    assert image_size(data) == (rows, columns, 1, bits)
    check_end(data)
    with pytest.raises(ValueError, match="has no end"):
        check_end(data[:-80])


def test_codings() -> None:
    assert coding(codestream(40, 72, 12, JPEGLSLossless)) == "JPEG-LS"
    assert coding(codestream(40, 72, 12, JPEG2000Lossless)) == "JPEG 2000"
    assert coding(b"\xff\xd8\xff\xc3\x00\x0b\x0c\x01\x00\x00\x80\x01" + bytes(10)) == "JPEG"
    with pytest.raises(ValueError, match="no start of frame"):
        coding(b"\xff\xd8\xff\xd9")


def test_tables_before_the_frame_are_skipped() -> None:
    table, frame = b"\xff\xc4\x00\x06abcd", b"\xff\xc3\x00\x0b\x0c\x01\x00\x00\x80\x01" + bytes(10)
    assert image_size(b"\xff\xd8" + table + frame) == (256, 128, 1, 12)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x04abcdefghijkl", b"\xff\x4f\xff\x51", bytes(100)]
)
def test_what_is_no_codestream_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JPEG|no start of frame"):
        image_size(data)


def test_real_jpeg_lossless(shared_data: Path) -> None:
    path = sorted((shared_data / "dicom" / "transfer_syntaxes" / "compressed_jpeg").rglob("*.dcm"))[0]
    data = get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1)
    assert image_size(data)[:3] == (256, 256, 1)
    check_end(data)


def run_lengths(image: np.ndarray) -> bytes:
    """An image in DICOM's run lengths, by pydicom's own encoder."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2", "1.3"
    dataset.set_pixel_data(image, "MONOCHROME2", 8 * image.dtype.itemsize)
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


@pytest.mark.parametrize("shape", [(40, 72), (37, 33), (1, 129), (200, 300)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_run_lengths_are_counted(shape: tuple[int, int], dtype: type) -> None:
    noise = np.random.default_rng(0).integers(0, 120, shape)
    for image in (noise, noise * 0, noise * (noise > 60), np.arange(noise.size).reshape(shape) // 7 % 100):
        assert run_length_pixels(run_lengths(image.astype(dtype))) == noise.size


@pytest.mark.parametrize("frame", [b"", bytes(63), bytes(64), b"\x01" + bytes(3) + b"\x40" + bytes(59)])
def test_truncated_run_lengths(frame: bytes) -> None:
    with pytest.raises(ValueError, match="the run lengths are truncated"):
        run_length_pixels(frame)


def test_ordinary_files_pass(tmp_path: Path) -> None:
    for name, edit in (("plain", None), ("deflated", syntax(DeflatedExplicitVRLittleEndian))):
        for path in write_series(tmp_path / name, at=[0, 18], edit=edit):
            check_inflated_size(path)


def test_a_file_that_only_mentions_the_syntax_passes(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, at=[18], edit=lambda d, k: setattr(d, "PatientID", DeflatedExplicitVRLittleEndian))
    check_inflated_size(path)


def test_a_bomb_is_refused_without_room_for_it(tmp_path: Path) -> None:
    small_deflate_bomb(tmp_path / "bomb")
    path = sorted((tmp_path / "bomb").iterdir())[MIDDLE]
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(InputRefused, match=r"The file 020\.dcm inflates to over 272 MiB\. Crop the scan") as error:
            check_inflated_size(path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    assert error.value.findings[0].code == "too_large"
