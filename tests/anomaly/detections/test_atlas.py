"""Names of places: by share, and on the atlas that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.anomaly.detections.atlas import Atlas, read_names
from scripts.anomaly.detections.transforms import load_atlas
from scripts.assets import place
from scripts.preprocessing.transforms import load_regions

SHIPPED = place("models/atlas.nii.gz")

POINTS = {
    (13, -11, 22): "deep grey matter",
    (26, 7, 21): "deep grey matter",
    (14, -8, 36): "lateral ventricle",
    (0, -1, 17): "third ventricle",
    (0, -29, -17): "fourth ventricle",
    (0, -12, -12): "brain stem",
    (22, -44, -25): "cerebellum",
    (25, -11, 4): "temporal lobe",
    (25, 50, 35): "frontal lobe",
    (25, -45, 60): "parietal lobe",
    (20, -72, 20): "occipital lobe",
    (0, 40, 60): "extra-axial space",
}
"""Points of the right or of the mid-plane, reference mm, and what lies there."""


@pytest.mark.parametrize("point", POINTS)
def test_known_points_of_the_reference_head_have_their_names(point: tuple[int, int, int]) -> None:
    atlas = load_atlas(SHIPPED)
    for side in (1, -1):
        voxel = np.floor(np.array(point) * [side, 1, 1] + 127.5).astype(int)
        assert atlas.name(voxel[None]) == POINTS[point]


def test_the_atlas_that_ships_covers_the_hemispheres_and_is_symmetric() -> None:
    labels = load_atlas(SHIPPED).labels
    regions = load_regions(place("models/regions.nii.gz"))
    np.testing.assert_array_equal(labels > 0, np.isin(regions, (1, 2)))
    np.testing.assert_array_equal(labels, labels[::-1])
    assert set(np.unique(labels)) == {0, *load_atlas(SHIPPED).names}


def test_a_name_has_the_structures_with_a_quarter_of_the_voxels() -> None:
    labels = np.zeros((256,) * 3, np.uint8)
    labels[:10], labels[10:14], labels[14:16] = 1, 2, 3
    atlas = Atlas(labels, {1: "one", 2: "two", 3: "three"})

    def name(*counts: int) -> str:
        x = np.repeat([0, 10, 14, 99], counts)
        return atlas.name(np.column_stack([x, x * 0, x * 0]))

    assert name(6, 4, 0, 0) == "one, two"
    assert name(2, 8, 0, 0) == "two"
    assert name(0, 3, 4, 3) == "three, two"
    assert name(0, 1, 0, 9) == "two", "the only one, little as it is"
    assert name(0, 0, 0, 3) == "brain"


@pytest.mark.parametrize("text", ["", "[]", '{"names": 3}', '{"names": {"a": "b"}}'])
def test_a_file_without_names_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "atlas.json").write_text(text)
    with pytest.raises(ValueError, match=r"atlas\.json holds no names of an atlas\. Install the bundle again\."):
        read_names(tmp_path / "atlas.json")
