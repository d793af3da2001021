"""The front of the commands: exit codes, and how the bundle is started."""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from scripts.assets import metadata
from scripts.commands import main as module
from scripts.commands.main import COMMANDS, DEVELOPING, explain, main, parser_for
from scripts.errors import OutputExists, OutputFailed, WrongUsage
from scripts.findings import refusal

ROOT = Path(__file__).resolve().parents[2]
EVERY = [[name] for name in COMMANDS] + [["dev", name] for name in DEVELOPING]
"""The words of every command."""


@pytest.mark.parametrize("words", [[], ["nonsense"], ["inspect"], ["inspect", "a", "b"], ["--nonsense"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: head-ct-anomaly" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", ""],
        ["run", "", "-o", "out"],
        ["run", "scan", "--output="],
        ["cohort", "", "-o", "out"],
        ["verify", ""],
    ],
)
def test_an_empty_argument_is_wrong_usage(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("An argument is empty. Name it;")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(name in out for name in (*COMMANDS, *DEVELOPING))
    assert "not a medical device" in " ".join(out.split())


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_declares_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parser_for(words).parse_args([*words, "--help"])
    assert f"usage: head-ct-anomaly {' '.join(words)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (refusal("not_ct", "There is no CT image."), 3, "There is no CT image. Give a head CT."),
        (OutputExists("x exists."), 4, "x exists."),
        (OutputFailed("no space"), 4, "no space"),
        (WrongUsage("There is no file x."), 2, "There is no file x."),
        (ZeroDivisionError("division by zero"), 5, "Internal error (ZeroDivisionError). Use --debug"),
        (OSError(errno.ENOSPC, "No space left on device", "x.pt"), 4, "The results were not written to x.pt: No space"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/3"), 4, "The results were not"),
        (FileNotFoundError(errno.ENOENT, "missing", "model.pt"), 5, "Internal error (FileNotFoundError)"),
    ],
)
def test_exit_codes(error: Exception, code: int, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(error) == code
    err = capsys.readouterr().err
    assert err.startswith(text)
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise ZeroDivisionError("on purpose")

    from scripts.commands import inspect as command

    monkeypatch.setattr(command, "main", fail)
    assert main(["inspect", "x"]) == 5
    assert "Traceback" not in capsys.readouterr().err
    for words in (["--debug", "inspect", "x"], ["inspect", "x", "--debug"], ["inspect", "--debug", "x"]):
        assert main(words) == 5
        err = capsys.readouterr().err
        assert "Traceback" in err
        assert 'raise ZeroDivisionError("on purpose")' in err


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_debug_is_understood_after_every_command(command: list[str]) -> None:
    name = command[-1]
    first = {"memory": ["dense:1:1"], "manifest": [], "package": [], "completion": ["bash"], "compare": ["x", "y"]}
    needed = {
        name: []
        for name in ("inspect", "report", "verify", "export", "paper", "manifest", "convert", "listen", "completion")
    }
    needed["cq500"] = needed["cq500-score"] = ["-o", "out.json", "--reads", "reads.csv"]
    words = [*command, *first.get(name, ["x"]), *needed.get(name, ["-o", "out"])]
    assert parser_for(words).parse_args(words).debug is False
    assert parser_for(words).parse_args([*words, "--debug"]).debug is True
    assert parser_for(words).parse_args(["--debug", *words]).debug is True


@pytest.mark.parametrize("name", ["simulate", "dev reference", "export", "dev sample", "standin"])
def test_a_path_that_is_not_there_is_wrong_usage(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = tmp_path / "nope.nii.gz"
    assert main([*name.split(), str(nothing), "-o", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert str(nothing) in err
    assert "Internal" not in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_internal_error_is_what_the_program_stumbled_over_first(capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("a transform failed")
    for text in ("shapes\ndiffer", "shapes differ."):
        error.__cause__ = OSError(errno.EIO, text)
        assert explain(error) == 5
        assert capsys.readouterr().err == "Internal error (OSError): shapes differ. Use --debug to see where.\n"


@pytest.mark.parametrize("name", ["run", "demo", "inspect"])
def test_ctrl_c_is_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module(f"scripts.commands.{name}"), "main", stopped)
    assert main([name, "x", *([] if name == "inspect" else ["-o", "out"])]) == 130
    assert capsys.readouterr().err == "Stopped before it was done.\n"


def test_what_the_terminal_can_not_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(module, "run", lambda words: print("Schädel \udcff") or 0)
    assert main([]) == 0
    stream.flush()
    assert stream.buffer.getvalue() == b"Sch\\xe4del \\udcff\n"


def test_a_full_disk_is_seen_behind_other_errors(capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("a worker failed")
    error.__cause__ = OSError(errno.EDQUOT, "Disk quota exceeded")
    assert explain(error) == 4
    assert "Disk quota exceeded. Free some space" in capsys.readouterr().err


def test_a_reader_who_stops_reading_is_no_error(tmp_path: Path) -> None:
    """As in `head-ct-anomaly inspect ... | head -1`, of which the reading end is gone when the first line comes."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ROOT / "bundle"), "inspect", "--json", str(tmp_path)]
    run = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert run.returncode == 141
    assert run.stderr.splitlines()[1:] == []
    assert "BrokenPipe" not in run.stderr


def test_another_broken_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise BrokenPipeError(errno.EPIPE, "a worker is gone")

    from scripts.commands import inspect as command

    monkeypatch.setattr(command, "main", fail)
    assert main(["inspect", "x"]) == 5
    assert "a worker is gone" in capsys.readouterr().err


def start(folder: Path, *words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """Start Python in `folder`, without this process's import path."""
    command = [sys.executable, "-c", code] if code else [sys.executable, str(ROOT / "bundle")]
    return subprocess.run([*command, *words], cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_folder_starts_from_anywhere(tmp_path: Path) -> None:
    run = start(tmp_path, "inspect", "nothing-here")
    assert run.returncode == 3
    assert run.stderr == "nothing-here can't be read (No such file or directory). Check the path.\n"


START = str(ROOT / "bundle" / "__main__.py")
LOAD = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("head_ct_position_anomaly.__main__", {START!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
before = list(sys.path)
"""


def test_scripts_are_provided_without_the_import_path(tmp_path: Path) -> None:
    code = (
        LOAD + "module.provide_scripts(); import scripts.findings; assert sys.path == before; print(scripts.__file__)"
    )
    run = start(tmp_path, code=code)
    assert run.stdout.strip() == str(ROOT / "bundle" / "scripts" / "__init__.py"), run.stderr


def test_another_package_called_scripts_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").write_text("")
    ours = start(tmp_path, code=LOAD + "module.provide_scripts(); import scripts; print(scripts.__file__)")
    assert str(ROOT) in ours.stdout, "a folder in the working directory must not get in the way"
    run = start(tmp_path, code=LOAD + "import scripts; module.provide_scripts()")
    assert "another package called scripts is loaded" in run.stderr


def test_a_stopped_process_ends_with_its_code_though_python_would_end_by_sigint(tmp_path: Path) -> None:
    """A folder that is run, as `bundle`: an interrupt of text that a library evaluated counts at Python's end."""
    (tmp_path / "__main__.py").write_text(LOAD + """
import atexit, ctypes
atexit.register(print, "put away")
ctypes.pythonapi.PyRun_SimpleString(b"raise KeyboardInterrupt")
if sys.argv[1] == "leave":
    module.leave(143)
sys.exit(143)
""")
    codes = {}
    for way in ("leave", "exit"):
        done = subprocess.run([sys.executable, str(tmp_path), way], capture_output=True, text=True)
        assert "put away" in done.stdout
        codes[way] = done.returncode
    assert codes["leave"] == 143
    assert codes["exit"] != 143, "negative control"


HELP = """
import io, json, sys
from contextlib import redirect_stdout, suppress
from scripts.commands.main import main
for words in json.loads(sys.argv[1]):
    before, out = set(sys.modules), io.StringIO()
    with redirect_stdout(out), suppress(SystemExit):
        main([*words, "--help"])
    heavy = {"torch", "monai", "itk", "matplotlib", "ray"} & (set(sys.modules) - before)
    print(json.dumps([out.getvalue(), sorted(heavy)]))
"""
"""Prints the help of each command, and what of the heavy libraries was loaded for it and for none before it."""


@pytest.fixture(scope="module")
def helped() -> list[tuple[str, list[str]]]:
    """The help of every command, and the heavy libraries that it was the first to load."""
    done = subprocess.run(
        [sys.executable, "-c", HELP, json.dumps(EVERY)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "bundle"), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_loads_neither_torch_nor_monai(words: list[str], helped: list[tuple[str, list[str]]]) -> None:
    assert len(helped) == len(EVERY)
    text, heavy = helped[EVERY.index(words)]
    assert text.startswith(f"usage: head-ct-anomaly {' '.join(words)}")
    assert heavy == []


def test_the_version_is_that_of_the_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"head-ct-anomaly {metadata()['version']}\n"
