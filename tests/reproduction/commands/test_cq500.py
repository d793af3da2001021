"""The command cq500: from folders and a label table to a datalist, its table of cases, and what it prints."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from cq500_folders import case_folder, put_series
from label_tables import BLEED_LEFT, FRACTURE, table_of

from reproduction.cq500.protocol import load_protocol
from scripts.commands.main import main

SCANS = {number: {} for number in range(6)} | {6: BLEED_LEFT, 7: FRACTURE, 8: {"EDH": "2", "ICH": "2"}, 9: BLEED_LEFT}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine cases with one series each; case 9 has no folder, and case 5 only slices after contrast agent."""
    root = tmp_path_factory.mktemp("cq500")
    for number in range(9):
        put_series(case_folder(root, number), "CT C" if number == 5 else "CT 5mm")
    (root / "reads.csv").write_text(table_of(SCANS), encoding="utf-8")
    return root


def words(root: Path, output: Path, *more: str) -> list[str]:
    return ["cq500", str(root), "--reads", str(root / "reads.csv"), "-o", str(output), *more]


def cases_of(folder: Path, name: str = "list_cases.csv") -> dict[str, dict[str, str]]:
    """The rows of a table of cases, by case."""
    with (folder / name).open(encoding="utf-8") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


def numbers(items: list[dict[str, object]]) -> list[int]:
    return sorted(int(str(item["case"]).rpartition("-")[2]) for item in items)


