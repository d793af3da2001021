"""All objects of a result: valid, the same every time, in the patient's study, and only where they can be made."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("highdicom")

import pydicom
from dicom_results import (
    CALIBRATION_SHA256,
    POSITIONS,
    WEIGHTS_SHA256,
    Made,
    make,
    make_of,
    picture,
    result,
    scanned_of,
)
from dicom_series import write_enhanced, write_series
from geometries import PLAIN
from highdicom import AlgorithmIdentificationSequence
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from report_groups import groups as measurement_groups

from scripts.reading.inputs import read_volume
from scripts.results.dicom.identity import EPOCH
from scripts.results.dicom.objects import dicom_files
from scripts.results.dicom.source import on_slices, read_source

NAMES = ("capture", "parametric_map", "report", "segmentation")
EVEN = ("parametric_map_even", "segmentation_even")
SLICE = "slice_001"
PDF = b"%PDF-1.4 a report"


def make_with(folder: Path, **values: str) -> Made:
    """The objects of a series whose images have the same UIDs each time, and these values in their headers."""

    def edit(data: Dataset, k: int) -> None:
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{k + 1}"
        data.FrameOfReferenceUID, data.Manufacturer = "1.2.3.4", "Maker"
        for name, value in values.items():
            setattr(data, name, value)

    write_series(folder / "in", edit=edit)
    return make(folder, slices=1)


@pytest.fixture(scope="module")
def uncorrected(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The objects of a series before its headers were corrected."""
    return make_with(tmp_path_factory.mktemp("uncorrected"))


def errors_of(path: Path) -> list[str]:
    """What dciodvfy finds wrong with an object."""
    data = pydicom.dcmread(path)
    if data.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:  # which it does not read
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = path.with_suffix(".inflated")
        data.save_as(path)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
    text = done.stdout + done.stderr
    assert re.search(r"^(ParametricMap|Segmentation|Comprehensive3DSR|SCImage|SC|\w+)$", text, re.M), text
    return [line for line in text.splitlines() if line.startswith("Error")]


needs_dciodvfy = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not here")


@needs_dciodvfy
@pytest.mark.parametrize("position", POSITIONS)
def test_every_object_is_valid(position: str, tmp_path: Path) -> None:
    folder = make(tmp_path, position, slices=1, pdf=PDF).folder
    even = EVEN if position in ("tilted", "feet first, tilted", "two spacings", "uneven") else ()
    assert sorted(path.stem for path in folder.iterdir()) == sorted((*NAMES, *even, "document", SLICE))
    for path in sorted(folder.iterdir()):
        assert errors_of(path) == []


