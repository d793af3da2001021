"""The command standin, and the whole way from label maps through CQ500's form to a datalist."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import nibabel
import pytest
from toy_anatomy import raw_labels

from reproduction.cq500.standin import heads
from scripts.commands.main import main
from scripts.reading.inputs import read_volume
from scripts.simulation.anatomy.label_map import Anatomy
from scripts.simulation.person.head import SimulatedHead, draw_head
from scripts.simulation.person.look import Look

CASES = 10
"""As many as there are recipes, so that each is drawn."""


@pytest.fixture(scope="module")
def anatomies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anatomies")
    labels, affine = raw_labels()
    for name in ("one", "two"):
        nibabel.save(nibabel.Nifti1Image(labels, affine), folder / f"{name}.nii.gz")
    return folder


def words(anatomies: Path, root: Path, *more: str) -> list[str]:
    return ["standin", str(anatomies), "-o", str(root), "--cases", str(CASES), "--pixels", "64", "--seed", "2", *more]


Draw = Callable[..., SimulatedHead]


@pytest.fixture(scope="module")
def draw() -> Draw:
    """Draws one healthy head: lesion, seed and look are words alone, but a second lesion is planted."""
    drawn: list[SimulatedHead] = []

    def draw(anatomy: Anatomy, seed: int, *, lesion: str | None, side: str | None, look: Look) -> SimulatedHead:
        if not drawn:
            drawn.append(draw_head(anatomy, seed, look=look))
            for array in (drawn[0].hu, drawn[0].labels, drawn[0].lesion, drawn[0].to_reference, drawn[0].affine):
                array.flags.writeable = False
        told = {"seed": seed, "look": asdict(look), "lesion": lesion, "side": side}
        sizes = {"volume_ml": 20.0, "midline_shift_mm": 0.0} if lesion else {}
        return replace(drawn[0], description={**drawn[0].description, **told, **sizes})

    return draw


@pytest.fixture(scope="module")
def root(anatomies: Path, draw: Draw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "standin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "draw_head", draw)
        assert main(words(anatomies, root)) == 0
    return root


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


def test_there_is_a_folder_a_row_and_a_truth_for_each_case(root: Path) -> None:
    folders = [f"CQ500CT{n} CQ500CT{n}" for n in range(CASES)]
    assert sorted(path.name for path in root.iterdir()) == sorted([*folders, "reads.csv", "truth", "truth.csv"])
    truth = rows(root / "truth.csv")
    assert list(truth) == [f"CQ500-CT-{n}" for n in range(CASES)]
    assert {row["anatomy"] for row in truth.values()} == {"one", "two"}
    for name, row in truth.items():
        own = json.loads((root / "truth" / f"{name}.json").read_text(encoding="utf-8"))
        assert (own["case"], own["recipe"]) == (name, row["recipe"])
        assert bool(own["lesions"]) == bool(row["lesions"])
        assert own["head"]["look"]["contrast_hu"] == 0


def test_cq500_chooses_the_series_that_the_truth_names(root: Path, tmp_path: Path) -> None:
    """For every case, and with a reason that fits the fault of each other series; the truth is not looked at."""
    truth = rows(root / "truth.csv")
    data = tmp_path / "data"
    shutil.copytree(root, data, ignore=shutil.ignore_patterns("truth*"))
    command = ["cq500", str(data), "--reads", str(data / "reads.csv"), "-o", str(tmp_path / "list.json")]
    assert main([*command, "--healthy-test", "2", "--pool", "published"]) == 0
    cases = rows(tmp_path / "list_cases.csv")
    assert {name: row["series"].rpartition("/")[2] for name, row in cases.items()} == {
        name: row["best_series"] for name, row in truth.items()
    }
    said = {truth[name]["recipe"]: row["candidates"] for name, row in cases.items()}
    for recipe, words_ in {
        "routine": "CT SCOUT: localizer_only; CT Thin Bone: bone_kernel; CT Thin Plain: chosen",
        "contrast": "CT C: contrast_suspected;",
        "tilted": "CT 55mm: chosen; CT SCOUT: localizer_only",
        "gap": "CT Thin Plain: missing_slices",
        "repeat": "CT PLAIN THIN: chosen; CT PLAIN THIN-2: ",
        "copy": "CT Plain: chosen; CT Plain-2: thick",
        "spine": "CT C SPINE: wrong_anatomy",
        "two spacings": "CT 1.25mm: chosen; CT 2.55mm: two_spacings",
        "conflict": "CT 5 MM: chosen; CT Thin Stnd: position_conflict",
        "unusable": "CT BONE: bone_kernel; CT C THIN: contrast_suspected; CT SCOUT: localizer_only",
    }.items():
        assert words_ in said[recipe], recipe
    content = json.loads((tmp_path / "list.json").read_text(encoding="utf-8"))
    items = [item for part in ("training", "validation", "test") for item in content[part]]
    assert len(items) == CASES - 1
    labels = [item["labels"] for item in content["test"]]
    assert all(any(found[label] for found in labels) for label in ("ICH", "Fracture"))
    assert content["training"]
    assert content["validation"]
    for item in items:
        volume = read_volume(tmp_path / item["image"], item["series_uid"])
        assert ("gantry_tilt" in {found.code for found in volume.findings}) == (
            truth[item["case"]]["recipe"] == "tilted"
        )


def test_stopped_it_goes_on_and_comes_to_the_same(
    anatomies: Path,
    root: Path,
    draw: Draw,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heads, "draw_head", draw)
    again = tmp_path / "again"
    shutil.copytree(root, again)
    for name in ("reads.csv", "truth.csv"):
        (again / name).unlink()
    shutil.rmtree(again / "CQ500CT3 CQ500CT3")
    (again / ".CQ500CT3 CQ500CT3.partial").mkdir()
    assert main(words(anatomies, again)) == 0
    assert capsys.readouterr().err.startswith("1/1 CQ500-CT-3 (")
    files = {path.relative_to(again): path for path in again.rglob("*") if path.is_file()}
    assert set(files) == {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    for name, path in files.items():
        assert path.read_bytes() == (root / name).read_bytes(), name


def test_another_plan_and_wrong_words_are_refused(
    anatomies: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(anatomies, root, "--seed", "3")) == 4
    assert "was drawn for another plan" in capsys.readouterr().err
    assert main(words(anatomies, tmp_path / "x", "--names", "one,three")) == 2
    assert "is called three; there are one, two. Correct --names." in capsys.readouterr().err
    assert main(words(tmp_path, tmp_path / "x")) == 2
    assert "no label map" in capsys.readouterr().err
    for more, message in (
        (["--cases", "5"], "whole number from 6 on"),
        (["--pixels", "32"], "whole number from 64 to 512"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(words(anatomies, tmp_path / "x", *more))
        assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
