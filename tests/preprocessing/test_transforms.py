"""Dictionary transforms around the network: masks, regions, coverage, error map, scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from toy_head import CENTRE, INNER_MM, SHAPE, SPACING_MM, toy_hu, toy_labels

from scripts.anomaly.findings import cut_finding
from scripts.anomaly.scores import POOLINGS, Thresholds
from scripts.anomaly.transforms import ErrorMapd, ScoreRegionsd
from scripts.files.nifti import nifti_bytes
from scripts.findings import finding
from scripts.geometry.coordinates import POSITION_SCALE_MM, grid_affine, positions
from scripts.preprocessing import transforms as head_transforms
from scripts.preprocessing.intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, equalize_histogram
from scripts.preprocessing.regions import own_regions
from scripts.preprocessing.transforms import (
    EqualizeHistogramd,
    FindForegroundd,
    MakeRegionsd,
    MaskBackgroundd,
    MeasureCoveraged,
    ScaleWindowsd,
    ShiftBlocksd,
    load_regions,
)
from scripts.volume import AIR_HU

COVERED = {"left_hemisphere": 1.0, "right_hemisphere": 0.96, "skull": 0.5}


@pytest.fixture
def regions_file(tmp_path: Path) -> str:
    """Reference regions 8 voxels a side: left half 1, right half 2, the top layer 3."""
    labels = np.full((8, 8, 8), 1, np.uint8)
    labels[4:] = 2
    labels[:, :, 7] = 3
    (tmp_path / "regions.nii.gz").write_bytes(nifti_bytes(labels, np.eye(4)))
    return str(tmp_path / "regions.nii.gz")


def scan(values: torch.Tensor) -> MetaTensor:
    """A scan on the reference grid's affine with a note in its metadata."""
    image = MetaTensor(values, affine=torch.from_numpy(grid_affine()))
    image.meta["note"] = "kept"
    return image


def test_regions_are_loaded_as_they_are_stored(regions_file: str) -> None:
    labels = load_regions(regions_file)
    assert labels.dtype == np.uint8
    assert labels[0, 0, 0] == 1
    assert labels[7, 0, 0] == 2
    assert labels[7, 0, 7] == 3


def test_the_head_is_found_and_the_table_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_transforms, "REFERENCE_SPACING_MM", SPACING_MM)
    hu = toy_hu(toy_labels())
    hu[:, :2] = 100
    found = FindForegroundd("image", "head")({"image": scan(torch.from_numpy(hu)[None])})
    head = found["head"]
    assert head.shape == (1, *SHAPE)
    assert head.dtype == torch.bool
    assert torch.equal(head.affine, found["image"].affine)
    assert not head[0, :, :2].any()
    truth = toy_labels() > 0
    assert (head[0].numpy() & truth).sum() > 0.99 * truth.sum()
    assert (head[0].numpy() & ~truth).sum() < 0.05 * truth.sum()


def test_outside_any_mask_is_air_and_inside_never_is() -> None:
    hu = torch.tensor([[-2000.0, 50], [60, 70]])[None, :, :, None]
    head = torch.tensor([[True, True], [True, False]])[None, :, :, None]
    valid = torch.tensor([[1, 0], [1, 1]], dtype=torch.uint8)[None, :, :, None]
    image = scan(hu)
    masked = MaskBackgroundd("image", ["head", "valid"])({"image": image, "head": head, "valid": valid})
    assert masked["image"].as_tensor()[0, :, :, 0].tolist() == [[AIR_HU + 1, AIR_HU], [60, AIR_HU]]
    assert masked["head"][0, :, :, 0].tolist() == [[True, False], [True, False]], "the first mask is what both hold"
    assert masked["image"].meta["note"] == "kept"
    assert image[0, 0, 0, 0] == -2000, "the scan itself stays as it was"
    plain = MaskBackgroundd("image", ["head"])({"image": hu.to(torch.int16), "head": head})
    assert type(plain["image"]) is torch.Tensor
    assert plain["image"].dtype == torch.int16


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """A file with the regions of the toy head, and data with its scan under "image" and its foreground under "head"."""
    monkeypatch.setattr(head_transforms, "REFERENCE_SPACING_MM", SPACING_MM)
    mm = (np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1) - CENTRE) * SPACING_MM
    brain = ((mm / INNER_MM) ** 2).sum(axis=-1) <= 1
    reference = np.where(brain, np.where(mm[..., 0] < 0, 1, 2), 0).astype(np.uint8)
    labels = toy_labels()
    reference[np.isin(labels, (515, 516)) & ~brain] = 3
    (tmp_path / "r.nii.gz").write_bytes(nifti_bytes(reference, np.eye(4)))
    data = {"image": scan(torch.from_numpy(toy_hu(labels))[None]), "head": torch.from_numpy(labels > 0)[None]}
    return str(tmp_path / "r.nii.gz"), data


