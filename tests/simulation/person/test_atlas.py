"""The atlas: lobes by their borders, structures by the vote of anatomies, and no voxel inside the skull without one."""

from __future__ import annotations

import numpy as np
import pytest
from poses import pose
from toy_anatomy import toy_anatomy

from scripts.simulation.anatomy.labels import TABLE_SIZE
from scripts.simulation.person import atlas, population
from scripts.simulation.person.atlas import GROUPS, NAMES, lobes, reference_atlas, side_of_plane, votes


@pytest.mark.parametrize(
    ("place_mm", "lobe"),
    [
        ((30, 60, 45), "frontal lobe"),
        ((8, -10, 75), "frontal lobe"),
        ((5, 35, 10), "frontal lobe"),
        ((35, -50, 65), "parietal lobe"),
        ((42, -57, 42), "parietal lobe"),
        ((8, -55, 52), "parietal lobe"),
        ((50, -10, 5), "temporal lobe"),
        ((37, 29, -3), "temporal lobe"),
        ((46, -40, 12), "temporal lobe"),
        ((32, -72, 20), "occipital lobe"),
        ((10, -60, 10), "occipital lobe"),
    ],
)
def test_places_of_the_cerebrum_have_the_lobe_of_both_sides(place_mm: tuple[int, int, int], lobe: str) -> None:
    place = np.array([place_mm, place_mm * np.array([-1, 1, 1])], np.float64)
    assert [NAMES[int(label)] for label in lobes(place)] == [lobe, lobe]


def test_the_side_of_a_plane_is_that_of_the_direction() -> None:
    plane = ((0, 0, 5), (1, 0, 5), (0, 1, 5))
    points = np.array([(0, 0, 6.0), (3, 3, 4)])
    assert np.sign(side_of_plane(points, plane, (0, 0, 1))).tolist() == [1, -1]
    assert np.sign(side_of_plane(points, plane, (0, 0, -1))).tolist() == [-1, 1]


def test_the_vote_is_that_of_anatomies_and_mirror_images() -> None:
    head = toy_anatomy()
    voted = votes([head, toy_anatomy(pose((9, 3, -5), (4, 2, 1)))])
    np.testing.assert_array_equal(voted, voted[::-1])
    table = np.zeros(TABLE_SIZE, np.uint8)
    for label, members in GROUPS.items():
        table[list(members)] = label
    alone = votes([head])
    own = table[population.on_grid(head, np.ones(3))]
    agree = own == own[::-1]
    np.testing.assert_array_equal(alone[agree], own[agree])
    assert len(np.unique(alone)) >= 5
    with pytest.raises(ValueError, match="an atlas needs one anatomy at least, got none"):
        votes([])


def test_every_place_inside_the_skull_has_a_structure_and_no_other() -> None:
    heads = [toy_anatomy()]
    inside = population.mean_population(heads).intracranial
    found = reference_atlas(heads, inside)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found > 0, inside)
    np.testing.assert_array_equal(found, found[::-1])
    assert set(np.unique(found)) <= {0, *NAMES}
    assert {atlas.DEEP, atlas.EXTRA_AXIAL, atlas.FRONTAL} <= set(np.unique(found))
