"""`head-ct-anomaly audit`: a cohort that is scored, scans that are judged first, and every input that it refuses.

The pipeline is replaced where scans are judged (see `cohort_stand_in`): the whole command around it is real.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from audited_site import SCANNERS, judged_case, write_measured, write_site
from cohort_stand_in import begun, write_cohort
from dicom_series import write_series
from identifiers import FILE, FOLDER, TOKENS, plant, traces, traces_in
from pydicom.dataset import Dataset

from scripts.commands import cohort
from scripts.commands.main import main
from scripts.sites.audit import facts
from scripts.sites.audit.facts import read_facts
from scripts.sites.audit.looks import MEASURES


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path, 150, lambda facts: 0.5 * (facts["scanner"] == SCANNERS[1]), refused=2)


def words(folder: Path, *more: str, out: str = "out") -> list[str]:
    return ["audit", str(folder / "judged"), "-o", str(folder / out), *more]


def with_groups(folder: Path, **more: str) -> list[str]:
    return words(folder, "--groups", str(folder / "groups.csv"), **more)


def test_a_cohort_that_is_scored(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(with_groups(site)) == 0
    out, _ = capsys.readouterr()
    content = json.loads((site / "out" / "audit.json").read_text())
    assert content["format"] == "head_ct_position_anomaly audit 1"
    assert out.splitlines()[:-3] == content["sentences"]
    assert "Scanner B (ACME ONE) alone is responsible" in out
    assert (site / "out" / "audit.html").read_text().startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in (site / "out").iterdir()) == ["audit.html", "audit.json", "groups.csv"]
    assert main(with_groups(site, out="again")) == 0
    for name in ("audit.html", "audit.json", "groups.csv"):
        assert (site / "out" / name).read_bytes() == (site / "again" / name).read_bytes()


def test_groups_that_were_known_before_are_used_again(site: Path) -> None:
    assert main(with_groups(site)) == 0
    before = (site / "out" / "audit.json").read_bytes()
    assert main(words(site)) == 0
    assert (site / "out" / "audit.json").read_bytes() == before


def list_of(folder: Path, count: int, **more: Mapping[str, Any]) -> Path:
    """A list of cases that `write_site` has scored, of whose scans none is there."""
    items = [{"case": f"case-{number}", "image": f"scan-{number}", **more} for number in range(count)]
    (folder / "list.json").write_text(json.dumps({"test": items}))
    return folder / "list.json"


def test_a_thousand_judged_cases_take_less_than_ten_seconds(tmp_path: Path) -> None:
    """Each with a `result.json`, of which the audit reads the measures of its image."""
    write_site(tmp_path, 1000, lambda facts: 0.5 * (facts["scanner"] == SCANNERS[1]))
    write_measured(tmp_path, brighter=SCANNERS[2])
    sizes = [path.stat().st_size for path in (tmp_path / "judged" / "cases").glob("*/result.json")]
    assert len(sizes) == 1000
    assert 15_000 < min(sizes) < 25_000
    began = time.process_time()
    assert main(with_groups(tmp_path)) == 0
    assert time.process_time() - began < 10
    content = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert content["scans"]["judged"] == 1000
    assert content["images"]["measured"] == dict.fromkeys(MEASURES, 1000)
    (named,) = content["images"]["named"]
    assert (named["measure"], named["level"]) == ("brain_hu", "C (OTHER TWO)")


def test_a_list_beside_it_says_facts(site: Path) -> None:
    assert main(words(site, "--datalist", str(list_of(site, 150, facts={"sex": "F"})))) == 0
    groups = json.loads((site / "out" / "audit.json").read_text())["groups"]
    assert [(row["value"], row["scans"]) for row in groups["sex"]] == [("F", 150)]
    assert [(row["value"], row["scans"]) for row in groups["age"]] == [("not known", 150)]


def test_the_section_of_the_list_beside_it_counts(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = str(list_of(site, 150, facts={"sex": "F"}))
    assert main(words(site, "--datalist", listed, "--section", "test")) == 0
    assert main(words(site, "--datalist", listed, "--section", "validation", out="other")) == 2
    assert 'has no cases under "validation". Sections with cases: test.' in capsys.readouterr().err


def groups_of(folder: Path, cases: list[str]) -> Path:
    """A table of groups with the sex of some cases."""
    (folder / "groups.csv").write_text("\n".join(["case,sex", *(f"{case},F" for case in cases)]) + "\n")
    return folder / "groups.csv"


def test_rows_of_other_cases_are_counted_and_kept_nowhere(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = [f"case-{number}" for number in range(30)]
    table = groups_of(site, [*named, "Case-31", "refused-0", "case-999"])
    assert main(words(site, "--groups", str(table))) == 0
    said = f"2 rows of {table} name no case of {site / 'judged'} (the first is Case-31): left out.\n"
    assert capsys.readouterr().err == said
    lines = (site / "out" / "groups.csv").read_text().splitlines()[1:]
    assert [line.partition(",")[0] for line in lines] == [*named, "refused-0"]
    (site / "out" / "groups.csv").write_text("case,sex\ncase-0,F\nold,M\n")
    assert main(words(site, "--groups", str(groups_of(site, ["case-1"])))) == 0
    assert capsys.readouterr().err == ""
    assert [line[:6] for line in (site / "out" / "groups.csv").read_text().splitlines()[1:]] == ["case-0", "case-1"]


def test_an_empty_cell_withdraws_what_an_earlier_audit_kept(site: Path) -> None:
    """A table first, then the same one with a cell emptied: nothing of the first one stays."""
    table = groups_of(site, [f"case-{number}" for number in range(30)])
    assert main(words(site, "--groups", str(table))) == 0
    table.write_text(table.read_text().replace("case-1,F", "case-1,").replace("case-2,F", "case-2,O"))
    assert main(words(site, "--groups", str(table))) == 0
    kept = read_facts(site / "out" / "groups.csv")
    assert [kept[f"case-{number}"] for number in range(4)] == [{"sex": "F"}, {}, {}, {"sex": "F"}]
    (site / "out" / "groups.csv").write_text("case,sex,month\ncase-3,M,2026-01\ncase-40,F,2026-01\n")
    table.write_text("case,sex\ncase-3,\n")
    assert main(words(site, "--groups", str(table))) == 0
    found = read_facts(site / "out" / "groups.csv")
    assert found == {"case-3": {"month": "2026-01"}, "case-40": {"sex": "F", "month": "2026-01"}}


def test_where_a_cell_is_empty_the_headers_count_again(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(
        facts,
        "facts_in_headers",
        lambda case: read.append(case.name) or {"sex": "M", "scanner": "A", "month": "2026-01"},
    )
    listed, table = str(list_of(site, 150)), groups_of(site, ["case-1", "case-2"])
    assert main(words(site, "--datalist", listed, "--groups", str(table))) == 0
    assert len(read) == 150
    table.write_text("case,sex\ncase-1,\ncase-2,F\n")
    assert main(words(site, "--datalist", listed, "--groups", str(table))) == 0
    assert read[150:] == ["case-1"]
    kept = read_facts(site / "out" / "groups.csv")
    assert [kept[f"case-{number}"]["sex"] for number in range(4)] == ["M", "M", "F", "M"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("alpha", "0.02"),
        ("stride", "4"),
        ("weights", "model.pt"),
        ("work", "kept"),
        ("device", "cpu"),
        ("evidence-weights", "density.pt"),
        ("device", "auto"),
        ("workers", "2"),
        ("engine", "ray"),
        ("engine", "local"),
        ("address", "auto"),
    ],
)
def test_options_of_judging_are_refused_for_a_cohort_that_is_scored(
    site: Path, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(site, f"--{option}", value)) == 2
    assert capsys.readouterr().err == (
        f"{site / 'judged'} is scored already, so --{option} changes nothing. Leave it out, or run cohort again.\n"
    )
    assert not (site / "out").exists()


REFUSED: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "known lesions": (
        lambda folder: words(folder, "--datalist", str(list_of(folder, 3, labels={"ICH": True}))),
        "case-0 and 2 more have a label of a lesion (ICH). Leave 3 cases out of the list.",
    ),
    "facts that are none": (
        lambda folder: words(folder, "--datalist", str(list_of(folder, 3, facts={"weight": 70}))),
        "The facts of case-0 in the list: 'weight' is no fact. Use scanner, kernel, thickness, age, sex, month.",
    ),
    "facts of no form": (
        lambda folder: words(folder, "--datalist", str(list_of(folder, 3, facts={"age": [1]}))),
        'case-0: "facts" must hold a text or a number for each fact.',
    ),
    "no table": (lambda folder: words(folder, "--groups", str(folder / "none.csv")), "none.csv can't be read"),
    "another calibration": (
        lambda folder: words(folder, "--calibration", str(folder)),
        "was scored by another calibration than the one in",
    ),
    "inside the cohort": (
        lambda folder: ["audit", str(folder / "judged"), "-o", str(folder / "judged" / "audit")],
        "lies inside",
    ),
    "a list for scans": (
        lambda folder: ["audit", str(list_of(folder, 3)), "-o", str(folder / "out"), "--datalist", str(folder)],
        "--datalist is for the folder of a cohort",
    ),
    "groups of other cases": (
        lambda folder: words(folder, "--groups", str(groups_of(folder, ["scan_1", "scan_2"]))),
        "judged: its first row is of scan_1, and a case there is case-0. Write the names as there.",
    ),
    "groups of nobody": (
        lambda folder: words(folder, "--groups", str(groups_of(folder, []))),
        "judged: it has no rows, and a case there is case-0.",
    ),
    "no scans": (
        lambda folder: ["audit", str(folder / "gone.json"), "-o", str(folder / "out")],
        "gone.json. Correct its name.",
    ),
    "a section of a cohort that is scored": (
        lambda folder: words(folder, "--section", "test"),
        "is scored already. Leave it out, or add --datalist FILE.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_a_sentence_and_nothing_is_written(
    site: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, said = REFUSED[name]
    before = sorted(site.rglob("*"))
    arguments = asked(site)
    assert main(arguments) == 2
    _, err = capsys.readouterr()
    assert said in err
    assert len(err.splitlines()) == 1
    assert [path for path in sorted(site.rglob("*")) if path not in before and path.name != "list.json"] == []


def test_five_scans_say_what_they_can_t_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_site(tmp_path, 5)
    assert main(words(tmp_path)) == 2
    write_cohort(tmp_path / "scans", 5)
    assert main(["audit", str(tmp_path / "scans" / "datalist.json"), "-o", str(tmp_path / "out")]) == 2
    scored, listed = capsys.readouterr().err.splitlines()
    assert scored.startswith("5 scans could be judged: too few to say whether the thresholds hold")
    assert "datalist.json holds 5 scans: too few to say whether the thresholds hold" in listed
    assert not (tmp_path / "out").exists()


def test_weights_that_the_calibration_is_not_of_are_said_before_a_scan_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("no scan may be judged")

    monkeypatch.setattr(cohort, "run_case", never)
    write_cohort(tmp_path / "scans", 20)
    for item in (content := json.loads((tmp_path / "scans" / "datalist.json").read_text()))["test"]:
        item.pop("labels", None)
    (tmp_path / "scans" / "datalist.json").write_text(json.dumps(content))
    (tmp_path / "other.pt").write_bytes(b"other weights")
    asked = ["audit", str(tmp_path / "scans" / "datalist.json"), "-o", str(tmp_path / "out")]
    assert main([*asked, "--weights", str(tmp_path / "other.pt")]) == 2
    assert "weights" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_that_can_t_be_written(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "file").write_text("")
    assert main(["audit", str(site / "judged"), "-o", str(site / "file" / "out")]) == 4
    assert "not written to" in capsys.readouterr().err


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "run_case", judged_case)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1] / "support"))


def drawn_list(folder: Path, count: int, edit: Callable[[Dataset, int], None]) -> Path:
    """A list of series of a few slices, of two devices, in two months."""
    items = []
    for number in range(count):
        place = folder / "scans" / f"{FOLDER}_{number}"

        def edited(dataset: Dataset, k: int, number: int = number) -> None:
            edit(dataset, k)
            dataset.Manufacturer, dataset.ManufacturerModelName = "Acme", f"M{number % 2}"
            dataset.AcquisitionDate = f"20260{1 + number % 4}17"

        for path in write_series(place, at=range(12), edit=edited):
            path.rename(path.with_name(f"{FILE}_{path.name}"))
        items.append({"case": f"case-{number}", "image": f"scans/{place.name}"})
    (folder / "list.json").write_text(json.dumps({"test": items}))
    return folder / "list.json"


@pytest.mark.usefixtures("stand_in")
def test_scans_are_judged_first_and_no_identifier_leaves_them(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Headers with every identifier are read for the groups; the second call judges and reads nothing again."""
    source = drawn_list(tmp_path / "in", 24, lambda dataset, _: plant(dataset))
    asked = ["audit", str(source), "-o", str(tmp_path / "out"), "--device", "cpu", "--stride", "4"]
    assert main(asked) == 0
    out, err = capfd.readouterr()
    content = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert content["scans"] | {"verdicts": {}} == {
        "all": 24,
        "judged": 22,
        "refused": 2,
        "failed": 0,
        "without": {},
        "verdicts": {},
        "refusals": {"not_ct": 2},
        "flags": {},
    }
    assert [row["value"] for row in content["groups"]["scanner"]] == ["A (ACME M0)", "B (ACME M1)"]
    assert [row["value"] for row in content["months"]] == ["in smaller groups"]
    assert "Reading the headers of 24 scans." in err
    assert json.loads((tmp_path / "out" / "cohort" / "cohort.json").read_text())["network"]["stride"] == 4
    assert set().union(*traces_in(tmp_path / "in").values()) >= {"STATIONQ9", "SN40071ZZ", "Zweigelt", "QX7731905"}
    assert traces_in(tmp_path / "out") == {}
    assert traces(out.encode() + err.encode()) == set()
    for name in ("audit.json", "audit.html", "groups.csv"):
        text = (tmp_path / "out" / name).read_text()
        assert "0117" not in text.replace("-", "")
        assert name == "groups.csv" or "case-" not in text
    before = (tmp_path / "out" / "audit.json").read_bytes()
    assert main(asked) == 0
    assert "Reading the headers" not in capfd.readouterr().err
    assert (tmp_path / "out" / "audit.json").read_bytes() == before


@pytest.mark.usefixtures("stand_in")
def test_a_folder_of_scans(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(24):
        write_series(tmp_path / "scans" / f"case-{number}", at=range(16))
    assert main(["audit", str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "--device", "cpu"]) == 0
    groups = json.loads((tmp_path / "out" / "audit.json").read_text())["groups"]
    assert [(row["value"], row["scans"]) for row in groups["kernel"]] == [("H31S", 22)]
    assert "Not known, and so not compared: scanner, age, sex." in capfd.readouterr().out


def test_negative_control_the_identifiers_are_looked_for() -> None:
    assert traces(b"a page with STATIONQ9 in it") == {"STATIONQ9"}
    assert len(TOKENS) > 10


@pytest.mark.usefixtures("stand_in")
def test_lists_are_checked_before_a_scan_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_cohort(tmp_path, 24)
    assert main(["audit", str(source), "-o", str(tmp_path / "out")]) == 2
    assert "have a label of a lesion" in capsys.readouterr().err
    assert begun(tmp_path) == []
    assert not (tmp_path / "out").exists()
