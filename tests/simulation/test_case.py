"""Cases: the truth agrees with the scan."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from toy_anatomy import toy_anatomy

from scripts.reading.bone_series import agreement
from scripts.simulation import case as simulated
from scripts.simulation.case import Case, bone_scan, simulate_case
from scripts.simulation.person.head import draw_head
from scripts.simulation.scanner.protocol import Protocol
from scripts.simulation.scanner.scan import acquire
from scripts.volume import Volume


@pytest.fixture(autouse=True)
def coarse_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans have few pixels."""
    for name in ("routine", "tilted"):
        coarse = replace(simulated.PRESETS[name], size=(128, 128), spacing_mm=1.8)
        monkeypatch.setitem(simulated.PRESETS, name, coarse)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_mask_lies_where_the_truth_says(side: str) -> None:
    case = simulate_case(toy_anatomy(), 4, lesion="intraparenchymal", side=side, protocol="tilted")
    assert case.lesion.shape == case.scan.hu.shape
    voxels = np.argwhere(case.lesion == 1)
    assert len(voxels) == case.truth["lesion_voxels"] > 100
    centre = case.scan.affine[:3, :3] @ voxels.mean(axis=0) + case.scan.affine[:3, 3]
    np.testing.assert_allclose(centre, case.truth["lesion_centre_mm"], atol=1.5)
    moved = np.array(case.truth["to_reference"]) @ [*case.truth["lesion_centre_mm"], 1]
    np.testing.assert_allclose(moved[:3], case.truth["lesion_centre_reference_mm"], atol=0.05)
    assert (moved[0] < 0) == (side == "left")
    blood = case.scan.hu[case.lesion == 1]
    assert 35 < np.median(blood) < 95
    json.dumps(case.truth)


def test_a_healthy_case_has_no_lesion() -> None:
    case = simulate_case(toy_anatomy(), 4, protocol="routine")
    assert not case.lesion.any()
    assert case.truth["lesion"] is None
    assert case.truth["lesion_centre_mm"] is None


def test_a_bone_series_shows_the_same_head_in_thin_noisy_slices() -> None:
    head = draw_head(toy_anatomy(), 4)
    protocol = Protocol(size=(64, 64), spacing_mm=3.6, rest_gap_mm=None)
    scan = acquire(head, protocol, 4)
    truth = {"seed": 4, "protocol": {"name": "small", **asdict(protocol)}}
    bone = bone_scan(Case(scan, np.zeros(scan.hu.shape, np.uint8), head, truth))
    np.testing.assert_allclose(bone.affine[:, :2], scan.affine[:, :2])
    assert np.linalg.norm(bone.affine[:3, 2]) == pytest.approx(1)
    soft, sharp = (Volume(one.hu, one.affine, ~one.outside) for one in (scan, bone))
    fits = agreement(soft, sharp)
    assert fits.share == 1
    assert fits.correlation > 0.9
    brain = (scan.hu[28:36, 28:36, 12] > 0) & (scan.hu[28:36, 28:36, 12] < 80)
    assert bone.hu[28:36, 28:36, 60][brain].std() > 3 * scan.hu[28:36, 28:36, 12][brain].std()


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="no protocol 'fast'; there are drawn, routine"):
        simulate_case(toy_anatomy(), 1, protocol="fast")
