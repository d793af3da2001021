"""Lists of anatomies and cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.datalists import cases, training_anatomies, validation_heads


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.nii.gz").touch()
    (tmp_path / "notes.txt").touch()
    return str(tmp_path)


def test_training_takes_every_anatomy_that_is_not_held_out(folder: str) -> None:
    assert [Path(item["image"]).name for item in training_anatomies(folder, ["b"])] == ["a.nii.gz", "c.nii.gz"]


def test_nothing_left_to_train_on_is_an_error(folder: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"every anatomy .* is held out \(a, b, c\)"):
        training_anatomies(folder, ["a", "b", "c"])


def test_validation_draws_several_heads_of_each_anatomy(folder: str) -> None:
    items = validation_heads(folder, ["c", "a"], 2)
    assert [(Path(item["image"]).name[0], item["seed"]) for item in items] == [("c", 0), ("c", 1), ("a", 0), ("a", 1)]


def test_a_validation_anatomy_that_is_not_there_is_named(folder: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"no anatomy named x, y in .*set validation_anatomies"):
        validation_heads(folder, ["a", "x", "y"], 1)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no label map"):
        training_anatomies(str(tmp_path), [])


def test_an_input_is_one_case() -> None:
    assert cases("/some/study") == [{"image": "/some/study"}]
