"""Headers: what is opened, what is set aside, what is refused; frames of an enhanced file."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pydicom
import pytest
from dicom_series import SERIES, STUDY, image, write_enhanced, write_series
from geometries import PLAIN
from highdicom.legacy import LegacyConvertedEnhancedCTImage
from input_files import without_prefix
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian
from read_failures import read_fails

from scripts.findings import InputRefused
from scripts.reading.headers import read_headers


def test_one_header_for_each_file(tmp_path: Path) -> None:
    write_series(tmp_path, at=range(4))
    headers = read_headers(tmp_path)
    assert [h.path.name for h in headers.images] == ["000.dcm", "001.dcm", "002.dcm", "003.dcm"]
    first = headers.images[0]
    assert (first.rows, first.columns) == (44, 48)
    assert first.series_uid == SERIES
    assert first.frame is None
    assert (first.slope, first.intercept) == (1.0, -1024.0)
    assert first.pixel_spacing_mm == pytest.approx((4.6, 4.4))
    assert first.bits == (16, 12, False)


def test_folders_are_searched_downwards(tmp_path: Path) -> None:
    write_series(tmp_path / "a" / "b", at=range(2))
    write_series(tmp_path / "c", at=range(3))
    assert len(read_headers(tmp_path).images) == 5


def test_foreign_things_are_counted_and_never_opened(tmp_path: Path) -> None:
    write_series(tmp_path, at=range(2))
    (tmp_path / "notes.txt").write_text("notes " * 100)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "half.dcm").write_bytes(b"\x08\x00" + bytes(range(256)))  # begins as DICOM without a prefix does
    os.mkfifo(tmp_path / "fifo.dcm")  # opening it would wait for ever
    (tmp_path / "dangling.dcm").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        headers = read_headers(tmp_path)
    assert len(headers.images) == 2
    assert headers.foreign == 6
    assert headers.linked_folders == 1


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "a", at=range(1))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "link").symlink_to(paths[0])
    assert len(read_headers(tmp_path / "b").images) == 1


def test_files_without_the_prefix_are_read(tmp_path: Path) -> None:
    path = write_series(tmp_path, at=range(1))[0]
    content = path.read_bytes()
    start = content.index(b"\x08\x00\x08\x00CS")  # the first attribute after the file's own header
    path.write_bytes(content[start:])
    assert len(read_headers(tmp_path).images) == 1


def test_files_that_begin_with_their_meta_information_are_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path, at=range(2))
    whole = read_headers(tmp_path).images
    without_prefix(paths[1:])
    assert read_headers(tmp_path).images == whole


def test_objects_without_an_image_are_counted(tmp_path: Path) -> None:
    write_series(tmp_path, at=range(1))
    report = image(PLAIN, 0, SERIES, 0)
    for name in ("PixelData", "Rows", "Columns"):
        del report[name]
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    headers = read_headers(tmp_path)
    assert (len(headers.images), headers.other_objects) == (1, 1)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with pytest.raises(InputRefused, match=r"The folder holds no file\. Give the folder that"):
        read_headers(tmp_path)


def test_a_folder_that_can_be_listed_but_not_entered_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path / "inner", at=range(1))
    stat_of = Path.stat

    def stat(path: Path, **how: bool) -> os.stat_result:
        if path.parent == tmp_path / "inner":
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat_of(path, **how)

    monkeypatch.setattr(Path, "stat", stat)
    with read_fails(r"A folder inside can't be read \(Permission denied\)"):
        read_headers(tmp_path)


def test_a_file_whose_disk_fails_is_not_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a link to nothing is: it may be a slice of the series."""
    write_series(tmp_path, at=range(2))
    stat_of = Path.stat

    def stat(path: Path, **how: bool) -> os.stat_result:
        if path.name == "001.dcm":
            raise OSError(errno.ESTALE, "Stale file handle")
        return stat_of(path, **how)

    monkeypatch.setattr(Path, "stat", stat)
    with read_fails(r"can't be read \(Stale file handle\)\. Check the disk, the network"):
        read_headers(tmp_path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_can_not_be_opened_is_not_called_damaged(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path, at=range(1))

    def opened(path: Path, *how: str) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "open", opened)
    with read_fails(rf"The file 000.dcm can't be read \({os.strerror(number)}\)\."):
        read_headers(tmp_path)


