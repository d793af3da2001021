"""`overview`: left is left, millimetres are true, and the bytes are always the same."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFont

from scripts.results.header import HEADER, scores_in_words
from scripts.results.marks import Mark
from scripts.results.overlay import CONTOURS
from scripts.results.overview import overview
from scripts.results.panels import GAP, PANEL, TITLES

CANONICAL = np.array([[2.0, 0, 0, -100], [0, 2.0, 0, -110], [0, 0, 4.0, -80], [0, 0, 0, 1]])
SHAPE = (101, 111, 41)
LESION_MM = np.array([-40.0, 20, 16])
ORDERS = {
    "as it is": ((0, 1, 2), ()),
    "x flipped": ((0, 1, 2), (0,)),
    "LPS, as DICOM": ((0, 1, 2), (0, 1)),
    "slices first, all flipped": ((2, 0, 1), (0, 1, 2)),
}


def head() -> tuple[np.ndarray, np.ndarray]:
    """An ellipsoid of brain in a skull, and a heatmap that falls off around a point in the patient's left."""
    points = np.moveaxis(np.indices(SHAPE), 0, -1) @ CANONICAL[:3, :3].T + CANONICAL[:3, 3]
    radius = np.linalg.norm(points / np.array([75.0, 90, 70]), axis=-1)
    volume = np.select([radius < 0.9, radius < 1], [35.0, 900.0], -1000.0)
    return volume, 30 * np.clip(1 - np.linalg.norm(points - LESION_MM, axis=-1) / 35, 0, 1)


def stored(array: np.ndarray, order: tuple[int, ...], flips: tuple[int, ...]) -> np.ndarray:
    """The same volume with its axes permuted, then flipped."""
    return np.flip(np.transpose(array, order), flips)


def stored_affine(order: tuple[int, ...], flips: tuple[int, ...]) -> np.ndarray:
    """The affine that belongs to it, from the world positions of its first voxel and of the next along each axis."""
    shape = tuple(SHAPE[axis] for axis in order)
    affine = np.eye(4)
    affine[:3, :3] = CANONICAL[:3, :3][:, order]
    affine[:3, 3] = CANONICAL[:3, 3]
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    return affine


