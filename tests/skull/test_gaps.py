from __future__ import annotations

import numpy as np

from scripts.skull.atlas import atlas
from scripts.skull.directions import RADIUS_MM
from scripts.skull.gaps import gap_map
from scripts.skull.profiles import Profiles


def test_a_gap_is_the_missing_share_and_slow_changes_are_none() -> None:
    fine = atlas().fine
    thickness = 6000 * (1 + 0.5 * fine[:, 1])
    across = np.abs(fine[:, 0] - 0.3) * RADIUS_MM
    mass = np.where(across < 2, 0.4 * thickness, thickness)
    gaps = gap_map(Profiles(mass, np.ones(len(fine), bool)), atlas())
    assert gaps.bone.all()
    assert abs(np.median(gaps.gap[across < 0.7]) - 0.6) < 0.03
    far = (across > 12) & (fine[:, 2] > 0)
    assert np.abs(gaps.gap[far]).max() < 0.05


def test_a_defect_is_no_bone_and_what_is_not_in_view_neither() -> None:
    fine = atlas().fine
    defect, cut = fine[:, 0] > 0.7, fine[:, 2] > 0.9
    mass = np.where(defect | cut, 0, 6000.0)
    gaps = gap_map(Profiles(mass, ~cut), atlas())
    middle = fine[:, 0] > 0.85
    assert not gaps.bone[middle].any()
    assert not gaps.bone[cut].any()
    assert (gaps.gap[middle | cut] == 1).all()
    assert np.abs(gaps.gap[(fine[:, 0] < 0.4) & (fine[:, 2] < 0.8)]).max() < 1e-6
