"""What the tasks for MONAI Label refuse, and what they write."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import itk
import nibabel as nib
import numpy as np
import pytest

import anomaly_tasks as tasks
from scripts.findings import refusal

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
AFFINE = np.array([[-0.4, 0, 0, 90], [0, -0.5, 0, 80], [0, 0, 4.0, -20], [0, 0, 0, 1]])

pytestmark = pytest.mark.filterwarnings("default")


class Kept:
    """In place of `KeptResults`: one result, with a bleed in the right hemisphere alone; what was asked for."""

    bundle = BUNDLE

    def __init__(self, **changes: Any) -> None:
        heatmap, regions = np.full((5, 6, 7), 0.5, np.float32), np.zeros((5, 6, 7), np.uint8)
        regions[:2], regions[2:4], regions[4] = 1, 2, 3
        heatmap[3, 2:4, 2:4] = 4.5
        numbers = {"calibrated_top_1_percent_mean": 4.0, "threshold": 2.9}
        record = {
            "calibration": {"scans": 84},
            "settings": {"map": "calibrated", "score": "top_1_percent_mean"},
            "scores": {"right_hemisphere": 4.0},
            "score_details": dict.fromkeys(("left_hemisphere", "right_hemisphere", "skull"), numbers),
            "outputs": {"heatmap.nii.gz": "00"},
        }
        facts = {"heatmap": heatmap, "regions": regions, "affine": AFFINE, "record": record, "files": {}, **changes}
        self.result, self.asked = SimpleNamespace(**facts), []

    def of(self, scan: Path, values: dict[str, Any]) -> Any:
        self.asked.append((scan, values))
        return self.result


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU, as MONAI Label sees it."""
    monkeypatch.setattr(tasks, "device_list", lambda: ["cpu"])
    monkeypatch.setattr(tasks, "device_map", lambda: {"cpu": "cpu"})


def test_a_heatmap_is_written_on_the_grid_of_the_results(cpu: None) -> None:
    kept = Kept()
    file, params = tasks.HeatmapTask(kept)({"image": "scan.nii.gz", "stride": "4", "device": "cpu"})
    written: Any = nib.load(file)
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(written.dataobj), kept.result.heatmap)
    assert written.get_data_dtype() == np.float32
    assert params["scores"] == {"right_hemisphere": 4.0}
    assert "outputs" not in params
    Path(file).unlink()


def test_a_mask_holds_the_label_of_the_region_above_its_threshold(cpu: None) -> None:
    kept = Kept()
    request = {"image": "scan.nii.gz", "result_extension": ".nrrd", "result_dtype": "uint16", "result_compress": True}
    file, params = tasks.MaskTask(kept)(request)
    mask = itk.array_from_image(itk.imread(file)).T
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.where(kept.result.heatmap > 2.9, 2, 0))
    assert params["label_names"] == {"left hemisphere": 1, "right hemisphere": 2, "skull": 3}, "3D Slicer's order"
    assert params["centroids"] == {}, "OHIF wants one"
    Path(file).unlink()


def test_heatmap_mask_and_report_ask_for_the_same_run(cpu: None) -> None:
    kept = Kept(files=FILES)
    for task in (tasks.HeatmapTask(kept), tasks.MaskTask(kept), tasks.ReportTask(kept)):
        Path(task({"image": "scan.nii.gz"})[0]).unlink()
    assert kept.asked[0] == kept.asked[1] == kept.asked[2]
    values = {"map": "calibrated", "stride": 2, "alpha": 0.05, "device": "$torch.device('cpu')"}
    assert kept.asked[0][1] == values


def test_a_mask_needs_a_calibration(cpu: None) -> None:
    record = {**Kept().result.record, "calibration": None}
    with pytest.raises(tasks.OptionRefused, match="The bundle is not calibrated, so there is no mask"):
        tasks.MaskTask(Kept(record=record))({"image": "scan.nii.gz"})


def test_a_segmentation_is_that_of_the_bundle(cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"image": "folder", "result_extension": ".dcm"}
    monkeypatch.setattr(tasks, "why_no_objects", lambda scan: "A NIfTI file has no study.")
    with pytest.raises(tasks.OptionRefused, match="A NIfTI file has no study"):
        tasks.MaskTask(Kept())(request)
    monkeypatch.setattr(tasks, "why_no_objects", lambda scan: "")
    with pytest.raises(tasks.NothingMarked, match="Nothing exceeds the threshold of its region"):
        tasks.MaskTask(Kept())(request)
    file, _ = tasks.MaskTask(Kept(files={tasks.SEGMENTATION: b"as the bundle wrote it"}))(request)
    assert Path(file).read_bytes() == b"as the bundle wrote it"
    Path(file).unlink()
    with pytest.raises(
        tasks.OptionRefused, match=r"result_extension must be one of \.nii\.gz, \.nii, \.nrrd, got '\.dcm'"
    ):
        tasks.HeatmapTask(Kept())(request)


