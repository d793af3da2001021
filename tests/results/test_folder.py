"""`results`: complete or not there at all, whatever happens in between."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from scripts.errors import OutputExists, OutputFailed
from scripts.files.atomic import swap
from scripts.results import folder as results
from scripts.results.folder import reserved, write_results
from scripts.results.record import verify

FILES = {"heatmap.nii.gz": b"voxels", "dicom/0001.dcm": lambda path: path.write_bytes(b"pixels")}


def names(folder: Path) -> set[str]:
    """Everything below a folder, hidden things too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_set_is_complete_and_verifies(tmp_path: Path) -> None:
    write_results(tmp_path / "new" / "out", FILES, {"scores": {"left": 1.5, "right": None}})
    assert names(tmp_path) == {
        *("new", "new/out", "new/out/dicom", "new/out/dicom/0001.dcm", "new/out/heatmap.nii.gz", "new/out/result.json")
    }
    result = verify(tmp_path / "new" / "out")
    assert list(result) == ["format", "scores", "outputs"]
    # printf voxels | sha256sum
    assert result["outputs"]["heatmap.nii.gz"].startswith("38d11342e7802d")


def test_the_folder_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    write_results(tmp_path / "out", FILES, {})
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_existing_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    write_results(tmp_path / "out", FILES, {"run": 1})
    with pytest.raises(OutputExists, match="say --overwrite"):
        write_results(tmp_path / "out", FILES, {"run": 2})
    assert verify(tmp_path / "out")["run"] == 1


def test_overwrite_replaces_all_of_the_earlier_results(tmp_path: Path) -> None:
    write_results(tmp_path / "out", {**FILES, "only_then.png": b""}, {"run": 1})
    write_results(tmp_path / "out", FILES, {"run": 2}, overwrite=True)
    assert verify(tmp_path / "out")["run"] == 2
    assert names(tmp_path) == {"out", "out/dicom", "out/dicom/0001.dcm", "out/heatmap.nii.gz", "out/result.json"}


def test_overwrite_takes_an_empty_folder_and_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    write_results(tmp_path / "out", FILES, {}, overwrite=True)
    assert (tmp_path / "out").is_symlink()
    assert verify(tmp_path / "real")


@pytest.mark.parametrize("theirs", ["out/thesis.odt", "out/dicom/deep/thesis.odt"])
def test_other_peoples_files_survive_overwrite(tmp_path: Path, theirs: str) -> None:
    write_results(tmp_path / "out", FILES, {})
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_text("years of work")
    with pytest.raises(OutputExists, match=r"thesis\.odt, which is not part of earlier results\. Choose another"):
        write_results(tmp_path / "out", FILES, {}, overwrite=True)
    assert (tmp_path / theirs).read_text() == "years of work"


def test_a_result_of_another_program_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"format": "other", "outputs": {}}')
    with pytest.raises(OutputExists, match=r"holds result\.json, which is not part"):
        write_results(tmp_path, FILES, {}, overwrite=True)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputExists, match="is a file"):
        write_results(tmp_path / "out", FILES, {}, overwrite=True)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "", "result.json", "a\\b"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of an output file"):
        write_results(tmp_path / "out", {name: b""}, {})
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may write to"),
        (errno.EIO, "Check"),
    ],
)
@pytest.mark.parametrize("when", ["second file", "result.json", "rename"])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, number: int, remedy: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    files = {**FILES, "volume.nii.gz": fail} if when == "second file" else FILES
    write = Path.write_bytes
    if when == "result.json":
        monkeypatch.setattr(Path, "write_bytes", lambda p, b: fail() if p.name == "result.json" else write(p, b))
    if when == "rename":
        monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OutputFailed, match=f"were not written to {tmp_path}/out: .*{remedy}"):
        write_results(tmp_path / "out", files, {})
    assert names(tmp_path) == set()


def test_a_device_that_is_really_full(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="No space left on device"):
        write_results(tmp_path / "out", {"heatmap": lambda _: Path("/dev/full").write_bytes(b"x")}, {})
    assert names(tmp_path) == set()


def test_a_file_that_reads_back_differently_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, content: write(path, content[:-1]))
    with pytest.raises(OutputFailed, match="reads back differently"):
        write_results(tmp_path / "out", FILES, {})
    assert names(tmp_path) == set()


