"""Shells: the layers of ellipsoids are found, and each change moves the layer that it names and no other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from toy_head import INNER_MM, OUTER_MM, toy_labels

from scripts.simulation.anatomy import labels as names
from scripts.simulation.anatomy.shell import (
    Change,
    Shell,
    bump,
    calvaria,
    direction,
    directions,
    growth_mm,
    layers,
    no_change,
    remodelled,
    shell_of,
    uneven,
)

LABELS = np.pad(toy_labels().repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2), 12)
SHELL = shell_of(LABELS)
UPPER = (slice(None), slice(50, None))
"""Elevations from 10 degrees on."""


def radius_mm(radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (180, 91) to the surface of an ellipsoid."""
    return np.asarray(1 / np.linalg.norm(directions() / radii, axis=-1))


def surface(change: Change, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Where, along the upper directions, the last voxel of a kind lies in the changed head: a slow oracle."""
    moved = remodelled(LABELS, SHELL, change)
    found = np.zeros((180, 91))
    for a, e in np.ndindex(180, 91):
        if e >= 50 and a % 15 == 0 and e % 10 == 0:
            steps = np.arange(0, 125, 0.25)[:, None] * directions()[a, e]
            index = np.rint(SHELL.middle + steps).astype(int)
            kept = np.all((index >= 0) & (index < LABELS.shape), axis=1)
            held = mask[moved[tuple(index[kept].T)]]
            found[a, e] = 0.25 * np.flatnonzero(held)[-1]
    return found[::15, 50::10]


def members(*wanted: int) -> NDArray[np.bool_]:
    return names.member_table(wanted)


HEAD = np.arange(1024) > 0


def test_the_layers_of_an_ellipsoid_are_found() -> None:
    np.testing.assert_allclose(SHELL.inner[UPPER], radius_mm(INNER_MM)[UPPER], atol=2.5)
    np.testing.assert_allclose(SHELL.outer[UPPER], radius_mm(OUTER_MM)[UPPER], atol=2.5)
    np.testing.assert_allclose(SHELL.skin[UPPER], radius_mm(np.array((80.0, 98, 86)))[UPPER], atol=2.5)


def test_a_map_without_a_brain_has_no_shell() -> None:
    with pytest.raises(ValueError, match="no space inside the skull"):
        shell_of(np.full((8, 8, 8), names.SOFT_TISSUE, dtype=np.int16))


def test_nothing_changes_where_nothing_is_asked() -> None:
    assert remodelled(LABELS, SHELL, no_change()) is LABELS


def test_thicker_bone_pushes_the_scalp_outward_and_leaves_the_brain() -> None:
    change = no_change()._replace(bone=1 + calvaria())
    bone = SHELL.outer - SHELL.inner
    moved = surface(change, members(*names.BONE)) - surface(no_change(), members(*names.BONE))
    np.testing.assert_allclose(moved, (bone * calvaria())[::15, 50::10], atol=2)
    skin = surface(change, HEAD) - surface(no_change(), HEAD)
    np.testing.assert_allclose(skin, moved, atol=2)
    changed = remodelled(LABELS, SHELL, change)
    brain = np.isin(LABELS, names.BRAIN)
    np.testing.assert_array_equal(changed[brain], LABELS[brain])
    assert growth_mm(SHELL, change) == pytest.approx(float((bone * calvaria()).max()))


def test_a_swelling_lies_between_bone_and_scalp() -> None:
    change = no_change()._replace(swelling=10 * bump(30, 45, 15))
    changed = remodelled(LABELS, SHELL, change)
    swelling = changed == names.SWELLING
    assert 0.5 < swelling.sum() / 2 / np.pi / (95 * np.deg2rad(15)) ** 2 / 10 < 1.5
    along = SHELL.middle + np.arange(60, 120)[:, None] * direction(30, 45)
    seen = changed[tuple(np.rint(along).astype(int).T)]
    order = [label for label, after in zip(seen, [*seen[1:], -9], strict=True) if label != after]
    assert order[-5:] == [names.CORTICAL_BONE, names.SWELLING, names.SOFT_TISSUE, names.SKIN, names.AIR]


def test_a_brain_that_shrinks_leaves_fluid_and_keeps_its_layers() -> None:
    change = no_change()._replace(fluid=6 * bump(90, 10, 25))
    changed = remodelled(LABELS, SHELL, change)
    along = SHELL.middle + np.arange(40, 90)[:, None] * direction(90, 10)
    before, after = (labels[tuple(np.rint(along).astype(int).T)] for labels in (LABELS, changed))
    fluid = np.isin(after, names.CSF).sum() - np.isin(before, names.CSF).sum()
    assert fluid == pytest.approx(6, abs=1)
    assert np.isin(after, (3, 42)).sum() == pytest.approx(np.isin(before, (3, 42)).sum(), abs=1)
    outside = ~np.isin(LABELS, (*names.BRAIN, names.CSF))
    assert (changed != LABELS)[outside].mean() < 0.002


def test_missing_bone_leaves_no_bone_and_the_scalp_sinks_in() -> None:
    gone = bump(150, 40, 20) > 0.6
    changed = remodelled(LABELS, SHELL, no_change()._replace(missing=gone))
    along = SHELL.middle + np.arange(50, 120)[:, None] * direction(150, 40)
    seen, before = (labels[tuple(np.rint(along).astype(int).T)] for labels in (changed, LABELS))
    assert not np.isin(seen, names.BONE).any()
    assert np.flatnonzero(seen)[-1] < np.flatnonzero(before)[-1] - 4
    opposite = SHELL.middle + np.arange(50, 110)[:, None] * direction(30, 40)
    index = tuple(np.rint(opposite).astype(int).T)
    np.testing.assert_array_equal(changed[index], LABELS[index])


def test_a_bulging_brain_moves_all_that_lies_outside_of_it() -> None:
    change = no_change()._replace(bulge=8 * bump(20, 40, 25))
    for held in (members(*names.BONE), HEAD):
        moved = surface(change, held) - surface(no_change(), held)
        np.testing.assert_allclose(moved, change.bulge[::15, 50::10], atol=2)


def test_what_is_not_covered_stays_so_and_the_map_is_left_alone() -> None:
    labels = LABELS.copy()
    labels[:, :, 150:] = names.UNCOVERED
    before = labels.copy()
    changed = remodelled(labels, SHELL, no_change()._replace(scalp=1 + 0.5 * calvaria()))
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(changed == names.UNCOVERED, labels == names.UNCOVERED)
    assert (changed != labels).any()


def test_layers_never_cross() -> None:
    rng = np.random.default_rng(0)
    change = Change(
        np.abs(4 * uneven(20, rng)),
        5 * uneven(30, rng),
        np.exp(0.4 * uneven(20, rng)),
        uneven(20, rng) > 2,
        np.abs(6 * uneven(20, rng)),
        np.exp(0.3 * uneven(20, rng)),
    )
    for tables in layers(SHELL, change):
        assert (np.diff(tables, axis=0) >= 0).all()


def test_tables_of_noise_have_unit_size_and_bumps_peak_where_they_are_put() -> None:
    noise = uneven(20, np.random.default_rng(1), waves=60)
    assert 0.7 < noise.std() < 1.3
    peak = np.unravel_index(bump(90, 30, 10).argmax(), (180, 91))
    np.testing.assert_allclose(directions()[peak], direction(90, 30), atol=1e-9)


def test_shells_keep_their_middle() -> None:
    assert isinstance(SHELL, Shell)
    np.testing.assert_allclose(SHELL.middle, (np.array(LABELS.shape) - 1) / 2, atol=2.5)
