"""The source images: patient data as they were, what is missing or malformed empty, frames of enhanced files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import write_enhanced, write_series
from pydicom.dataset import Dataset

from scripts.findings import InputRefused
from scripts.results.dicom.source import is_date, is_time, on_slices, read_source, refer_to_frames


def test_images_are_in_the_order_of_their_heights(tmp_path: Path) -> None:
    write_series(tmp_path, at=[5, 1, 3, 0, 2, 4, *range(6, 37)])
    source = read_source(tmp_path)
    heights = [float(image.ImagePositionPatient[2]) for image in source.images]
    assert heights == sorted(heights)
    np.testing.assert_allclose(heights, source.grid.heights_mm, atol=1e-6)
    assert source.frames == {}


def test_what_is_missing_or_malformed_is_empty(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        data.PatientSex, data.StudyTime, data.StudyDate = "W", "", "20240229"
        data.SpecificCharacterSet, data.PatientName = "ISO_IR 100", "Müller^Änne"

    write_series(tmp_path, edit=edit)
    first = read_source(tmp_path).first
    assert (first.PatientSex, first.StudyTime, first.AccessionNumber) == ("", "", "")
    assert (first.StudyDate, first.PatientID) == ("20240229", "INVENTED-1")
    assert (str(first.PatientName), first.SpecificCharacterSet) == ("Müller^Änne", "ISO_IR 192")
    assert first.FrameOfReferenceUID.startswith("2.25.")


def test_headers_that_highdicom_can_t_copy_are_emptied(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        del data.SliceThickness
        data.PatientName, data.StudyID = ["A", "B"], ["1", "2"]

    write_series(tmp_path, edit=edit)
    first = read_source(tmp_path).first
    assert (str(first.PatientName), first.StudyID) == ("", "")
    assert first.SliceThickness == 3


@pytest.mark.parametrize(
    ("text", "held"),
    [("20240229", True), ("20230229", False), ("00000000", False), ("19500000", False), ("2024", False), ("", False)],
)
def test_a_date_is_a_day_of_the_calendar(text: str, held: bool) -> None:
    assert is_date(text) is held


@pytest.mark.parametrize(
    ("text", "held"),
    [("101112.5", True), ("1011", True), ("10", True), ("235960", True), ("256199", False), ("10:11", False)],
)
def test_a_time_may_lack_its_end(text: str, held: bool) -> None:
    assert is_time(text) is held


def test_what_is_empty_in_the_source_and_never_in_results_is_left_out(tmp_path: Path) -> None:
    names = ("SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "LossyImageCompression")

    def edit(data: Dataset, k: int) -> None:
        for name in names:
            setattr(data, name, "")

    write_series(tmp_path, edit=edit)
    source = read_source(tmp_path)
    assert source.first.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert len({image.SOPInstanceUID for image in source.images}) == 37
    assert not {"SpecificCharacterSet", "LossyImageCompression"} & set(source.first.dir())


@pytest.mark.parametrize("uid", ["", "1.2.840.113619.4.26"])
def test_an_image_without_a_class_or_with_a_private_one_is_a_ct_image(uid: str, tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        data = pydicom.dcmread(path)
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = uid
        data.save_as(path)
    assert read_source(tmp_path).first.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_private_and_unreadable_attributes_are_left_out(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        item = Dataset()
        item.add_new(0x00091001, "LO", "private")
        item.CodeMeaning = "Head"
        data.ProcedureCodeSequence = [item]
        data.add_new(0x00091001, "LO", "private")
        data.TableSpeed, data.PatientAge = 1.5, "070Y"

    for path in write_series(tmp_path, edit=edit):
        content = path.read_bytes()
        before, number = b"\x18\x00\x09\x93FD\x08\x00", np.float64(1.5).tobytes()
        assert before + number in content
        path.write_bytes(content.replace(before + number, before[:-2] + b"\x04\x00" + b"1.50"))
    first = read_source(tmp_path).first
    assert ("TableSpeed" in first, first.PatientAge) == (False, "070Y")
    assert first.ProcedureCodeSequence[0].dir() == ["CodeMeaning"]
    assert not [element for element in first if element.tag.is_private]


@pytest.mark.parametrize("uids", [["", "1.2.7"], ["1.2.7", "1.2.8", ""], [""] * 36 + ["1.2.7"]])
def test_the_images_share_a_frame_of_reference(uids: list[str], tmp_path: Path) -> None:
    write_series(tmp_path, edit=lambda data, k: setattr(data, "FrameOfReferenceUID", uids[min(k, len(uids) - 1)]))
    assert {image.FrameOfReferenceUID for image in read_source(tmp_path).images} == {"1.2.7"}


@pytest.mark.parametrize(
    ("thickness", "spacing", "told"),
    [("5", "3.05", (5, 3.05)), ("", "-3", (3, None)), ("0", "0", (3, None)), (["3", "3"], "", (3, None))],
)
def test_slices_are_as_their_positions_say(
    thickness: Any, spacing: str, told: tuple[float, float | None], tmp_path: Path
) -> None:
    def edit(data: Dataset, k: int) -> None:
        data.SliceThickness, data.SpacingBetweenSlices = thickness, spacing

    write_series(tmp_path, edit=edit)
    for image in read_source(tmp_path).images:
        assert (image.SliceThickness, image.get("SpacingBetweenSlices")) == told


def test_frames_of_an_enhanced_file_are_images_that_refer_to_it(tmp_path: Path) -> None:
    order = list(range(36, -1, -1))
    write_enhanced(tmp_path / "enhanced.dcm", order=order)
    source = read_source(tmp_path / "enhanced.dcm")
    assert len({image.SOPInstanceUID for image in source.images}) == 37
    frames = [source.frames[image.SOPInstanceUID] for image in source.images]
    assert [frame.number for frame in frames] == [order.index(k) + 1 for k in range(37)]
    references = Dataset()
    references.ReferencedInstanceSequence = [reference(str(image.SOPInstanceUID)) for image in source.images]
    references.SourceImageSequence = [reference(str(image.SOPInstanceUID)) for image in source.images[:2]]
    evidence, content = Dataset(), Dataset()
    evidence.ReferencedSOPSequence = [reference(str(image.SOPInstanceUID)) for image in source.images]
    content.ReferencedSOPSequence, content.ValueType = [reference(str(source.images[2].SOPInstanceUID))], "IMAGE"
    references.ReferencedSeriesSequence, references.ContentSequence = [evidence], [content]
    refer_to_frames(references, source.frames)
    for (whole,) in (references.ReferencedInstanceSequence, evidence.ReferencedSOPSequence):
        assert whole.ReferencedSOPInstanceUID == frames[0].uid
        assert "ReferencedFrameNumber" not in whole
    assert [item.ReferencedFrameNumber for item in references.SourceImageSequence] == [37, 36]
    assert [item.ReferencedFrameNumber for item in content.ReferencedSOPSequence] == [35]


def reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPInstanceUID = uid
    return item


def test_a_volume_on_uneven_slices(tmp_path: Path) -> None:
    write_series(tmp_path, at=[k + (0.25 if k == 20 else 0) for k in range(37)])
    source = read_source(tmp_path)
    count = source.grid.count
    ramp = np.broadcast_to(np.arange(count, dtype=np.float32), (48, 44, count))
    found = on_slices(ramp, source.grid)
    assert found.shape == (37, 44, 48)
    heights = source.grid.heights_mm - source.grid.heights_mm[0]
    np.testing.assert_allclose(found[:, 0, 0] * source.grid.spacing_mm, heights, atol=0.1)
    labels = on_slices(ramp.astype(np.uint8), source.grid, labels=True)
    np.testing.assert_array_equal(labels[:, 0, 0], np.rint(heights / source.grid.spacing_mm))


def test_images_that_share_a_uid_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, edit=lambda dataset, k: setattr(dataset, "SOPInstanceUID", f"1.2.{min(k, 30)}"))
    with pytest.raises(InputRefused, match=r"7 of 37 images share a SOPInstanceUID, .* Leave out --dicom") as error:
        read_source(tmp_path)
    assert error.value.code == "uids_not_unique"


def test_what_is_no_series_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputRefused, match=r"no CT images|No image|The file is not|None of"):
        read_source(tmp_path)
