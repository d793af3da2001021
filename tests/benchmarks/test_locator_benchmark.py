"""The benchmark of the coarse network alone: which poses count, and how far they are off."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import locator
import numpy as np
import populations
import pytest
from analytic_head import analytic_head
from registration_cases import Case

from scripts.registration.locator import coarse_network
from scripts.registration.robust_fit import Fit


@pytest.fixture(scope="module")
def case() -> Case:
    """The analytic head in slices of 4 mm; its true pose is the identity."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -118.0
    volume = analytic_head((60, 60, 60), affine)
    return Case(9, "0", volume, affine, np.eye(4), np.argwhere(volume > -300)[::50] @ affine[:3, :3] + affine[:3, 3])


def test_the_error_of_a_pose_that_is_off(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pose = np.eye(4)
    pose[:3, 3] = (3.0, 4.0, 12.0)
    found = SimpleNamespace(fit=Fit(pose, 1.0, 0.7))
    monkeypatch.setattr(locator, "locate", lambda network, scan, turned: found)
    scans = [populations.Scan("a", lambda: case)]
    monkeypatch.setitem(populations.POPULATIONS, "uneven", lambda folder, options: iter(scans))
    options = populations.Options(tmp_path)
    (row,) = locator.rows([("uneven", tmp_path)], options, coarse_network(1))
    assert (row.population, row.inlier_fraction) == ("uneven", 0.7)
    assert row.error_mm == pytest.approx(13.0)


def test_a_scan_without_a_pose(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locator, "locate", lambda network, scan, turned: None)
    assert locator.located("uneven", case, coarse_network(1)) == ("uneven", 0.0, np.inf)


def test_only_trusted_poses_are_counted() -> None:
    found = [
        locator.Row("uneven", share, error) for share, error in ((0.9, 4.0), (0.41, 12.0), (0.5, 30.0), (0.3, 99.0))
    ]
    assert locator.table([*found, locator.Row("widened", 0.1, 50.0)]).rows == (
        ("uneven, 4", 3, "12.0", 2, 1),
        ("widened, 1", 0, "", 0, 0),
    )