def test_own_regions_of_a_toy_head(toy: tuple[str, dict[str, Any]]) -> None:
    file, data = toy
    reference = load_regions(file)
    made = MakeRegionsd("image", file, "head", "regions")(data)["regions"]
    assert made.dtype == torch.uint8
    regions = made[0].numpy()
    left = np.broadcast_to((np.arange(SHAPE[0]) < CENTRE[0])[:, None, None], SHAPE)
    assert set(np.unique(regions[left])) == {0, 1, 3}, "1 is the side with x < 0, the patient's left"
    assert set(np.unique(regions[~left])) == {0, 2, 3}
    for label in (1, 2, 3):
        both = (regions == label) & (reference == label)
        assert both.sum() > 0.8 * (reference == label).sum()


@pytest.mark.parametrize("left_out_mm", [0, 2, 8])
def test_intracranial_space_in_no_region_is_a_number_of_the_quality_and_flagged(
    left_out_mm: int, toy: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, data = toy

    def with_a_gap(*args: Any) -> np.ndarray:
        regions = own_regions(*args)
        brain = np.isin(regions, (1, 2))
        gap = brain & ~np.roll(brain, -left_out_mm // 2, axis=1)
        return np.where(gap, 0, regions).astype(np.uint8)

    monkeypatch.setattr(head_transforms, "own_regions", with_a_gap)
    data["image"].meta |= {"registration": {"level": 0.8}, "findings": None}
    meta = MakeRegionsd("image", file, "head", "regions")(data)["image"].meta
    share = meta["registration"]["intracranial_share_in_no_region"]
    assert meta["registration"]["level"] == 0.8
    expected = {0: 0.0, 2: 2 / 168, 8: 8 / 168}[left_out_mm]  # of an ellipsoid 168 mm long; in its middle
    assert share == pytest.approx(1.5 * expected, rel=0.3, abs=0.004)
    assert [found["code"] for found in meta["findings"]] == ["intracranial_unassigned"] * (left_out_mm > 0)
    for found in meta["findings"]:
        assert found["message"].startswith(f"{100 * share:.1f} % of the space inside the skull lies in no region. No")
    assert "intracranial_share_in_no_region" not in data["image"].meta["registration"], "the input stays as it was"


def test_coverage_counts_voxels_of_the_reference(regions_file: str) -> None:
    valid = torch.ones(1, 8, 8, 8)
    valid[:, :, :, 7] = 0
    valid[:, :2, :, :] = 0
    coverage = MeasureCoveraged("valid", regions_file)({"valid": valid})["coverage"]
    assert coverage == {"left_hemisphere": 0.5, "right_hemisphere": 1.0, "skull": 0.0}


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_error_map_by_a_loop(stride: int) -> None:
    side = 7
    count = -(-side // stride)
    generator = torch.Generator().manual_seed(0)
    predicted = torch.rand((3, count, count, count), generator=generator)
    inside = torch.rand((1, side, side, side), generator=generator) > 0.3
    error = ErrorMapd("pred", "head")({"pred": predicted, "head": inside})["pred"]
    assert error.shape == (1, count, count, count)
    for index in torch.cartesian_prod(*[torch.arange(count)] * 3).tolist():
        voxel = [stride * n for n in index]
        true = torch.tensor(voxel) / 255
        expected = float((predicted[:, index[0], index[1], index[2]] - true).norm()) * POSITION_SCALE_MM
        value = float(error[0, index[0], index[1], index[2]])
        assert value == pytest.approx(expected if inside[0, voxel[0], voxel[1], voxel[2]] else 0, abs=1e-4)


def test_a_right_prediction_has_no_error_and_a_shifted_one_has() -> None:
    true = positions((4, 4, 4), 2)
    head = torch.ones(1, 8, 8, 8)
    assert ErrorMapd("pred", "head")({"pred": true, "head": head})["pred"].max() < 1e-4
    shifted = true + torch.tensor([3, 0, 4])[:, None, None, None] / 255
    error = ErrorMapd("pred", "head")({"pred": shifted, "head": head})["pred"]
    torch.testing.assert_close(error, torch.full_like(error, 5.0), atol=1e-3, rtol=0)


def test_where_nothing_was_predicted_there_is_no_error() -> None:
    predicted = positions((4, 4, 4), 2) + 0.1
    predicted[:, 1, 2, 3] = torch.nan
    error = ErrorMapd("pred", "head")({"pred": predicted, "head": torch.ones(1, 8, 8, 8)})["pred"]
    assert error[0, 1, 2, 3] == 0
    assert (error > 0).sum() == 63


def test_the_error_map_keeps_metadata_and_hands_on_where_it_was_made() -> None:
    predicted = scan(torch.zeros(3, 4, 4, 4))
    predicted.meta["inference"] = {"device": "cpu", "tile": 32, "fallback": True}
    mapped = ErrorMapd("pred", "head")({"pred": predicted, "head": torch.ones(1, 8, 8, 8)})
    assert mapped["pred"].meta["note"] == "kept"
    assert mapped["inference"] == {"device": "cpu", "tile": 32, "fallback": True}


def test_the_error_map_can_have_a_place_of_its_own() -> None:
    predicted, head = scan(torch.rand(3, 4, 4, 4)), torch.ones(1, 8, 8, 8)
    mapped = ErrorMapd("pred", "head", error_key="error")({"pred": predicted, "head": head})
    assert mapped["pred"] is predicted
    assert mapped["error"].meta["note"] == "kept"
    torch.testing.assert_close(mapped["error"], ErrorMapd("pred", "head")({"pred": predicted, "head": head})["pred"])


def scored(score: str = "maximum", coverage: dict[str, Any] | None = None, **more: Any) -> dict[Any, Any]:
    """Scores of a map of 4 voxels a side over regions of 8: 5 in the left half, 9 in the right one, no skull."""
    regions = torch.ones(1, 8, 8, 8, dtype=torch.uint8)
    regions[:, 4:] = 2
    regions[:, 1::2] = 3  # the map has no place on these voxels
    values = torch.full((1, 4, 4, 4), 5.0)
    values[:, 2:] = 9
    values[0, 0, 0, 0] = 7
    data = {"error": values, "regions": regions, "coverage": coverage or dict.fromkeys(COVERED, 1.0), **more}
    return ScoreRegionsd("error", score)(data)


@pytest.mark.parametrize("score", ["maximum", "percentile_99", "percentile_95", "top_1_percent_mean"])
def test_scores_are_those_of_every_stride_th_voxel(score: str) -> None:
    data = scored(score)
    assert data["scores"]["right_hemisphere"] == 9
    left = [5.0] * 31 + [7.0]
    high, higher = np.percentile(left, (95, 99))
    expected = {"maximum": 7, "percentile_99": higher, "percentile_95": high, "top_1_percent_mean": 7}[score]
    assert data["scores"]["left_hemisphere"] == pytest.approx(expected)
    assert data["score_details"]["left_hemisphere"]["voxels"] == 32
    assert data["scores"]["skull"] is None, "a region without a voxel has no score"
    assert [found["code"] for found in data["region_findings"]] == ["region_missing"]
    assert "No voxel of the skull was found" in data["region_findings"][0]["message"]
    assert data["result"] == {"scores": {k: v for k, v in data["scores"].items() if v is not None}}
    assert all(type(value) is float for value in data["result"]["scores"].values())


@pytest.mark.parametrize(("share", "score"), [(0.94, 7.0), (0.5, 7.0), (0.96, 7.0)])
def test_a_cut_region_has_the_score_of_what_is_in_view_and_a_finding(share: float, score: float) -> None:
    data = scored(coverage={**dict.fromkeys(COVERED, 1.0), "left_hemisphere": share})
    assert data["scores"]["left_hemisphere"] == score
    assert data["score_details"]["left_hemisphere"]["coverage"] == share
    messages = {found["code"]: found["message"] for found in data["region_findings"]}
    assert ("region_cut" in messages) == (share < 0.95)
    if share < 0.95:
        assert f"{100 * share:.0f} % of the left hemisphere: the score is of what is in view." in messages["region_cut"]


def test_a_region_mostly_out_of_view_has_no_score_and_a_finding() -> None:
    coverage = {name: torch.tensor(share) for name, share in COVERED.items()}  # as they come out of a data loader
    coverage["left_hemisphere"] = torch.tensor(0.44)
    data = scored(coverage=coverage)
    assert data["scores"] == {"left_hemisphere": None, "right_hemisphere": 9.0, "skull": None}
    details = data["score_details"]["left_hemisphere"]
    names = ("raw_maximum", "raw_percentile_95", "raw_top_1_percent_mean", "percentile", "threshold")
    assert [details[name] for name in names] == [None] * 5
    assert (details["voxels"], details["coverage"]) == (32, pytest.approx(0.44))
    assert [found["code"] for found in data["region_findings"]] == ["region_cut", "region_missing"]
    assert data["region_findings"][0]["message"].startswith(
        "The field of view holds 44 % of the left hemisphere: no score"
    )
    assert data["result"] == {"scores": {"right_hemisphere": 9.0}}


def test_an_unknown_score_is_refused() -> None:
    with pytest.raises(ValueError, match=f"score must be one of {', '.join(POOLINGS)}, got 'mean'"):
        ScoreRegionsd("error", "mean")


def test_without_a_calibration_there_are_raw_scores_only() -> None:
    details = scored()["score_details"]["right_hemisphere"]
    assert details == {
        **{f"raw_{pooling}": 9.0 for pooling in POOLINGS},
        **{"voxels": 32, "coverage": 1.0, "percentile": None, "threshold": None},
        **dict.fromkeys(("healthy_below", "healthy_scores", "percentile_low", "percentile_high")),
    }


@pytest.mark.parametrize(("kind", "left", "percentile"), [("calibrated", 2.5, 25.0), ("error", 7.0, 70.0)])
def test_the_default_score_is_that_of_the_map_and_is_compared_with_healthy_ones(
    kind: str, left: float, percentile: float
) -> None:
    healthy = [{"left_hemisphere": {"calibrated_maximum": n + 0.5, "raw_maximum": n + 0.5}} for n in range(10)]
    healthy[2]["left_hemisphere"]["calibrated_maximum"] = 2.5
    anomaly = torch.full((1, 4, 4, 4), 2.5)
    more = {"map": kind, "anomaly_map": anomaly, "thresholds": Thresholds.of(healthy, {})}
    data = scored(coverage={**dict.fromkeys(COVERED, 1.0), "right_hemisphere": 0.4}, **more)
    details = data["score_details"]["left_hemisphere"]
    assert data["scores"]["left_hemisphere"] == left
    assert (details["calibrated_maximum"], details["raw_maximum"]) == (2.5, 7.0)
    assert details["percentile"] == percentile
    assert details["threshold"] == 9.5
    assert data["score_details"]["right_hemisphere"]["percentile"] is None
    assert data["score_details"]["skull"]["percentile"] is None


def test_the_finding_of_a_cut_region_is_a_flag() -> None:
    found = cut_finding("left_hemisphere", 0.4)
    assert found["severity"] == "flag"
    assert "40 % of the left hemisphere: no score." in found["message"]


def windowed_scan() -> MetaTensor:
    """A scan (1, 2, 3, 1) with an affine and a note in its metadata."""
    values = torch.tensor([[-1024.0, -20, 40], [100, 750, 3000]])[None, :, :, None]
    image = MetaTensor(values, affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    image.meta["note"] = "kept"
    return image


def test_two_windows_by_hand() -> None:
    image = windowed_scan()
    scaled = ScaleWindowsd("image")({"image": image, "other": 1})
    # brain: (hu + 20) / 120; bone: hu / 1500; both clipped
    brain, bone = [[0, 0, 0.5], [1, 1, 1]], [[0, 0, 40 / 1500], [100 / 1500, 0.5, 1]]
    torch.testing.assert_close(scaled["image"].as_tensor()[..., 0], torch.tensor([brain, bone]))
    assert (BRAIN_WINDOW_HU, BONE_WINDOW_HU) == ((-20.0, 100.0), (0.0, 1500.0))
    assert scaled["image"].meta["note"] == "kept"
    assert torch.equal(scaled["image"].affine, image.affine)
    assert scaled["other"] == 1


def test_windows_can_be_chosen_and_the_scan_is_left_alone() -> None:
    data = {"image": windowed_scan()}
    scaled = ScaleWindowsd("image", windows_hu=[[0, 100]])(data)["image"]
    assert scaled.shape == (1, 2, 3, 1)
    assert scaled[0, 0, 2, 0] == pytest.approx(0.4)
    assert torch.equal(data["image"].as_tensor(), windowed_scan().as_tensor())


def test_plain_tensors_stay_plain() -> None:
    for transform in (ScaleWindowsd("image"), EqualizeHistogramd("image")):
        assert type(transform({"image": torch.zeros(1, 2, 2, 2)})["image"]) is torch.Tensor


def test_equalising_looks_at_the_foreground_only() -> None:
    rng = np.random.default_rng(0)
    hu = torch.from_numpy(rng.normal(30, 20, (1, 8, 8, 8)).astype(np.float32))
    inside = torch.zeros(1, 8, 8, 8, dtype=torch.bool)
    inside[:, :5] = True
    hu[~inside] = AIR_HU
    equalised = EqualizeHistogramd("image", "head")({"image": MetaTensor(hu), "head": inside})["image"]
    torch.testing.assert_close(equalised.as_tensor(), equalize_histogram(hu, inside))
    assert not torch.allclose(equalised.as_tensor(), equalize_histogram(hu, None)), "the mask must matter"


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError, match="image"):
        ScaleWindowsd("image")({})


@pytest.mark.parametrize(
    ("hu", "moved", "said"),
    [
        (25, 33, ""),
        (55, 33, "100 % of the brain has 0 to 60 HU, and their median is 55 HU."),
        (70, 70, "0 % of the brain has 0 to 60 HU."),
    ],
)
def test_blocks_are_shifted_to_the_median_and_a_doubtful_one_is_told(
    hu: int, moved: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain = np.zeros((127, 127, 127), bool)
    brain[50:70, 50:70, 50:70] = True
    monkeypatch.setattr(head_transforms, "reference_brain", lambda path: brain)
    values = torch.full((1, 256, 256, 256), AIR_HU)
    values[:, 80:160, 80:160, 80:160] = float(hu)
    labels = torch.zeros(1, 256, 256, 256, dtype=torch.uint8)
    labels[:, 80:160] = 3
    found = ShiftBlocksd("image", "regions", 33, ["label"])({"image": scan(values), "label": labels})
    blocks = found["image"]
    assert blocks.shape == (1, 127, 127, 127)
    assert blocks[0, 60, 60, 60] == moved
    assert blocks[0, 0, 0, 0] == AIR_HU
    told = [finding("median_doubtful", said).as_dict()] if said else []
    assert blocks.meta.get("findings", []) == told
    assert blocks.meta["note"] == "kept"
    np.testing.assert_allclose(blocks.affine[:3, 3], [-127.5 + 1.5] * 3)
    np.testing.assert_allclose(np.diag(blocks.affine), [2, 2, 2, 1])
    assert found["label"].shape == (1, 64, 64, 64)
    assert found["label"][0, 30, 0, 0] == 3
