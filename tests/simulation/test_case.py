"""Cases: the truth agrees with the scan."""

from __future__ import annotations

import json

import numpy as np
import pytest
from toy_anatomy import toy_anatomy

from scripts.simulation.case import simulate_case

ANATOMY = toy_anatomy()


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_mask_lies_where_the_truth_says(side: str) -> None:
    case = simulate_case(ANATOMY, 4, lesion="intraparenchymal", side=side, protocol="tilted")
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
    case = simulate_case(ANATOMY, 4, protocol="routine")
    assert not case.lesion.any()
    assert case.truth["lesion"] is None
    assert case.truth["lesion_centre_mm"] is None


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="no protocol 'fast'; there are drawn, routine"):
        simulate_case(ANATOMY, 1, protocol="fast")
