"""Real scans through a cohort, both engines, all networks, and evaluate.json: the same bytes and the same numbers.

Each scan is registered once, by the first cohort; what follows takes it from there, as a user's networks do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from cohort_stand_in import LABELS
from pipeline_runs import ELSEWHERE, OBJECTS, Run
from planted import write_planted
from same_results import ROOT, same_results

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.cohort.table import read_table
from scripts.commands.main import main
from scripts.networks.position import PatchPositionNet
from scripts.results.record import verify

pytestmark = pytest.mark.xdist_group("pipeline")

STRIDE = "4"

MAPS = {
    "detections.csv",
    "detections.nii.gz",
    "error_map.nii.gz",
    "heatmap.nii.gz",
    "overview.png",
    "regions.nii.gz",
    "scan.nii.gz",
    "skull.png",
}
"""Files of a complete result beside result.json."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of two bleeding heads, one of them by the UID of its series, and a folder without any scan.

    The names of the files of that series are shuffled.
    """
    made: Path = tmp_path_factory.mktemp("cohort #1")
    left, _ = write_planted(made / "left", "left", "LPS", "nifti")
    right, (_, uid) = write_planted(made / "right", "right", "PLI", "dicom")
    series = sorted(right.iterdir())
    for number, path in zip(np.random.default_rng(0).permutation(len(series)), series, strict=True):
        path.rename(right / f"{number:04d}")
    (made / "empty").mkdir()
    (made / "empty" / "notes.txt").write_text("no image")
    items = []
    for name, image, series, labels in (
        ("left", left, None, ("ICH", "IPH", "BleedLocation-Left")),
        ("none", made / "empty", None, ()),
        ("right", right, uid, ("ICH", "IPH", "BleedLocation-Right")),
    ):
        relative = os.path.relpath(image, made)
        labelled = {label: label in labels for label in LABELS}
        items.append({"case": name, "image": relative, "series_uid": series, "labels": labelled})
    (made / "datalist.json").write_text(json.dumps({"description": "two bleeds", "test": items}))
    torch.manual_seed(0)
    torch.save(SpatialAutoencoder(1).state_dict(), made / "autoencoder.pt")
    torch.save(PatchPositionNet(1).state_dict(), made / "published.pt")
    return made


def cohort(folder: Path, out: str, *more: str) -> Path:
    """The folder of a cohort run, which takes registered scans from, and leaves them in, a folder for all."""
    words = ["cohort", str(folder / "datalist.json"), "-o", str(folder / out), "--work", str(folder / "registered")]
    assert main([*words, "--device", "cpu", *more]) == 0
    return folder / out


@pytest.fixture(scope="module")
def ours(folder: Path) -> Path:
    """The first run, which registers."""
    return cohort(folder, "ours", "--stride", STRIDE)


def test_a_cohort_gives_what_monai_gives_in_two_threads_elsewhere_with_the_bundle_of_the_zoo(
    ours: Path, runs: Run
) -> None:
    same_results(ours / "cases" / "left", runs(*ELSEWHERE), {"outputs"})
    one, other = (verify(folder)["outputs"] for folder in (ours / "cases" / "left", runs(*ELSEWHERE)))
    assert {**one, **{name: other[name] for name in ("report.html", "report.pdf")}} == other, "no report but on request"


def test_a_cohort_gives_what_run_gives_of_a_series_with_other_file_names(ours: Path, runs: Run) -> None:
    same_results(ours / "cases" / "right", runs(*OBJECTS), {"outputs"})
    one, other = (verify(folder) for folder in (ours / "cases" / "right", runs(*OBJECTS)))
    assert one["outputs"].items() <= other["outputs"].items()


def test_done_and_refused_cases_stand_in_the_table(ours: Path) -> None:
    rows = {row.case: row for row in read_table(ours / "score_details.csv")}
    assert [row.status for row in rows.values()] == ["done", "refused", "done"]
    assert rows["left"].scores == verify(ours / "cases" / "left")["scores"]
    assert rows["none"].reason.startswith("The file is not a DICOM image.")


@pytest.mark.skipif(find_spec("ray") is None, reason="the extra [cluster] is not installed")
def test_from_the_cache_on_ray_the_bytes_are_the_same(ours: Path, folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "registered").iterdir()}
    assert len(before) == 3
    other = cohort(folder, "ray", "--stride", STRIDE, "--engine", "ray", "--workers", "1")
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "registered").iterdir()} == before
    for case in ("left", "right"):
        same_results(ours / "cases" / case, other / "cases" / case)
    without_seconds = [
        [line.rpartition(",")[0] for line in (out / "score_details.csv").read_text().splitlines()]
        for out in (ours, other)
    ]
    assert without_seconds[0] == without_seconds[1]


def test_networks_that_two_workers_share_give_the_same_bytes(
    ours: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = cohort(folder, "shared", "--stride", STRIDE, "--workers", "2", "--networks", "shared")
    for case in ("left", "right"):
        same_results(ours / "cases" / case, other / "cases" / case)
    assert "The shared networks answered 4 requests, and waited " in capsys.readouterr().err


def evaluated(folder: Path, out: str, overlay: str | None, *more: str) -> Path:
    """The folder that evaluate.json makes, over an overlay of inference.json."""
    names = ["inference.json", *([overlay] if overlay else []), "evaluate.json"]
    files = str([str(ROOT / "bundle" / "configs" / name) for name in names])
    # MONAI takes "#" in a word of the command line for a level of the config: relative paths have none.
    words = ["--bundle_root", str(ROOT / "bundle"), "--datalist", "datalist.json", "--output_dir", out, *more]
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", files, "--registered_dir", "registered", *words],
        cwd=folder,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT / "bundle")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| haemorrhage | 2 | 2 |" in done.stdout
    return folder / out


def test_evaluate_json_measures_what_the_cohort_command_does(ours: Path, folder: Path) -> None:
    assert main(["evaluate", str(ours), str(folder / "datalist.json")]) == 0
    made = evaluated(folder, "config", None, "--stride", STRIDE)
    assert (made / "evaluation.json").read_bytes() == (ours / "evaluation.json").read_bytes()
    for one, other in zip(read_table(made / "score_details.csv"), read_table(ours / "score_details.csv"), strict=True):
        assert {**vars(one), "seconds": 0} == {**vars(other), "seconds": 0}
    evaluation = json.loads((made / "evaluation.json").read_text())
    assert evaluation["tasks"]["haemorrhage"]["auroc"] == 1
    assert evaluation["tasks"]["fracture"]["auroc"] is None


@pytest.mark.parametrize(
    ("mode", "overlay", "more", "options", "maps"),
    [
        ("autoencoder", "autoencoder_inference.json", [], [], MAPS),
        ("published", "published.json", ["--stride", "16", "--scores-only"], ["--stride", "16"], set()),
    ],
)
def test_other_networks_are_scored_and_evaluated_in_the_same_way(
    mode: str, overlay: str, more: list[str], options: list[str], maps: set[str], ours: Path, folder: Path
) -> None:
    weights = folder / f"{mode}.pt"
    out = cohort(folder, mode, "--mode", mode, "--weights", str(weights), "--width", "1", *more)
    result = verify(out / "cases" / "left")
    assert set(result["outputs"]) == maps
    assert {path.name for path in (out / "cases" / "left").iterdir()} == {"result.json", *maps}
    shown = ("reconstruction", "percent of the range of grey values") if maps else ("error", "mm")
    assert (result["settings"]["map"], result["settings"]["unit"]) == shown
    assert 0 < result["scores"]["skull"] == result["score_details"]["skull"]["raw_maximum"]
    assert main(["evaluate", str(out), str(folder / "datalist.json")]) == 0
    made = evaluated(folder, f"{mode} config", overlay, *options, "--weights", weights.name, "--width", "1")
    assert (made / "evaluation.json").read_bytes() == (out / "evaluation.json").read_bytes()
    facts = json.loads((out / "evaluation.json").read_text())
    assert facts["score"] == "raw_maximum"
    assert facts["network"]["kind"] == {"published": "position"}.get(mode, mode)
    assert main(["evaluate", str(ours), str(folder / "datalist.json"), "--compare", str(out)]) == 0
