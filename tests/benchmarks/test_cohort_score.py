"""Features are made once, what is normal comes from other anatomies, and scores follow the regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cohort_scans import LESION, ball, keep, residual

from cohort import features as features_module
from cohort import score as score_module
from cohort.features import Settings, make_features, registered_files
from cohort.maps import Maps
from cohort.register import Registered
from cohort.score import Normal, joined, lesion_shares, on_common_grid, precision_of, score, scores_of

pytestmark = pytest.mark.xdist_group("cohort")


def test_scores_by_region_and_the_precision_of_the_lesion() -> None:
    scan = ball(lesion_hu=70)
    brain, skull = np.zeros((2, 128, 128, 128), np.float32)
    brain[tuple(slice(part.start // 2, part.stop // 2) for part in LESION)] = 7
    skull[scan.regions[::2, ::2, ::2] == 3] = 3
    found = scores_of(scan, Maps(brain, skull, 2))
    assert found["regions"]["left_hemisphere"]["maximum"] == 7
    assert found["regions"]["right_hemisphere"]["maximum"] == 0
    assert found["regions"]["skull"]["maximum"] == 3
    assert found["average_precision"] == 1.0
    scarce = np.zeros_like(brain)
    for known, found_regions in ((60, 0), (90, 3)):
        scarce[..., :known] = 5
        assert len(scores_of(scan, Maps(scarce, scarce, 2, zero_is_unknown=True))["regions"]) == found_regions
    scan.coverage["left_hemisphere"] = 0.9
    assert "left_hemisphere" not in scores_of(scan, Maps(brain, skull, 2))["regions"], "cut by the field of view"


def test_precision_leaves_swelling_out_and_is_none_without_a_lesion_in_the_region() -> None:
    scan = ball(lesion_hu=70)
    scan.lesion[100:104, 124:132, 146:154] = 2
    brain = np.zeros((128, 128, 128), np.float32)
    brain[scan.lesion[::2, ::2, ::2] > 0] = 1
    assert precision_of(scan, Maps(brain, brain, 2)) == 1.0
    assert precision_of(ball(), Maps(brain, brain, 2)) is None
    broken = ball(lesion_hu=70)
    broken.truth["lesion"] = "linear_fracture"
    assert precision_of(broken, Maps(brain, brain, 2)) is None, "no voxel of it lies in the skull"


def test_the_precision_does_not_depend_on_how_finely_a_map_is_written() -> None:
    scan = ball(lesion_hu=70)
    where = np.stack(np.meshgrid(*[np.arange(256, dtype=np.float32)] * 3, indexing="ij"))
    linear = where[0] + where[1] - where[2]
    found = [precision_of(scan, Maps(part, part, s)) for s in (1, 2) for part in (linear[::s, ::s, ::s],)]
    assert found[0] == found[1] is not None
    for stride in (1, 2, 4, 8):
        coarse = on_common_grid(linear[::stride, ::stride, ::stride], stride)
        inner = (slice(0, 120),) * 3
        np.testing.assert_allclose(coarse[inner], linear[::2, ::2, ::2][inner], atol=1e-3)
        assert coarse.shape == (128, 128, 128)


def test_how_much_of_a_region_is_lesion() -> None:
    scan = ball(lesion_hu=70)
    scan.lesion[140:144, 124:132, 146:154] = 2
    shares = lesion_shares(scan)
    assert shares["left_hemisphere"] == pytest.approx(512 / (scan.regions == 1).sum())
    assert shares["right_hemisphere"] == pytest.approx(256 / (scan.regions == 2).sum())
    assert shares["skull"] == 0


def test_the_whole_stage_on_five_scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def features(scan: Registered) -> dict[str, Any]:
        made.append(scan.name)
        return residual(scan)

    monkeypatch.setattr(features_module, "features_of", lambda method, settings: features)
    for name, anatomy, lesion in (("h1", "a", None), ("h2", "b", None), ("h3", "b", None), ("s1", "a", 70)):
        keep(tmp_path, ball(name, anatomy, lesion))
    keep(tmp_path, ball("bad", "b"), refused="wrong")
    settings = Settings()
    settings_key = settings.key("ours")
    files = registered_files(tmp_path)
    assert [path.stem for path in files] == ["h1", "h2", "h3", "s1"]
    assert list(make_features(tmp_path, files, "ours", settings)) == ["h1", "h2", "h3", "s1"] == made
    assert list(make_features(tmp_path, files, "ours", settings)) == [], "they are there"
    first = list(score(tmp_path, tmp_path, "ours", settings))
    assert [content["name"] for content in first] == ["h1", "h2", "h3", "s1"]
    with monkeypatch.context() as nothing_is_made:
        nothing_is_made.setattr(score_module, "scores_of", None)
        assert list(score(tmp_path, tmp_path, "ours", settings)) == first, "they are there"
        healthy = list(score(tmp_path, tmp_path, "ours", settings, healthy_only=True))
    assert healthy == first[:3]
    details = settings.details("ours")
    assert (details["features"], details["stride"]) == (settings_key, 2)
    assert details["width"] > 0
    found = json.loads((tmp_path / "scores" / "ours" / "s1.json").read_text())
    assert found == first[3]
    raw, together, across = (found["scores"][f"ours {name}"]["regions"] for name in ("raw", "anomaly", "asymmetry"))
    assert raw["left_hemisphere"]["maximum"] == pytest.approx(np.hypot(2, 20), rel=1e-3)
    assert raw["right_hemisphere"]["maximum"] == pytest.approx(2, rel=1e-3)
    # Healthy scans are half a step denser on the left, mirror images on the right: the spread is the floor of a step.
    assert across["left_hemisphere"]["maximum"] == pytest.approx(0.5, rel=0.1)
    ratio = together["left_hemisphere"]["maximum"] / across["left_hemisphere"]["maximum"]
    assert ratio == pytest.approx(together["right_hemisphere"]["maximum"] / across["right_hemisphere"]["maximum"])
    assert found["scores"]["ours raw"]["average_precision"] == pytest.approx(0.79, abs=0.01), "its edges are blurred"
    monkeypatch.setattr(Settings, "key", lambda self, method: settings_key)
    published = list(score(tmp_path, tmp_path, "published", settings))
    assert len(published) == 4, "without a calibration"
    both = joined([first, published])
    assert [content["name"] for content in both] == ["h1", "h2", "h3", "s1"]
    assert set(both[3]["scores"]) == {"ours raw", "ours asymmetry", "ours anomaly", "published raw"}
    monkeypatch.undo()
    monkeypatch.setattr(features_module, "features_of", lambda method, settings: features)
    scan = ball("s1", "a", 90)
    keep(tmp_path, scan)
    assert list(make_features(tmp_path, files, "ours", settings)) == ["s1"], "it was registered again"
    again = list(score(tmp_path, tmp_path, "ours", settings))
    assert again[:3] == first[:3]
    assert again[3]["made_of"] != first[3]["made_of"]
    keep(tmp_path, ball("s1", "a", 70))
    hu = list(score(tmp_path, tmp_path, "hu", settings))[3]["scores"]
    assert hu["HU z-score"]["regions"]["left_hemisphere"]["maximum"] == pytest.approx(40 / 2, rel=0.01)
    assert hu["HU z-score"]["regions"]["right_hemisphere"]["maximum"] == 0


def test_what_is_normal_leaves_the_scans_own_anatomy_out(tmp_path: Path) -> None:
    first, second = ball("h1", "a"), ball("h2", "b")
    second.hu[second.regions == 1] = 40
    for scan in (first, second):
        keep(tmp_path, scan)
    normal = Normal("hu", "hu", tmp_path)
    inside = (0, 34, 56, 43)
    assert [normal.without(who).count for who in "abc"] == [2, 2, 4]
    keep(tmp_path / "one", first)
    only = Normal("hu", "hu", tmp_path / "one")
    with pytest.raises(ValueError, match="no healthy scan of another anatomy than a"):
        only.without("a")
    assert normal.without("a").first[inside] != normal.without("b").first[inside]