def pixels(png: bytes) -> np.ndarray:
    """The picture as integers (rows, columns, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)), dtype=int)


def panel(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """One of the large panels."""
    top, left = HEADER + TITLES + row * (TITLES + PANEL + GAP), column * (PANEL + GAP)
    return picture[top : top + PANEL, left : left + PANEL]


def hot(picture: np.ndarray) -> np.ndarray:
    """Rows and columns (n, 2) of the pixels with a warm colour."""
    return np.argwhere(picture[..., 0] - picture[..., 2] > 60)


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return pixels(overview(*head(), CANONICAL))


@pytest.mark.parametrize("name", ORDERS)
def test_a_lesion_in_the_patients_left_is_on_the_images_right(name: str, reference: np.ndarray) -> None:
    volume, heatmap = (stored(array, *ORDERS[name]) for array in head())
    picture = pixels(overview(volume, heatmap, stored_affine(*ORDERS[name])))
    # Image right is the patient's left (axial, coronal) or posterior (sagittal); image down is posterior or inferior.
    for column, (down, right) in enumerate([(-20, 40), (-16, 40), (-16, -20), (-20, 40)]):
        middle = hot(panel(picture, 0, column)).mean(axis=0) - (PANEL - 1) / 2
        assert middle * 180 * 1.04 / PANEL == pytest.approx((down, right), abs=4)
        assert len(hot(panel(picture, 1, column))) == 0
    assert np.abs(picture - reference).mean() < 1


def test_negative_control_a_mirrored_affine_shows_it_on_the_other_side() -> None:
    mirrored = np.diag([-1.0, 1, 1, 1]) @ CANONICAL
    assert hot(panel(pixels(overview(*head(), mirrored)), 0, 0))[:, 1].max() < PANEL / 2


def test_a_ball_is_round_in_every_panel(reference: np.ndarray) -> None:
    extents = [np.ptp(hot(panel(reference, 0, column)), axis=0) for column in range(3)]
    assert min(extent.min() for extent in extents) > 40
    assert max(extent.max() for extent in extents) - min(extent.min() for extent in extents) < 8


def test_a_tilted_gantry_is_straightened() -> None:
    """The grid leans, the ball does not: rows of a sheared grid are moved to where they belong."""
    tilted = CANONICAL.copy()
    tilted[1, 2] = 4 * np.tan(np.deg2rad(18.5))
    tilted[1, 3] -= tilted[1, 2] * 20
    points = np.moveaxis(np.indices(SHAPE), 0, -1) @ tilted[:3, :3].T + tilted[:3, 3]
    volume = np.where(np.linalg.norm(points, axis=-1) < 70, 40.0, -1000.0)
    heatmap = 30 * np.clip(1 - np.linalg.norm(points, axis=-1) / 100, 0, 1)
    for affine, straight in ((tilted, True), (CANONICAL, False)):
        rows, columns = hot(panel(pixels(overview(volume, heatmap, affine)), 0, 2)).T
        lean = np.polyfit(rows, columns, 1)[0]
        assert (abs(lean) < 0.02) == straight, lean


def test_same_input_same_bytes() -> None:
    volume, heatmap = head()
    regions = np.where(volume == 35, np.uint8(1), np.uint8(0))
    content = {"regions": regions, "scores": {"left hemisphere": 30.0, "skull": None}, "flags": ["Thick slices."]}
    first = overview(volume, heatmap, CANONICAL, **content)
    assert first == overview(np.asfortranarray(volume), heatmap.copy(), CANONICAL, **content)
    assert first.startswith(b"\x89PNG")
    assert b"tIME" not in first
    bare = pixels(overview(volume, heatmap, CANONICAL))
    assert (pixels(first)[:HEADER] != bare[:HEADER]).any(), "scores and flags are shown"
    assert (panel(pixels(first), 1, 0) != panel(bare, 1, 0)).any(), "outlines are shown"
    assert (panel(pixels(first), 0, 0) == panel(bare, 0, 0)).all(), "but not over the heatmap"


def test_a_heatmap_of_zeros_and_a_volume_of_air_still_make_a_picture() -> None:
    assert overview(np.full((8, 8, 8), -1000.0), np.zeros((8, 8, 8)), np.eye(4), flags=["word " * 400])


def coloured(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns (n, 2) of the pixels of a colour."""
    return np.argwhere((picture == colour).all(axis=-1))


MARK = Mark(1, "left brain, 12.0 ml", LESION_MM, False, 2.0)


def test_with_a_threshold_contours_enclose_what_is_above_it_and_leave_the_rest_as_it_is() -> None:
    """The heatmap falls off from 30 by 30 / 35 a mm: above 20 lies a ball of 11.7 mm, in pixels of 0.468 mm."""
    volume, heatmap = head()
    picture = pixels(overview(volume, heatmap, CANONICAL, threshold=20.0, marks=[MARK]))
    contour = coloured(panel(picture, 0, 0), CONTOURS[0][1])
    radii = np.linalg.norm(contour - contour.mean(axis=0), axis=1) * 180 * 1.04 / PANEL
    np.testing.assert_allclose(radii, 35 / 3, atol=1.6)
    assert not coloured(panel(picture, 0, 0), CONTOURS[1][1]).size, "nothing is above twice the threshold"
    upper, lower = panel(picture, 0, 0), panel(picture, 1, 0)
    changed = (upper != lower).any(axis=-1)
    around = np.linalg.norm(np.argwhere(changed) - contour.mean(axis=0), axis=1)
    assert changed.sum() < 1500, "contour, crosshair, number and nothing else"
    assert (around < 40).mean() > 0.7
    twice = pixels(overview(volume, heatmap, CANONICAL, threshold=12.0, marks=[MARK]))
    inner, outer = (len(coloured(panel(twice, 0, 0), colour)) for _, colour in reversed(CONTOURS))
    assert 0 < inner < outer


def test_where_nothing_is_above_the_threshold_there_is_no_crosshair_and_no_contour() -> None:
    volume, heatmap = head()
    picture = pixels(overview(volume, heatmap, CANONICAL, threshold=31.0))
    for column in range(4):
        np.testing.assert_array_equal(panel(picture, 0, column), panel(picture, 1, column))
    marked = pixels(overview(volume, heatmap, CANONICAL, threshold=31.0, marks=[MARK]))
    assert (panel(marked, 0, 0) != panel(marked, 1, 0)).any()