def test_a_disk_that_fails_amid_a_header_without_prefix_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the prefix a file that can't be parsed would be set aside."""
    without_prefix(write_series(tmp_path, at=range(1)))

    def read(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(pydicom, "dcmread", read)
    with read_fails(r"The file 000.dcm can't be read \(Input/output error\)"):
        read_headers(tmp_path)


def test_a_truncated_header_is_refused_by_name(tmp_path: Path) -> None:
    path = write_series(tmp_path, at=range(2))[1]
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(
        InputRefused, match=r"The file 001\.dcm (can't be read: it is damaged or|has no \w+, or) ends early"
    ):
        read_headers(tmp_path)


@pytest.mark.parametrize("name", ["SeriesInstanceUID", "Rows", "Columns"])
def test_an_image_without_what_every_image_has(tmp_path: Path, name: str) -> None:
    write_series(tmp_path, at=range(2), edit=lambda d, k: k == 1 and delattr(d, name))
    with pytest.raises(InputRefused, match=rf"The file 001\.dcm has no {name}, or ends early\.") as error:
        read_headers(tmp_path)
    assert error.value.findings[0].code == "corrupt_file"


def test_links_to_folders_are_counted_and_not_followed(tmp_path: Path) -> None:
    write_series(tmp_path / "a", at=range(1))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "link").symlink_to(tmp_path / "a")
    with pytest.raises(InputRefused, match="holds no file, only 1 link to a folder, which is not followed"):
        read_headers(tmp_path / "b")
    assert len(read_headers(tmp_path / "b" / "link").images) == 1, "a link that is named itself is the input"


def test_frames_of_an_enhanced_file(tmp_path: Path) -> None:
    headers = read_headers(write_enhanced(tmp_path / "enhanced.dcm", order=[2, 0, 1]))
    assert [h.frame for h in headers.images] == [0, 1, 2]
    assert [h.intercept for h in headers.images] == [-1026, -1024, -1025]
    singles = [image(PLAIN, k, SERIES, 0) for k in (2, 0, 1)]
    assert [h.position_mm for h in headers.images] == [tuple(map(float, s.ImagePositionPatient)) for s in singles]
    assert {h.orientation for h in headers.images} == {(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)}


