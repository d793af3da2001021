"""The way in: study folders, named series, files, refusals of paths; the same answer from both functions."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from dicom_series import SERIES, head_hu, image, write_enhanced, write_series
from geometries import AXIS_ORDERS, PLAIN, THIN, Geometry
from pydicom.dataset import Dataset
from read_failures import read_fails

from scripts.findings import InputRefused
from scripts.reading.headers import Headers, ImageHeader, read_headers
from scripts.reading.inputs import check_input, choice_flags, inspect_input, read_scans, read_volume
from scripts.reading.series import stacks_of

OTHER = f"{SERIES}.9"


def study(folder: Path) -> Path:
    """A study as a PACS exports it: a head, its bone reconstruction, a localizer, a capture, foreign files."""

    def bone(dataset: Dataset, k: int) -> None:
        dataset.ConvolutionKernel = "H70h"

    def localizer(dataset: Dataset, k: int) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def capture(dataset: Dataset, k: int) -> None:
        dataset.ImageType = ["DERIVED", "SECONDARY", "DOSE_INFO"]
        dataset.set_pixel_data(np.zeros((44, 48, 3), np.uint8), "RGB", 8)

    write_series(folder / "S1")
    write_series(folder / "S2", THIN, edit=bone, series_uid=OTHER)
    write_series(folder / "S3", at=[0], edit=localizer, series_uid=f"{SERIES}.8")
    write_series(folder / "S4", at=[0, 0], edit=capture, series_uid=f"{SERIES}.7")
    (folder / "viewer.exe").write_bytes(b"MZ" + bytes(1000))
    return folder


def test_a_study_folder(tmp_path: Path) -> None:
    volume = read_volume(study(tmp_path))
    assert volume.hu.shape == PLAIN.shape
    assert {f.code: f.message for f in volume.findings} == {
        "images_set_aside": "Set aside: screen captures (2), CT images of other series (85), localizer images (1).",
        "files_set_aside": "Set aside: 1 file that is not DICOM.",
    }


def test_a_named_series_of_the_study(tmp_path: Path) -> None:
    volume = read_volume(study(tmp_path), OTHER)
    assert volume.hu.shape == THIN.shape
    assert volume.findings[0].code == "bone_kernel"


def test_inspection_lists_what_there_is(tmp_path: Path) -> None:
    inspection = inspect_input(study(tmp_path))
    assert inspection.accepted
    rows = {(row.kind, row.images, row.chosen, row.objections, row.serves) for row in inspection.series}
    assert rows == {
        ("image", 37, True, (), ("brain",)),
        ("image", 85, False, ("bone_kernel",), ("skull",)),
        ("localizer", 1, False, (), ()),
        ("capture", 2, False, (), ()),
    }
    assert inspection.volume is not None
    np.testing.assert_array_equal(inspection.volume.hu, read_scans(tmp_path).volume.hu)
    assert inspection.findings == read_scans(tmp_path).volume.findings
    assert inspection.findings[0].message == "Set aside: screen captures (2), localizer images (1)."


def test_flags_of_the_header(tmp_path: Path) -> None:
    def edit(dataset: Dataset, k: int) -> None:
        dataset.ContrastBolusAgent = "Omnipaque"
        dataset.PatientAge = "017Y"
        dataset.LossyImageCompression = "01"

    write_series(tmp_path, edit=edit)
    codes = [f.code for f in read_volume(tmp_path).findings]
    assert codes == ["contrast_suspected", "under_18", "lossy_compression"]


def test_messages_hold_no_patient_data(tmp_path: Path) -> None:
    inspection = inspect_input(study(tmp_path))
    texts = " ".join(f.message for f in inspection.findings)
    assert "nvented" not in texts
    assert SERIES not in texts
    assert str(tmp_path) not in texts


def test_the_same_bytes_whatever_the_files_are_called(tmp_path: Path) -> None:
    first = read_volume(study(tmp_path / "a"))
    paths = sorted(path for path in (tmp_path / "a").rglob("*") if path.is_file())
    names = np.random.default_rng(3).permutation(len(paths))
    (tmp_path / "b").mkdir()
    for path, name in zip(paths, names, strict=True):
        shutil.copy(path, tmp_path / "b" / str(name))
    second = read_volume(tmp_path / "b")
    assert first.hu.tobytes() == second.hu.tobytes()
    assert first.affine.tobytes() == second.affine.tobytes()
    assert first.findings == second.findings


@pytest.mark.parametrize("geometry", AXIS_ORDERS, ids=lambda g: g.name)
def test_dicom_and_nifti_agree_in_the_world(tmp_path: Path, geometry: Geometry) -> None:
    write_series(tmp_path / "dicom", geometry)
    nib.save(nib.Nifti1Image(head_hu(geometry.points()), geometry.affine), tmp_path / "head.nii.gz")
    for volume in (read_volume(tmp_path / "dicom", SERIES), read_volume(tmp_path / "head.nii.gz")):
        points = Geometry("", volume.hu.shape, volume.affine).points()
        bleed = points[volume.hu == 70].mean(axis=0)
        np.testing.assert_allclose(bleed, [-35, 10, 5], atol=0.7)  # left is left


def test_an_enhanced_file_and_a_single_slice(tmp_path: Path) -> None:
    assert read_volume(write_enhanced(tmp_path / "e.dcm")).hu.shape == PLAIN.shape
    single = write_series(tmp_path / "s")[3]
    words = (
        rf"^{re.escape(str(single.parent))} may hold the rest: the file has 1 slice, fewer than 15\. Give the folder"
    )
    with pytest.raises(InputRefused, match=words) as error:
        read_volume(single)
    assert error.value.code == "too_few_slices"


def test_a_folder_with_nothing_but_a_nifti_file_is_that_scan(tmp_path: Path) -> None:
    file = tmp_path / "ok.nii.gz"
    nib.save(nib.Nifti1Image(head_hu(PLAIN.points()), PLAIN.affine), file)
    (tmp_path / ".DS_Store").write_bytes(b"of another system")
    (tmp_path / "ok.json").write_bytes(b"of a converter")
    np.testing.assert_array_equal(read_scans(tmp_path).volume.hu, read_scans(file).volume.hu)
    assert inspect_input(tmp_path).source == "nifti"
    check_input(tmp_path)


@pytest.mark.parametrize("read", [read_volume, read_scans, check_input])
def test_an_empty_path_is_not_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any]
) -> None:
    write_series(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputRefused, match=r"^The path is empty\. Check the path\.$") as error:
        read("")
    assert error.value.code == "path_missing"
    assert [found.code for found in inspect_input("").findings] == ["path_missing"]


@pytest.mark.parametrize("suffix", ["", ".nii", ".zip"])
def test_a_path_that_no_system_takes_is_missing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputRefused, match=r"can't be read \(File name too long\)") as error:
        check_input(tmp_path / ("x" * 300 + suffix))
    assert error.value.code == "path_missing"


@pytest.mark.parametrize("text", ["scans\0one", "scans\ud800one"])
def test_characters_that_no_path_can_have_are_refused(text: str) -> None:
    for read in (read_volume, read_scans, check_input):
        with pytest.raises(InputRefused, match=r"one' holds a character that no path can have\. Check the path"):
            read(text)
    assert [found.code for found in inspect_input(text).findings] == ["path_missing"]


def test_a_folder_that_can_not_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(tmp_path)

    def listed(path: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(os, "listdir", listed)
    monkeypatch.setattr(os, "scandir", listed)
    with read_fails(r"folder( inside)? can't be read \(Input/output error\)\. Check the disk"):
        check_input(tmp_path)


def make(tmp_path: Path, what: str) -> Path:
    """A path that is refused."""
    path = tmp_path / what
    if what == "fifo":
        os.mkfifo(path)
    elif what == "text":
        path.write_text("hello")
    elif what != "missing":
        path.mkdir()
    if what == "foreign":
        (path / "notes.txt").write_text("hello")
    if what == "report":
        dataset = image(PLAIN, 0, SERIES, 0)
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
        del dataset.Rows
        dataset.save_as(path / "sr", enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("missing", "path_missing"),
        ("empty", "empty_folder"),
        ("fifo", "no_dicom"),
        ("text", "no_dicom"),
        ("foreign", "no_dicom"),
        ("report", "no_dicom"),
    ],
)
def test_paths_that_are_refused(tmp_path: Path, what: str, code: str) -> None:
    path = make(tmp_path, what)
    with pytest.raises(InputRefused) as error:
        read_volume(path)
    assert error.value.findings[0].code == code
    inspection = inspect_input(path)
    assert not inspection.accepted
    assert [f.code for f in inspection.findings] == [code]


def test_a_refused_series_is_still_listed(tmp_path: Path) -> None:
    write_series(tmp_path, at=[k for k in range(37) if k != 9])
    inspection = inspect_input(tmp_path)
    assert [row.chosen for row in inspection.series] == [True]
    assert inspection.findings[0].code == "missing_slices"


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("edge_cases/gantrytilting", "too_few_slices"),
        ("edge_cases/notavolume", "geometry_invalid"),
        ("edge_cases/slicecount", "not_ct"),
        ("edge_cases/sliceorientation", "not_ct"),
        ("transfer_syntaxes/compressed_rle", "not_ct"),
        ("enhanced/eCT_Supplemental.dcm", "no_suitable_series"),
    ],
)
def test_real_inputs_that_are_refused(shared_data: Path, folder: str, code: str) -> None:
    assert [f.code for f in inspect_input(shared_data / "dicom" / folder).findings] == [code]


def test_real_study(shared_data: Path) -> None:
    inspection = inspect_input(shared_data / "dicom" / "phantom_study")
    assert [row.series_number for row in inspection.series if row.chosen] == [201]
    messages = {f.code: f.message for f in inspection.findings}
    assert messages["images_set_aside"] == "Set aside: screen captures (6), localizer images (1)."
    assert "thick_slices" in messages
    assert inspection.volume is not None
    assert inspection.volume.hu.shape == (512, 512, 28)


def test_a_folder_of_zip_archives_says_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "study.zip").write_bytes(b"PK")
    said = r"^The file is not a DICOM image\. The folder holds 1 zip archive: name it\. Give"
    with pytest.raises(InputRefused, match=said):
        read_volume(tmp_path)
    (tmp_path / "more.ZIP").write_bytes(b"PK")
    with pytest.raises(InputRefused, match=r"The folder holds 2 zip archives: name one\. Give"):
        check_input(tmp_path)


def test_a_folder_of_nifti_files_says_to_name_one(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(head_hu(PLAIN.points()), PLAIN.affine), tmp_path / "ok.nii.gz")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(
        InputRefused, match=r"^None of 2 files is a DICOM image\. The folder holds a NIfTI file: name that file\."
    ):
        read_volume(tmp_path)
    (tmp_path / "scan.zip").write_bytes(b"")
    (tmp_path / "more.nii").write_bytes(b"")
    with pytest.raises(InputRefused, match=r"^None of 4 files .* The folder holds 2 NIfTI files: name one of them\."):
        read_volume(tmp_path)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[ImageHeader]:
    """Headers of three slices."""
    return read_headers(write_series(tmp_path_factory.mktemp("s"), at=range(3))[0].parent).images


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"kernel": "BONE"}, ["bone_kernel"]),
        ({"image_type": ("DERIVED", "PRIMARY")}, ["derived_series"]),
        ({"orientation": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)}, ["not_axial"]),
        ({"contrast": "OMNIPAQUE"}, ["contrast_suspected"]),
        ({"age_years": 17.9}, ["under_18"]),
        ({"age_years": 18.0}, []),
        ({"lossy": True}, ["lossy_compression"]),
    ],
)
def test_flags_of_the_images(images: list[ImageHeader], changes: dict[str, Any], codes: list[str]) -> None:
    headers = Headers([replace(image, **changes) for image in images])
    stacks = stacks_of(headers)
    assert [found.code for found in choice_flags(headers, stacks, (stacks[0],))] == codes


def test_what_was_set_aside_is_counted(images: list[ImageHeader]) -> None:
    scout = replace(images[0], series_uid="1", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    mr = replace(images[0], series_uid="2", modality="MR")
    headers = Headers([*images, scout, mr, mr], foreign=4, other_objects=2, linked_folders=1)
    stacks = stacks_of(headers)
    best = next(stack for stack in stacks if len(stack.images) == 3)
    assert [found.message for found in choice_flags(headers, stacks, (best,))] == [
        "Set aside: localizer images (1), images that are not CT (2).",
        "Set aside: 4 files that are not DICOM, 2 DICOM files without an image, 1 link to a folder, not followed.",
    ]