FILES = {
    **{"report.html": b"page", "report.pdf": b"sheet", "overview.png": b"picture", "heatmap.nii.gz": b"voxels"},
    **{"dicom/slice_002.dcm": b"two", "dicom/slice_001.dcm": b"one"},
}


@pytest.mark.parametrize(("extension", "content"), [(None, b"page"), (".pdf", b"sheet"), (".png", b"picture")])
def test_a_report_is_a_page_a_sheet_or_a_picture(extension: str | None, content: bytes, cpu: None) -> None:
    request = {"image": "scan.nii.gz", "result_extension": extension}
    file, params = tasks.ReportTask(Kept(files=FILES))(request)
    assert Path(file).suffix == (extension or ".html")
    assert Path(file).read_bytes() == content
    assert params["scores"] == {"right_hemisphere": 4.0}
    Path(file).unlink()


def test_an_archive_holds_the_dicom_objects_of_a_series(cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"image": "folder", "result_extension": ".zip"}
    monkeypatch.setattr(tasks, "why_no_objects", lambda scan: "A NIfTI file has no study.")
    with pytest.raises(tasks.OptionRefused, match="A NIfTI file has no study"):
        tasks.ReportTask(Kept(files=FILES))(request)
    monkeypatch.setattr(tasks, "why_no_objects", lambda scan: "")
    files = [Path(tasks.ReportTask(Kept(files=FILES))(request)[0]) for _ in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    with zipfile.ZipFile(files[0]) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "slice_001.dcm": b"one",
            "slice_002.dcm": b"two",
        }
    for file in files:
        file.unlink()


@pytest.mark.parametrize("asked", [4, "4"])
def test_a_value_may_come_as_text(asked: object) -> None:
    assert tasks.choice("stride", {"stride": asked}, (2, 4, 1)) == 4


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(tasks.OptionRefused, match=r"stride must be one of 2, 4, 1, got 3\."):
        tasks.choice("stride", {"stride": 3}, (2, 4, 1))


@pytest.mark.parametrize("asked", [None, "", [2, 4, 1]])
def test_the_first_value_is_the_default(asked: object) -> None:
    assert tasks.choice("stride", {"stride": asked}, (2, 4, 1)) == tasks.choice("stride", {}, (2, 4, 1)) == 2


@pytest.mark.parametrize("asked", [None, "", "cpu", ["cpu"]])
def test_without_a_gpu_there_is_one_device(asked: object, cpu: None) -> None:
    assert tasks.chosen_device({"device": asked}) == "cpu"
    with pytest.raises(tasks.OptionRefused, match=r"device must be cpu, got 'cuda'\."):
        tasks.chosen_device({"device": "cuda"})


def test_a_gpu_is_chosen_by_either_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"NVIDIA A:0": "cuda:0", "NVIDIA A:1": "cuda:1"}
    monkeypatch.setattr(tasks, "device_list", lambda: list(names))
    monkeypatch.setattr(tasks, "device_map", lambda: names)
    asked = (None, list(names), "NVIDIA A:1", "cuda:1", "cpu")
    assert [tasks.chosen_device({"device": one}) for one in asked] == ["cuda:0", "cuda:0", "cuda:1", "cuda:1", "cpu"]
    listed = "NVIDIA A:0, NVIDIA A:1, cuda:0, cuda:1, cpu"
    with pytest.raises(tasks.OptionRefused, match=rf"device must be one of {listed}, got 'cuda:2'\."):
        tasks.chosen_device({"device": "cuda:2"})


def test_the_refusal_behind_an_error_is_found() -> None:
    refused = refusal("no_dicom", "None of 3 files is a DICOM image.")
    outer = RuntimeError("applying transform")
    outer.__cause__ = refused
    assert tasks.reason_to_refuse(outer) == str(refused)
    assert tasks.reason_to_refuse(tasks.OptionRefused("stride must be one of 1, 2.")) == "stride must be one of 1, 2."
    assert tasks.reason_to_refuse(ValueError("another")) == ""
