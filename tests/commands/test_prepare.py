"""`head-ct-anomaly dev prepare`: scans are registered once, by an engine; whole scans are costly, so pretended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.transforms import Compose, Transform

from scripts.commands import arguments, prepare
from scripts.commands.main import main
from scripts.datasets.prepared import prepare as prepared
from scripts.findings import refusal
from scripts.processes.local import Lost


class Pretend(Transform):
    """Stands for reader and registration."""

    def __call__(self, data: Any) -> dict[str, Any]:
        name = Path(data["image"]).name
        if name == "bad":
            raise refusal("not_ct", "There is no CT image.")
        if name == "away":
            raise refusal("read_failed", "The file 1.dcm can't be read (Stale file handle).")
        if name == "broken":
            raise RuntimeError("It broke.")
        return {"image": torch.full((1, 2, 2, 2), len(name))}


class Never(Transform):
    """What is not to be asked."""

    def __call__(self, data: Any) -> Any:
        raise AssertionError(data)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans take no time, and are worked through here."""
    monkeypatch.setattr(prepare, "registering", lambda: Compose([Pretend()]))
    monkeypatch.setattr(arguments, "in_processes", lambda function, jobs, _: ((job, function(job)) for job in jobs))


def datalist(folder: Path, **sections: list[str]) -> Path:
    for names in sections.values():
        for name in names:
            (folder / name).touch()
    path = folder / "list.json"
    path.write_text(json.dumps({section: [{"image": name} for name in names] for section, names in sections.items()}))
    return path


def test_training_finds_every_scan_prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = datalist(tmp_path, training=["one", "two", "bad"], validation=["three"])
    assert main(["dev", "prepare", str(path), "-o", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert out == f"4 scans: 3 done, 1 refused\n{tmp_path / 'out'}\n"
    assert f"{tmp_path / 'bad'} refused: There is no CT image." in err
    items = [{"image": str(tmp_path / name)} for name in ("one", "two", "three")]
    there = prepared(items, Compose([Never()]), tmp_path / "out")
    assert [int(there[row]["image"].max()) for row in range(3)] == [3, 3, 5]


def test_a_scan_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = datalist(tmp_path, training=["broken", "one", "lost"], validation=["three"])

    def lossy(function: Any, jobs: Any, _: int) -> Any:
        for job in jobs:
            yield job, Lost("Its process was killed by signal 9") if job.endswith("lost") else function(job)

    monkeypatch.setattr(arguments, "in_processes", lossy)
    assert main(["dev", "prepare", str(path), "-o", str(tmp_path / "out")]) == 5
    out, err = capsys.readouterr()
    assert out.startswith("4 scans: 2 done, 2 failed\n")
    assert f"{tmp_path / 'broken'} failed: RuntimeError\n" in err
    assert f"{tmp_path / 'lost'} failed: Its process was killed by signal 9." in err


def test_a_scan_that_can_not_be_read_now_has_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = datalist(tmp_path, training=["one", "away"], validation=["three"])
    assert main(["dev", "prepare", str(path), "-o", str(tmp_path / "out")]) == 5
    out, err = capsys.readouterr()
    assert out.startswith("3 scans: 2 done, 1 failed\n")
    assert f"{tmp_path / 'away'} failed: The file 1.dcm can't be read (Stale file handle)." in err


def test_stopped_by_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "answers", stopped)
    path = datalist(tmp_path, training=["one"], validation=["two"])
    assert main(["dev", "prepare", str(path), "-o", str(tmp_path / "out")]) == 130
    assert "Stopped. The same command goes on from here." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "text"),
    [([], 'Entry 0 of "validation"'), (["--address", "127.0.0.1:6379"], "--address is that of a Ray cluster")],
)
def test_wrong_usage_is_2(more: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = datalist(tmp_path, training=["one"], validation=["two"] if more else ["one"])
    assert main(["dev", "prepare", str(path), "-o", str(tmp_path / "out"), *more]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_transforms_are_those_of_the_training() -> None:
    names = [
        type(step).__name__
        for step in prepare.parsed_configs(prepare.CONFIGS).get_parsed_content("registering").transforms
    ]
    assert names[:2] == ["LoadImaged", "RegisterHeadd"]
