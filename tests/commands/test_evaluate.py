"""`head-ct-anomaly evaluate`: the file, the table, and the comparison of two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cohort_stand_in import write_cohort
from evaluated_cohort import FACTS, REGIONS, rows

from scripts.cohort.folder import CohortFolder
from scripts.cohort.table import DETAILS_NAME, Row, read_table
from scripts.commands import evaluate
from scripts.commands.main import main
from scripts.errors import OutputFailed
from scripts.files.tables import from_csv


@pytest.fixture
def two_runs(tmp_path: Path) -> Path:
    """Runs of the same twelve cases: `good` tells them apart, `poor` does not."""
    write_cohort(tmp_path, 12)
    good, poor = CohortFolder(tmp_path / "good"), CohortFolder(tmp_path / "poor")
    good.settle(FACTS, {})
    good.write_table(rows(12))
    poor.settle({**FACTS, "score": "raw_maximum"}, {})
    values = [{region: (7 * n + 3 * k) % 5 / 5 for k, region in enumerate(REGIONS)} for n in range(12)]
    poor.write_table(
        [Row(f"case-{n}", "done", "", v, {r: {"raw_maximum": x} for r, x in v.items()}) for n, v in enumerate(values)]
    )
    return tmp_path


def words(folder: Path, name: str, *more: str) -> list[str]:
    return ["evaluate", str(folder / name), str(folder / "datalist.json"), *more]


def test_an_evaluation_is_written_and_printed(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(two_runs, "good")) == 0
    out, err = capsys.readouterr()
    made = json.loads((two_runs / "good" / "evaluation.json").read_text())
    assert made["tasks"]["haemorrhage"]["auroc"] == 1
    assert "| haemorrhage | 4 | 12 | 1.00 | [.40, 1.00] | [.40, 1.00] |" in out
    assert out.endswith(f"{two_runs / 'good' / 'evaluation.json'}\n")
    assert "left out of haemorrhage" in err
    columns, lines = from_csv((two_runs / "good" / "predictions.csv").read_text())
    assert columns[:4] == ["image_path", "gt_label", "pred_label", "pred_score"]
    assert len(lines) == 12
    assert {line["anomaly_map"] for line in lines} == {""}
    assert "localisation" not in made, "no mask is named"


def test_the_scans_need_not_be_there(two_runs: Path) -> None:
    """Scores and labels may be copied to another machine, or the scans' disk be away."""
    assert main(words(two_runs, "good")) == 0
    before = (two_runs / "good" / "evaluation.json").read_bytes()
    scans = list(two_runs.glob("scan_*.txt"))
    assert len(scans) == 12
    for scan in scans:
        scan.unlink()
    assert main(words(two_runs, "good")) == 0
    assert (two_runs / "good" / "evaluation.json").read_bytes() == before


