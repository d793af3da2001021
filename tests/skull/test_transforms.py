from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from scripts.findings import KINDS
from scripts.skull import transforms
from scripts.skull.surface import SkullNotJudged
from scripts.skull.transforms import AssessSkulld, InvertWithSkulld
from scripts.statistics.standing import Standing

AFFINE, MATRIX = np.diag([0.5, 0.5, 2.0, 1.0]), np.diag([1.0, 1, 1, 1])


def case(coverage: float = 1.0, map: str = "calibrated") -> dict[str, Any]:
    image = MetaTensor(torch.zeros(1, 2, 2, 2))
    image.meta["registration"] = {"matrix": MATRIX.tolist()}
    scan = MetaTensor(torch.full((1, 4, 5, 6), 7, dtype=torch.int16), affine=torch.from_numpy(AFFINE))
    region = {"raw_maximum": 30.0, "percentile": 20.0, "threshold": 2.7, "coverage": coverage, "healthy_below": 12}
    return {
        "image": image,
        "scan": scan,
        "map": map,
        "scores": {"left_hemisphere": 2.0, "skull": 1.9 if coverage >= 0.5 else None},
        "score_details": {"skull": region, "left_hemisphere": {"raw_maximum": 2.0}},
        "region_findings": [{"code": "region_cut"}],
        "result": {"scores": {"left_hemisphere": 2.0}},
    }


def assessment(**more: Any) -> Any:
    rows = [SimpleNamespace(row=lambda matrix: {"kind": "skull line", "at": matrix[0, 0]})]
    found = {"numbers": {"skull_score": 5.5, "line_mm": 40.0}, "scores": {"score": 5.5}, "detections": rows}
    found["standing"] = Standing(45, 46, 88.5, 99.9)
    return SimpleNamespace(
        **{**found, "percentile": 98.0, "threshold": 4.5, "defects": [], "defect": False, "moved": False} | more
    )


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "skull_normative.npz"
    path.touch()
    monkeypatch.setattr(transforms, "read_calibration", lambda name: f"read from {Path(name).name}")
    return path


def assessed(
    file: Path, monkeypatch: pytest.MonkeyPatch, found: Any, given: dict[str, Any], seen: list[Any] | None = None
) -> dict[Any, Any]:
    def assess(*args: Any) -> Any:
        if seen is not None:
            seen[:] = args
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(transforms, "assess", assess)
    return AssessSkulld("scan", str(file))(given)


def test_another_calibration_in_the_same_file_is_read_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "read_calibration", lambda name: [Path(name).read_text()])
    first = transforms.load_calibration(str(file))
    assert transforms.load_calibration(str(file)) is first
    file.write_text("another")
    assert transforms.load_calibration(str(file)) == ["another"] != first


def test_the_unrolled_skull_gives_the_score_and_the_region_s_own_is_kept_by_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, seen = case(), []
    found = assessed(file, monkeypatch, assessment(), given, seen)
    assert found["scores"] == {"left_hemisphere": 2.0, "skull": 5.5}
    skull = found["score_details"]["skull"]
    assert (skull["percentile"], skull["threshold"], skull["skull_score"]) == (98.0, 4.5, 5.5)
    assert (skull["region_score"], skull["region_percentile"], skull["region_threshold"]) == (1.9, 20.0, 2.7)
    assert (skull["healthy_below"], skull["healthy_scores"], skull["percentile_low"]) == (45, 46, 88.5)
    assert skull["region_healthy_below"] == 12
    assert skull["raw_maximum"] == 30.0
    assert found["score_details"]["left_hemisphere"] == {"raw_maximum": 2.0}
    assert found["detections"] == [{"kind": "skull line", "at": 1.0}]
    assert found["result"]["scores"] == found["scores"]
    assert given["scores"]["skull"] == 1.9, "the input stays"
    assert seen[0].shape == (4, 5, 6)
    np.testing.assert_allclose(seen[1], AFFINE)
    np.testing.assert_allclose(seen[2], MATRIX)
    assert seen[3:] == ["read from skull_normative.npz", 0.0, 0.05]


