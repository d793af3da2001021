"""Lists of anatomies and cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.datasets.datalist import cases, check_disjoint, listed_scans
from scripts.errors import WrongUsage
from scripts.training.anatomies import training_anatomies, training_heads, validation_heads


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.nii.gz").touch()
    (tmp_path / "notes.txt").touch()
    return str(tmp_path)


def test_training_takes_every_anatomy_that_is_not_held_out(folder: str) -> None:
    assert [Path(item["image"]).name for item in training_anatomies(folder, ["b"])] == ["a.nii.gz", "c.nii.gz"]


def test_a_fixed_number_of_heads_is_made_of_each_anatomy(folder: str) -> None:
    items = training_heads(folder, ["b"], 2)
    assert [(Path(item["image"]).name[0], item["seed"]) for item in items] == [("a", 0), ("c", 0), ("a", 1), ("c", 1)]


def test_nothing_left_to_train_on_is_an_error(folder: str) -> None:
    with pytest.raises(WrongUsage, match=r"Every label map .* is held out \(a, b, c\).*--validation and --hold-out"):
        training_anatomies(folder, ["a", "b", "c"])


def test_validation_draws_several_heads_of_each_anatomy(folder: str) -> None:
    items = validation_heads(folder, ["c", "a"], 2)
    assert [(Path(item["image"]).name[0], item["seed"]) for item in items] == [("c", 0), ("c", 1), ("a", 0), ("a", 1)]


def test_a_validation_anatomy_that_is_not_there_is_named(folder: str) -> None:
    with pytest.raises(WrongUsage, match=r"called x, y; there are a, b, c\. .*--validation NAME"):
        validation_heads(folder, ["a", "x", "y"], 1)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no label map"):
        training_anatomies(str(tmp_path), [])


def test_an_input_is_one_case() -> None:
    assert cases("/some/study") == [{"image": "/some/study"}]


def datalist(folder: Path, **sections: list[str]) -> Path:
    path = folder / "list.json"
    path.write_text(json.dumps({name: [{"image": image} for image in images] for name, images in sections.items()}))
    return path


@pytest.mark.parametrize("other", ["b/../a.nii.gz", "./a.nii.gz", "link.nii.gz"])
def test_a_scan_by_another_path_is_the_same_scan(folder: str, other: str) -> None:
    (Path(folder) / "b").mkdir()
    (Path(folder) / "link.nii.gz").symlink_to("a.nii.gz")
    twice = datalist(Path(folder), training=["a.nii.gz", "c.nii.gz", other])
    with pytest.raises(WrongUsage, match=r'Entry 2 of "training".*stands there twice'):
        listed_scans(twice, "training")
    shared = datalist(Path(folder), training=["a.nii.gz", "c.nii.gz"], validation=["b.nii.gz", other])
    with pytest.raises(WrongUsage, match=r'Entry 1 of "validation".*stands under "training" too\. Keep it in one'):
        check_disjoint(shared)


@pytest.mark.parametrize("test", [{"image": "a.nii.gz"}, {"case": "one", "image": "elsewhere.nii.gz"}])
def test_a_scan_or_a_case_to_train_on_is_not_for_tests_too(folder: str, test: dict[str, str]) -> None:
    path = Path(folder) / "list.json"
    sections = {
        "training": [{"case": "one", "image": "a.nii.gz"}],
        "validation": [{"case": "two", "image": "b.nii.gz"}],
        "test": [{"case": "three", "image": "c.nii.gz"}],
    }
    for healthy_only in ({"test": []}, {"test": None}, {}):
        path.write_text(json.dumps({**sections, **healthy_only}))
        check_disjoint(path)
    path.write_text(json.dumps({**sections, "test": [*sections["test"], test]}))
    with pytest.raises(WrongUsage, match=r'Entry 1 of "test" .* stands under "training" too\. Keep it in one'):
        check_disjoint(path)


def test_paths_are_relative_to_the_list(folder: str, tmp_path: Path) -> None:
    found = listed_scans(datalist(Path(folder), validation=["c.nii.gz", str(tmp_path / "a.nii.gz")]), "validation")
    assert found == [{"image": f"{folder}/c.nii.gz"}, {"image": f"{folder}/a.nii.gz"}]
