from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.anomaly.chosen_calibration import Chosen, why_no_alpha, why_not_valid
from scripts.anomaly.files import NORMATIVE_NAME, THRESHOLDS_NAME
from scripts.networks.position import PatchPositionNet
from scripts.skull.files import NAME
from scripts.workflow import parsed_configs


def test_a_named_calibration_is_used_whole(tmp_path: Path) -> None:
    values = Chosen(tmp_path).values()
    assert "weights" not in values
    assert values["skull_normative"] == tmp_path / NAME
    assert values["normative"] == tmp_path / NORMATIVE_NAME
    assert values["thresholds"] == tmp_path / THRESHOLDS_NAME


@pytest.mark.parametrize("alpha", [None, 0.05, 0.006, 0.5])
def test_the_shipped_calibration_tells_these_alphas(alpha: float | None) -> None:
    assert why_no_alpha(alpha) == ""


def test_too_small_an_alpha_is_said_with_what_can_be_told() -> None:
    assert why_no_alpha(0.005) == (
        "alpha 0.005 is too small for 168 healthy hemispheres: they tell 0.006 at least. Use a larger alpha, or "
        "calibrate on more healthy scans."
    )


def test_without_healthy_scores_there_is_no_alpha(tmp_path: Path) -> None:
    assert why_no_alpha(0.01, Chosen(tmp_path)).startswith(
        "Thresholds of alpha 0.01 need healthy scores. There is no thr"
    )


def test_weights_are_named_apart_and_the_calibration_has_to_be_theirs(tmp_path: Path) -> None:
    assert (Chosen().values(), why_not_valid()) == ({}, "")
    for name, other in (("weights", "weights.pt"), ("evidence_weights", "density.pt")):
        (tmp_path / other).write_bytes(b"another network")
        chosen = Chosen(**{name: tmp_path / other})
        assert chosen.values() == {name: tmp_path / other}
        assert why_not_valid(chosen).startswith(f"The calibration was made with another file than this {other}.")


def test_weights_of_another_size_are_run_by_a_network_of_it(tmp_path: Path) -> None:
    torch.save(PatchPositionNet(2, patch_size=23).state_dict(), tmp_path / "published.pt")
    values = Chosen(weights=tmp_path / "published.pt").values()
    assert values == {"weights": tmp_path / "published.pt", "width": 2, "patch_size": 23}
    parser = parsed_configs(["inference.json", "published.json"])
    parser.update(values)
    parser.get_parsed_content("network_def").load_state_dict(torch.load(values["weights"], weights_only=True))
    assert parser.get_parsed_content("inferer").patch_size == 23
