"""The handler of evaluate.json, on an engine that scores nothing itself; whole runs are in test_cohort_pipeline.py."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from cohort_stand_in import write_cohort
from ignite.engine import Engine
from registered_image import image
from torch import nn

from scripts.anomaly.scores import Thresholds
from scripts.assets import sha256
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.cohort.handlers import CohortEvaluation, network_facts
from scripts.cohort.table import read_table
from scripts.errors import OutputExists, WrongUsage
from scripts.findings import refusal
from scripts.networks.position import DensePositionNet, PatchPositionNet
from scripts.results.writer import StageClock

SETTINGS = {"mode": "published", "score": "maximum", "stride": 4, "precision": "float32", "width": 2, "patch_size": 31}
SETTINGS |= {"alpha": 0.05}


def scored(number: int, shown: str) -> dict[str, Any]:
    """What the pipeline says of a case, whose bleeds and fractures score higher."""
    values = {"left_hemisphere": float(number % 3 == 1), "right_hemisphere": 0.1, "skull": float(number % 3 == 2)}
    prefix = "raw" if shown == "error" else "calibrated"
    return {
        "image": image([]),
        "scores": values,
        "score_details": {name: {f"{prefix}_maximum": value, "voxels": 3} for name, value in values.items()},
        "region_findings": [],
        "map": shown,
        "thresholds": Thresholds({}, {"normative_sha256": "abc"}) if shown == "calibrated" else None,
    }


def run(folder: Path, out: str, shown: str = "error", judged: str | None = None, refused: int = 0) -> None:
    """Score the cases of the datalist in a folder, of which the first `refused` can't be."""
    names = [item["case"] for item in json.loads((folder / "datalist.json").read_text())["test"]]
    torch.save(PatchPositionNet(2).state_dict(), folder / "w.pt")
    scans: Any = SimpleNamespace(refused={name: refusal("not_ct", "There is no CT image.") for name in names[:refused]})
    clock = StageClock()
    handler = CohortEvaluation(
        folder / out,
        folder / "datalist.json",
        "test",
        scans,
        PatchPositionNet(2),
        folder / "w.pt",
        clock,
        SETTINGS,
        judged,
        folder / "datalist.json",
    )

    def step(engine: Engine, batch: str) -> list[dict[str, Any]]:
        clock.timings_s = {"network": 1.5}
        engine.state.batch = [{"case": batch}]  # type: ignore[assignment]
        return [scored(int(batch.rpartition("-")[2]), shown)]

    engine = Engine(step)
    handler.attach(engine)
    engine.run(names[refused:])


def test_the_files_and_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cohort(tmp_path, 7)
    run(tmp_path, "out", refused=1)
    rows = read_table(tmp_path / "out" / "score_details.csv")
    assert [(row.case, row.status) for row in rows][:2] == [("case-0", "refused"), ("case-1", "done")]
    assert rows[0].reason == "There is no CT image. Give a head CT."
    assert rows[1].scores == {"left_hemisphere": 1, "right_hemisphere": 0.1, "skull": 0}
    assert rows[1].seconds == 1.5
    made = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert made["score"] == "raw_maximum"
    assert made["network"]["parameters"] == 29523
    assert made["network"]["mode"] == "published"
    assert made["tasks"]["haemorrhage"]["auroc"] == 1
    facts = json.loads((tmp_path / "out" / "cohort.json").read_text())
    assert facts["settings"]["map"] == "error"
    assert facts["settings"]["alpha"] == 0.05
    assert facts["cases"].keys() == {f"case-{number}" for number in range(7)}
    out, err = capsys.readouterr()
    assert "| haemorrhage | 2 | 6 | 1.00 |" in out
    assert "Refused or failed, and left out: 1 case (case-0)." in err


def test_the_name_of_the_score_is_that_of_the_map(tmp_path: Path) -> None:
    write_cohort(tmp_path, 3)
    run(tmp_path, "out", "calibrated")
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["score"] == "calibrated_maximum"


def test_the_calibration_is_known_by_the_file_of_its_thresholds_as_in_the_command(tmp_path: Path) -> None:
    write_cohort(tmp_path, 3)
    for out, shown in (("out", "calibrated"), ("raw", "error")):
        run(tmp_path, out, shown)
    known = [json.loads((tmp_path / out / "cohort.json").read_text())["settings"] for out in ("out", "raw")]
    assert [one["calibration_sha256"] for one in known] == [sha256(tmp_path / "datalist.json"), None]


def test_another_score_can_be_judged(tmp_path: Path) -> None:
    write_cohort(tmp_path, 3)
    run(tmp_path, "out", judged="raw_maximum")
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["score"] == "raw_maximum"
    with pytest.raises(WrongUsage, match=r"has no score calibrated_maximum\. There are raw_maximum, voxels\."):
        run(tmp_path, "other", judged="calibrated_maximum")


def test_faults_are_seen_before_the_work(tmp_path: Path) -> None:
    datalist = write_cohort(tmp_path, 3)
    content = json.loads(datalist.read_text())
    del content["test"][1]["labels"]["Fracture"]
    datalist.write_text(json.dumps(content))
    with pytest.raises(WrongUsage, match=r'Entry 1 of "test" in .*, case-1: no label "Fracture"'):
        run(tmp_path, "out")
    write_cohort(tmp_path, 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    with pytest.raises(OutputExists, match=r"holds thesis\.txt"):
        run(tmp_path, "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_a_cohort_of_one_kind_is_a_sentence_and_leaves_its_scores(tmp_path: Path) -> None:
    write_cohort(tmp_path, 1)
    with pytest.raises(WrongUsage, match=r"can't be evaluated\. There is no AUROC of haemorrhage"):
        run(tmp_path, "out")
    assert len(read_table(tmp_path / "out" / "score_details.csv")) == 1
    assert not (tmp_path / "out" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("network", "kind", "parameters"),
    [
        (PatchPositionNet(4), "position", 7311 * 16 + 138 * 4 + 3),
        (SpatialAutoencoder(4), "autoencoder", 5632 * 16 + 218 * 4 + 1),
        (DensePositionNet(2, 23), "position", sum(p.numel() for p in DensePositionNet(2, 23).parameters())),
    ],
)
def test_kind_size_and_weights(network: nn.Module, kind: str, parameters: int, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pt")
    found = network_facts(network, tmp_path / "w.pt", width=4, patch_size=None, mode="published", stride=4)
    assert found == {
        "kind": kind,
        "width": 4,
        "patch_size": None,
        "parameters": parameters,
        "mode": "published",
        "stride": 4,
        "weights_sha256": sha256(tmp_path / "w.pt"),
    }


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such"):
        network_facts(PatchPositionNet(1), tmp_path / "no-such.pt", width=1, patch_size=31, mode="published", stride=4)
