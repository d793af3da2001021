from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.assets import manifest_sha256
from scripts.commands import power
from scripts.commands.main import main
from scripts.files.json_text import json_text
from scripts.files.tables import from_csv
from scripts.sites.power.runner import Job


def answer(job: Job) -> str:
    """A scan in which the first lesion is found and the second is not; scan_2 is refused, scan_9 fails."""
    number = int(job.case.name[-1])
    content: dict[str, Any] = {"key": job.key, "case": job.case.name}
    if number == 9:
        return "failed. RuntimeError"
    if number == 2:
        content |= {"refused": "No head.", "bundle": manifest_sha256()}
    else:
        sides = {side: {"score": 1.0, "above": side == "left" and number == 1} for side in ("left", "right")}
        known = {"kind": "subdural", "side": "right", "volume_ml": 5.0, "contrast_hu": 20.0, "listed": False}
        content |= {"before": sides, "verdict": "pass"}
        content["lesions"] = [{"number": n, **known, "outcome": o} for n, o in enumerate(("found", "missed"))]
    job.path.parent.mkdir(parents=True, exist_ok=True)
    job.path.write_text(json_text(content))
    return "1 of 2 lesions found, 1 CPU-seconds"


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A folder of three scans, and the names of those that were worked on."""
    worked: list[str] = []

    def answers(function: Callable[[Job], str], jobs: Sequence[Job], args: object) -> Iterator[tuple[Job, str]]:
        for job in jobs:
            worked.append(job.case.name)
            yield job, answer(job)

    monkeypatch.setattr(power, "answers", answers)
    monkeypatch.setattr(power, "check_some", lambda cases, folder: None)
    for number in range(3):
        (tmp_path / "scans").mkdir(exist_ok=True)
        (tmp_path / "scans" / f"scan_{number}.nii.gz").write_bytes(b"scan")
    return tmp_path, worked


def run(folder: Path, *more: str, scans: str = "scans") -> int:
    return main(["power", str(folder / scans), "-o", str(folder / "out"), "--device", "cpu", *more])


def test_the_result_is_a_table_a_picture_and_sentences(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = given
    assert run(folder) == 0
    printed = capsys.readouterr().out
    assert "| subdural | 50 % [" in printed
    assert "2 scans are too few to say what is found in other scans of the site" in printed
    assert "1 of 4 hemispheres was above the threshold without a lesion" in printed
    assert "scan_2 was refused. No head." in printed
    content = json.loads((folder / "out" / "power.json").read_text())
    assert content["scans"] == {
        "judged": 2,
        "refused": {"scan_2": "No head."},
        "failed": 0,
        "hemispheres_above_before": 1,
    }
    assert content["shares"][0]["found"] == 2
    assert content["shares"][0]["lesions"] == 4
    assert len(from_csv((folder / "out" / "power.csv").read_text())[1]) == 4
    assert (folder / "out" / "power.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_command_resumes_and_gives_the_same_bytes(given: tuple[Path, list[str]]) -> None:
    folder, worked = given
    assert run(folder) == 0
    before = {name: (folder / "out" / name).read_bytes() for name in ("power.json", "power.csv", "power.png")}
    (folder / "out" / "scans" / "scan_1.json").write_text("{")
    assert run(folder) == 0
    assert worked == ["scan_0", "scan_1", "scan_2", "scan_1"]
    assert {name: (folder / "out" / name).read_bytes() for name in before} == before
    assert {path.name for path in (folder / "out").iterdir()} == {"power.json", "power.csv", "power.png", "scans"}


def test_a_scan_that_failed_is_told_and_tried_again(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, worked = given
    (folder / "scans" / "scan_9.nii.gz").write_bytes(b"scan")
    assert run(folder) == 5
    assert "1 scan failed and had no part in it. The same command tries again." in capsys.readouterr().err
    assert run(folder) == 5
    assert worked.count("scan_9") == 2
    assert worked.count("scan_0") == 1


def test_other_settings_do_not_join_a_result(given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = given
    assert run(folder) == 0
    assert run(folder, "--lesions", "7") == 4
    assert "holds a run of other settings: lesions was 60 and is 7. Choose another folder." in capsys.readouterr().err


def test_the_calibration_has_to_be_of_the_weights_that_are_named(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, worked = given
    assert run(folder, "--evidence-weights", "nothing.pt") == 2
    assert capsys.readouterr().err == "There are no weights at nothing.pt. Check --evidence-weights.\n"
    (folder / "density.pt").write_bytes(b"another network")
    assert run(folder, "--evidence-weights", str(folder / "density.pt")) == 2
    said = "Without a valid threshold nothing is found or missed. The calibration was made with another file than this "
    assert capsys.readouterr().err.startswith(f"{said}density.pt.")
    assert worked == []


def test_alpha_is_a_setting_and_one_that_is_too_small_is_refused(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = given
    assert run(folder, "--alpha", "0.001") == 2
    assert "alpha 0.001 is too small for 168 healthy hemispheres" in capsys.readouterr().err
    assert run(folder, "--alpha", "0.1") == 0
    assert json.loads((folder / "out" / "power.json").read_text())["settings"]["alpha"] == 0.1
    assert run(folder) == 4
    assert "holds a run of other settings: alpha was 0.1 and is 0.05" in capsys.readouterr().err


def test_labels_that_tell_of_a_lesion_are_refused_and_nothing_is_written(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, worked = given
    cases = [
        {"case": f"case_{n}", "image": f"scans/scan_{n}.nii.gz", "labels": {"ICH": n == 1, "Fracture": False}}
        for n in range(3)
    ]
    (folder / "list.json").write_text(json.dumps({"test": cases}))
    assert run(folder, scans="list.json") == 2
    said = capsys.readouterr().err
    assert "healthy scans alone, but case_1 has a label of a lesion (ICH). Leave 1 case out of the list." in said
    assert worked == []
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [(["--kinds", "fracture"], "'fracture' is none of intraparenchymal"), (["--lesions", "0"], "argument --lesions")],
)
def test_wrong_words_are_told(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(given[0], *words)
    assert text in capsys.readouterr().err


def test_a_calibration_that_is_not_there_is_told(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(given[0], "--calibration", "nowhere") == 2
    assert "Without a valid threshold nothing is found or missed." in capsys.readouterr().err
    assert not (given[0] / "out").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(
    given: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = given
    (folder / "out").mkdir()
    (folder / "out" / ".DS_Store").write_text("of a file manager")
    (folder / "out" / "letter.txt").write_text("dear")
    assert run(folder) == 4
    assert "holds letter.txt, which is no part of a power run" in capsys.readouterr().err
    assert main(["power", str(folder / "scans"), "-o", str(folder / "scans" / "out")]) == 2