def test_a_datalist_and_its_tables(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "datalist.json"
    assert main(words(root, output, "--healthy-test", "2", "--seed", "4")) == 0
    content = json.loads(output.read_text(encoding="utf-8"))
    healthy = numbers(content["training"]) + numbers(content["validation"])
    assert (len(content["training"]), len(content["validation"])) == (2, 1)
    assert set(numbers(content["test"])) - set(range(5)) == {6, 7}
    assert sorted(healthy + numbers(content["test"])) == [0, 1, 2, 3, 4, 6, 7]
    assert content["description"] == "CQ500: healthy pool strict, 2 healthy test scans, seed 4"
    rows = cases_of(tmp_path, "datalist_cases.csv")
    assert len(rows) == 10
    assert rows["CQ500-CT-8"]["reason"].endswith("but R2:ICH, R2:EDH")
    assert {name for name, row in rows.items() if row["kept"] == "0"} == {f"CQ500-CT-{n}" for n in (5, 8, 9)}
    shown = capsys.readouterr()
    assert shown.out.startswith("## 7 of 10 cases kept: 2 for training, 1 for validation, 4 for test\n")
    assert "| haemorrhage (ICH) | 2 | 1 | 0 | 0 | 1 | 1 | 0 | 0 | 0 |" in shown.out
    assert "1 positive and 5 negative hemispheres of 3 heads, for fracture 1 head" in shown.out
    # 7 of 30 marked, all agree on 9 of 10 and a third on one: (840 - 578) / (900 - 578); R2 has 7 of 8 negatives right
    assert "| ICH | 2 | 0.814 | 1.000 | 0.938 | 1.000 |" in shown.out
    assert "| no_suitable_series | 1 |" in shown.out
    assert "CQ500-CT-5 dropped: no_suitable_series: contrast_suspected" in shown.err


def test_the_same_call_writes_the_same_files(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.json", "b.json"):
        assert main(words(root, tmp_path / name, "--healthy-test", "1", "--headers-only")) == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a_cases.csv").read_bytes() == (tmp_path / "b_cases.csv").read_bytes()
    assert main(words(root, tmp_path / "a.json", "--healthy-test", "2")) == 4
    assert "a.json exists" in capsys.readouterr().err
    assert main(words(root, tmp_path / "a.json", "--healthy-test", "2", "--overwrite", "--pool", "published")) == 0
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert 8 in numbers([item for part in ("training", "validation", "test") for item in content[part]])


def test_too_few_healthy_scans(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the labels, before any series is looked at; and when series are refused. What became of cases is told."""
    assert main(words(root, tmp_path / "list.json")) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "6 healthy scans (pool strict) are too few for 21 in the test and 2 beside them" in err
    assert f"What became of each case stands in {tmp_path / 'list_cases.csv'}." in err
    assert out.startswith("## 0 of 10 cases kept: too few for a datalist\n")
    assert "| not_looked_at | 8 |\n| no_folder | 1 |\n| not_in_pool | 1 |" in out
    assert cases_of(tmp_path)["CQ500-CT-9"]["reason"].startswith("no_folder: ")
    assert main(words(root, tmp_path / "list.json", "--healthy-test", "4")) == 2
    out, err = capsys.readouterr()
    assert "5 healthy scans (pool strict) are too few" in err
    assert out.startswith("## 7 of 10 cases kept: too few for a datalist\n")
    rows = cases_of(tmp_path)
    assert rows["CQ500-CT-5"]["reason"] == "no_suitable_series: contrast_suspected"
    assert (rows["CQ500-CT-0"]["kept"], rows["CQ500-CT-0"]["section"]) == ("1", "")
    assert [path.name for path in tmp_path.iterdir()] == ["list_cases.csv"]
    assert main(words(root, tmp_path / "list.json", "--healthy-test", "2", "--headers-only")) == 0, "no --overwrite"


def test_an_earlier_datalist_and_its_table_stay_where_there_are_too_few(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(root, tmp_path / "list.json", "--healthy-test", "2", "--headers-only")) == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    capsys.readouterr()
    assert main(words(root, tmp_path / "list.json", "--overwrite")) == 2
    assert f"The earlier {tmp_path / 'list.json'} stays as it is." in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_wrong_with_the_input_is_a_sentence(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "reads.csv"
    other.write_text(table_of(SCANS).replace("R1:ICH", "ICH"), encoding="utf-8")
    for change, message in (
        (["--reads", str(other)], "reads.csv is not the label table of CQ500. Line 1 misses column R1:ICH"),
        (["--reads", str(tmp_path / "gone")], "gone can't be read"),
    ):
        assert main([*words(root, tmp_path / "list.json"), *change]) == 2
        assert message in capsys.readouterr().err
    assert main(words(tmp_path, tmp_path / "list.json")[:2] + words(root, tmp_path / "list.json")[2:]) == 2
    assert "holds no case of CQ500" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["reads.csv"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["-o", "list.csv"], "must end in .json"),
        (["--healthy-test", "0"], "whole number from 1 on"),
        (["--pool", "all"], "invalid choice"),
    ],
)
def test_wrong_words_are_refused(
    root: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*words(root, tmp_path / "list.json"), *more])
    assert message in capsys.readouterr().err


def test_the_frozen_split_is_that_of_the_protocol(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, protocol = tmp_path / "frozen.json", load_protocol()
    assert main(words(root, output, "--frozen")) == 0
    content = json.loads(output.read_text(encoding="utf-8"))
    expected = protocol.sections({f"CQ500-CT-{n}": "clean" for n in range(5)})
    for section in ("training", "validation"):
        assert numbers(content[section]) == [n for n in range(5) if expected[f"CQ500-CT-{n}"] == section]
    assert {6, 7} <= set(numbers(content["test"]))
    assert (8 in numbers(content["test"])) == (protocol.section("CQ500-CT-8", "doubtful") == "test")
    assert content["description"] == f"CQ500, frozen: protocol 1, sha256 {protocol.sha256}"
    dropped = cases_of(tmp_path, "frozen_cases.csv")["CQ500-CT-8"]
    assert dropped["reason"].startswith("not_in_pool: doubtful, and not in the test by the protocol")
    capsys.readouterr()
    assert main(words(root, tmp_path / "other.json", "--frozen", "--seed", "4")) == 2
    assert "--frozen has a split of its own: leave --pool, --seed and --healthy-test out." in capsys.readouterr().err
