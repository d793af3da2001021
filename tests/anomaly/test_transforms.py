"""The heatmap: calibrated where a calibration is true of the weights, the error map otherwise, and said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.anomaly import transforms as normative_transforms
from scripts.anomaly.asymmetry import asymmetry
from scripts.anomaly.files import NotCalibrated
from scripts.anomaly.findings import unknown_findings
from scripts.anomaly.normative import Normative, smooth_map
from scripts.anomaly.parts import Evidence, PartMaps
from scripts.anomaly.reader import load_normative
from scripts.anomaly.scores import Thresholds
from scripts.anomaly.transforms import AnomalyMapd, ErrorMapd, LeaveOutBraind, ScoreRegionsd
from scripts.assets import sha256
from scripts.calibration.files import write_calibration
from scripts.calibration.folds import Normal
from scripts.geometry.coordinates import grid_affine, positions
from scripts.networks.inferers import PatchPositionInferer

STRIDE = 4
SIZE = 256 // STRIDE
USUAL = np.full((2, 128, 128, 128), -3, np.float32)
"""Densities of a reference head that is a little darker than all that is shown to it."""

MEAN, VARIANCE = np.array([3, 0, -2, 1.5]), np.array([4, 0, 0, 9, 0, 16, 4.0])


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normative_transforms, "reference_densities", lambda reference, regions, windows_hu: USUAL)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibration: a mean of (3, 0, -2) mm, variances of 4, 9 and 16 mm², and 1.5 ± 2 steps; nothing known on top."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("model.pt", "reference.nii.gz"):
        (folder / name).write_bytes(name.encode())
    ones = np.ones((1, 64, 64, 64), np.float32)
    count = 80 * ones[0]
    count[:, :, 40:] = 0
    normative = Normative(*(np.float32(part)[:, None, None, None] * ones for part in (MEAN, VARIANCE)), count)
    names = {"weights": "model.pt", "reference": "reference.nii.gz"}
    facts = {f"{what}_sha256": sha256(folder / name) for what, name in names.items()}
    write_calibration(folder, Normal(normative), Thresholds({}, {**facts, "settings": {"smoothing_mm": 0.0}}))
    return folder


@cache
def volumes() -> dict[str, torch.Tensor]:
    """A box for a head, denser on the left, of which most tests look at a prediction."""
    head = torch.zeros(1, 256, 256, 256, dtype=torch.bool)
    head[:, 56:200, 40:200, 40:180] = True
    regions = torch.ones(1, 256, 256, 256, dtype=torch.uint8)
    regions[:, :, :, 150:] = 3
    inputs = 0.4 * head.repeat(2, 1, 1, 1)
    inputs[1, :, :, :150] *= 0.05  # no bone in the brain
    inputs[0, :128, 100:] += 0.1 * head[0, :128, 100:]
    return {"image": inputs, "foreground": head, "regions": regions}


@pytest.fixture(scope="module", autouse=True)
def unchanged() -> Iterator[None]:
    """Sees that no test writes into the volumes, and lets go of them."""
    yield
    kept = dict(volumes())
    volumes.cache_clear()
    assert all(torch.equal(values, volumes()[name]) for name, values in kept.items())
    volumes.cache_clear()


def case(smear: float = 6.0) -> dict[str, Any]:
    """Predicted positions, right but for a few mm, with their error map, in the box for a head."""
    generator = torch.Generator().manual_seed(0)
    predicted = positions((SIZE,) * 3, STRIDE) + smear / 255 * torch.randn((3, SIZE, SIZE, SIZE), generator=generator)
    predicted[:, 20, 20, 20] = torch.nan
    image = MetaTensor(predicted, affine=torch.from_numpy(grid_affine(STRIDE)))
    image.meta["note"] = "kept"
    return ErrorMapd("pred", error_key="error_map")({"pred": image, **volumes()})


def unusual(data: dict[str, Any], factor: float = 1.0) -> np.ndarray:
    """The asymmetry's distance from its mean of 1.5 steps, in units of its 2, on the map's grid."""
    across = asymmetry(data["image"].numpy(), data["regions"][0].numpy(), STRIDE, USUAL)
    known = data["foreground"][0, ::STRIDE, ::STRIDE, ::STRIDE].numpy() & np.isfinite(data["pred"].numpy()).all(axis=0)
    known[:, :, 40:] = False
    return np.where(known, np.abs(factor * across - 1.5) / 2, 0)


WINDOWS_HU = ((-20, 100), (0, 1500))


def transform(
    models: Path, kind: str = "calibrated", windows_hu: Sequence[Sequence[float]] = WINDOWS_HU, **other: str
) -> AnomalyMapd:
    names = {
        "normative": "normative.nii.gz",
        "thresholds": "thresholds.json",
        "weights": "model.pt",
        "reference": "reference.nii.gz",
        "reference_regions": "regions.nii.gz",
    }
    files = {k: str(models / name) for k, name in names.items()} | other
    return AnomalyMapd("pred", **files, windows_hu=windows_hu, map=kind)


def test_the_calibrated_heatmap_is_the_anomaly_map(models: Path) -> None:
    data = case()
    judged = transform(models)(data)
    heat = judged["pred"]
    assert judged["map"] == "calibrated"
    assert heat.shape == (1, SIZE, SIZE, SIZE)
    assert heat.meta["note"] == "kept"
    assert torch.equal(heat.affine, data["pred"].affine)
    for place, steps in (((15, 15, 15), 0), ((20, 40, 25), 6), ((45, 40, 25), 0)):
        expected = abs(steps - 1.5) / 2
        assert float(heat[0][place]) == pytest.approx(expected, abs=0.02), "0.1 of the window's 120 HU are six steps"
    assert heat[0, 20, 20, 20] == heat[0, 5, 15, 15] == 0, "nothing predicted; outside the head"
    assert heat[0, 15, 15, 42] == 0, "nothing known"
    assert torch.equal(judged["error_map"], data["error_map"])
    assert data["pred"].shape[0] == 3, "the case that was given stays as it is"
    (found,) = judged["calibration_findings"]
    assert found["code"] == "normative_unknown"
    assert "of the skull lies where no healthy scan had a head" in found["message"]


@pytest.mark.parametrize("stride", [*range(1, 41), 64, 65, 128, 256])
def test_the_error_map_of_right_positions_is_zero_at_every_stride_that_an_inferer_takes(stride: int) -> None:
    """A map's stride follows from its shape, which tells it up to 16; from there on, only some."""
    places = -(-256 // stride)
    predicted = positions((places, 1, places), stride)
    found = ErrorMapd("pred")({"pred": predicted, "foreground": torch.ones(1, 256, 1, 256)})["pred"]
    if found.max() < 1e-3:
        assert PatchPositionInferer(stride).stride == stride
    else:
        assert stride > 16
        with pytest.raises(ValueError, match=rf"stride {stride} has as many places as that of stride \d+: choose \d+"):
            PatchPositionInferer(stride)


def test_the_error_map_is_the_heatmap_when_asked_for_and_the_scores_are_there(models: Path) -> None:
    data = case()
    judged = transform(models, "error")(data)
    assert judged["map"] == "error"
    assert torch.equal(judged["pred"], data["error_map"])
    assert judged["pred"] is not judged["error_map"], "each goes its own way back"
    assert torch.equal(judged["anomaly_map"], transform(models)(data)["pred"])
    assert judged["thresholds"].facts["weights_sha256"] == sha256(models / "model.pt")


@pytest.mark.parametrize("missing", ["normative", "thresholds"])
def test_without_a_calibration_the_error_map_is_the_heatmap_and_a_flag_says_so(models: Path, missing: str) -> None:
    data = case()
    judged = transform(models, **{missing: str(models / "nothing")})(data)
    assert (judged["map"], judged["thresholds"]) == ("error", None)
    assert torch.equal(judged["pred"], data["error_map"])
    assert "anomaly_map" not in judged
    (found,) = judged["calibration_findings"]
    assert (found["code"], found["severity"]) == ("not_calibrated", "flag")
    assert (
        "There is no nothing. Run `head-ct-anomaly calibrate` for these weights. Heatmap and scores" in found["message"]
    )


def test_other_weights_are_never_judged_by_what_was_normal_for_these(models: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pt").write_bytes(b"other weights")
    data = case()
    judged = transform(models, weights=str(tmp_path / "other.pt"))(data)
    assert torch.equal(judged["pred"], data["error_map"])
    assert "made with another file than this other.pt" in judged["calibration_findings"][0]["message"]
    quiet = transform(models, "error", weights=str(tmp_path / "other.pt"))(data)
    assert quiet["calibration_findings"] == [], "who asks for the error map misses nothing"


def test_other_windows_are_never_judged_by_what_was_normal_in_these(models: Path) -> None:
    data = case()
    judged = transform(models, windows_hu=((-20, 100), (0, 2000)))(data)
    assert (judged["map"], judged["thresholds"]) == ("error", None)
    (found,) = judged["calibration_findings"]
    assert found["code"] == "not_calibrated"
    assert "made with bone_window_hu [0.0, 1500.0], not [0.0, 2000.0]" in found["message"]


def test_the_map_sees_the_scan_in_the_windows_that_it_was_calibrated_in(models: Path, tmp_path: Path) -> None:
    """The same values of 0 to 1 in a window of twice the width are twice the steps."""
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    wide = '"settings": {"brain_window_hu": [-20, 220],'
    text = (tmp_path / "thresholds.json").read_text().replace('"settings": {', wide)
    (tmp_path / "thresholds.json").write_text(text)
    heat = transform(tmp_path, windows_hu=((-20, 220), (0, 1500)))(case())["pred"]
    expected = unusual(case(), 2.0)
    assert expected[20, 40, 25] > 3
    assert float(heat[0][20, 40, 25]) == pytest.approx(expected[20, 40, 25], rel=1e-3)


def test_maps_are_smoothed_as_the_calibration_was(models: Path, tmp_path: Path) -> None:
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "thresholds.json").read_text().replace('"smoothing_mm": 0.0', '"smoothing_mm": 6.0')
    (tmp_path / "thresholds.json").write_text(text)
    data = case()
    distances = unusual(data).astype(np.float32)
    head = data["foreground"][0, ::STRIDE, ::STRIDE, ::STRIDE].numpy() & np.isfinite(data["pred"].numpy()).all(axis=0)
    head[:, :, 40:] = False
    expected = smooth_map(distances, head, 6.0, 4)
    np.testing.assert_allclose(transform(tmp_path)(data)["pred"][0].numpy(), expected, rtol=1e-3, atol=1e-4)


def test_the_normative_is_read_as_it_was_written(models: Path) -> None:
    normative = load_normative(models / "normative.nii.gz")
    assert normative.mean[:, 5, 6, 7].tolist() == MEAN.tolist()
    assert normative.covariance[:, 5, 6, 7].tolist() == VARIANCE.tolist()
    assert normative.known.sum() == 64 * 64 * 40
    with pytest.raises(NotCalibrated, match="There is no nothing"):
        load_normative(models / "nothing")


def test_a_map_that_there_is_not_is_refused(models: Path) -> None:
    with pytest.raises(
        ValueError,
        match="map must be one of calibrated, error, position, asymmetry, density, density_one_sided, got 'raw'",
    ):
        transform(models, "raw")


class Said:
    """Stands for the density network: a fixed evidence, and the name of a file of weights."""

    def __init__(self, weights: Path) -> None:
        self.weights, self.inference = str(weights), {"device": "cpu", "tile": 16, "fallback": False}

    def __call__(self, blocks: torch.Tensor, regions: np.ndarray, validity: np.ndarray | None) -> Evidence:
        assert blocks.shape == (1, 127, 127, 127)
        assert regions.shape == (256, 256, 256)
        return Evidence(np.zeros((20, 1, 1, 1)), np.zeros((1, 1, 1)), self.inference)


@pytest.fixture
def with_evidence(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnomalyMapd:
    """A calibration that knows the evidence: a part of 4 on the left, one of 1 everywhere; scales of 2 and 1."""
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name in ("evidence.pt", "evidence_normative.npz"):
        (tmp_path / name).write_bytes(name.encode())
    facts = json.loads((tmp_path / "thresholds.json").read_text())
    facts |= {f"{name.split('.')[0]}_sha256": sha256(tmp_path / name) for name in ("evidence_normative.npz",)}
    facts["evidence_weights_sha256"] = sha256(tmp_path / "evidence.pt")
    facts["settings"] |= {"evidence_windows_hu": [[5.0, 65.0]], "evidence_median_hu": 33.0}
    facts["settings"]["typical"] = {"position": 1.7, "density": 0.9}
    facts["settings"]["scales"] = {"position": 2.0, "asymmetry": 1000.0, "density": 1.0}
    (tmp_path / "thresholds.json").write_text(json.dumps(facts))
    position, density = np.zeros((64, 64, 64), np.float32), np.ones((64, 64, 64), np.float32)
    position[:32] = 4
    density[:, :, 30:] = np.nan
    monkeypatch.setattr(normative_transforms, "read_evidence", lambda path: "normal")
    found = PartMaps({"position": position, "density": density}, {"position": 2.0, "density": 1.0})
    monkeypatch.setattr(normative_transforms, "part_maps", lambda said, normal: found)
    files = {name: str(tmp_path / f"{name}.json") for name in ("thresholds",)}
    files |= {"normative": str(tmp_path / "normative.nii.gz"), "weights": str(tmp_path / "model.pt")}
    files |= {"reference": str(tmp_path / "reference.nii.gz"), "reference_regions": "regions.nii.gz"}
    return AnomalyMapd(
        "pred",
        **files,
        windows_hu=WINDOWS_HU,
        evidence=Said(tmp_path / "evidence.pt"),  # type: ignore[arg-type]
        evidence_normative=str(tmp_path / "evidence_normative.npz"),
        evidence_windows_hu=[[5, 65]],
        evidence_median_hu=33,
    )


def said_case() -> dict[str, Any]:
    return {**case(), "blocks": torch.zeros(1, 127, 127, 127, dtype=torch.int16)}


def test_the_parts_are_joined_each_by_its_scale(with_evidence: AnomalyMapd) -> None:
    judged = with_evidence(said_case())
    heat, parts = judged["pred"][0], judged["part_maps"]
    assert sorted(parts) == ["asymmetry", "density", "position"]
    assert float(heat[20, 20, 25]) == pytest.approx(5**0.5, rel=1e-3)
    assert float(heat[45, 20, 25]) == pytest.approx(1, rel=1e-3)
    assert float(heat[45, 20, 35]) == pytest.approx(0, abs=0.01), "of density nothing is known there"
    assert heat[5, 15, 15] == 0, "outside the head"
    with_evidence.map = "position"
    alone = with_evidence(said_case())
    assert alone["map"] == "position"
    assert float(alone["pred"][0, 20, 20, 25]) == 4
    assert torch.equal(alone["anomaly_map"], judged["anomaly_map"]), "the scores stay those of all parts"


def test_evidence_for_which_memory_did_not_suffice_is_told(with_evidence: AnomalyMapd) -> None:
    facts = {"device": "cuda:0", "tile": 32, "fallback": False}
    assert with_evidence({**said_case(), "inference": facts})["inference"] == facts
    fallen = {"device": "cpu", "tile": 16, "fallback": True}
    with_evidence.evidence.inference = fallen  # type: ignore[union-attr]
    assert with_evidence({**said_case(), "inference": facts})["inference"] == {**facts, "evidence": fallen}
    assert "evidence" not in facts


def test_evidence_of_other_weights_or_inputs_is_never_judged(with_evidence: AnomalyMapd) -> None:
    right = dict(with_evidence.evidence_inputs)
    for name, other in (("evidence_windows_hu", [[0, 65]]), ("evidence_median_hu", 30)):
        with_evidence.evidence_inputs = right | {name: other}
        (found,) = with_evidence(said_case())["calibration_findings"]
        assert f"made with other {name}" in found["message"]
    with_evidence.evidence_inputs = right
    Path(with_evidence.evidence_files["evidence_weights"]).write_bytes(b"other")
    judged = with_evidence(said_case())
    assert judged["map"] == "error"
    assert "another file than this evidence.pt" in judged["calibration_findings"][0]["message"]


def test_a_head_that_is_unlike_all_of_calibration_has_no_score(
    with_evidence: AnomalyMapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normative_transforms, "found_in", lambda *args: ["a detection"])
    usual = with_evidence(said_case())
    assert usual["calibration_findings"][0]["code"] == "normative_unknown"
    assert usual["brain_places"] == ["a detection"]
    zero = np.zeros((64, 64, 64), np.float32)
    odd = PartMaps({"position": zero, "density": zero}, {"position": 3.4, "density": 1.0})
    monkeypatch.setattr(normative_transforms, "part_maps", lambda said, normal: odd)
    judged = with_evidence(said_case())
    found, _ = judged["calibration_findings"]
    assert found["code"] == "unlike_calibration"
    assert judged["brain_places"] == []
    assert "unlike all healthy scans by position (2.0 times the oddest healthy head)" in found["message"]
    coverage = dict.fromkeys(("left_hemisphere", "right_hemisphere", "skull"), 1.0)
    judged["regions"] = judged["regions"] * judged["foreground"]
    scored = ScoreRegionsd("error_map", "top_1_percent_mean")({**judged, "coverage": coverage})
    assert scored["scores"]["left_hemisphere"] is scored["scores"]["right_hemisphere"] is None
    assert scored["score_details"]["left_hemisphere"]["raw_maximum"] is None
    like = {**judged, "coverage": coverage, "calibration_findings": []}
    assert ScoreRegionsd("error_map", "top_1_percent_mean")(like)["scores"]["left_hemisphere"] is not None


def test_a_part_that_the_calibration_does_not_know_is_not_shown(models: Path) -> None:
    judged = transform(models, "density")(case())
    assert judged["map"] == "error"
    assert "knows nothing of the part density" in judged["calibration_findings"][0]["message"]


def test_what_the_blocks_add_to_the_findings_is_told(with_evidence: AnomalyMapd) -> None:
    data = said_case()
    image, blocks = (MetaTensor(torch.as_tensor(data[name])) for name in ("image", "blocks"))
    image.meta["findings"] = [{"code": "thick_slices"}]
    blocks.meta["findings"] = [{"code": "thick_slices"}, {"code": "median_doubtful"}]
    judged = with_evidence({**data, "image": image, "blocks": blocks})
    assert judged["calibration_findings"][0] == {"code": "median_doubtful"}
    assert "thick_slices" not in str(judged["calibration_findings"])


def test_gaps_of_a_few_voxels_are_not_worth_a_word() -> None:
    regions = np.repeat(np.uint8([1, 2, 3, 0]), 16).reshape(4, 4, 4)
    known = np.ones(regions.shape, bool)
    known[3] = False
    assert unknown_findings(known, regions) == []
    known[1, 0, 0] = False
    (found,) = unknown_findings(known, regions)
    assert found["message"].startswith("6 % of the right hemisphere lies where")


def judged(serves: dict[str, Any] | None) -> dict[str, Any]:
    """A scan with scores; its heatmap lies on every second voxel of the regions."""
    image = MetaTensor(torch.zeros(1, 4, 4, 4), meta={} if serves is None else {"serves": serves})
    labels = torch.arange(4, dtype=torch.uint8)[None, :, None, None].repeat_interleave(2, 1).expand(1, 8, 8, 8)
    heatmap = MetaTensor(torch.full((1, 4, 4, 4), 2.5), affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    numbers = {"raw_maximum": 3.0, "percentile": 50.0, "voxels": 7, "coverage": 1.0}
    names = ("left_hemisphere", "right_hemisphere", "skull")
    return {
        "image": image,
        "regions": labels,
        "pred": heatmap,
        "error_map": heatmap.clone(),
        "score_details": {name: dict(numbers) for name in names},
        "scores": dict.fromkeys(names, 3.0),
        "result": {"scores": dict.fromkeys(names, 3.0)},
    }


def test_of_a_bone_kernel_the_hemispheres_are_left_out() -> None:
    given = judged({"skull": {"series": 1}})
    left = LeaveOutBraind(["pred", "error_map"])(given)
    assert left["scores"] == {"left_hemisphere": None, "right_hemisphere": None, "skull": 3.0}
    assert left["result"] == {"scores": {"skull": 3.0}}
    assert left["score_details"]["left_hemisphere"] == {
        "raw_maximum": None,
        "percentile": None,
        "voxels": 7,
        "coverage": 1.0,
    }
    assert left["score_details"]["skull"] == given["score_details"]["skull"]
    for key in ("pred", "error_map"):
        np.testing.assert_array_equal(left[key][0, :, 0, 0], [2.5, 0, 0, 2.5])
        np.testing.assert_array_equal(left[key].affine, given["pred"].affine)
    assert (given["pred"] == 2.5).all()


@pytest.mark.parametrize("serves", [None, {"brain": {"series": 1}, "skull": {"series": 2}}])
def test_where_a_series_serves_the_brain_nothing_is_left_out(serves: dict[str, Any] | None) -> None:
    given = judged(serves)
    left = LeaveOutBraind(["pred", "error_map"])(given)
    assert {key: left[key] for key in ("scores", "result", "score_details")} == {
        key: given[key] for key in ("scores", "result", "score_details")
    }
    assert (left["pred"] == 2.5).all()
