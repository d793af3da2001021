"""The command that draws: a page in the paper's order, and a sentence for what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from paper_inputs import evaluation, reproduction
from picture import pixels

from reproduction.commands import paper
from reproduction.folder import Reproduction
from reproduction.items import ITEMS
from scripts.commands.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Reproduction:
    """A reproduction of two runs, without examples and measurements of memory."""
    runs = {"p4": evaluation(), "a2": evaluation("autoencoder", 2, None, mode="autoencoder")}
    return reproduction(tmp_path, runs)


def test_a_page_with_what_there_is(folder: Reproduction, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", str(folder.root)]) == 0
    page = (folder.paper / "README.md").read_text()
    titles = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert titles == [item.title for item in ITEMS], "all, in order"
    assert "![figure_3](figure_3.png)" in page
    assert "| p4 | position regression | 4 | 31 | haemorrhage |" in page
    assert "Left out: no two runs of the position network have the same width and different patch sizes." in page
    assert "Left out: no label table was named (reproduce --reads FILE)." in page
    assert "Left out: no training's memory was measured." in page
    assert "Figure 4: haemorrhages beside error maps is left out: no run has made a map" in capsys.readouterr().out
    made = {path.name for path in folder.paper.iterdir()}
    linked = {link.split(")")[0] for link in page.split("](")[1:]}
    assert linked <= made
    assert {"figure_3.png", "figure_6.png", "aurocs_rows.csv", "roc_rows.csv", "aurocs.md", "aurocs.csv"} <= made
    assert not {"figure_4.png", "figure_5.png", "figure_7.png", "figure_10.png", "table_1.md"} & made
    assert pixels((folder.paper / "figure_3.png").read_bytes()).std() > 10


def test_what_can_no_longer_be_made_is_removed(folder: Reproduction) -> None:
    folder.paper.mkdir()
    (folder.paper / "figure_10.png").write_text("earlier")
    assert main(["paper", str(folder.root)]) == 0
    assert not (folder.paper / "figure_10.png").exists()


def test_one_alone(folder: Reproduction, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", str(folder.root), "--only", "figure_6,aurocs"]) == 0
    assert {path.name for path in folder.paper.iterdir()} == {"figure_6.png", "roc_rows.csv", "aurocs.md", "aurocs.csv"}
    assert main(["paper", str(folder.root), "--only", "figure_10"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Figure 10: memory of a training by width and batch is left out: no training's memory was")
    assert "`head-ct-anomaly reproduce` makes what is missing." in err
    with pytest.raises(SystemExit):
        main(["paper", str(folder.root), "--only", "figure_8"])


def test_another_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", str(tmp_path)]) == 2
    assert "is no folder of a reproduction" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_it_says_what_to_install(
    folder: Reproduction, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paper, "find_spec", lambda name: None)
    assert main(["paper", str(folder.root)]) == 2
    assert "pip install 'head-ct-position-anomaly[reproduce]'" in capsys.readouterr().err
