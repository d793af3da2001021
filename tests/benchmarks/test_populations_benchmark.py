"""The populations of the benchmarks: the same heads elsewhere, and the frame of the other simulator."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import populations
import pytest
from analytic_case import analytic_case
from geometries import rigid
from registration_cases import Case, moved

from scripts.files.nifti import nifti_bytes
from scripts.geometry.coordinates import CENTRE_MM
from scripts.volume import UNKNOWN_HU


@pytest.fixture(scope="module")
def case() -> Case:
    """The analytic head."""
    return analytic_case()


def test_a_fair_pose_shows_the_same_head_elsewhere(case: Case) -> None:
    for row in range(4):
        found = populations.fair(case, np.random.default_rng(row))
        index = np.rint(moved(np.linalg.inv(found.affine), found.points)).astype(int)
        assert np.mean(found.volume[tuple(index.T)] > -300) > 0.95
        heights = moved(found.truth, found.points)[:, 2]
        assert -99 <= heights.min() < heights.max() <= 120
        turn = found.truth[:3, :3]
        assert 1 < np.rad2deg(np.arccos((np.trace(turn) - 1) / 2)) < 35
        np.testing.assert_allclose(moved(found.truth, np.array([CENTRE_MM])), [CENTRE_MM], atol=1e-9)
        assert found.volume[0, 0, 0] == UNKNOWN_HU


def test_two_slices_become_one_where_they_were(case: Case) -> None:
    volume, affine = populations.thicker(case.volume, case.affine)
    assert volume.shape == (60, 60, 30)
    assert volume[30, 30, 7] == pytest.approx(case.volume[30, 30, 14:16].mean())
    np.testing.assert_allclose(affine @ [3, 4, 7, 1], case.affine @ [3, 4, 14.5, 1])


def test_the_scans_of_the_simulator(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head with a bleed is shown once, turned and not changed; another in many ways, one of which errs on purpose."""
    heads = [replace(case, kind="bleed b", lesion=True), case]
    monkeypatch.setattr(populations, "head_scans", lambda folder, options, variety: iter(heads))
    bleed, *fair = populations.simulator(tmp_path, populations.Options(tmp_path, (9,), 4))
    assert [scan.name for scan in fair] == [f"head_09_0_fair_{row}" for row in range(4)]
    assert [scan.first for scan in (bleed, *fair)] == [True, True, *[False] * 3]
    found = bleed.make()
    assert (bleed.name, found.lesion, fair[0].make().lesion) == ("head_09_bleed b", True, False)
    assert np.array_equal(found.volume, case.volume)
    assert not np.allclose(found.affine, case.affine)


def test_drawn_heads_are_kept(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int | str] = []
    monkeypatch.setattr(populations, "load_anatomy", lambda path: None)
    monkeypatch.setattr(populations, "drawn", lambda anatomy, number, kind, variety: drawn.append(kind) or case)
    first = list(populations.head_scans(tmp_path, populations.Options(tmp_path, (9,))))
    again = list(populations.head_scans(tmp_path, populations.Options(tmp_path, (9,))))
    assert drawn == [*populations.BLEEDS_ML, *range(populations.HEADS)]
    assert [head.lesion for head in again] == [True] * 3 + [False] * 5
    assert np.array_equal(first[0].volume, again[0].volume)
    others = populations.head_scans(tmp_path, populations.Options(tmp_path, (9,)), populations.WIDENED)
    assert len(list(others)) == 8
    assert len(drawn) == 16, "heads of another population are others"


def test_the_frame_of_the_other_simulator_is_reference_space_turned() -> None:
    matrix = populations.uneven_to_reference()
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix @ [*populations.UNEVEN_CENTRE_MM, 1], [*CENTRE_MM, 1])
    assert (matrix @ [0, 0, 1, 0])[1] > 0.3, "what is up there leans forwards here"


def test_a_head_of_the_other_simulator_has_its_true_pose(case: Case, tmp_path: Path) -> None:
    pose = rigid((5, -3, 12), (4, 8, -6))
    to_common = np.linalg.inv(populations.uneven_to_reference()) @ pose
    (tmp_path / "one.nii.gz").write_bytes(nifti_bytes(case.volume.astype(np.int16), np.linalg.inv(pose) @ case.affine))
    inside = np.linalg.inv(pose) @ np.array([*CENTRE_MM, 1.0])
    row = {"case": "one", "image": "one.nii.gz", "class": "sdh", "scan_to_common": to_common.tolist()}
    (tmp_path / "cases.json").write_text(json.dumps([{**row, "head_points_mm": [inside[:3].tolist()]}]))
    (scan,) = populations.uneven(tmp_path, populations.Options(tmp_path))
    found = scan.make()
    assert (scan.name, found.kind, found.lesion) == ("one", "sdh", True)
    np.testing.assert_allclose(moved(found.truth, found.points), [CENTRE_MM], atol=1e-6)
    np.testing.assert_allclose(found.truth @ found.affine, case.affine, atol=1e-3)


def test_of_a_series_nobody_knows_the_pose(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(nifti_bytes(case.volume.astype(np.int16), case.affine))
    (scan,) = populations.series(path, populations.Options(tmp_path))
    assert len(scan.make().points) == 0


def test_a_population_is_named_with_its_folder(tmp_path: Path) -> None:
    assert populations.population(f"uneven={tmp_path}") == ("uneven", tmp_path)
    for text in (f"even={tmp_path}", "uneven", f"uneven={tmp_path / 'x'}"):
        with pytest.raises(argparse.ArgumentTypeError, match="NAME one of simulator, widened, unusual, uneven, series"):
            populations.population(text)


def test_options_name_populations_and_anatomies(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    populations.add_options(parser)
    work = tmp_path / "work"
    args = parser.parse_args(["--work", str(work), "--population", f"uneven={tmp_path}", "--anatomies", "9,10"])
    assert populations.options_of(args) == populations.Options(work, [9, 10], populations.FAIR)
    assert work.is_dir()
    assert args.population == [("uneven", tmp_path)]
