"""The READMEs: commands exist, overrides name an id of their config, links lead somewhere."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import monai.bundle
import pytest

from scripts.commands.main import in_one_word, parser_for

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for pattern in ("*.md", "docs/*.md", "bundle/docs/*.md", "apps/*/*.md")
    for path in sorted(ROOT.glob(pattern))
}


def commands(text: str) -> list[list[str]]:
    """The words of every shell command in the fenced blocks of a document; comments and `\\` at line ends removed."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    blocks = [block for language, block in fenced if language in ("", "bash", "sh")]
    lines = "\n".join(blocks).replace("\\\n", "").splitlines()  # as the shell does, also within quotes
    placeholders = [re.sub(r"<[^>]+>", "PLACEHOLDER", re.sub(r"<[^>]*UID>", "1.2.3", line)) for line in lines]
    starts = ("make", "head-ct-anomaly", "python", "torchrun", "pip")
    return [shlex.split(line, comments=True) for line in placeholders if line.strip().startswith(starts)]


def with_start(start: str) -> list[tuple[str, list[str]]]:
    """Document and words of every command with a word in it."""
    return [(name, words) for name, text in DOCUMENTS.items() for words in commands(text) if start in words]


def config_of(name: str, words: list[str]) -> dict[str, Any]:
    """The configs of a `monai.bundle run`, the later over the earlier."""
    files = words[words.index("--config_file") + 1].strip("[]").replace("'", "").split(",")
    folder = ROOT / "bundle" if name.startswith("bundle/") else ROOT
    merged: dict[str, Any] = {}
    for file in files:
        merged |= json.loads((folder / file).read_text(encoding="utf-8"))
    return merged


def test_there_are_commands_to_check() -> None:
    assert len(with_start("head-ct-anomaly")) >= 2
    assert len(with_start("monai.bundle")) >= 6


@pytest.mark.parametrize(("name", "words"), with_start("monai.bundle"))
def test_overrides_name_ids_of_the_config(name: str, words: list[str]) -> None:
    config = config_of(name, words)
    after = words[words.index("monai.bundle") + 1 :]
    command, options = after[0], {word[2:] for word in after if word.startswith("--")}
    own = set(inspect.signature(getattr(monai.bundle, command)).parameters)
    assert options - own - set(config) == set(), "MONAI takes a misspelt override without a word"
    assert command != "run" or "run" in config


def trainings() -> list[tuple[str, list[str]]]:
    """Document and words of every training: its workflow saves checkpoints."""
    runs = [(name, words) for name, words in with_start("monai.bundle") if "run" in words]
    return [(name, words) for name, words in runs if "SaveTraining" in json.dumps(config_of(name, words))]


@pytest.mark.parametrize(("name", "words"), trainings())
def test_no_training_writes_into_the_bundle(name: str, words: list[str]) -> None:
    """Installing weights is what `export` does: files of the bundle that change stop every command after them."""
    config = config_of(name, words)
    given = {word[2:]: words[at + 1] for at, word in enumerate(words) if word.startswith("--")}
    folder = Path(given["output_dir"])
    assert not (ROOT / folder).resolve().is_relative_to(ROOT / "bundle")
    left = json.dumps({key: value for key, value in config.items() if key not in given})
    assert "@bundle_root" not in left, "what a training writes has its place in output_dir"


def test_all_trainings_were_found() -> None:
    files = [" ".join(words) for _, words in trainings()]
    for config in ("train.json", "multi_gpu_train.json", "published_train.json", "locator.json"):
        assert any(config in words for words in files), config


@pytest.mark.parametrize(("name", "words"), with_start("head-ct-anomaly"))
def test_commands_are_understood(name: str, words: list[str]) -> None:
    given = in_one_word(words[1:])
    assert callable(parser_for(given).parse_args(given).main)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for text in DOCUMENTS.values():
        for target in re.findall(r"`?make ([a-z]+)`|^make ([a-z]+)", text, flags=re.MULTILINE):
            assert re.search(rf"^{''.join(target)}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", DOCUMENTS[name]):
        assert (ROOT / name).parent.joinpath(link).exists(), link


def detection(name: str) -> list[list[str]]:
    """The first word of each cell in the rows of a document's table of detection, from the lesions of the brain on."""
    lines = DOCUMENTS[name].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| lesions of the brain"))
    rows = takewhile(lambda line: line.startswith("|"), lines[first:])
    return [[cell.strip().partition(" ")[0] for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize("name", ["README.md", "bundle/docs/README.md"])
def test_what_each_part_finds_is_said_as_in_the_benchmarks(name: str) -> None:
    rows = detection(name)
    assert len(rows) == 11
    for row, measured in zip(rows, detection("docs/benchmarks.md"), strict=False):
        figures = [*measured[3:], measured[2]]  # there the error map comes first
        assert row[1] == figures[0]
        assert all(cell in ("", figure) for cell, figure in zip(row[1:], figures, strict=True)), row


def test_the_metadata_have_the_figures_of_the_model_card() -> None:
    metrics = json.loads((ROOT / "bundle/configs/metadata.json").read_text(encoding="utf-8"))["eval_metrics"]
    rows = detection("bundle/docs/README.md")
    assert f"| {metrics['brain_error_mm']} / {metrics['skull_error_mm']} mm" in DOCUMENTS["bundle/docs/README.md"]
    assert [float(rows[place][1]) for place in (0, -1)] == [metrics["brain_lesions_auroc"], metrics["fractures_auroc"]]


def test_options_named_in_the_text_exist() -> None:
    known = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bundle/scripts/commands").glob("*.py"))
    for option in re.findall(r"`(--[a-z-]+)", DOCUMENTS["README.md"]):
        assert f'"{option}"' in known, option


def test_negative_control_a_wrong_option_is_seen() -> None:
    with pytest.raises(SystemExit):
        parser_for(["run"]).parse_args(["run", "SCAN", "-o", "out", "--strid", "2", "--no-such-option"])