@needs_dciodvfy
def test_every_object_of_an_enhanced_file_is_valid_and_refers_to_it(tmp_path: Path) -> None:
    scan = write_enhanced(tmp_path / "enhanced.dcm")
    made = make_of(scan, tmp_path / "out", slices=1, pdf=PDF)
    for path in sorted(made.folder.iterdir()):
        assert errors_of(path) == []
    data = made.read("parametric_map")
    numbers = set()
    for groups in data.PerFrameFunctionalGroupsSequence:
        number = int(groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        height = float(groups.PlanePositionSequence[0].ImagePositionPatient[2])
        assert height == pytest.approx(PLAIN.affine[2, 3] + (number - 1) * PLAIN.affine[2, 2], abs=1e-3)
        numbers.add(number)
    assert numbers == set(range(1, 38))
    assert len(data.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    assert len(data.SourceImageSequence) == 1


@needs_dciodvfy
@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # as the test itself writes them
def test_every_object_of_a_series_with_headers_out_of_form_is_valid(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        data.PatientBirthDate, data.StudyDate, data.ContentDate, data.StudyTime = (
            "00000000",
            "20201399",
            "0" * 8,
            "2561",
        )
        data.SpecificCharacterSet = data.LossyImageCompression = data.SOPClassUID = data.SliceThickness = ""
        data.SpacingBetweenSlices = "-3"
        data.FrameOfReferenceUID = f"1.2.3.{k}"

    write_series(tmp_path / "in", edit=edit)
    made = make_of(tmp_path / "in", tmp_path / "out", slices=1, pdf=PDF)
    for path in sorted(made.folder.iterdir()):
        assert errors_of(path) == []
    data = made.read("segmentation")
    assert (data.PatientBirthDate, data.StudyDate, data.StudyTime, data.ContentDate) == ("", "", "", "19700101")
    assert data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices == 3


def test_orientations_that_are_rounded_image_by_image_are_one(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        data.ImageOrientationPatient = [1, (k % 3) * 1e-6, 0, -(k % 3) * 1e-6, 1, 0]

    write_series(tmp_path / "in", edit=edit)
    made = make_of(tmp_path / "in", tmp_path / "out", slices=2)
    for name in ("parametric_map", "segmentation"):
        groups = made.read(name).SharedFunctionalGroupsSequence[0]
        assert groups.PlaneOrientationSequence[0].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert made.read("slice_002").ImageOrientationPatient == [1, 0, 0, 0, 1, 0]


@needs_dciodvfy
def test_negative_control_a_broken_object_has_errors(tmp_path: Path) -> None:
    data = make(tmp_path).read("report")
    del data.CompletionFlag
    data.save_as(tmp_path / "broken.dcm")
    assert errors_of(tmp_path / "broken.dcm") != []


def test_the_same_input_gives_the_same_bytes_and_another_one_other_uids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EPOCH, raising=False)
    first = make(tmp_path, slices=1, pdf=PDF)
    time.sleep(1.1)  # so that a time of day would differ
    again = make_of(tmp_path / "in", tmp_path / "again", slices=1, pdf=PDF)
    other = make_of(tmp_path / "in", tmp_path / "other", slices=1, pdf=PDF, weights_sha256="cd" * 32)
    monkeypatch.setenv(EPOCH, "1767225600")
    dated = make_of(tmp_path / "in", tmp_path / "dated", slices=1, pdf=PDF)
    for name in (*NAMES, "document", SLICE):
        path = f"{name}.dcm"
        assert (first.folder / path).read_bytes() == (again.folder / path).read_bytes()
        assert first.read(name).SOPInstanceUID != other.read(name).SOPInstanceUID
        assert first.read(name).SeriesInstanceUID != other.read(name).SeriesInstanceUID
        assert "InstanceCreationDate" not in first.read(name)
        then = dated.read(name)
        assert (then.SeriesDate, then.ContentDate, then.InstanceCreationDate) == ("20260101",) * 3
        assert then.SOPInstanceUID != first.read(name).SOPInstanceUID


def test_patient_and_study_are_those_of_the_source(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        data.PatientBirthDate, data.PatientSex, data.StudyDate, data.StudyTime = "19500102", "F", "20200304", "101112"
        data.StudyID, data.AccessionNumber, data.FrameOfReferenceUID = "7", "A1", "1.2.3.4"

    write_series(tmp_path / "in", edit=edit)
    made = make_of(tmp_path / "in", tmp_path / "out")
    for name in NAMES:
        data = made.read(name)
        assert (data.PatientName, data.PatientID, data.PatientBirthDate) == (
            "Invented^Patient",
            "INVENTED-1",
            "19500102",
        )
        assert (data.StudyInstanceUID, data.StudyDate, data.AccessionNumber) == (
            "1.2.826.0.1.3680043.10.1",
            "20200304",
            "A1",
        )
        assert (data.ContentDate, data.ContentTime) == ("20200304", "101112")
        assert (data.SeriesDate, data.SeriesTime) == ("20200304", "101112")
        assert data.Manufacturer == "head_ct_position_anomaly developers"
        assert "For research use only" in data.SeriesDescription
        assert data.get("FrameOfReferenceUID", "1.2.3.4") == "1.2.3.4"
    assert len({made.read(name).SeriesInstanceUID for name in NAMES}) == 4


def test_all_objects_say_the_same_of_patient_study_and_pixels(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        data.IssuerOfPatientID, data.PatientAge, data.StudyDescription = "HOSPITAL", "070Y", "CT head"
        data.PatientIdentityRemoved, data.DeidentificationMethod = "YES", "By hand"
        data.BurnedInAnnotation, data.LossyImageCompression, data.LossyImageCompressionRatio = "YES", "01", "8"

    write_series(tmp_path / "in", edit=edit)
    made = make_of(tmp_path / "in", tmp_path / "out", slices=1, pdf=PDF)
    for name in (*NAMES, "document", SLICE):
        data = made.read(name)
        assert (data.IssuerOfPatientID, data.PatientAge, data.StudyDescription) == ("HOSPITAL", "070Y", "CT head")
        assert (data.PatientIdentityRemoved, data.DeidentificationMethod) == ("YES", "By hand")
        if name in ("capture", "document", SLICE):  # the others show no pixels of the source
            assert data.BurnedInAnnotation == "YES"
        if "PixelData" in data:
            assert (data.LossyImageCompression, data.LossyImageCompressionRatio) == ("01", 8)


def test_an_unconfirmed_pose_is_said_by_every_object(tmp_path: Path) -> None:
    made = make(tmp_path, slices=1, quality={"verdict": "unconfirmed"})
    for name in (*NAMES, SLICE):
        assert made.read(name).SeriesDescription.startswith("UNCONFIRMED POSE: ")
    for name in ("parametric_map", "segmentation"):
        assert made.read(name).ContentDescription.startswith("UNCONFIRMED POSE: For research use only")
    assert made.read("capture").ImageComments.startswith("UNCONFIRMED POSE: ")
    said = made.read("report").to_json()
    assert "UNCONFIRMED POSE: For research use only" in said
    assert "Unconfirmed: it was refused, and a user forced a result" in said


def test_segments_map_and_captures_say_which_thresholds_they_depend_on(tmp_path: Path) -> None:
    settings = {"score": "maximum", "alpha": 0.01, "stride": 4}
    made = make_of(write_series(tmp_path / "in")[0].parent, tmp_path / "out", slices=1, settings=settings)
    (segment,) = made.read("segmentation").SegmentSequence
    algorithm = AlgorithmIdentificationSequence.from_sequence(segment.SegmentationAlgorithmIdentificationSequence)
    assert algorithm.parameters == {
        **{name: str(value) for name, value in settings.items()},
        "map": "calibrated",
        "weights_sha256": WEIGHTS_SHA256,
        "calibration_sha256": CALIBRATION_SHA256,
    }
    for name in ("parametric_map", "capture", SLICE):
        said = made.read(name).DerivationDescription
        assert f"alpha = 0.01, stride = 4, map = calibrated, weights_sha256 = {WEIGHTS_SHA256}" in said
        assert said.endswith(f", calibration_sha256 = {CALIBRATION_SHA256}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientID", "INVENTED-2"),
        ("PatientName", "Invented^Other"),
        ("PatientAge", "071Y"),
        ("PatientBirthDate", "19500103"),
        ("IssuerOfPatientID", "HOSPITAL"),
        ("StudyDescription", "CT neck"),
        ("AccessionNumber", "A2"),
        ("StudyDate", "20200305"),
        ("InstitutionName", "Another hospital"),
        ("Manufacturer", "Another maker"),
        ("BodyPartExamined", "BRAIN"),
        ("BurnedInAnnotation", "YES"),
        ("SliceThickness", "2.5"),
        ("FrameOfReferenceUID", "1.2.3.9"),
    ],
)
def test_whatever_of_the_source_is_copied_is_in_the_uids(
    name: str, value: str, uncorrected: Made, tmp_path: Path
) -> None:
    """An archive may correct a header, and keep the UIDs of its images."""
    corrected = make_with(tmp_path, **{name: value})
    for each in (*NAMES, SLICE):
        assert uncorrected.read(each).SOPInstanceUID != corrected.read(each).SOPInstanceUID
        assert uncorrected.read(each).SeriesInstanceUID != corrected.read(each).SeriesInstanceUID


def test_what_is_not_copied_is_not_in_the_uids(uncorrected: Made, tmp_path: Path) -> None:
    same = make_with(tmp_path, WindowCenter="45")
    for each in (*NAMES, SLICE):
        assert (uncorrected.folder / f"{each}.dcm").read_bytes() == (same.folder / f"{each}.dcm").read_bytes()


def test_pixels_that_changed_give_other_uids(tmp_path: Path) -> None:
    """Marked slices show them, whether or not the map is the same."""
    write_series(tmp_path / "in")
    volume, told = read_volume(tmp_path / "in"), result()
    scanned = scanned_of(volume.hu, volume.affine, told)
    other = replace(scanned, hu=scanned.hu + np.int16(1))
    uids = []
    for one in (scanned, other):
        dicom_files(tmp_path / "in", None, one, told, {"overview.png": picture()})["dicom/report.dcm"](tmp_path / "x")
        uids.append(pydicom.dcmread(tmp_path / "x").SOPInstanceUID)
    assert uids[0] != uids[1]


def test_hemispheres_that_were_not_judged_have_no_numbers(tmp_path: Path) -> None:
    """As of a scan with a bone kernel: of them it is known how much of each was there, and nothing else."""
    unjudged = {"voxels": 9000, "coverage": 1.0, "calibrated_maximum": None, "percentile": None, "threshold": None}
    skull = {"calibrated_maximum": 8.25, "percentile": 97.5, "threshold": 5.0}
    sides = ("left_hemisphere", "right_hemisphere")
    made = make(
        tmp_path,
        scores={**dict.fromkeys(sides), "skull": 8.25},
        score_details={**dict.fromkeys(sides, unjudged), "skull": skull},
        detections=[],
    )
    found = {group["Tracking Identifier"][0]: group["numbers"] for group in measurement_groups(made.read("report"))}
    assert found["Skull"]["Anomaly score"] == pytest.approx(8.25, abs=0.0051)
    assert not any("Anomaly score" in found.get(side, {}) for side in ("Left hemisphere", "Right hemisphere"))


def test_without_a_threshold_there_is_no_segmentation(tmp_path: Path) -> None:
    details = {name: {**numbers, "threshold": None} for name, numbers in result()["score_details"].items()}
    made = make(tmp_path, score_details=details, map="error")
    assert sorted(path.stem for path in made.folder.iterdir()) == ["capture", "parametric_map", "report"]


@pytest.mark.parametrize("between", [True, False])
def test_a_region_marked_only_between_the_slices_is_left_out_of_the_report(between: bool, tmp_path: Path) -> None:
    write_series(tmp_path / "in", *POSITIONS["two spacings"])
    volume, grid = read_volume(tmp_path / "in"), read_source(tmp_path / "in", None).grid
    details = {name: {"raw_maximum": 8.0, "threshold": 5.0} for name in result()["score_details"]}
    told = {**result(), "map": "error", "score_details": details}
    scanned = scanned_of(volume.hu, volume.affine, told)
    planes = np.arange(volume.hu.shape[2], dtype=np.uint8) + np.uint8(1)
    on_source = set(np.unique(on_slices(np.broadcast_to(planes, volume.hu.shape), grid, labels=True)))
    counts = [(scanned.regions[..., k - 1] == 1).sum() if (k in on_source) != between else 0 for k in planes]
    heatmap = np.minimum(scanned.heatmap, 1)
    at = int(np.argmax(counts))
    heatmap[..., at][scanned.regions[..., at] == 1] = 8
    files = dicom_files(tmp_path / "in", None, replace(scanned, heatmap=heatmap), told, {"overview.png": picture()})
    files["dicom/report.dcm"](tmp_path / "report.dcm")
    said = pydicom.dcmread(tmp_path / "report.dcm").to_json()
    assert ("Anomaly, left hemisphere" in said) is not between
    assert "dicom/parametric_map.dcm" in files


def test_images_of_another_grid_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    scanned = scanned_of(np.zeros((9, 9, 9)), np.eye(4), result())
    with pytest.raises(ValueError, match=r"does not lie on the images \(48, 44, 37\)"):
        dicom_files(tmp_path / "in", None, scanned, result(), {"overview.png": picture()})
