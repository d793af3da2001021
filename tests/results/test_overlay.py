"""`overlay`: greys of a window, colours of a heatmap, outlines."""

from __future__ import annotations

import numpy as np

from scripts.results.overlay import BRAIN_WINDOW_HU, CONTOURS, HEAT, OUTLINES, Scan, blend, contoured, edge, paint
from scripts.results.planes import plane_through


def scan(**change: object) -> Scan:
    """A cube of 21 voxels: brain on a side, air on the other."""
    volume = np.full((21, 21, 21), 40.0)
    volume[:10] = -1000
    content = {"volume_hu": volume, "heatmap": np.zeros_like(volume), "affine": np.eye(4), "regions": None, "top": 10.0}
    return Scan(**{**content, **change})  # type: ignore[arg-type]


PLANE = plane_through("axial", np.full(3, 10.0), np.full(3, 10.0), 21, 21)


def test_a_window_is_black_to_white() -> None:
    painted = paint(scan(), PLANE, BRAIN_WINDOW_HU, heat=True, outlines=False)
    # Image right is -x, so the brain (x >= 10) is on the left; 40 HU is the middle of 0 to 80.
    assert (painted[:, :11] == 128).all()
    assert (painted[:, 11:] == 0).all()


def test_nothing_hot_changes_nothing() -> None:
    grey = np.full((4, 3), 90.0)
    assert np.array_equal(blend(grey, np.zeros(4)), grey)


def test_the_top_of_the_scale_is_the_last_colour_and_opacity_grows() -> None:
    black = np.zeros((101, 3))
    colours = blend(black, np.linspace(0, 1, 101))
    np.testing.assert_allclose(colours[-1], 0.75 * HEAT[-1])
    assert (np.diff(colours.sum(axis=1)) >= 0).all(), "brighter is always hotter"
    np.testing.assert_allclose(blend(black[:1], np.array([9.0])), colours[-1:])


def test_edge_by_hand() -> None:
    mask = np.zeros((5, 5), bool)
    mask[1:4, 1:4] = True
    inner = np.zeros((5, 5), bool)
    inner[2, 2] = True
    assert np.array_equal(edge(mask), mask & ~inner)
    assert not edge(np.ones((4, 4), bool)).any(), "the border of the image is no edge"


def test_outlines_only_where_they_are_wanted() -> None:
    regions = np.zeros((21, 21, 21), np.uint8)
    regions[12:18, 5:15] = 2
    plain = paint(scan(), PLANE, BRAIN_WINDOW_HU, heat=False, outlines=True)
    drawn = paint(scan(regions=regions), PLANE, BRAIN_WINDOW_HU, heat=False, outlines=True)
    changed = (plain != drawn).any(axis=-1)
    assert changed.sum() == 6 * 10 - 4 * 8
    expected = 0.35 * 127.5 + 0.65 * np.array(OUTLINES[2][1])
    np.testing.assert_allclose(drawn[changed][0], expected, atol=1)


def test_contours_are_the_edges_of_what_is_above_once_and_twice_the_threshold() -> None:
    excess = np.zeros((9, 9))
    excess[1:8, 1:8], excess[3:6, 3:6], excess[0, 0] = 1.5, 2.5, 1.0
    drawn = contoured(np.zeros((9, 9, 3)), excess)
    for (_, colour), mask in zip(CONTOURS, (excess > 1, excess > 2), strict=True):
        np.testing.assert_array_equal((drawn == colour).all(axis=-1), edge(mask))
    assert (drawn[4, 4] == 0).all(), "what they enclose stays"
    assert (drawn[0, 0] == 0).all(), "the threshold itself is not exceeded"


def test_with_a_threshold_nothing_is_blended_in() -> None:
    heat = np.full((21, 21, 21), 5.0)
    heat[12:18, 5:15, :] = 7.0
    plain, blended = (
        paint(scan(heatmap=heat), PLANE, BRAIN_WINDOW_HU, heat=on, outlines=False) for on in (False, True)
    )
    lined = paint(scan(heatmap=heat, threshold=6.0), PLANE, BRAIN_WINDOW_HU, heat=True, outlines=False)
    assert (plain != blended).any(axis=-1).all(), "heat covers all"
    assert (plain != lined).any(axis=-1).sum() == 6 * 10 - 4 * 8
