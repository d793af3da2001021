"""The maps of the methods, on a ball with a known lesion."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from cohort_scans import LESION, ball
from monai.data import MetaTensor

from cohort import maps
from cohort.register import Registered
from scripts.anomaly.evidence_normative import BOX
from scripts.anomaly.parts import Evidence
from scripts.calibration.folds import Sums
from scripts.geometry.coordinates import positions
from scripts.preprocessing.intensity import windows

pytestmark = pytest.mark.xdist_group("cohort")

MIDDLE = tuple((part.start + part.stop) // 2 for part in LESION)


@lru_cache
def scan() -> Registered:
    return ball(lesion_hu=70)


def at(values: np.ndarray[Any, Any], stride: int) -> float:
    """The value in the middle of the lesion."""
    return float(values[tuple(index // stride for index in MIDDLE)])


def test_the_box_is_symmetric_and_whole_in_blocks_and_in_the_autoencoder() -> None:
    assert maps.BOX[0].start + maps.BOX[0].stop == 256
    assert all((part.stop - part.start) % 16 == part.start % maps.BLOCK == 0 for part in maps.BOX)


def test_z_score_of_hu_by_hand() -> None:
    statistics = maps.HuStatistics()
    side = [256 // maps.BLOCK] * 3
    for level in (10, 30):
        values = np.full((2, *side), level, np.float32)
        values[0, :64] += 4
        statistics.add(values)
    assert statistics.count == 4, "two scans and their mirror images"
    scored = statistics.score(np.full((2, *side), 50, np.float32))
    inside = tuple(part.start for part in maps.INNER)
    # The mirror image brings the 4 HU of one half to the other: 10, 14, 30 and 34 in both.
    assert scored[(0, *inside)] == pytest.approx((50 - 22) / np.std([10, 14, 30, 34]))
    assert scored[(1, *inside)] == pytest.approx((50 - 20) / 10)
    assert scored[0, 0, 0, 0] == 0, "outside the box"
    assert statistics.score(np.full((2, *side), 22, np.float32))[(0, *inside)] == 0


def test_the_spread_has_a_floor() -> None:
    statistics = maps.HuStatistics()
    values = np.full((2, 128, 128, 128), 30, np.float32)
    statistics.add(values)
    made = maps.hu_z_maps(values + 6, statistics)
    inside = tuple(part.start for part in maps.INNER)
    assert made.brain[inside] == pytest.approx(6 / maps.LEAST_SD_HU)


def test_smoothed_hu_finds_what_is_brighter() -> None:
    for chosen, sign in ((scan(), 1), (ball(lesion_hu=-10), -1)):
        made = maps.smoothed_hu_maps(chosen, maps.clipped_hu(chosen))
        assert sign * at(made.brain, made.stride) > 8
        assert made.brain[10, 10, 10] == 0


def test_smoothed_hu_in_the_skull_finds_gaps() -> None:
    broken = ball()
    broken.hu[127:129, 168:174, 140:160] = 20
    before, after = (maps.smoothed_hu_maps(head, maps.clipped_hu(head)) for head in (ball(), broken))
    gap = (63, 85, 75)
    assert after.skull[gap] > before.skull[gap] + 100
    assert after.skull[20:40, 60:70, 75] == pytest.approx(before.skull[20:40, 60:70, 75])


def test_a_head_without_a_region_gives_zeros() -> None:
    empty = ball()
    empty.regions[:] = 0
    made = maps.smoothed_hu_maps(empty, maps.clipped_hu(empty))
    assert not made.brain.any()
    assert not made.skull.any()


def test_the_filters_of_the_autoencoder_are_taken_on_the_fine_grid() -> None:
    residual = np.zeros([part.stop - part.start for part in maps.BOX], np.float16)
    corner = [index - part.start for index, part in zip(MIDDLE, maps.BOX, strict=True)]
    residual[tuple(slice(c - 2, c + 3) for c in corner)] = -0.5
    residual[:, :, 160:162] = 1
    made = maps.filtered_maps(scan(), {"residual": residual})
    assert made.stride == 1
    assert at(made.brain, 1) == 0.5, "eroded to one voxel; the plate of two voxels is gone"
    assert made.brain.sum() == pytest.approx(0.5)
    assert not made.skull.any()


class Inferer:
    """Answers the true position, 10 mm too far to the right within the lesion."""

    def __init__(self, stride: int) -> None:
        self.stride = stride

    def __call__(self, inputs: torch.Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        assert not inputs[..., : maps.LOWEST].any()
        answers = positions((128, 128, 128), 2)[None].clone()
        answers[0, 0][tuple(slice(part.start // 2, part.stop // 2) for part in LESION)] += 10 / 255
        answers[..., :40] = torch.nan
        return MetaTensor(answers)


def test_positions_give_the_error_map() -> None:
    network = torch.nn.Identity()
    inferer: Any = Inferer(2)
    features = maps.position_features(scan(), network, inferer, lambda data: data)
    raw = maps.error_maps(scan(), features)
    assert raw.stride == 2
    assert at(raw.brain, 2) == pytest.approx(10, abs=0.05)
    assert raw.brain[60, 60, 80] == pytest.approx(0, abs=0.05)
    assert not raw.brain[..., :40].any(), "nothing was predicted there"
    assert set(features) == {"residual"}


def test_a_network_that_sees_both_windows_has_an_asymmetry_and_evidence_where_it_is_measured() -> None:
    inferer: Any = Inferer(2)
    box = tuple(part.stop - part.start for part in BOX)
    said = Evidence(np.full((20, *box), 0.5, np.float32), np.full(box, 33, np.float32))
    features = maps.position_features(scan(), torch.nn.Identity(), inferer, both_windows, lambda registered: said)
    assert set(features) == {"residual", "asymmetry", "evidence", "density"}
    healthy = maps.as_healthy(scan(), features)
    assert healthy.stride == 2
    np.testing.assert_array_equal(healthy.inside[..., :40], False)
    assert healthy.inside[60, 60, 80]
    assert healthy.evidence is not None
    np.testing.assert_array_equal(healthy.evidence.density, 33)
    alone = maps.as_healthy(scan(), {k: v for k, v in features.items() if k not in ("evidence", "density")})
    normal = Sums([alone, alone]).finish()
    found = maps.joined_maps(alone, normal, {"asymmetry": 2.0})
    assert set(found) == {"asymmetry", "anomaly"}
    np.testing.assert_allclose(found["anomaly"].brain, found["asymmetry"].brain / 2, rtol=1e-5)
    assert found["anomaly"].zero_is_unknown


def both_windows(data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The brain and the bone window."""
    return {"image": windows(data["image"], foreground=data["foreground"])}
