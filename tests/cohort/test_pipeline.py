"""Real scans through a cohort, its networks shared or not, all networks, and evaluate.json: the same bytes and numbers.

Each scan is registered once, by the first cohort; what follows takes one from there, as a user's networks do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_jobs import in_this_process
from pipeline_runs import INSIDE, ONE, SAID, STRIDE, TWO, Run, cohort
from same_results import ROOT, same_results

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.cohort.table import read_table
from scripts.commands import arguments
from scripts.commands.main import main
from scripts.networks.position import PatchPositionNet
from scripts.results.record import verify
from scripts.workflow import quiet, run_configs

pytestmark = pytest.mark.xdist_group("pipeline")

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
def ours(first_cohort: Path) -> Path:
    """The first run, which registered; beside it lie the scans, their datalists, and weights of other networks."""
    torch.manual_seed(0)
    torch.save(SpatialAutoencoder(1).state_dict(), first_cohort.parent / "autoencoder.pt")
    torch.save(PatchPositionNet(1).state_dict(), first_cohort.parent / "published.pt")
    return first_cohort


@pytest.fixture(scope="module")
def folder(ours: Path) -> Path:
    return ours.parent


def test_shared_networks_give_what_monai_gives_in_two_threads_with_the_bundle_of_the_zoo(ours: Path, runs: Run) -> None:
    same_results(ours / "cases" / "left", runs(*INSIDE), {"outputs"})
    one, other = (verify(folder)["outputs"] for folder in (ours / "cases" / "left", runs(*INSIDE)))
    assert set(one) == MAPS
    assert {**one, **{name: other[name] for name in ("report.html", "report.pdf")}} == other, "no report but on request"


def test_done_and_refused_cases_stand_in_the_table(ours: Path) -> None:
    rows = {row.case: row for row in read_table(ours / "score_details.csv")}
    assert [row.status for row in rows.values()] == ["done", "refused", "done", "done"]
    assert rows["left"].scores == verify(ours / "cases" / "left")["scores"]
    assert rows["none"].reason.startswith("The file is not a DICOM image.")


def test_both_workers_asked_for_both_networks(ours: Path) -> None:
    assert "The shared networks answered 6 requests, and waited " in (ours.parent / SAID).read_text()


def evaluated(folder: Path, out: str, *overlays: str, **more: Any) -> Path:
    """The folder that evaluate.json makes of one head over inference.json and overlays of it, in this process."""
    places = {"datalist": folder / ONE, "output_dir": folder / out, "registered_dir": folder / "registered"}
    values = {"bundle_root": str(ROOT / "bundle"), "device": "$torch.device('cpu')", **places, **more}
    with quiet():
        run_configs(("inference.json", *overlays, "evaluate.json"), values)
    return folder / out


def test_evaluate_json_measures_what_the_cohort_command_does_from_the_cache(ours: Path, folder: Path) -> None:
    """In this process, with networks of its own."""
    made = evaluated(folder, "config", stride=int(STRIDE))
    assert main(["evaluate", str(ours), str(folder / ONE)]) == 0
    assert (made / "evaluation.json").read_bytes() == (ours / "evaluation.json").read_bytes()
    first, other = ({row.case: vars(row) for row in read_table(out / "score_details.csv")} for out in (made, ours))
    assert list(first) == ["left", "none"]
    for name, row in first.items():
        assert {**row, "seconds": 0} == {**other[name], "seconds": 0}
    evaluation = json.loads((made / "evaluation.json").read_text())
    assert evaluation["tasks"]["haemorrhage"]["auroc"] == 1
    assert evaluation["tasks"]["fracture"]["auroc"] is None
    cached = list((folder / "registered").iterdir())
    assert len(cached) == 4
    table = ours / "score_details.csv"
    assert all(path.stat().st_mtime_ns < table.stat().st_mtime_ns for path in cached), "registered once"


@pytest.mark.parametrize(
    ("mode", "overlay", "datalist", "more", "options", "maps"),
    [
        ("autoencoder", "autoencoder_inference.json", ONE, [], {}, MAPS),
        ("published", "published.json", TWO, ["--stride", "16", "--scores-only"], {"stride": 16}, set()),
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
    assert main(["evaluate", str(out), str(folder / ONE)]) == 0
    capsys.readouterr()
    made = evaluated(folder, f"{mode} config", overlay, **options, weights=weights, width=1)
    assert "| haemorrhage | 1 | 1 |" in capsys.readouterr().out
    assert (made / "evaluation.json").read_bytes() == (out / "evaluation.json").read_bytes()
    facts = json.loads((out / "evaluation.json").read_text())
    assert facts["score"] == "raw_maximum"
    assert facts["network"]["kind"] == {"published": "position"}.get(mode, mode)
    if datalist == TWO:  # as many as a comparison needs
        assert main(["evaluate", str(ours), str(folder / TWO), "--compare", str(out)]) == 0
