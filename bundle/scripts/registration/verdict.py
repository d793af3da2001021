"""Is a pose right, and does the head of an adult lie at it? All limits, and the verdict.

What is measured at a pose is its *quality*: numbers by name, from `brain_level`, `checks`, `plausibility` and
`robust_fit.agreement`. A *grade* compares one or two of them with their limits: a pose *passes*, it is *tolerable*, or
neither. All grades pass: the verdict is "pass". All are tolerable: "review". Else "fail".

Level and peak of the brain say whether the pose is right; each covers what the other misses. Symmetry, the correlation
of the whole head, the distance of the skulls and the agreement of the coarse network are reported and judge no pose:
they refused right poses of heads with uneven skulls. What `plausibility` measures, how much of the head is in view, and
some likeness of the brain say whether a head lies there at all. No number sees an error below 10 mm for sure, nor a
left-right mirrored scan.
"""

from __future__ import annotations

from typing import NamedTuple

PASS_LEVEL, REVIEW_LEVEL = 0.62, 0.55
"""Levels of the brain: right poses have 0.66 to 0.88, with a bleed of 195 ml 0.53; wrong ones 0.56 at most, as a rule.

These and the limits of the peak were chosen on the heads of two simulators; see docs/design.md.
"""

PASS_PEAK, REVIEW_PEAK = -0.02, -0.05
"""Peaks: by more than the first, a pose nearby fits better; by more than the second, the pose is not the best one."""

SURE_LEVEL = 0.65
"""From this level on a pose that is no peak is for review, and not refused."""

HEAD_LEVEL = 0.35
"""Below this level there is no sign of a brain: bodies, phantoms, noise and shuffled slices have 0.24 at most."""

PASS_ROTATION_DEG, REVIEW_ROTATION_DEG = 45.0, 65.0
"""Rotations against the orientation in the header: nothing was measured beyond the first; the second is improbable."""

TURNED_AGREEMENT = 0.45
"""Agreement of the coarse network from which a head may be turned against its header by any angle, for review."""

SCALE = (0.8, 1.2)
"""Head sizes relative to the reference beyond which a pose is for review (a child, or a wrong spacing)."""

OVERLAP = 0.35
"""Share of the head that must lie in the field of view."""

UPSIDE_DOWN_DEG = 120.0
"""Tipped farther than this is upside down, from whatever side one looks; lying on a side is 90."""

PASS_BRAIN, REVIEW_BRAIN = 0.88, 0.75
"""Shares of the brain in view; a head cut at the vertex and at the orbits has 0.9, half a head 0.5 to 0.72."""

PASS_BRAIN_HU, REVIEW_BRAIN_HU = (15.0, 55.0), (0.0, 70.0)
"""Median HU inside the skull: 25 to 40 as a rule; wide sulci, contrast agent and calibration move it by 10."""

PASS_ML, REVIEW_ML = (950.0, 2000.0), (850.0, 2300.0)
"""Intracranial volumes: adults have 1000 to 1900 ml; 0.75 of the size is 0.42 of the volume, 420 to 800 ml."""

PASS_DISTORTION, REVIEW_DISTORTION = 1.18, 1.23
"""Largest over smallest size: 1.05 to 1.15 between people; slices at 0.75 of their distance make 1.29 of 1.07."""


class Grade(NamedTuple):
    """Of one check: whether the pose passes, whether it is tolerable, and what was seen, in words."""

    passes: bool
    tolerable: bool
    text: str


class Verdict(NamedTuple):
    """The verdict "pass", "review" or "fail"; for the latter two the reasons; and whether a head was recognised.

    Where a verdict of "fail" says that there is a head, only its pose could not be confirmed.
    """

    verdict: str
    reasons: tuple[str, ...]
    head: bool


def judge(quality: dict[str, float]) -> Verdict:
    """The verdict on a pose of this quality."""
    about_head, about_pose = head_grades(quality), pose_grades(quality)
    grades = about_head + about_pose
    failures = tuple(grade.text for grade in grades if not grade.tolerable)
    doubts = tuple(grade.text for grade in grades if not grade.passes)
    head = all(grade.tolerable for grade in about_head) and quality["level"] >= HEAD_LEVEL
    return Verdict("fail" if failures else "review" if doubts else "pass", failures or doubts, head)


def pose_grades(quality: dict[str, float]) -> tuple[Grade, ...]:
    """The grades that say whether the pose is right."""
    level, peak, turned = quality["level"], quality["peak"], quality["rotation_deg"]
    agreed = quality.get("inlier_fraction", 0.0)
    return (
        Grade(
            level >= PASS_LEVEL,
            level >= REVIEW_LEVEL,
            f"the brain there matches the reference to {level:.2f}, should be {PASS_LEVEL}",
        ),
        Grade(
            peak >= PASS_PEAK,
            peak >= REVIEW_PEAK or level >= SURE_LEVEL,
            f"it matches better by {-peak:.2f} some 8 mm away, should be {-PASS_PEAK} at most",
        ),
        Grade(
            turned <= PASS_ROTATION_DEG,
            turned <= REVIEW_ROTATION_DEG or agreed >= TURNED_AGREEMENT,
            f"turned by {turned:.0f} degrees, should be {PASS_ROTATION_DEG:.0f}",
        ),
    )


def head_grades(quality: dict[str, float]) -> tuple[Grade, ...]:
    """The grades that say whether the head of an adult lies at the pose, upright, whole and in HU."""
    tipped, seen, density = quality["tipped_deg"], quality["brain_in_view"], quality["brain_hu"]
    volume, distortion, (low, high) = quality["intracranial_ml"], quality["distortion"], SCALE
    size, overlap, upright = quality["scale"], quality["overlap"], tipped <= UPSIDE_DOWN_DEG
    return (
        Grade(upright, upright, f"upside down by its header, {tipped:.0f} degrees: left and right can't be told"),
        Grade(seen >= PASS_BRAIN, seen >= REVIEW_BRAIN, f"{seen:.0%} of the brain in view, should be {PASS_BRAIN:.0%}"),
        _within(density, PASS_BRAIN_HU, REVIEW_BRAIN_HU, "brain of {:.0f} HU, should be {:.0f} to {:.0f}"),
        _within(volume, PASS_ML, REVIEW_ML, "intracranial volume {:.0f} ml, should be {:.0f} to {:.0f}"),
        Grade(
            distortion <= PASS_DISTORTION,
            distortion <= REVIEW_DISTORTION,
            f"one side {distortion:.2f} times as long as another against the reference head, should be "
            f"{PASS_DISTORTION}: is the distance of the slices right?",
        ),
        Grade(low <= size <= high, True, f"head size {size:.2f} of the reference, should be {low} to {high}"),
        Grade(
            overlap >= OVERLAP,
            overlap >= OVERLAP,
            f"{overlap:.0%} of the head in the field of view, should be {OVERLAP:.0%}",
        ),
    )


def _within(value: float, good: tuple[float, float], tolerable: tuple[float, float], words: str) -> Grade:
    """The grade of a number that has to lie between two limits; NaN does not."""
    return Grade(good[0] <= value <= good[1], tolerable[0] <= value <= tolerable[1], words.format(value, *good))
