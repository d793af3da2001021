"""Real scans through a cohort, both engines, all networks, and evaluate.json: the same bytes and the same numbers.

Each scan is registered once, by the first cohort; what follows takes one from there, as a user's networks do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cohort_stand_in import LABELS
from engine_jobs import in_this_process
from pipeline_runs import ELSEWHERE, OBJECTS, Run
from planted import write_planted
from same_results import ROOT, same_results

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.cohort.table import read_table
from scripts.commands import arguments
from scripts.commands.main import main
from scripts.networks.position import PatchPositionNet
from scripts.results.record import verify
from scripts.workflow import quiet, run_configs

pytestmark = pytest.mark.xdist_group("pipeline")

STRIDE = "4"

ALL, ONE = "datalist.json", "one.json"
"""Names of the datalists."""

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

    Another one has a head and that folder alone. The names of the files of that series are shuffled.
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
    for name, listed in ((ALL, items), (ONE, items[:2])):
        (made / name).write_text(json.dumps({"description": "bleeds", "test": listed}))
    torch.manual_seed(0)
    torch.save(SpatialAutoencoder(1).state_dict(), made / "autoencoder.pt")
    torch.save(PatchPositionNet(1).state_dict(), made / "published.pt")
    return made


def cohort(folder: Path, datalist: str, out: str, *more: str) -> Path:
    """The folder of a cohort run, which takes registered scans from, and leaves them in, a folder for all."""
    words = ["cohort", str(folder / datalist), "-o", str(folder / out), "--work", str(folder / "registered")]
    assert main([*words, "--device", "cpu", *more]) == 0
    return folder / out


@pytest.fixture(scope="module")
def ours(folder: Path) -> Path:
    """The first run, which registers, by two workers that share the networks; what it said lies beside it."""
    with redirect_stderr(StringIO()) as said:
        made = cohort(folder, ALL, "ours", "--stride", STRIDE, "--workers", "2", "--networks", "shared")
    (folder / "said.txt").write_text(said.getvalue())
    return made


@pytest.fixture(scope="module")
def one(ours: Path, folder: Path) -> Path:
    """A run of one head and no scan, from the cache, by a worker with networks of its own: on Ray, if it is here."""
    engine = ["--engine", "ray", "--workers", "1"] if find_spec("ray") else []
    made = cohort(folder, ONE, "one", "--stride", STRIDE, *engine)
    assert main(["evaluate", str(made), str(folder / ONE)]) == 0
    return made


def test_shared_networks_give_what_monai_gives_in_two_threads_elsewhere_with_the_bundle_of_the_zoo(
    ours: Path, runs: Run
) -> None:
    same_results(ours / "cases" / "left", runs(*ELSEWHERE), {"outputs"})
    one, other = (verify(folder)["outputs"] for folder in (ours / "cases" / "left", runs(*ELSEWHERE)))
    assert {**one, **{name: other[name] for name in ("report.html", "report.pdf")}} == other, "no report but on request"


def test_shared_networks_give_what_run_gives_of_a_series_with_other_file_names(ours: Path, runs: Run) -> None:
    same_results(ours / "cases" / "right", runs(*OBJECTS), {"outputs"})
    one, other = (verify(folder) for folder in (ours / "cases" / "right", runs(*OBJECTS)))
    assert one["outputs"].items() <= other["outputs"].items()


def test_done_and_refused_cases_stand_in_the_table(ours: Path) -> None:
    rows = {row.case: row for row in read_table(ours / "score_details.csv")}
    assert [row.status for row in rows.values()] == ["done", "refused", "done"]
    assert rows["left"].scores == verify(ours / "cases" / "left")["scores"]
    assert rows["none"].reason.startswith("The file is not a DICOM image.")


def test_both_workers_asked_for_both_networks(ours: Path) -> None:
    assert "The shared networks answered 4 requests, and waited " in (ours.parent / "said.txt").read_text()


def test_a_worker_with_its_own_networks_gives_the_same_bytes_from_the_cache(ours: Path, one: Path) -> None:
    """On Ray, where it is installed."""
    cached = list((ours.parent / "registered").iterdir())
    assert len(cached) == 3
    table = "score_details.csv"
    assert all(path.stat().st_mtime_ns < (ours / table).stat().st_mtime_ns for path in cached), "registered once"
    same_results(ours / "cases" / "left", one / "cases" / "left")
    lines = [[line.rpartition(",")[0] for line in (out / table).read_text().splitlines()] for out in (ours, one)]
    assert lines[0][:3] == lines[1]


def evaluated_by_monai(folder: Path, out: str) -> Path:
    """The folder that evaluate.json makes over inference.json, as a user of MONAI runs it."""
    files = str([str(ROOT / "bundle" / "configs" / name) for name in ("inference.json", "evaluate.json")])
    # MONAI takes "#" in a word of the command line for a level of the config: relative paths have none.
    words = ["--bundle_root", str(ROOT / "bundle"), "--datalist", ONE, "--output_dir", out, "--stride", STRIDE]
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", files, "--registered_dir", "registered", *words],
        cwd=folder,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT / "bundle")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| haemorrhage | 1 | 1 |" in done.stdout
    return folder / out


def test_evaluate_json_measures_what_the_cohort_command_does(one: Path, folder: Path) -> None:
    made = evaluated_by_monai(folder, "config")
    assert (made / "evaluation.json").read_bytes() == (one / "evaluation.json").read_bytes()
    for first, other in zip(read_table(made / "score_details.csv"), read_table(one / "score_details.csv"), strict=True):
        assert {**vars(first), "seconds": 0} == {**vars(other), "seconds": 0}
    evaluation = json.loads((made / "evaluation.json").read_text())
    assert evaluation["tasks"]["haemorrhage"]["auroc"] == 1
    assert evaluation["tasks"]["fracture"]["auroc"] is None


def evaluated(folder: Path, datalist: str, out: str, overlay: str, **more: Any) -> Path:
    """The folder that evaluate.json makes over an overlay of inference.json, in this process."""
    places = {"datalist": folder / datalist, "output_dir": folder / out, "registered_dir": folder / "registered"}
    values = {"bundle_root": str(ROOT / "bundle"), "device": "$torch.device('cpu')", **places, **more}
    with quiet():
        run_configs(("inference.json", overlay, "evaluate.json"), values)
    return folder / out


@pytest.mark.parametrize(
    ("mode", "overlay", "datalist", "more", "options", "maps"),
    [
        ("autoencoder", "autoencoder_inference.json", ONE, [], {}, MAPS),
        ("published", "published.json", ALL, ["--stride", "16", "--scores-only"], {"stride": 16}, set()),
    ],
)
def test_other_networks_are_scored_and_evaluated_in_the_same_way(
    mode: str,
    overlay: str,
    datalist: str,
    more: list[str],
    options: dict[str, int],
    maps: set[str],
    ours: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process: that the command starts others is shown above."""
    monkeypatch.setattr(arguments, "in_processes", in_this_process)
    weights = folder / f"{mode}.pt"
    out = cohort(folder, datalist, mode, "--mode", mode, "--weights", str(weights), *more)
    result = verify(out / "cases" / "left")
    assert set(result["outputs"]) == maps
    assert {path.name for path in (out / "cases" / "left").iterdir()} == {"result.json", *maps}
    shown = ("reconstruction", "percent of the range of grey values") if maps else ("error", "mm")
    assert (result["settings"]["map"], result["settings"]["unit"]) == shown
    assert 0 < result["scores"]["skull"] == result["score_details"]["skull"]["raw_maximum"]
    assert main(["evaluate", str(out), str(folder / datalist)]) == 0
    capsys.readouterr()
    made = evaluated(folder, datalist, f"{mode} config", overlay, **options, weights=weights, width=1)
    count = {ONE: 1, ALL: 2}[datalist]
    assert f"| haemorrhage | {count} | {count} |" in capsys.readouterr().out
    assert (made / "evaluation.json").read_bytes() == (out / "evaluation.json").read_bytes()
    facts = json.loads((out / "evaluation.json").read_text())
    assert facts["score"] == "raw_maximum"
    assert facts["network"]["kind"] == {"published": "position"}.get(mode, mode)
    if count > 1:  # as a comparison needs
        assert main(["evaluate", str(ours), str(folder / datalist), "--compare", str(out)]) == 0