def test_a_failing_rename_brings_the_earlier_results_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_results(tmp_path / "out", FILES, {"run": 1})
    rename = Path.rename

    def fail_for_the_new(path: Path, target: Path) -> Path:
        if path.suffix == ".partial":
            raise OSError(errno.EIO, "no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    monkeypatch.setattr(results, "swap", lambda one, other: False)
    with pytest.raises(OutputFailed, match=f"The results were not written to {tmp_path}/out: no"):
        write_results(tmp_path / "out", FILES, {"run": 2}, overwrite=True)
    assert verify(tmp_path / "out")["run"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_appears_in_the_meantime_is_not_replaced(tmp_path: Path) -> None:
    def race(path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("theirs")
        path.write_bytes(b"")

    with pytest.raises(OutputExists, match="in the meantime"):
        write_results(tmp_path / "out", {"slow.nii.gz": race}, {})
    assert names(tmp_path) == {"out", "out/theirs"}


def test_any_other_error_leaves_nothing_either(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_results(tmp_path / "out", {"a": broken}, {})
    assert names(tmp_path) == set()


def test_a_killed_process_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    code = f"""
import os, signal
from scripts.results.folder import write_results
def stop(path):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
write_results({str(tmp_path / "out")!r}, {{"heatmap.nii.gz": b"x", "report": stop}}, {{}})
"""
    bundle = Path(results.__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=bundle, check=False)
    assert run.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert all(name.startswith(".out.") for name in names(tmp_path))
    write_results(tmp_path / "out", FILES, {})
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "what it left is gone"


@pytest.mark.parametrize("firm", [True, False])
def test_only_what_was_abandoned_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, firm: bool) -> None:
    """Who has the lock knows that nobody writes; without locks, what is young may still be written."""
    if not firm:
        monkeypatch.setattr(results, "locked", lambda place: nullcontext(False))
    old = time.time() - 25 * 3600
    kept = {".out.0123abcd.old", ".out.zzzzzzzz.partial", ".other.0123abcd.partial", ".out.x.0123abcd.partial"}
    for name in (*kept, ".out.0123abcd.partial", ".out.aaaaaaaa.partial", ".out.bbbbbbbb.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "heatmap").write_bytes(b"half")
        os.utime(tmp_path / name / "heatmap", (old, old))
        os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / ".out.aaaaaaaa.partial")
    os.utime(tmp_path / ".out.bbbbbbbb.partial" / "heatmap")
    write_results(tmp_path / "out", FILES, {})
    young = set() if firm else {".out.aaaaaaaa.partial", ".out.bbbbbbbb.partial"}
    assert {path.name for path in tmp_path.iterdir()} == {"out", *kept, *young}


def test_overwrite_leaves_no_moment_without_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither before nor after the one step is the name without a complete set; a second step would be a rename."""
    write_results(tmp_path / "out", FILES, {"run": 1})
    monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("it was renamed"))
    seen = []

    def watched(one: Path, other: Path) -> bool:
        seen.append(verify(other)["run"])
        swapped = swap(one, other)
        seen.append(verify(other)["run"])
        return swapped

    monkeypatch.setattr(results, "swap", watched)
    write_results(tmp_path / "out", FILES, {"run": 2}, overwrite=True)
    assert seen == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_reserved_folder_is_closed_to_others_before_any_work(tmp_path: Path) -> None:
    with reserved(tmp_path / "new" / "out"):
        with ThreadPoolExecutor(1) as other, pytest.raises(OutputExists, match=r"Another process writes to .*/new/out"):
            other.submit(write_results, tmp_path / "new" / "out", FILES, {}).result()
        write_results(tmp_path / "new" / "beside", FILES, {})
        write_results(tmp_path / "new" / "out", FILES, {})
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"beside", "out"}


def test_what_the_other_process_wrote_is_seen_when_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def late(place: Path) -> Iterator[bool]:
        place.mkdir()
        yield True

    monkeypatch.setattr(results, "locked", late)
    with pytest.raises(OutputExists, match="say --overwrite"), reserved(tmp_path / "out"):
        pytest.fail("it was given away twice")


def test_same_results_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_results(tmp_path / name, FILES, {"b": 1, "a": [0.1, 1e-9]})
    first, second = ((tmp_path / name / "result.json").read_bytes() for name in ("a", "b"))
    assert first == second
