from __future__ import annotations

import numpy as np
import torch

from scripts.sites.power.judge import Judge, Verdict


def test_a_side_is_above_its_threshold_or_not_known() -> None:
    found = Verdict({"left": 3.0, "right": None}, {"left": 2.9, "right": 2.9}, [])
    assert found.above("left") is True
    assert found.above("right") is None
    assert Verdict({"left": 2.9, "right": 1}, {"left": 2.9, "right": None}, []).above("left") is False


def test_other_hu_go_through_what_is_left_and_the_scan_stays() -> None:
    judge = object.__new__(Judge)
    judge.device, judge.network = torch.device("cpu"), torch.nn.Identity()
    judge.inferer = lambda inputs, network: network(inputs)
    region = {"left_hemisphere": 0, "right_hemisphere": 1}

    def score(data: dict) -> dict:
        scores = {name: float(data["pred"][0, place, 0, 0]) for name, place in region.items()}
        details = {name: {"threshold": 5.0} for name in region}
        return {**data, "scores": scores, "score_details": details, "brain_places": ["place"]}

    judge.scoring = [score]
    image = torch.zeros((1, 2, 2, 2))
    data = {"image": image}
    doubled = [lambda data: {**data, "image": data["image"] * 2}]
    hu = np.zeros((2, 2, 2), np.float32)
    hu[0, 0, 0] = 4
    found = judge(data, doubled, hu)
    assert found.scores == {"left": 8.0, "right": 0.0}
    assert found.above("left")
    assert list(found.places) == ["place"]
    assert judge(data, doubled).scores == {"left": 0.0, "right": 0.0}
    assert not image.any()
