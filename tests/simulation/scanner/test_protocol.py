"""Protocols: what can't be set, and what is drawn, how often and within which bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scripts.simulation.scanner import protocol
from scripts.simulation.scanner.protocol import METALS, Protocol, draw_protocol

COUNT = 1200
DRAWN = [draw_protocol(np.random.default_rng(seed)) for seed in range(COUNT)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spacing_mm": 0.0}, "spacing_mm must be positive, got 0.0"),
        ({"thickness_mm": -1.0}, "thickness_mm must be positive"),
        ({"thicker": 0.0}, "thicker must be positive"),
        ({"bottom_mm": 150.0}, r"highest slice \(114.0 mm\) must lie above the lowest \(150.0 mm\)"),
        ({"change_mm": -60.0}, r"between the lowest \(-45.0 mm\) and the highest \(114.0 mm\), got -60.0"),
        ({"tilt_deg": 50.0}, "35 degrees at most, got 50.0"),
        ({"metal": "gold"}, "no metal 'gold'; there are fillings, clip, electrodes"),
    ],
)
def test_impossible_protocols_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(Protocol(), **change)


def test_drawn_protocols_stay_within_clinical_bounds() -> None:
    for one in DRAWN:
        assert 0.6 <= one.thickness_mm <= 7
        assert 0.3 <= one.increment_mm <= 8.4
        assert 0.45 <= one.blur_mm <= 0.9
        assert 1.8 < one.noise_hu <= 15
        assert abs(one.offset_hu) <= 10
        assert 0 <= one.rim_hu <= 15
        assert 0 <= one.cupping_hu <= 8
        assert 0 <= one.band_hu <= 20
        assert 0 <= one.motion_mm <= 3
        assert 0 <= one.ghost <= 0.5
        assert one.bottom_mm < one.top_mm
        if one.change_mm is not None:
            assert one.thickness_mm * one.thicker <= 8


def share(chosen: list[bool]) -> float:
    return sum(chosen) / COUNT


def test_everything_is_as_frequent_as_its_share() -> None:
    assert share([one.motion_mm > 0 for one in DRAWN]) == pytest.approx(protocol.MOTION_SHARE, abs=0.03)
    assert share([one.metal is not None for one in DRAWN]) == pytest.approx(protocol.METAL_SHARE, abs=0.03)
    assert share([one.band_hu > 0 for one in DRAWN]) == pytest.approx(protocol.BAND_SHARE, abs=0.05)
    assert share([one.increment_mm != one.thickness_mm for one in DRAWN]) == pytest.approx(
        protocol.OVERLAP_SHARE, abs=0.03
    )
    assert 0.03 < share([one.change_mm is not None for one in DRAWN]) < protocol.TWO_SPACINGS_SHARE
    assert {one.metal for one in DRAWN} == {None, *METALS}
    ghosts = [one.ghost > 0 for one in DRAWN if one.motion_mm]
    assert 0.3 < np.mean(ghosts) < 0.7
    assert not any(one.ghost for one in DRAWN if not one.motion_mm)


def test_a_seed_fixes_the_protocol_and_the_thickness_can_be_set() -> None:
    assert draw_protocol(np.random.default_rng(1)) == DRAWN[1] != DRAWN[2]
    assert draw_protocol(np.random.default_rng(1), thickness_mm=3.0).thickness_mm == 3.0
