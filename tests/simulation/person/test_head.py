"""Drawn heads: one seed, the true pose, sides, lesions, and what is not covered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_person import SEED, person, tilted
from scipy import ndimage
from toy_anatomy import is_left, toy_anatomy

from scripts.geometry.affines import transform_points
from scripts.geometry.coordinates import grid_affine
from scripts.simulation.anatomy.common_space import MEAN_CENTROIDS, to_reference
from scripts.simulation.anatomy.label_map import centroids, load_anatomy
from scripts.simulation.anatomy.labels import UNCOVERED
from scripts.simulation.person.head import LATTICE_STEP, SimulatedHead, draw_head, drawn_labels, look_up
from scripts.simulation.person.look import Look
from scripts.simulation.person.shape import Shape, identity_shape

pytestmark = pytest.mark.xdist_group("drawn_person")


@pytest.fixture(scope="module")
def head() -> SimulatedHead:
    return person()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(head: SimulatedHead) -> None:
    again, other = draw_head(tilted(), SEED), draw_head(tilted(), 8)
    assert again.hu.tobytes() == head.hu.tobytes()
    assert again.labels.tobytes() == head.labels.tobytes()
    np.testing.assert_array_equal(again.affine, head.affine)
    assert other.hu.tobytes() != head.hu.tobytes()
    assert (other.to_reference != head.to_reference).any()


def test_the_true_pose_brings_the_structures_to_their_places(head: SimulatedHead) -> None:
    found = transform_points(head.to_reference, centroids(head.labels, head.affine))
    distance = np.linalg.norm(found - MEAN_CENTROIDS, axis=1)
    assert np.median(distance) < 5
    refitted = to_reference(centroids(head.labels, head.affine)) @ np.linalg.inv(head.to_reference)
    assert np.abs(refitted[:3, :3] - np.eye(3)).max() < 0.02
    np.testing.assert_allclose(refitted[:3, 3], 0, atol=1)


def test_the_pose_is_rigid_and_the_grid_is_the_reference_grid_cropped(head: SimulatedHead) -> None:
    np.testing.assert_allclose(head.to_reference[:3, :3] @ head.to_reference[:3, :3].T, np.eye(3), atol=1e-12)
    upright = head.to_reference @ head.affine
    np.testing.assert_allclose(upright[:3, :3], np.eye(3), atol=1e-12)
    corner = upright[:3, 3] - grid_affine()[:3, 3]
    np.testing.assert_allclose(corner, corner.round(), atol=1e-9)


def test_an_undisplaced_head_is_its_anatomy_at_its_place() -> None:
    plain = draw_head(tilted(), 0, shape=identity_shape())
    found = transform_points(plain.to_reference, centroids(plain.labels, plain.affine))
    aligned = transform_points(to_reference(tilted().centroids), tilted().centroids)
    np.testing.assert_allclose(found, aligned, atol=0.7)


def test_mirroring_exchanges_the_sides_and_left_stays_left() -> None:
    plain, mirrored = (
        draw_head(tilted(), 3, shape=Shape(np.ones(3), identity_shape().displacement, flipped))
        for flipped in (False, True)
    )
    assert mirrored.description["flipped"] is True
    assert plain.description["flipped"] is False
    for drawn in (plain, mirrored):
        upright = drawn.to_reference @ drawn.affine
        x = np.argwhere(is_left(drawn.labels))[:, 0] + upright[0, 3]
        assert (x < 0).mean() > 0.99


def test_a_mirrored_head_is_the_mirror_image() -> None:
    asymmetric = toy_anatomy()
    labels = asymmetric.labels.copy()
    bump = np.argwhere(labels == 2)[500]
    labels[tuple(slice(b - 2, b + 3) for b in bump)] = 25
    anatomy = type(asymmetric)(labels, asymmetric.affine)
    lesion, image = (
        np.argwhere(drawn == label).mean(axis=0) + start + grid_affine()[:3, 3]
        for label, flipped in ((25, False), (57, True))
        for drawn, start in [drawn_labels(anatomy, Shape(np.ones(3), identity_shape().displacement, flipped))]
    )
    np.testing.assert_allclose(lesion * (-1, 1, 1), image, atol=1.5)


def test_a_given_look_is_drawn_and_told(head: SimulatedHead) -> None:
    enhanced = draw_head(tilted(), SEED, look=Look(contrast_hu=150.0, ventricles=2, sulci=1.0))
    assert enhanced.description["look"]["contrast_hu"] == 150
    assert head.description["look"].keys() == enhanced.description["look"].keys()
    plain = draw_head(tilted(), SEED, look=Look())
    gained = (enhanced.labels != plain.labels) & (plain.labels > 0)
    assert gained.any()
    assert np.isin(enhanced.labels[gained], (4, 43, 24)).all()
    np.testing.assert_array_equal(enhanced.affine, head.affine)


def test_what_lies_below_the_map_is_not_covered(head: SimulatedHead) -> None:
    unknown = head.labels == UNCOVERED
    assert unknown[:, :, 0].mean() > 0.1
    assert not unknown[:, :, -60:].any()
    assert (head.hu[unknown] == -1000).all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_lesion_is_on_its_side_and_the_rest_of_the_head_is_the_same(head: SimulatedHead, side: str) -> None:
    with_lesion = draw_head(tilted(), SEED, lesion="intraparenchymal", side=side, lesion_size={"space_share": 0.0})
    np.testing.assert_array_equal(with_lesion.labels, head.labels)
    mask = with_lesion.lesion == 1
    x = np.argwhere(mask)[:, 0] + (with_lesion.to_reference @ with_lesion.affine)[0, 3]
    assert ((x < 0) == (side == "left")).mean() > 0.95
    assert (with_lesion.hu != head.hu)[mask].mean() > 0.9
    beyond = ~ndimage.binary_dilation(with_lesion.lesion > 0, iterations=6)
    assert not (np.abs(with_lesion.hu - head.hu) > 0.5)[beyond].any()
    assert with_lesion.description["side"] == side
    assert with_lesion.description["midline_shift_mm"] == 0
    assert not head.lesion.any()


def test_a_large_bleed_shifts_the_midline_and_the_description_says_so(head: SimulatedHead) -> None:
    pushed = draw_head(tilted(), SEED, lesion="subdural", side="left", lesion_size={"volume_ml": 100.0})
    assert 2 < pushed.description["midline_shift_mm"] <= 12
    assert (pushed.labels != head.labels).any()
    np.testing.assert_array_equal(pushed.to_reference, head.to_reference)


def test_looking_up_labels_agrees_with_a_loop() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 600, (9, 8, 7)).astype(np.int16)
    a, b, c = np.meshgrid(*[np.arange(2)] * 3, indexing="ij")
    lattice = np.stack([6.6 * a - 0.3 * b + 0.9173, 7.3 * b + 0.5 * c - 2.1234, 5.2 * c + 0.2137], axis=-1)
    found = look_up(labels, lattice)
    assert found.shape == (LATTICE_STEP + 1,) * 3
    for index in np.ndindex(found.shape):
        share = np.array(index) / LATTICE_STEP
        exact = lattice[0, 0, 0] + sum(
            share[axis] * (lattice[tuple(np.eye(3, dtype=int)[axis])] - lattice[0, 0, 0]) for axis in range(3)
        )
        nearest = np.clip(np.floor(exact + 0.5).astype(int), 0, np.array(labels.shape) - 1)
        assert found[index] == labels[tuple(nearest)]


def test_a_real_anatomy_keeps_its_pose(shared_data: Path) -> None:
    anatomy = load_anatomy(shared_data / "anatomies" / "head_12.nii.gz")
    drawn = draw_head(anatomy, 1)
    found = transform_points(drawn.to_reference, centroids(drawn.labels, drawn.affine))
    assert np.sqrt(((found - MEAN_CENTROIDS) ** 2).sum(axis=1).mean()) < 7