def test_real_enhanced_file(shared_data: Path) -> None:
    first, second = read_headers(shared_data / "dicom" / "enhanced" / "eCT_Supplemental.dcm").images
    assert (first.position_mm, second.position_mm) == ((99.5, -301.5, -159.0), (99.5, -301.5, -149.0))
    assert first.orientation == (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert first.image_type == ("DERIVED", "PRIMARY", "PERFUSION", "RCBF")
    assert (first.slope, first.intercept, first.pixel_spacing_mm) == (1.0, -1024.0, (0.388672, 0.388672))
    assert first.contrast == "YES"


def test_what_a_converter_left_unassigned_is_read(tmp_path: Path) -> None:
    """As highdicom writes a series of single frames into one file."""

    def legacy(dataset: Dataset, k: int) -> None:
        for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID"):
            setattr(dataset, name, "")
        dataset.ReferringPhysicianName = dataset.PositionReferenceIndicator = dataset.Manufacturer = ""
        dataset.FrameOfReferenceUID, dataset.PatientPosition, dataset.BodyPartExamined = "1.2.3", "HFS", "HEAD"
        dataset.ConvolutionKernel = "BONEPLUS" if k % 2 else "STANDARD"
        dataset.LossyImageCompression, dataset.ProtocolName = "01", "CTA"

    files = write_series(tmp_path / "single", edit=legacy)
    datasets = [pydicom.dcmread(file) for file in files]
    LegacyConvertedEnhancedCTImage(datasets, f"{SERIES}.5", 1, f"{SERIES}.6", 1).save_as(tmp_path / "legacy.dcm")
    frames = read_headers(tmp_path / "legacy.dcm").images
    singles = {header.position_mm: header for header in read_headers(tmp_path / "single").images}
    assert len(frames) == len(files)
    for frame in frames:
        single = singles[frame.position_mm]
        assert frame.kernel == single.kernel
        assert (frame.lossy, single.lossy) == (True, True)
        assert frame.description.endswith("CTA")
    assert {frame.kernel for frame in frames} == {"BONEPLUS", "STANDARD"}


def test_malformed_values_do_not_stop_the_reading(tmp_path: Path) -> None:
    def spoil(dataset: Dataset, k: int) -> None:
        del dataset.ImagePositionPatient
        dataset.ImageOrientationPatient = ["1", "0", "0"]

    write_series(tmp_path, at=range(1), edit=spoil)
    header = read_headers(tmp_path).images[0]
    assert header.position_mm is None
    assert header.orientation is None


def test_implicit_value_representations(tmp_path: Path) -> None:
    def implicit(dataset: Dataset, k: int) -> None:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        dataset.PixelRepresentation = 1
        dataset.add_new("PixelPaddingValue", "SS", -2000)

    write_series(tmp_path, at=[18], edit=implicit)
    header = read_headers(tmp_path).images[0]
    assert header.padding == (-2000, -2000)
    assert (header.rows, header.bits, header.slope) == (44, (16, 12, True), 1.0)


def test_numbers_longer_than_dicom_allows(tmp_path: Path) -> None:
    values = ["0.99999999999999999", "0.00000000000000001", "0", "0", "1.00000000000000001", "0.00000000000000000"]

    def lengthen(dataset: Dataset, k: int) -> None:
        element = DataElement("ImageOrientationPatient", "DS", values, validation_mode=IGNORE)
        dataset["ImageOrientationPatient"] = element

    write_series(tmp_path, at=[18], edit=lengthen)
    assert read_headers(tmp_path).images[0].orientation == pytest.approx((1, 0, 0, 0, 1, 0))


def test_a_uid_out_of_form_is_read_without_a_remark_that_shows_it(tmp_path: Path) -> None:
    """pydicom warns of it with its value, which would go to standard error, and is an error in tests."""
    (path,) = write_series(tmp_path, at=range(1))
    path.write_bytes(path.read_bytes().replace(SERIES.encode(), SERIES.replace(".", "\x0b").encode()))
    (header,) = read_headers(tmp_path).images
    assert header.series_uid.startswith("1\x0b2")


def test_texts_are_read_without_the_characters_that_fill_them_up(tmp_path: Path) -> None:
    filled = {
        "ImageType": ("CS", ["DERIVED ", " SECONDARY\0", "MPR "]),
        "Modality": ("CS", " CT"),
        "SeriesInstanceUID": ("UI", f" {SERIES}"),
        "StudyInstanceUID": ("UI", f"{STUDY} "),
        "PatientID": ("LO", " INVENTED-1\0"),
        "ConvolutionKernel": ("SH", [" Hr40f", "3\0"]),
        "RescaleType": ("LO", " HU\0"),
        "PixelSpacing": ("DS", ["4.6\0", " 4.4"]),
        "SeriesNumber": ("IS", " 2\0"),
    }

    def fill(dataset: Dataset, k: int) -> None:
        for name, (_, value) in filled.items():
            dataset[name] = DataElement(name, "LO", value, validation_mode=IGNORE)

    (path,) = write_series(tmp_path, at=[18], edit=fill)
    content = path.read_bytes()
    for name, (kind, _) in filled.items():
        tag = Tag(name).group.to_bytes(2, "little") + Tag(name).element.to_bytes(2, "little")
        content = content.replace(tag + b"LO", tag + kind.encode())
    path.write_bytes(content)
    (header,) = read_headers(tmp_path).images
    assert header.image_type == ("DERIVED", "SECONDARY", "MPR")
    assert (header.modality, header.patient, header.kernel) == ("CT", ("INVENTED-1",), "HR40F 3")
    assert (header.series_uid, header.study_uid, header.series_number) == (SERIES, STUDY, 2)
    assert (header.rescale_type, header.pixel_spacing_mm) == ("HU", (4.6, 4.4))
