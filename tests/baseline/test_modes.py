"""The mode is a name of what runs: it follows from the configs' networks and inferers, and can't be set."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from scripts.assets import config
from scripts.baseline.modes import OVERLAYS, mode_of
from scripts.commands.cohort import MODES
from scripts.networks.inferers import DensePositionInferer, PatchPositionInferer
from scripts.networks.position import DensePositionNet, PatchPositionNet
from scripts.workflow import parsed_configs


def parser(*overlays: str) -> ConfigParser:
    made: ConfigParser = parsed_configs(["inference.json", *overlays])
    made.update({"device": torch.device("cpu"), "width": 1})
    return made


@pytest.mark.parametrize(("mode", "overlays"), MODES.items())
def test_each_config_runs_what_its_mode_says(mode: str, overlays: list[str]) -> None:
    for more in ((), ("evaluate.json",)):
        parsed = parser(*overlays, *more)
        assert parsed.get_parsed_content("handlers#2#settings#mode") == mode
    assert overlays == ([OVERLAYS[mode]] if mode in OVERLAYS else [])


def test_the_mode_follows_from_network_and_inferer() -> None:
    dense, published = DensePositionNet(1, 31, 2), PatchPositionNet(1)
    assert mode_of(dense, DensePositionInferer()) == "dense"
    assert mode_of(published, PatchPositionInferer()) == "published"
    assert mode_of(dense, PatchPositionInferer()) == "patches"
    with pytest.raises(ValueError, match=r"no mode of an inferer of the class Linear\."):
        mode_of(dense, torch.nn.Linear(1, 1))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        (
            "published",
            r"mode is 'published', but this network and inferer are 'dense'; .* Put published\.json over infer",
        ),
        ("fast", r"mode is 'fast', but .* it is no switch\. Leave it out\."),
    ],
)
def test_a_mode_that_is_named_must_be_the_one_that_runs(name: str, match: str) -> None:
    dense = DensePositionNet(1, 31, 2)
    assert mode_of(dense, DensePositionInferer(), "dense") == "dense"
    with pytest.raises(ValueError, match=match):
        mode_of(dense, DensePositionInferer(), name)


def test_an_override_of_the_mode_stops_the_run_before_it_begins() -> None:
    flow = ConfigWorkflow(str(config("inference.json")), logging_file=False, workflow_type="infer", mode="published")
    flow.initialize()
    with pytest.raises(RuntimeError) as raised:
        flow.parser.get_parsed_content("handlers")
    causes: list[BaseException] = [raised.value]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    assert any("mode is 'published', but this network and inferer are 'dense'" in str(cause) for cause in causes)
