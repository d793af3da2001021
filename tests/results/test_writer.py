"""What is written of a case, and how long its stages took."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from registered_image import MATRIX
from scored_case import AFFINE, FLAG, calibrated, case

from scripts.anomaly.scores import SCALED
from scripts.assets import metadata, sha256
from scripts.errors import OutputExists
from scripts.findings import finding
from scripts.results import writer as handlers
from scripts.results.record import verify
from scripts.results.result import Result
from scripts.results.writer import ResultWriter, StageClock, case_result, versions

SETTINGS = {"mode": "dense", "score": "percentile_95", "stride": 2, "precision": "float32"}

REPORT = ("report.html", "report.pdf")

VOLUMES = ("detections.nii.gz", "error_map.nii.gz", "heatmap.nii.gz", "regions.nii.gz", "scan.nii.gz")


def test_the_result_of_a_case() -> None:
    result = case_result(case([FLAG]), {"network": 1.5})
    assert result["scores"] == {"left_hemisphere": 3.5, "right_hemisphere": 2.25, "skull": None}
    assert result["score_details"] == {"left_hemisphere": {"raw_maximum": 4.0, "voxels": 12}}
    assert (result["map"], result["unit"], result["calibration"]) == ("error", "mm", None)
    assert [found["code"] for found in result["findings"]] == ["thick_slices", "region_cut"]
    assert result["findings"][0] == FLAG
    assert result["quality"] == {
        "verdict": "pass",
        "ncc": pytest.approx(0.91),
        "inference": {"device": "cpu", "tile": 32, "fallback": False},
    }
    np.testing.assert_allclose(result["registration"]["matrix"], MATRIX)
    assert result["timings_s"] == {"network": 1.5}
    assert json.loads(json.dumps(result)) == result, "plain JSON values throughout"


def test_findings_that_a_data_loader_made_none_of_are_an_empty_list() -> None:
    data = case()
    assert data["image"].meta["findings"] in (None, []), "what collating does to an empty list"
    assert [found["code"] for found in case_result(data, {})["findings"]] == ["region_cut"]
    data["region_findings"] = []
    assert case_result(data, {})["findings"] == []


def test_where_the_network_ran_need_not_be_known() -> None:
    data = case()
    del data["inference"]
    assert case_result(data, {})["quality"] == {"verdict": "pass", "ncc": pytest.approx(0.91)}


@pytest.mark.parametrize("accepted", [False, True])
def test_a_pose_for_review_is_in_the_result_with_what_the_user_decided(accepted: bool) -> None:
    data = case([finding("registration_review", "The pose is for review.").as_dict()])
    data["image"].meta["registration"] |= {"verdict": "review", "accepted": accepted}
    result = case_result(data, {})
    assert (result["quality"]["verdict"], result["quality"]["accepted"]) == ("review", accepted)
    assert result["findings"][0]["code"] == "registration_review"


def test_a_calibrated_case_says_by_what() -> None:
    result = case_result(calibrated(), {})
    assert (result["map"], result["unit"]) == ("calibrated", SCALED)
    assert result["calibration"] == {"scans": 60}
    assert [found["code"] for found in result["findings"]] == ["normative_unknown", "region_cut"]
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize("known", [True, False])
def test_dicom_objects_are_told_the_calibration(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("highdicom")
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "scripts.results.dicom.objects.dicom_files", lambda path, uid, scanned, result, files: told.append(result) or {}
    )
    data = calibrated()
    data["thresholds"] = replace(data["thresholds"], sha256="ef" * 32) if known else None
    data["image"].meta["filename_or_obj"] = "scan"
    handlers.dicom_objects(data, {}, case_result(data, {}) | {"settings": SETTINGS}, None)
    assert told[0]["calibration_sha256"] == ("ef" * 32 if known else "")


def test_detections_are_in_the_result() -> None:
    row = {"region": "skull", "kind": "skull line", "bone": "frontal bone, left", "length_mm": 8.0, "depth_mm": None}
    row |= {"ends_mm": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "peak_mm": [1.0, 2.0, 7.0]}
    result = case_result({**case(), "detections": [row]}, {})
    more = {"rank": 1, "side": "left", "name": "frontal bone", "centre_mm": [2.5, 3.5, 4.5]}
    assert result["detections"] == [row | more | {"slice": 7, "peak_slice": 8}]
    assert "a line of 8 mm, frontal bone on the left, slice 8" in result["summary"]
    uneven = case([finding("two_spacings", "Slices are 4 and 7 mm apart.").as_dict()])
    assert case_result({**uneven, "detections": [row]}, {})["detections"][0]["slice"] is None
    assert case_result(case(), {})["detections"] == []


def test_versions_name_what_can_change_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    found = versions()
    assert found["bundle"] == metadata()["version"]
    assert {"python", "monai", "torch", "itk"} <= set(found)
    assert "unknown" not in found.values()
    monkeypatch.setattr(handlers, "PACKAGES", ("no-such-package",))
    assert versions()["no-such-package"] == "unknown"


def engine(data: dict[str, Any] | None = None) -> Engine:
    """An engine that runs one case and fires the events that the handlers listen to."""

    def step(engine: Engine, batch: Any) -> Any:
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        return [data]

    made = Engine(step)
    made.register_events(*IterationEvents)
    made.add_event_handler(Events.ITERATION_STARTED, lambda e: setattr(e.state, "batch", [{}]))
    return made


def test_the_clock_reads_each_stage_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 12.5, 13.0, 17.25, 20.0, 21.0, 23.0, 26.0])
    monkeypatch.setattr("scripts.results.writer.time.perf_counter", lambda: next(now))
    clock, seen = StageClock(), []
    run = engine()
    clock.attach(run)
    run.add_event_handler(Events.ITERATION_COMPLETED, lambda: seen.append(dict(clock.timings_s)))
    run.run([0, 1])
    assert seen == [{"prepare": 2.5, "network": 0.5, "score": 4.25}, {"prepare": 1.0, "network": 2.0, "score": 3.0}]


@pytest.fixture
def weights(tmp_path: Path) -> str:
    (tmp_path / "model.pt").write_bytes(b"weights")
    return str(tmp_path / "model.pt")


def run_writer(output: Path, weights: str, data: dict[str, Any], overwrite: bool = False) -> None:
    clock = StageClock()
    run = engine(data)
    for handler in (clock, ResultWriter(output, weights, clock, SETTINGS, overwrite)):
        handler.attach(run)
    run.run([0])


def test_a_case_is_written_with_its_timings_and_weights(tmp_path: Path, weights: str) -> None:
    run_writer(tmp_path / "out", weights, case([FLAG]))
    result = verify(tmp_path / "out")
    assert set(result["outputs"]) == {*VOLUMES, "overview.png", "detections.csv", *REPORT}
    assert result["compared_with"]["contours"] == {"left_hemisphere": None}
    assert result["grid"] == {"kind": "native", "shape": [10, 9, 8], "spacing_mm": [2.0, 2.0, 3.0]}
    assert result["weights_sha256"] == sha256(weights)
    assert result["settings"] == {**SETTINGS, "map": "error", "unit": "mm"}
    assert "map" not in result
    assert set(result["timings_s"]) == {"prepare", "network", "score"}


def test_scores_can_be_written_without_maps(tmp_path: Path, weights: str) -> None:
    data = case([FLAG])
    del data["error_map"]
    run = engine(data)
    ResultWriter(tmp_path / "out", weights, StageClock(), SETTINGS, maps="none", pictures=False).attach(run)
    run.run([0])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["result.json"]
    result = verify(tmp_path / "out")
    assert (result["outputs"], result["scores"]) == ({}, data["scores"])


@pytest.mark.parametrize(("maps", "names"), [("heatmap", {"heatmap.nii.gz"}), ("none", set())])
def test_fewer_volumes_can_be_written(maps: str, names: set[str], tmp_path: Path, weights: str) -> None:
    run = engine(case([FLAG]))
    ResultWriter(tmp_path / "out", weights, StageClock(), SETTINGS, maps=maps).attach(run)
    run.run([0])
    result = verify(tmp_path / "out")
    assert set(result["outputs"]) == {*names, "overview.png", "detections.csv", *REPORT}
    assert ("grid" in result) == bool(names)
    assert "To browse the slices, run with --maps all" in (tmp_path / "out" / "report.html").read_text()


def test_the_report_can_be_left_out(tmp_path: Path, weights: str) -> None:
    run = engine(case())
    ResultWriter(tmp_path / "out", weights, StageClock(), SETTINGS, report=False).attach(run)
    run.run([0])
    assert set(verify(tmp_path / "out")["outputs"]) == {*VOLUMES, "overview.png", "detections.csv"}


def test_a_report_that_is_made_later_is_the_same(tmp_path: Path, weights: str) -> None:
    run_writer(tmp_path / "out", weights, case([FLAG]))
    again = Result.read(tmp_path / "out").with_report()
    assert {name: sha256(tmp_path / "out" / name) for name in REPORT} == {
        name: hashlib.sha256(again.files[name]).hexdigest() for name in REPORT
    }


def test_another_word_for_the_volumes_is_refused(tmp_path: Path, weights: str) -> None:
    with pytest.raises(ValueError, match="maps must be one of all, heatmap, none, got 'some'"):
        ResultWriter(tmp_path / "out", weights, StageClock(), SETTINGS, maps="some")


def test_a_tilted_case_and_one_of_two_spacings_are_resampled(tmp_path: Path, weights: str) -> None:
    flag = finding("two_spacings", "The series has two slice spacings.").as_dict()
    run_writer(tmp_path / "two", weights, case([flag]))
    assert verify(tmp_path / "two")["grid"] == {"kind": "resampled", "shape": [10, 9, 8], "spacing_mm": [2.0, 2.0, 3.0]}
    data, tilted = case(), AFFINE.clone()
    tilted[1, 2] = 1.0
    for key in ("pred", "error_map", "regions", "scan"):
        data[key].affine = tilted
    run_writer(tmp_path / "tilted", weights, data)
    grid = verify(tmp_path / "tilted")["grid"]
    assert grid == {"kind": "resampled", "shape": [10, 13, 8], "spacing_mm": [2.0, 2.0, 3.0]}


def test_no_number_that_json_does_not_have_is_written(tmp_path: Path, weights: str) -> None:
    data = case()
    data["score_details"] = {"skull": {"maximum": math.nan, "percentile_99": np.float32("inf")}}
    run_writer(tmp_path / "out", weights, data)
    text = (tmp_path / "out" / "result.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert json.loads(text)["score_details"]["skull"] == {"maximum": None, "percentile_99": None}


def test_the_target_is_looked_at_before_the_work(tmp_path: Path, weights: str) -> None:
    (tmp_path / "out").mkdir()
    writer = ResultWriter(tmp_path / "out", weights, StageClock(), SETTINGS)
    run = engine()
    writer.attach(run)
    started: list[int] = []
    run.add_event_handler(Events.GET_BATCH_STARTED, lambda: started.append(1))
    with pytest.raises(OutputExists, match="say --overwrite"):
        run.run([0])
    assert started == []


def test_earlier_results_are_replaced_only_when_told(tmp_path: Path, weights: str) -> None:
    run_writer(tmp_path / "out", weights, case())
    with pytest.raises(OutputExists, match="exists"):
        run_writer(tmp_path / "out", weights, case())
    run_writer(tmp_path / "out", weights, case([FLAG]), overwrite=True)
    assert verify(tmp_path / "out")["findings"][0]["code"] == "thick_slices"


def test_an_output_dir_in_which_monai_changed_a_number_sign_is_refused(tmp_path: Path, weights: str) -> None:
    from monai.bundle import ConfigParser

    parser = ConfigParser({"output_dir": "out"})
    parser.update({"output_dir": f"{tmp_path}/bed #4"})
    changed = parser.get_parsed_content("output_dir")
    with pytest.raises(ValueError, match=r"bed ::4': MONAI makes :: of # in a path\. Choose a path without either\."):
        ResultWriter(changed, weights, StageClock(), SETTINGS)
    assert ResultWriter(tmp_path / "a::b", weights, StageClock(), SETTINGS).output_dir == tmp_path / "a::b"
