"""Anybody's scores judged by the frozen protocol, and the card of them: numbers by hand, errors, nothing of a case."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from label_tables import BLEED_LEFT, FRACTURE, table_of

from reproduction.cq500.protocol import load_protocol
from reproduction.cq500.split import CLEAN
from scripts.cohort.folder import COHORT_FORMAT
from scripts.commands.main import main

NUMBERS = range(40)
SCANS = {number: {} for number in NUMBERS} | {40: BLEED_LEFT, 41: BLEED_LEFT, 42: FRACTURE, 43: {"MassEffect": "1"}}
HEALTHY = [n for n in NUMBERS if load_protocol().section(f"CQ500-CT-{n}", CLEAN) == "test"]
TRAINING = [n for n in NUMBERS if load_protocol().section(f"CQ500-CT-{n}", CLEAN) == "training"]


def rows(**more: str) -> dict[str, str]:
    """A row of scores for each case of the test: the bleeds above all healthy ones, the fracture among them."""
    found = {f"CQ500-CT-{n}": f"{k}.0,{k}.5,{k}.0" for k, n in enumerate(HEALTHY)}
    found |= {"CQ500CT40": "99,1.5,1", "CQ500-CT-41": "98,0.5,1", "CQ500-CT-42": "5,5,1.5"}
    return found | more


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "reads.csv").write_text(table_of(SCANS), encoding="utf-8")
    return tmp_path


WEIGHTS, CALIBRATION = "ab" * 32, "ef" * 32


def write_cohort(folder: Path, calibration: str | None = CALIBRATION) -> None:
    """The `cohort.json` that a cohort leaves beside its tables."""
    settings = {"map": "calibrated", "alpha": 0.01, "calibration_sha256": calibration, "bundle_version": "9.8.7"}
    network = {"kind": "position", "stride": 2, "weights_sha256": WEIGHTS}
    cases = {"CQ500-CT-41": "a fingerprint"}
    content = {"format": COHORT_FORMAT, "network": network, "settings": settings, "cases": cases}
    (folder / "cohort.json").write_text(json.dumps(content), encoding="utf-8")


def card_of(data: Path) -> str:
    assert main(["cq500", "card", str(data / "scores.json"), "-o", str(data / "card.md"), "--overwrite"]) == 0
    return (data / "card.md").read_text(encoding="utf-8")


def judge(
    data: Path,
    found: dict[str, str],
    *more: str,
    head: str = "case,left_hemisphere,right_hemisphere,skull",
    name: str = "table.csv",
) -> int:
    text = "\n".join([head, *(f"{name},{cells}" for name, cells in found.items())])
    (data / name).write_text(text, encoding="utf-8")
    words = [str(data / name), "--reads", str(data / "reads.csv"), "-o", str(data / "scores.json"), *more]
    return main(["cq500", "score", *words])


def test_scores_are_judged_and_the_card_has_them(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(data, rows(), "--method", "Ours", "--about", "weights 1") == 0
    made = json.loads((data / "scores.json").read_text(encoding="utf-8"))
    main_analysis = made["analyses"]["clean"]
    bleeds, broken = (main_analysis["tasks"][name] for name in ("haemorrhage", "fracture"))
    assert (bleeds["positives"], bleeds["negatives"]) == (2, 2 * len(HEALTHY) + 2)
    assert bleeds["auroc"] == 1
    below = sum(k < 1.5 for k in range(len(HEALTHY)))
    assert broken["auroc"] == pytest.approx(below / len(HEALTHY))
    assert made["protocol"]["sha256"] == load_protocol().sha256
    assert main(["cq500", "card", str(data / "scores.json"), "-o", str(data / "card.md")]) == 0
    card = (data / "card.md").read_text(encoding="utf-8")
    assert card in capsys.readouterr().out, "score prints the card"
    assert card.startswith("# Ours on CQ500, frozen\n")
    for words in (made["protocol"]["sha256"], made["reads_sha256"], made["table_sha256"], "weights 1", "stand-in"):
        assert words in card
    assert "| haemorrhage | 2 |" in card


def test_nothing_is_kept_of_a_single_case(data: Path) -> None:
    assert judge(data, rows()) == 0
    main(["cq500", "card", str(data / "scores.json"), "-o", str(data / "card.md")])
    for name in ("scores.json", "card.md"):
        assert not re.search(r"CT-?\d", (data / name).read_text(encoding="utf-8"))


def test_contaminated_normals_are_an_analysis_of_their_own(data: Path) -> None:
    doubtful = [n for n in (*NUMBERS, 43) if load_protocol().section(f"CQ500-CT-{n}", "doubtful") == "test"]
    marked = {n: {"MassEffect": "1"} for n in doubtful[:2]}
    (data / "reads.csv").write_text(table_of({**SCANS, **marked}), encoding="utf-8")
    assert judge(data, rows()) == 0
    clean, with_them = json.loads((data / "scores.json").read_text(encoding="utf-8"))["analyses"].values()
    assert with_them["cases"] == clean["cases"] + 2 + (43 in doubtful)


def test_missing_scores_are_counted_also_at_worst(data: Path) -> None:
    found = rows()
    del found["CQ500-CT-41"]
    assert judge(data, {**found, f"CQ500-CT-{HEALTHY[0]}": ",,"}) == 0
    bleeds = json.loads((data / "scores.json").read_text(encoding="utf-8"))["analyses"]["clean"]["tasks"]["haemorrhage"]
    assert (bleeds["missing"], bleeds["positives"]) == (4, 1)
    assert bleeds["auroc"] == 1
    healthy = 2 * len(HEALTHY) + 2
    # of the two bleeds one has the lowest score; two healthy regions, and the clean side of 41, have the highest
    assert bleeds["auroc_at_worst"] == pytest.approx((healthy - 3) / healthy / 2)


@pytest.mark.parametrize(
    ("found", "head", "text"),
    [
        (rows(other="1,1,1"), None, "Row {n} of .*: 'other' is no case of the label table. Name it as there"),
        (rows(CQ500CT41="1,1,1"), None, "CQ500-CT-41 stands there twice. Remove one"),
        ({"CQ500-CT-41": "nan,1,1"}, None, r"\(CQ500-CT-41\): left_hemisphere is 'nan', no finite number"),
        ({"CQ500-CT-41": "1,1"}, None, "has too few or too many cells"),
        ({"CQ500-CT-41": "1,1,1"}, "case,left_hemisphere,skull,x", "has no column right_hemisphere. A table of scores"),
        ({}, None, "has no rows"),
        (
            {f"CQ500-CT-{TRAINING[0]}": "1,1,1"},
            None,
            "has no scores of test cases of both kinds, anomalous and healthy. Score the cases",
        ),
    ],
)
def test_wrong_tables_are_said(
    data: Path, capsys: pytest.CaptureFixture[str], found: dict[str, str], head: str | None, text: str
) -> None:
    status = judge(data, found, **({} if head is None else {"head": head}))
    assert status == 2
    assert re.search(text.replace("{n}", str(len(found) + 1)), capsys.readouterr().err)
    assert not (data / "scores.json").exists()


def test_a_cohort_s_table_is_judged_with_its_thresholds(data: Path) -> None:
    head = "case,status,left_hemisphere,right_hemisphere,skull,left_hemisphere_threshold,right_hemisphere_threshold"
    found = {name: f"done,{cells},90,90" for name, cells in rows().items()} | {"CQ500-CT-41": "failed,,,,,"}
    assert judge(data, found, head=head) == 0
    tasks = json.loads((data / "scores.json").read_text(encoding="utf-8"))["analyses"]["clean"]["tasks"]
    point = tasks["haemorrhage"]["operating_points"]["threshold"]
    assert (point["sensitivity"], point["specificity"]) == (1, 1)


@pytest.mark.parametrize("name", ["scores.csv", "score_details.csv"])
def test_what_scored_a_cohort_s_table_is_copied_from_its_folder(data: Path, name: str) -> None:
    write_cohort(data)
    assert judge(data, rows(), name=name) == 0
    text = (data / "scores.json").read_text(encoding="utf-8")
    assert json.loads(text)["scored_with"] == {
        "weights_sha256": WEIGHTS,
        "stride": 2,
        "bundle_version": "9.8.7",
        "alpha": 0.01,
        "calibration_sha256": CALIBRATION,
    }
    assert "fingerprint" not in text
    assert (
        f"* Scored with: weights, sha256 `{WEIGHTS}`; stride 2 mm; version 9.8.7; alpha 0.01; "
        f"calibration, sha256 `{CALIBRATION}`\n"
    ) in card_of(data)


def test_scores_that_were_compared_with_no_calibration_say_so(data: Path) -> None:
    write_cohort(data, calibration=None)
    assert judge(data, rows(), name="scores.csv") == 0
    assert "alpha 0.01; calibration, sha256 none\n" in card_of(data)


def test_what_scored_a_table_is_not_recorded_where_no_cohort_tells(data: Path) -> None:
    assert judge(data, rows(), name="scores.csv") == 0
    assert set(json.loads((data / "scores.json").read_text(encoding="utf-8"))["scored_with"].values()) == {
        "not recorded"
    }
    assert "* Scored with: not recorded\n" in card_of(data)
    for content in ("{", json.dumps({"format": "another"})):
        (data / "cohort.json").write_text(content, encoding="utf-8")
        assert judge(data, rows(), "--overwrite", name="scores.csv") == 0
        assert "* Scored with: not recorded\n" in card_of(data)
    write_cohort(data)
    assert judge(data, rows(), "--overwrite") == 0, "table.csv is none of the cohort's"
    assert "* Scored with: not recorded\n" in card_of(data)
    made = json.loads((data / "scores.json").read_text(encoding="utf-8"))
    del made["scored_with"]  # as of an earlier version
    (data / "scores.json").write_text(json.dumps(made), encoding="utf-8")
    assert "* Scored with: not recorded\n" in card_of(data)


def test_a_card_of_another_protocol_or_file_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(data, rows()) == 0
    made = json.loads((data / "scores.json").read_text(encoding="utf-8"))
    made["protocol"]["sha256"] = "0" * 64
    (data / "scores.json").write_text(json.dumps(made), encoding="utf-8")
    words = ["cq500", "card", str(data / "scores.json"), "-o", str(data / "card.md")]
    assert main(words) == 2
    assert "was judged by another protocol, 000000000000" in capsys.readouterr().err
    (data / "scores.json").write_text("{}", encoding="utf-8")
    assert main(words) == 2
    assert "holds no judged scores" in capsys.readouterr().err
    assert judge(data, rows()) == 4, "an earlier file is kept"