def test_the_widest_gap_is_that_of_the_series_that_serves_the_skull(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, seen = case(), []
    given["image"].meta["serves"] = {"brain": {"widest_gap_mm": 5.0}, "skull": {"slices": 3, "widest_gap_mm": 7.0}}
    assessed(file, monkeypatch, assessment(), given, seen)
    assert seen[4] == 7


def test_a_bone_series_is_assessed_in_place_of_the_scan_on_its_own_grid(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    thin = np.diag([0.4, 0.4, 1.0, 1.0])
    bone = MetaTensor(torch.full((1, 8, 9, 7), 5, dtype=torch.int16), affine=torch.from_numpy(thin))
    assessed(file, monkeypatch, assessment(), {**case(), "bone_scan": bone}, seen)
    assert seen[0].shape == (8, 9, 7)
    np.testing.assert_allclose(seen[1], thin)
    np.testing.assert_allclose(seen[2], MATRIX)


def test_beside_another_map_the_published_score_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = assessed(file, monkeypatch, assessment(), case(map="error"))
    assert found["scores"]["skull"] == 1.9
    assert found["score_details"]["skull"]["threshold"] == 2.7
    assert found["score_details"]["skull"]["skull_score"] == 5.5


def test_a_skull_that_can_t_be_judged_has_no_score_and_a_finding_says_why(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = assessed(file, monkeypatch, SkullNotJudged("The field of view holds 31 % of the calvaria."), case())
    assert found["skull_assessment"] is None
    assert found["scores"] == {"left_hemisphere": 2.0, "skull": None}
    assert found["result"]["scores"] == {"left_hemisphere": 2.0}
    assert found["score_details"]["skull"]["threshold"] is None
    assert found["score_details"]["skull"]["region_score"] == 1.9
    cut, reason = found["region_findings"]
    assert (cut["code"], reason["code"]) == ("region_cut", "skull_not_judged")
    assert reason["message"].startswith("The field of view holds 31 % of the calvaria. The skull has no score")
    other = AssessSkulld("scan", str(file.with_name("none.npz")))(case())
    assert other["scores"]["skull"] is None
    assert "There is no none.npz" in other["region_findings"][-1]["message"]


def test_a_region_of_which_too_little_is_in_view_keeps_no_score(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = assessed(file, monkeypatch, assessment(), case(coverage=0.4))
    assert found["scores"]["skull"] is None
    assert found["score_details"]["skull"]["percentile"] is None
    assert found["detections"] == [], "what has no score lists nothing either"


def test_a_hole_is_a_finding_and_no_part_of_the_score(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holes = [SimpleNamespace(diameter_mm=42.4), SimpleNamespace(diameter_mm=12.0)]
    found = assessed(file, monkeypatch, assessment(defects=holes, defect=True), case())
    assert found["region_findings"][-1]["code"] == "skull_defect"
    assert "over 42, 12 mm: surgery or a defect" in found["region_findings"][-1]["message"]
    assert found["scores"]["skull"] == 5.5
    assert KINDS["skull_defect"].severity == "flag"


def test_motion_is_a_finding(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = assessment(moved=True, skull=SimpleNamespace(motion_mm=1.24))
    found = assessed(file, monkeypatch, moved, case())
    assert found["region_findings"][-1]["code"] == "skull_motion"
    assert "displaced by 1.2 mm against their neighbours" in found["region_findings"][-1]["message"]
    assert found["scores"]["skull"] == 5.5


def inverted(monkeypatch: pytest.MonkeyPatch, found: Any, **more: Any) -> Any:
    data = case() | {"pred": MetaTensor(torch.ones(1, 4, 5, 6)), "regions": torch.zeros(1, 4, 5, 6, dtype=torch.uint8)}
    data["regions"][0, 1:3] = 3
    data |= {"skull_assessment": found, **more}
    monkeypatch.setattr(transforms.Invertd, "__call__", lambda self, data: dict(data))

    def paint(heatmap: Any, regions: Any, values: Any, affine: Any, *_: Any) -> None:
        np.testing.assert_allclose(affine, AFFINE)
        heatmap[regions == 3] = values

    monkeypatch.setattr(transforms, "paint", paint)
    return InvertWithSkulld("pred", Compose([]))(data)["pred"]


def test_the_skull_of_the_heatmap_is_the_unrolled_one_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    found = assessment(values=5.5, skull=SimpleNamespace(surface=None))
    heatmap = inverted(monkeypatch, found)
    assert isinstance(heatmap, MetaTensor)
    assert (heatmap[0, 1:3] == 5.5).all()
    assert (heatmap[0, 0] == 1).all()
    assert (heatmap[0, 3] == 1).all()
    assert (inverted(monkeypatch, found, map="error") == 1).all()


def test_the_skull_of_the_heatmap_is_0_where_it_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    found = assessment(values=5.5, skull=SimpleNamespace(surface=None))
    for heatmap in (inverted(monkeypatch, None), inverted(monkeypatch, found, scores={"skull": None})):
        assert (heatmap[0, 1:3] == 0).all()
        assert (heatmap[0, 0] == 1).all()
