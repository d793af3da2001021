from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.skull import transforms
from scripts.skull.transforms import AssessSkulld

AFFINE, MATRIX = np.diag([0.5, 0.5, 2.0, 1.0]), np.diag([1.0, 1, 1, 1])


def case() -> dict[str, Any]:
    image = MetaTensor(torch.zeros(1, 2, 2, 2))
    image.meta["registration"] = {"matrix": MATRIX.tolist()}
    scan = MetaTensor(torch.full((1, 4, 5, 6), 7, dtype=torch.int16), affine=torch.from_numpy(AFFINE))
    details = {"skull": {"raw_maximum": 3.0}, "left_hemisphere": {"raw_maximum": 2.0}}
    return {"image": image, "scan": scan, "score_details": details}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "skull_normative.npz"
    path.touch()
    monkeypatch.setattr(transforms, "load_calibration", lambda name: f"read from {Path(name).name}")
    return path


def test_numbers_of_the_skull_join_the_published_ones(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def assess(*args: Any) -> Any:
        seen[:] = args
        return SimpleNamespace(numbers={"skull_score": 1.5, "line_mm": 40.0})

    monkeypatch.setattr(transforms, "assess", assess)
    given = case()
    found = AssessSkulld("scan", str(file))(given)
    assert found["score_details"]["skull"] == {"raw_maximum": 3.0, "skull_score": 1.5, "line_mm": 40.0}
    assert found["score_details"]["left_hemisphere"] == {"raw_maximum": 2.0}
    assert given["score_details"]["skull"] == {"raw_maximum": 3.0}
    assert seen[0].shape == (4, 5, 6)
    np.testing.assert_allclose(seen[1], AFFINE)
    np.testing.assert_allclose(seen[2], MATRIX)
    assert seen[3] == "read from skull_normative.npz"


def test_a_bone_series_is_assessed_in_place_of_the_scan_on_its_own_grid(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def assess(*args: Any) -> Any:
        seen[:] = args
        return SimpleNamespace(numbers={})

    monkeypatch.setattr(transforms, "assess", assess)
    thin = np.diag([0.4, 0.4, 1.0, 1.0])
    bone = MetaTensor(torch.full((1, 8, 9, 7), 5, dtype=torch.int16), affine=torch.from_numpy(thin))
    AssessSkulld("scan", str(file))({**case(), "bone_scan": bone})
    assert seen[0].shape == (8, 9, 7)
    np.testing.assert_allclose(seen[1], thin)
    np.testing.assert_allclose(seen[2], MATRIX)


def test_without_a_calibration_or_a_skull_nothing_is_added(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> Any:
        raise ValueError("Less than a tenth of the calvaria was found")

    monkeypatch.setattr(transforms, "assess", refuse)
    for path in (file, file.with_name("none.npz")):
        found = AssessSkulld("scan", str(path))(case())
        assert found["skull_assessment"] is None
        assert found["score_details"]["skull"] == {"raw_maximum": 3.0}
