"""The command completion: the shells accept the script, and bash completes commands, options and choices with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts.commands import completion
from scripts.commands.main import COMMANDS, DEVELOPING, main, whole_parser

needs_shtab = pytest.mark.skipif(find_spec("shtab") is None, reason="shtab is not installed")

BASH, ZSH = shutil.which("bash"), shutil.which("zsh")


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    """The script of each shell."""
    return {shell: completion.script(whole_parser(), shell) for shell in completion.SHELLS}


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    asking = (
        f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_shtab_head_ct_anomaly; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run([str(BASH), "-c", f"{script}\n{asking}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@needs_shtab
@pytest.mark.parametrize(("shell", "program"), [("bash", BASH), ("zsh", ZSH)])
def test_the_shell_accepts_the_script(scripts: dict[str, str], shell: str, program: str | None, tmp_path: Path) -> None:
    if program is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(scripts[shell], encoding="utf-8")
    done = subprocess.run([program, "-n", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(scripts[shell] + "\nif then (", encoding="utf-8")
    assert subprocess.run([program, "-n", str(path)], capture_output=True).returncode != 0, "it would see an error"


@needs_shtab
@pytest.mark.parametrize("shell", completion.SHELLS)
def test_it_names_every_command_and_option(scripts: dict[str, str], shell: str) -> None:
    assert all(name in scripts[shell] for name in (*COMMANDS, *DEVELOPING))
    options = {option for action in completion.actions_of(whole_parser()) for option in action.option_strings}
    options -= {"--debug"}  # hidden after a command
    assert len(options) > 60
    assert [option for option in options if option not in scripts[shell]] == []


@needs_shtab
@pytest.mark.skipif(BASH is None, reason="bash is not installed")
def test_bash_completes_with_it(scripts: dict[str, str]) -> None:
    script = scripts["bash"]
    assert completed(script, "head-ct-anomaly", "ins") == ["inspect"]
    assert set(completed(script, "head-ct-anomaly", "")) >= {*COMMANDS, "dev"}
    assert set(completed(script, "head-ct-anomaly", "dev", "")) >= set(DEVELOPING)
    assert completed(script, "head-ct-anomaly", "run", "--stri") == ["--stride"]
    assert completed(script, "head-ct-anomaly", "run", "--stride", "") == ["1", "2", "4"]
    assert set(completed(script, "head-ct-anomaly", "cohort", "--work")) == {"--work", "--workers"}
    assert completed(script, "head-ct-anomaly", "inspect", "--strid") == []


@needs_shtab
def test_the_command_prints_it(scripts: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == scripts["bash"] + "\n"
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "fish"])


@needs_shtab
def test_it_loads_neither_torch_nor_monai() -> None:
    code = "import sys; from scripts.commands.main import main; main(['completion', 'zsh']); "
    code += "print(*({'torch', 'monai', 'ray', 'itk'} & set(sys.modules)), file=sys.stderr)"
    root = Path(__file__).resolve().parents[2]
    path = f"import sys; sys.path[:0] = [{str(root / 'bundle')!r}, {str(root)!r}]; "
    done = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "#compdef head-ct-anomaly" in done.stdout


def test_without_shtab_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(completion, "find_spec", lambda name: None)
    assert main(["completion", "bash"]) == 2
    err = capsys.readouterr().err
    assert err == 'Completion needs the package shtab. Install it: pip install "head-ct-position-anomaly[completion]"\n'
