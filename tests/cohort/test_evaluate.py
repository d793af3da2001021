"""From a cohort's table and a datalist's labels to an evaluation, and what does not belong together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cohort_stand_in import write_cohort
from evaluated_cohort import FACTS, REGIONS, rows
from evaluated_heads import NETWORK

from scripts.cohort.evaluate import evaluate_folder, evaluate_rows, evaluation_text
from scripts.cohort.folder import COHORT_FORMAT, CohortFolder
from scripts.cohort.table import Row, table_text
from scripts.datasets.datalist import listed_cases
from scripts.errors import WrongUsage


@pytest.fixture
def folder(tmp_path: Path) -> CohortFolder:
    """A finished run of six cases."""
    write_cohort(tmp_path, 6)
    made = CohortFolder(tmp_path / "out")
    made.settle(FACTS, {})
    made.write_table(rows(6))
    return made


def test_the_default_score_and_a_score_by_its_name(folder: CohortFolder, tmp_path: Path) -> None:
    made = evaluate_folder(folder, tmp_path / "datalist.json")
    assert made["network"] == NETWORK
    assert made["score"] == "calibrated_top_1_percent_mean"
    assert made["tasks"]["haemorrhage"]["auroc"] == made["tasks"]["fracture"]["auroc"] == 1
    assert (made["tasks"]["haemorrhage"]["positives"], made["tasks"]["haemorrhage"]["negatives"]) == (2, 6)
    assert made["subtypes"]["SDH"]["positives"] == made["subtypes"]["CalvarialFracture"]["positives"] == 2
    paper = evaluate_folder(folder, tmp_path / "datalist.json", score="raw_maximum")
    assert paper["score"] == "raw_maximum"
    assert paper["tasks"]["haemorrhage"]["auroc"] == 0.5


def test_the_default_score_by_its_name_is_the_default_score(tmp_path: Path) -> None:
    cases, table = listed_cases(write_cohort(tmp_path, 6)), Path("score_details.csv")
    made = rows(6)
    for row in made:  # the unrolled skull has another score than its map, and the threshold of its own
        row.details["skull"] |= {"calibrated_top_1_percent_mean": 900.0, "threshold": 0.5}
    unnamed, _ = evaluate_rows(FACTS, made, cases, None, table)
    named, _ = evaluate_rows(FACTS, made, cases, FACTS["score"], table)
    assert named == unnamed
    assert named["tasks"]["fracture"]["auroc"] == 1


def test_what_is_left_out_is_said(folder: CohortFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = Row("case-0", "refused", "No head.")
    folder.write_table([refused, *rows(6)[1:], Row("stranger", "done", "", dict.fromkeys(REGIONS, 1.0))])
    made = evaluate_folder(folder, tmp_path / "datalist.json")
    assert made["tasks"]["haemorrhage"]["negatives"] == 4
    err = capsys.readouterr().err
    assert "Refused or failed, and left out: 1 case (case-0)." in err
    assert "In the table, but not in the datalist, and left out: 1 case (stranger)." in err
    assert "A fracture and no haemorrhage: 2 cases (case-2, case-5): left out of haemorrhage." in err


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"score": "raw_mean"}, r"has no score raw_mean\. There are calibrated_top_1_percent_mean, raw_maximum\."),
        ({"rows": rows(5)}, r"Entry 5 of the datalist, case-5, has no row in .*score_details.csv"),
        (
            {"rows": [*rows(5), Row("case-5", "done", "", {"skull": float("nan")})]},
            r"Row 7 of .*case-5\): skull is nan",
        ),
        ({"labels": {}}, r'Entry 0 of "test" in .*, case-0: no label "ICH"\. Add it, true or false\.'),
        ({"labels": {"ICH": False, "Fracture": False}}, r'case-0: no label "BleedLocation-Left"'),
        ({"facts": False}, r"holds no cohort.json: it is no cohort run\. Run `head-ct-anomaly cohort`"),
        (
            {"facts": {"format": COHORT_FORMAT, "score": "raw_maximum"}},
            r"cohort.json says no network\. Run .* elsewhere",
        ),
        ({"table": False}, r"score_details.csv can't be read .*Run `head-ct-anomaly cohort` first"),
    ],
)
def test_what_does_not_belong_together(change: dict[str, Any], text: str, folder: CohortFolder, tmp_path: Path) -> None:
    datalist = tmp_path / "datalist.json"
    if "rows" in change:
        folder.write("score_details.csv", table_text(change["rows"]).replace("None", ""))
    if "labels" in change:
        content = json.loads(datalist.read_text())
        content["test"][0]["labels"] = change["labels"]
        datalist.write_text(json.dumps(content))
    if change.get("facts") is False:
        (folder.root / "cohort.json").unlink()
    elif "facts" in change:
        folder.write("cohort.json", json.dumps(change["facts"]))
    if "table" in change:
        (folder.root / "score_details.csv").unlink()
    with pytest.raises(WrongUsage, match=text):
        evaluate_folder(folder, datalist, score=change.get("score"))
    assert not (folder.root / "evaluation.json").exists()


def test_a_cohort_of_one_kind_can_not_be_evaluated(tmp_path: Path) -> None:
    cases = listed_cases(write_cohort(tmp_path, 1))
    with pytest.raises(WrongUsage, match=r"can't be evaluated\. There is no AUROC of haemorrhage: no anomalous region"):
        evaluate_rows(FACTS, rows(1), cases, None, Path("score_details.csv"))
    made, notes = evaluate_rows(
        FACTS, rows(2), listed_cases(write_cohort(tmp_path, 2)), None, Path("score_details.csv")
    )
    assert made["tasks"]["fracture"]["auroc"] is None, "one task may be missing"
    assert any(note.startswith("There is no AUROC of fracture: no anomalous region has a score.") for note in notes)


def test_the_file_is_json_with_short_lists_on_a_line(folder: CohortFolder, tmp_path: Path) -> None:
    made = evaluate_folder(folder, tmp_path / "datalist.json")
    text = evaluation_text(made)
    assert json.loads(text) == made
    assert '"threshold": [1.0, 0.1, 0.0,' in text