def test_a_mark_in_the_skull_has_close_ups_in_the_bone_window() -> None:
    volume, heatmap = head()
    at = Mark(3, "skull line", np.array([-75.0, 0.0, 0.0]), True, 2.0)
    skull = Image.new("RGB", (PANEL, PANEL), (1, 2, 3))
    picture = pixels(overview(volume, heatmap, CANONICAL, threshold=40.0, marks=[at], skull=skull))
    np.testing.assert_array_equal(panel(picture, 1, 3), np.full((PANEL, PANEL, 3), (1, 2, 3)))
    both_sides, one_side = ((panel(picture, row, 0)[PANEL // 2, :, 0] > 160).sum() for row in (0, 1))
    assert one_side > 1.7 * both_sides / 2, "the bone is twice as thick as in the view of the whole head"
    assert panel(picture, 1, 0)[200, 190, 0] > 160, "its peak is in the middle"


def test_further_marks_have_a_row_of_their_own_and_all_are_listed() -> None:
    volume, heatmap = head()
    marks = [
        Mark(n, "left brain, 12.0 ml", LESION_MM + np.array([0, 0, 2 * n]), False, 3.0 - n / 4) for n in range(1, 5)
    ]
    one, three, all_four = (
        pixels(overview(volume, heatmap, CANONICAL, threshold=20.0, marks=marks[:n])) for n in (1, 3, 4)
    )
    more = TITLES + PANEL // 2 + GAP
    assert len(three) == len(all_four) == len(one) + more
    upper = HEADER + 2 * (TITLES + PANEL + GAP)
    for place in range(6):
        small = three[upper : upper + more, place * (PANEL + GAP) // 2 :][:, : PANEL // 2 - GAP]
        assert len(coloured(small, CONTOURS[0][1])) > 20
    listed = [picture[upper : upper + more, 3 * (PANEL + GAP) :].sum() for picture in (three, all_four)]
    assert listed[0] < listed[1]
    np.testing.assert_array_equal(one[-100:], three[-100:])


def test_percentiles_are_shown_beside_their_scores() -> None:
    volume, heatmap = head()
    scores = {"left hemisphere": 30.0, "skull": None}
    bare = pixels(overview(volume, heatmap, CANONICAL, scores=scores))
    more = pixels(overview(volume, heatmap, CANONICAL, scores=scores, percentiles={"left hemisphere": 97.5}))
    columns = np.flatnonzero((bare[:HEADER] != more[:HEADER]).any(axis=(0, 2)))
    assert PANEL < columns.min() <= columns.max() < 2 * (PANEL + GAP)


def test_scores_of_cut_regions_are_shown_and_do_not_touch() -> None:
    volume, heatmap = head()
    names = ("left_hemisphere", "right_hemisphere", "skull")
    scores, percentiles = dict.fromkeys(names, 888.8), dict.fromkeys(names, 100.0)
    words = scores_in_words(scores, percentiles, dict.fromkeys(names, 0.88), "SD")
    for lines in words:
        for line, size in zip(lines, (20, 14), strict=True):
            assert ImageFont.load_default(size).getlength(line) < PANEL - 20
    whole, cut = (
        pixels(overview(volume, heatmap, CANONICAL, scores=scores, percentiles=percentiles, coverage={"skull": share}))
        for share in (0.96, 0.88)
    )
    rows, columns = np.argwhere((whole != cut).any(axis=2)).T
    assert rows.max() < HEADER
    assert columns.min() > 3 * (PANEL + GAP)


def test_an_unconfirmed_pose_changes_the_title_alone() -> None:
    usual, forced = (pixels(overview(*head(), CANONICAL, unconfirmed=value)) for value in (False, True))
    rows, columns = np.argwhere((usual != forced).any(axis=2)).T
    assert rows.max() < 40
    assert 300 < columns.max() < PANEL + GAP


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"of one shape, got \[\(4, 4, 4\), \(5, 4, 4\)\]"):
        overview(np.zeros((4, 4, 4)), np.zeros((5, 4, 4)), np.eye(4))
