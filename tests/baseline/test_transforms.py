"""The transforms of the published autoencoder, and its overlay as the hosts read it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from scripts.assets import bundle_root, config
from scripts.baseline.maps import filtered, residual_percent
from scripts.baseline.transforms import FilterResiduald, ResidualMapd


def data() -> dict[str, Any]:
    """A head of 8 voxels a side, its regions and a reconstruction of most of it."""
    generator = torch.Generator().manual_seed(0)
    made = torch.rand((1, 8, 8, 8), generator=generator)
    made[:, 0] = torch.nan
    pred = MetaTensor(made, affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    pred.meta["inference"] = {"device": "cpu", "fallback": False}
    return {
        "pred": pred,
        "image": MetaTensor(torch.rand((1, 8, 8, 8), generator=generator)),
        "foreground": MetaTensor(torch.rand((1, 8, 8, 8), generator=generator) < 0.9),
        "regions": MetaTensor(torch.randint(0, 4, (1, 8, 8, 8), generator=generator, dtype=torch.uint8)),
    }


def test_residual_and_heatmap_are_those_of_the_functions() -> None:
    before = data()
    mapped = ResidualMapd("pred")(before)
    grey, inside, regions = (before[key][0].numpy() for key in ("image", "foreground", "regions"))
    residual = residual_percent(grey, before["pred"][0].numpy(), inside)
    assert (residual[0] == 0).all()
    assert (mapped["error_map"][0].numpy() == residual).all()
    assert mapped["pred"] is before["pred"]
    judged = FilterResiduald("pred", size=3)(mapped)
    assert (judged["pred"][0].numpy() == filtered(residual, regions, 3)).all()
    assert (judged["error_map"][0].numpy() == residual).all(), "what is not filtered stays"
    for key in ("pred", "error_map"):
        assert torch.equal(judged[key].affine, before["pred"].affine)
    assert judged["inference"] == {"device": "cpu", "fallback": False}
    assert (judged["map"], judged["thresholds"], judged["calibration_findings"]) == ("reconstruction", None, [])


def test_plain_tensors_stay_plain() -> None:
    plain = {key: value.as_tensor() for key, value in data().items()}
    judged = FilterResiduald("pred")(ResidualMapd("pred")(plain))
    assert type(judged["pred"]) is type(judged["error_map"]) is torch.Tensor
    assert "inference" not in judged


@pytest.fixture
def parser() -> ConfigParser:
    made = ConfigParser()
    made.read_config([str(config(name)) for name in ("inference.json", "autoencoder_inference.json")])
    made["bundle_root"] = str(bundle_root())
    return made


def test_the_overlay_judges_by_the_filtered_map(parser: ConfigParser) -> None:
    steps = parser.get_parsed_content("postprocessing").transforms
    assert [type(step).__name__ for step in steps] == [
        "ResidualMapd",
        "FilterResiduald",
        "ScoreRegionsd",
        "LeaveOutBraind",
        "DescribeDetectionsd",
        "AssessSkulld",
        "InvertWithSkulld",
    ]
    assert steps[1].size == 5
    assert steps[2].keys == ("pred",)
    assert steps[2].score == "maximum"
    assert parser["map"] == "reconstruction"


def test_the_overlay_sees_what_the_training_showed(parser: ConfigParser) -> None:
    training = ConfigParser()
    training.read_config([str(config(name)) for name in ("train.json", "autoencoder.json")])
    for name in ("width", "box_start", "box_end", "intensity", "network_def"):
        assert parser[name] == training[name], name
