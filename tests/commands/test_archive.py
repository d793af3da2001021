"""The zip of the bundle: what belongs to it and nothing else, and the same bytes every time."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from scripts.commands import archive as bundle_archive
from scripts.commands.archive import archive, bundle_files, without_traces


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "configs/inference.json",
        "docs/README.md",
        "models/model.pt",
        "models/model.pt.stride2_fp16.plan",
        "models/model.onnx",
        "models/.model.pt.12345678.partial",
        "scripts/networks.py",
        "scripts/__pycache__/networks.cpython-311.pyc",
        "scripts/commands/run.py",
        "eval/heatmap.nii.gz",
        "runs/events",
        "LICENSE",
        "__init__.py",
        "notes.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_results_caches_and_engines_are_no_part_of_the_bundle(root: Path) -> None:
    assert list(bundle_files(root)) == [
        "LICENSE",
        "__init__.py",
        "configs/inference.json",
        "docs/README.md",
        "models/model.pt",
        "scripts/commands/run.py",
        "scripts/networks.py",
    ]
    (root / "large_files.yml").touch()
    assert "large_files.yml" in bundle_files(root)


def test_the_same_files_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"scripts/b.py": b"b" * 1000, "LICENSE": b"text"}
    first = archive(files)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert archive(dict(reversed(files.items()))) == first
    assert archive({**files, "LICENSE": b"tex!"}) != first, "negative control"
    with zipfile.ZipFile(io.BytesIO(first)) as made:
        entries = made.infolist()
    assert [entry.filename for entry in entries] == [
        "head_ct_position_anomaly/LICENSE",
        "head_ct_position_anomaly/scripts/b.py",
    ]
    assert {entry.date_time for entry in entries} == {(2022, 5, 30, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert entries[1].compress_size < entries[1].file_size


def test_a_file_that_the_zoo_does_not_take_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_archive, "LARGEST_FILE_BYTES", 2 * 2**20)
    with pytest.raises(ValueError, match=r"models/big\.pt has 3\.0 MB.*name its address in large_files\.yml"):
        archive({"models/big.pt": bytes(3 * 2**20)})


def test_torchscript_without_traces_of_a_machine() -> None:
    content = io.BytesIO()
    parts = {"m/data/0": b"\x00\x01", "m/code/a.py": b"x", "m/code/a.py.debug_pkl": b"/home", "m/version": b"3"}
    with zipfile.ZipFile(content, "w") as made:
        for name, data in {**parts, "m/.data/serialization_id": b"12"}.items():
            made.writestr(name, data)
    with zipfile.ZipFile(io.BytesIO(without_traces(content.getvalue()))) as kept:
        assert {name: kept.read(name) for name in kept.namelist()} == {
            name: data for name, data in parts.items() if not name.endswith("debug_pkl")
        }
        assert {entry.compress_type for entry in kept.infolist()} == {zipfile.ZIP_STORED}