def test_the_paper_s_score_into_a_file_of_its_own(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--score", "raw_maximum", "-o", str(two_runs / "new" / "paper.json")]
    assert main(words(two_runs, "good", *more)) == 0
    assert json.loads((two_runs / "new" / "paper.json").read_text())["score"] == "raw_maximum"
    assert not (two_runs / "good" / "evaluation.json").exists()
    assert "score raw_maximum" in capsys.readouterr().out
    assert [path.name for path in (two_runs / "new").iterdir()] == ["paper.json"], "predictions are the default score's"


def test_evaluations_with_names_of_their_own_have_predictions_of_their_own(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, run in (("a", "good"), ("b", "poor")):
        assert main(words(two_runs, run, "-o", str(two_runs / "new" / f"{name}.json"))) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[-2:] == [str(two_runs / "new" / file) for file in (f"{name}.predictions.csv", f"{name}.json")]
    names = ["a.json", "a.predictions.csv", "b.json", "b.predictions.csv"]
    assert sorted(path.name for path in (two_runs / "new").iterdir()) == names
    default = ["--score", "calibrated_top_1_percent_mean", "-o", str(two_runs / "good" / "evaluation.json")]
    assert main(words(two_runs, "good", *default)) == 0
    assert (two_runs / "good" / "predictions.csv").is_file(), "the default score by name, and the usual file by name"


def test_two_runs_are_compared_with_and_without_the_datalist(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(two_runs, "good", "--compare", str(two_runs / "poor"))) == 0
    first = capsys.readouterr().out
    assert "calibrated_top_1_percent_mean of" in first
    assert f"and raw_maximum of {two_runs / 'poor'}" in first
    (row,) = [line for line in first.splitlines() if line.startswith("| haemorrhage | 16 |")]
    assert row.startswith("| haemorrhage | 16 | 1.00 | .")
    assert main(words(two_runs, "poor")) == 0
    capsys.readouterr()
    assert main(["evaluate", str(two_runs / "good"), "--compare", str(two_runs / "poor")]) == 0
    assert row in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ((), "Name the DATALIST with the labels of the cases."),
        (("--compare", "poor", "--score", "raw_maximum"), "Name the DATALIST"),
        (
            ("--compare", "poor"),
            "There is no evaluation in good (FileNotFoundError). Run `head-ct-anomaly evaluate good",
        ),
        (("nothing.json",), "There is no nothing.json. Correct its name."),
        (("datalist.json", "--compare", "nowhere"), "nowhere holds no cohort.json"),
    ],
)
def test_wrong_usage_is_2(
    more: tuple[str, ...],
    text: str,
    two_runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(two_runs)
    assert main(["evaluate", "good", *more]) == 2
    assert text in capsys.readouterr().err


def test_two_runs_that_can_not_be_written_to_are_compared(
    two_runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(two_runs, "good")) == main(words(two_runs, "poor")) == 0

    def denied(folder: Path, target: Path) -> None:
        raise OutputFailed(f"The results were not written to {target}: Permission denied.")

    monkeypatch.setattr(evaluate, "check_writable", denied)
    capsys.readouterr()
    assert main(["evaluate", str(two_runs / "good"), "--compare", str(two_runs / "poor")]) == 0
    assert "calibrated_top_1_percent_mean of" in capsys.readouterr().out
    assert main(words(two_runs, "good")) == 4, "what writes still says so"


@pytest.mark.parametrize("status", ["done", "refused"])
def test_an_evaluation_of_other_scores_than_the_table_is_not_compared(
    two_runs: Path, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case of the other run is scored again after it was evaluated."""
    assert main(words(two_runs, "good")) == main(words(two_runs, "poor")) == 0
    assert main(words(two_runs, "good", "--score", "raw_maximum")) == 0, "a score by its name is of the table, too"
    asked = ["evaluate", str(two_runs / "good"), "--compare", str(two_runs / "poor")]
    assert main(asked) == 0
    poor = CohortFolder(two_runs / "poor")
    again = read_table(poor.root / DETAILS_NAME)
    values = dict.fromkeys(REGIONS, 0.45)
    again[3] = (
        Row("case-3", "done", "", values, {region: {"raw_maximum": 0.45} for region in REGIONS})
        if status == "done"
        else Row("case-3", status, "There is no CT image.")
    )
    poor.write_table(again)
    capsys.readouterr()
    assert main(asked) == 2
    said = f"{poor.root / 'evaluation.json'} has other scores than {poor.root / DETAILS_NAME} (case-3). Run"
    assert said in capsys.readouterr().err
    assert main([*asked[:2], str(two_runs / "datalist.json"), *asked[2:]]) == 0, "with the list nothing is read"


def test_runs_of_other_cases_can_not_be_compared(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(two_runs, "good")) == main(words(two_runs, "poor")) == 0
    path = two_runs / "poor" / "evaluation.json"
    path.write_text(path.read_text().replace('"case-', '"other-'))
    capsys.readouterr()
    assert main(["evaluate", str(two_runs / "good"), "--compare", str(two_runs / "poor")]) == 2
    assert "can't be compared: the two evaluations have no task in common" in capsys.readouterr().err


def test_an_evaluation_that_can_not_be_written(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(two_runs, "good", "-o", str(two_runs / "datalist.json" / "x.json"))) == 4
    assert "Not a directory" in capsys.readouterr().err
