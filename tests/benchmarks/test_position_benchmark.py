"""The position network of the unrolled skull: its patches, its surprises, and how they are calibrated and joined."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shell_skull
import torch
from numpy.typing import NDArray

from scripts.skull.atlas import atlas
from scripts.skull.directions import RADIUS_MM
from scripts.skull.measure import measure
from scripts.skull.rays import View, view
from skull import position
from skull.position_network import SIDE, STEP_MM, Gap, cells, network, patch_places, patches, surprise, targets, train
from skull.surprise import VARIANTS, Case, Scored, scores_of, table


def striped(seed: int) -> Gap:
    """A skull whose gap map is finely striped in front and plain behind, with noise."""
    fine, rng = atlas().fine, np.random.default_rng(seed)
    stripes = np.sin(fine[:, 0] * 12) * (fine[:, 1] > 0)
    return Gap((0.4 * stripes + rng.normal(0, 0.02, len(fine))).astype(np.float32), np.ones(len(fine), bool))


def test_points_of_a_patch_lie_where_its_grid_says() -> None:
    tables = atlas()
    centres = tables.fine[np.argsort(-tables.fine[:, 2])[[0, 5000]]]
    for turn in (0.0, 90.0):
        places = patch_places(centres, np.full(2, turn), tables).reshape(2, SIDE, SIDE)
        for centre, one in zip(centres, places, strict=True):
            middle = tables.fine[one[SIDE // 2, SIDE // 2]]
            corner = tables.fine[one[0, 0]]
            assert RADIUS_MM * np.arccos(min(middle @ centre, 1)) < STEP_MM + 1
            assert abs(RADIUS_MM * np.arccos(corner @ centre) - (SIDE - 1) / 2 * STEP_MM * 2**0.5) < 1
    straight, turned = (patch_places(centres[:1], np.full(1, turn), tables).reshape(SIDE, SIDE) for turn in (0.0, 90.0))
    np.testing.assert_array_equal(np.rot90(straight, axes=(0, 1)), turned)


def test_a_patch_shows_nothing_where_there_is_no_bone() -> None:
    tables, skull = atlas(), striped(0)
    bone = tables.fine[:, 2] > 0.5
    lowest = tables.fine[[np.argmin(tables.fine[:, 2])]]
    found = patches(Gap(skull.gap, bone), patch_places(np.vstack([lowest, [[0, 0, 1]]]), np.zeros(2), tables))
    assert not found[0].any()
    assert bool(found[1, 1].all())
    assert float(found.abs().max()) <= 2


def test_targets_are_densities_of_the_nearest_cells() -> None:
    found = targets(atlas().pooled)
    assert found.shape == (len(atlas().pooled), cells())
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert found.max() < 0.5


def test_the_network_learns_places_and_is_surprised_by_what_belongs_elsewhere() -> None:
    torch.set_num_threads(1)
    tables = atlas()
    first, again = (train([striped(seed) for seed in range(2)], 4, 64, 0, tables) for _ in range(2))
    assert first.loss == again.loss
    done = train([striped(seed) for seed in range(2)], 60, 64, 0, tables)
    assert done.loss < np.log(cells()) - 0.5
    wrong, back = striped(5), int(np.flatnonzero(tables.pooled[:, 1] < -0.6)[50])
    away_mm = RADIUS_MM * np.arccos(np.clip(tables.fine @ tables.pooled[back], -1, 1))
    stripes = 0.4 * np.sin(tables.fine[:, 0] * 12)
    odd = Gap(np.where(away_mm < 35, stripes, wrong.gap).astype(np.float32), wrong.bone)
    places = patch_places(tables.pooled, np.zeros(len(tables.pooled)), tables)
    plain, found = (surprise(skull, done.network, places, tables) for skull in (wrong, odd))
    assert found[0, back] > plain[0, back] + 0.5
    assert found[1, back] > plain[1, back]
    pooled_mm = RADIUS_MM * np.arccos(np.clip(tables.pooled @ tables.pooled[back], -1, 1))
    far = pooled_mm > 35 + SIDE * STEP_MM
    np.testing.assert_allclose(found[:, far], plain[:, far], rtol=1e-4)


def case(seed: int, anatomy: str, kind: str | None = None) -> Case:
    """A scan in thin slices with random maps."""
    maps = np.random.default_rng(seed).uniform(1, 2, (2, len(atlas().pooled))).astype(np.float32)
    truth: dict[str, Any] = {"anatomy": anatomy, "kind": kind, "increment_mm": 1.0, "slices": "thin"}
    return Case(str(seed), truth, maps, np.ones(len(atlas().pooled), bool))


def test_scans_are_calibrated_by_healthy_ones_of_other_anatomies() -> None:
    healthy = [case(number, "abc"[number % 3]) for number in range(12)]
    sick = case(20, "c", "linear_fracture")
    sick.maps[:, 1000:1060] += 8
    found = scores_of([*healthy, sick], atlas())
    assert set(found["20"]) == set(VARIANTS)
    assert min(found["20"].values()) > 2
    assert max(found["2"].values()) < 1.5
    for one in healthy:
        if one.truth["anatomy"] == "c":
            one.maps[:] *= 3
    assert scores_of([*healthy, sick], atlas())["20"] == found["20"]
    with pytest.raises(ValueError, match="healthy scans of two anatomies, got 1"):
        scores_of([sick, *(one for one in healthy if one.truth["anatomy"] != "a")], atlas())


def test_what_both_sides_show_is_usual_left_against_right() -> None:
    healthy = [case(number, "abc"[number % 3]) for number in range(12)]
    half = len(atlas().pooled) // 2
    one_sided, both = case(20, "c"), case(21, "c")
    one_sided.maps[:, 1000] += 8
    both.maps[:] = one_sided.maps
    both.maps[:, 1000 + half] += 8
    found = scores_of([*healthy, one_sided, both], atlas())
    variant = ("surprise", "left-right", "largest")
    assert found["20"][variant] > 2
    assert found["21"][variant] < 1.2


def test_the_table_joins_both_scores() -> None:
    kinds = (None, None, "linear_fracture", "depressed_fracture", "diastatic_fracture")
    skull, net = (0.4, 0.9, 1.5, 0.3, 1.2), (0.5, 0.6, 0.2, 1.4, 0.7)
    scored = [Scored(kind, dict.fromkeys(VARIANTS, net[n]), skull[n]) for n, kind in enumerate(kinds)]
    text = table(scored)
    assert "| skull's score | 1.00 | .00 | 1.00 | .67 |" in text
    assert "| surprise, place, largest | .00 | 1.00 | 1.00 | .67 |" in text
    assert "| surprise, place, largest, joined | 1.00 | 1.00 | 1.00 | 1.00 |" in text


def kept(folder: Path, anatomy: str) -> None:
    skull = striped(0)
    folder.mkdir()
    truth = json.dumps(case(0, anatomy).truth)
    np.savez(folder / f"{anatomy}.npz", truth=truth, gap=skull.gap, bone=skull.bone)


def test_anatomies_of_the_training_are_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path / "gaps", "head_01")
    weights = tmp_path / "network.pt"
    position.learn(Namespace(gaps=tmp_path / "gaps", output=weights, steps=2, batch=8, seed=0))
    assert "1 healthy skulls, 2 steps of 8 patches" in capsys.readouterr().out
    content = torch.load(weights, weights_only=True)
    network().load_state_dict(content["weights"])
    assert content["anatomies"] == ["head_01"]
    with pytest.raises(SystemExit, match="trained on head_01"):
        position.surprised(Namespace(gaps=tmp_path / "gaps", network=weights))
    kept(tmp_path / "other", "head_09")
    (found,) = position.surprised(Namespace(gaps=tmp_path / "other", network=weights))
    assert found.maps.shape == (2, len(atlas().pooled))
    assert np.isfinite(found.maps).all()


def test_training_needs_healthy_skulls(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no healthy gap maps"):
        position.learn(Namespace(gaps=tmp_path, output=tmp_path / "a.pt"))


@pytest.mark.xdist_group("shell_skull")
def test_gap_maps_are_those_of_the_skull() -> None:
    hu = shell_skull.cut(shell_skull.shell(), shell_skull.unit(0.6, 0, 1), shell_skull.unit(0, 1, 0), 80, 2)
    affine = shell_skull.grid()[0]
    for scan, grid in ((hu, affine), shell_skull.averaged(hu, 5)):
        wanted = measure(scan, grid, shell_skull.slanted(), shell_skull.usual()).gaps
        found = position.gaps_of(view(scan, grid, shell_skull.slanted()), shell_skull.usual())
        np.testing.assert_array_equal(found.gap, wanted.gap)
        np.testing.assert_array_equal(found.bone, wanted.bone)


def test_gap_maps_lie_in_the_pose_that_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[NDArray[np.float64]] = []

    def gaps_of(seen: View, usual_mm: object) -> Gap:
        used.append(np.linalg.inv(seen.to_voxel))
        return striped(0)

    monkeypatch.setattr(position, "gaps_of", gaps_of)
    for folder in ("cases", "poses"):
        (tmp_path / folder).mkdir()
    for name in ("a_healthy_thin", "b_healthy_thin", "c_linear_fracture_thin"):
        truth = json.dumps(case(0, name[0]).truth)
        hu = np.zeros((2, 2, 2), np.int16)
        np.savez(tmp_path / "cases" / f"{name}.npz", hu=hu, affine=np.eye(4), matrix=np.eye(4), truth=truth)
    np.save(tmp_path / "poses" / "a_healthy_thin.npy", 2 * np.eye(4))
    for _ in range(2):
        position.gaps(Namespace(work=tmp_path, gaps=tmp_path / "gaps", healthy=True))
    np.testing.assert_allclose(used, [2 * np.eye(4), np.eye(4)])
    truth, skull = position.read_gap(tmp_path / "gaps" / "a_healthy_thin.npz")
    assert truth["anatomy"] == "a"
    np.testing.assert_allclose(skull.gap, striped(0).gap, atol=1e-3)
