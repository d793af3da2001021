"""Heads that are whole, upright, in HU and as large as people's pass; each thing that is wrong moves its own number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic_head import analytic_head
from geometries import rotation
from numpy.typing import NDArray

from scripts.registration.plausibility import PlausibilityTarget, plausibility, plausibility_target, stretched
from scripts.registration.score import HeadImage, head_image, level
from scripts.registration.verdict import head_grades

Array = NDArray[np.float64]
GRID = np.diag([2.0, 2.0, 2.0, 1.0])
GRID[:3, 3] = -100.0
SHAPE = (101, 116, 101)
CASE_ML = 4 / 3 * np.pi * 67 * 85 * 73 / 1000
GOOD = {"tipped_deg": 20.0, "brain_in_view": 1.0, "brain_hu": 32.0, "intracranial_ml": 1450.0, "distortion": 1.06}
GOOD |= {"scale": 1.0, "overlap": 0.9}


def ellipsoid(radii_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Mask of an ellipsoid in the middle of the analytic head."""
    points = np.moveaxis(np.indices(SHAPE), 0, -1) * 2.0 - 100.0
    return np.asarray(((points / radii_mm) ** 2).sum(axis=-1) < 1)


@pytest.fixture(scope="module")
def head() -> HeadImage:
    """The analytic head at 2 mm."""
    return head_image(analytic_head(SHAPE, GRID), np.ones(SHAPE, bool), GRID)


@pytest.fixture(scope="module")
def target(head: HeadImage) -> PlausibilityTarget:
    """The analytic head as reference."""
    return plausibility_target(head, ellipsoid((80, 98, 86)), ellipsoid((63, 81, 69)), CASE_ML)


def test_the_head_itself_is_plausible(head: HeadImage, target: PlausibilityTarget) -> None:
    found = plausibility(np.eye(4), 1.0, target, head)
    assert found["tipped_deg"] == 0.0
    assert found["brain_in_view"] == 1.0
    assert found["brain_hu"] == pytest.approx(34, abs=5)
    assert found["intracranial_ml"] == pytest.approx(CASE_ML, rel=0.02)
    assert found["distortion"] == pytest.approx(1.0, abs=0.01)
    assert all(good for good, _, _ in head_grades({**found, "scale": 1.0, "overlap": 0.9}))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("unknown", [True, False])
def test_half_a_head_is_half_a_brain(head: HeadImage, target: PlausibilityTarget, axis: int, unknown: bool) -> None:
    keep = np.moveaxis(np.indices(SHAPE), 0, -1)[..., axis] < 50
    cut = replace(head, known=keep) if unknown else replace(head, head=head.head & keep)
    found = plausibility(np.eye(4), 1.0, target, cut)
    assert found["brain_in_view"] == pytest.approx(0.5, abs=0.03)
    assert "of the brain in view, should be 88%" in failures(found)


def test_a_pose_beyond_the_scan_shows_no_brain(head: HeadImage, target: PlausibilityTarget) -> None:
    far = np.eye(4)
    far[0, 3] = 500.0
    found = plausibility(far, 1.0, target, head)
    assert found["brain_in_view"] == 0.0
    assert np.isnan(found["brain_hu"])
    assert "brain of nan HU" in failures(found)


@pytest.mark.parametrize(
    ("factors", "distortion"), [((0.75, 0.75, 0.75), 1.0), ((1, 1, 0.75), 1.33), ((1, 1.2, 1), 1.2)]
)
def test_a_wrong_spacing_is_measured(
    head: HeadImage, target: PlausibilityTarget, factors: tuple[float, float, float], distortion: float
) -> None:
    """From the pose that a search with one scale would find: the geometric mean."""
    matrix = np.diag([*factors, 1.0])
    scale = float(np.cbrt(np.prod(factors)))
    wrong = replace(head, affine=matrix @ head.affine)
    found = plausibility(np.diag([scale] * 3 + [1.0]), scale, target, wrong)
    assert found["distortion"] == pytest.approx(distortion, abs=0.03)
    assert found["intracranial_ml"] == pytest.approx(CASE_ML * np.prod(factors), rel=0.05)


def test_the_stretch_is_along_the_axes_of_the_reference(head: HeadImage, target: PlausibilityTarget) -> None:
    pose = np.eye(4)
    pose[:3, :3] = rotation(25, 10, -15)
    longer = pose @ np.diag([1.0, 1.0, 1.15, 1.0])
    turned = replace(head, affine=longer @ head.affine)
    assert not np.allclose(turned.affine[:3, :3], np.diag(np.diag(turned.affine)[:3]))
    factors = stretched(pose, target.case, level_of(turned))
    np.testing.assert_allclose(factors, [1.0, 1.0, 1.15], atol=0.03)


def level_of(image: HeadImage) -> object:
    """The image at the resolution of the stretch; its grid may be oblique here."""
    at = level(replace(image, affine=GRID), 6.0)
    return replace(at, affine=image.affine @ np.linalg.inv(GRID) @ at.affine)


@pytest.mark.parametrize(
    ("turn", "tipped"), [((180, 0, 0), 180), ((0, 90, 0), 90), ((0, 0, 170), 0), ((30, 0, 90), 30)]
)
def test_tipped_is_what_the_vertical_axis_is(
    head: HeadImage, target: PlausibilityTarget, turn: tuple[float, float, float], tipped: float
) -> None:
    pose = np.eye(4)
    pose[:3, :3] = 1.1 * rotation(*turn)
    assert plausibility(pose, 1.1, target, head)["tipped_deg"] == pytest.approx(tipped, abs=1e-4)


def test_a_shift_of_the_hu_is_seen(head: HeadImage, target: PlausibilityTarget) -> None:
    shifted = replace(head, hu=head.hu + np.float32(50))
    assert "brain of" in failures(plausibility(np.eye(4), 1.0, target, shifted))


def failures(numbers: dict[str, float]) -> str:
    """What is not tolerable."""
    return "; ".join(
        text for _, tolerable, text in head_grades({**numbers, "scale": 1.0, "overlap": 0.9}) if not tolerable
    )


@pytest.mark.parametrize(
    ("change", "grade", "reason"),
    [
        ({"tipped_deg": 100.0}, "pass", ""),
        ({"tipped_deg": 150.0}, "fail", "upside down by its header, 150 degrees"),
        ({"brain_in_view": 0.8}, "review", "80% of the brain in view, should be 88%"),
        ({"brain_in_view": 0.6}, "fail", "60% of the brain in view"),
        ({"brain_hu": 60.0}, "review", "brain of 60 HU, should be 15 to 55"),
        ({"brain_hu": -60.0}, "fail", "brain of -60 HU"),
        ({"brain_hu": 90.0}, "fail", "brain of 90 HU"),
        ({"intracranial_ml": 900.0}, "review", "intracranial volume 900 ml, should be 950 to 2000"),
        ({"intracranial_ml": 610.0}, "fail", "intracranial volume 610 ml"),
        ({"intracranial_ml": 3500.0}, "fail", "intracranial volume 3500 ml"),
        ({"distortion": 1.2}, "review", "one side 1.20 times as long"),
        ({"distortion": 1.35}, "fail", "is the distance of the slices right"),
    ],
)
def test_grades(change: dict[str, float], grade: str, reason: str) -> None:
    doubtful = [(tolerable, text) for good, tolerable, text in head_grades({**GOOD, **change}) if not good]
    assert len(doubtful) == (grade != "pass")
    for tolerable, text in doubtful:
        assert tolerable == (grade == "review")
        assert reason in text
