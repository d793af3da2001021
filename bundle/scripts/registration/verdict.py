"""The verdict on a pose, and all its limits: is the pose right, and is it the pose of an adult's head?

A *grade* compares one or two measurements of the *quality* of a pose (see `quality`) with their limits: the pose
*passes*, is *tolerable*, or neither. If all grades pass, the verdict is "pass"; if all are at least tolerable,
"review"; otherwise "fail".

Level and peak of the brain decide if the pose is right; each detects errors that the other misses. Symmetry, NCC and
bone distance are reported but not judged: as limits, they refused right poses of heads with uneven skulls. The
agreement of the coarse network only allows larger rotations. The measurements of `plausibility`, the overlap and a
least level of the brain decide if there is a head at all. No number reliably detects an error below 10 mm, nor a
left-right mirrored scan.
"""

from __future__ import annotations

from typing import NamedTuple

from .quality import Quality

PASS_LEVEL, REVIEW_LEVEL = 0.62, 0.55
"""Smallest levels: right poses have 0.66 to 0.88 (0.53 with a bleed of 195 ml), most wrong ones 0.56 at most.

These limits and those of the peak were chosen on the heads of two simulators; see docs/design.md.
"""

PASS_PEAK, REVIEW_PEAK = -0.02, -0.05
"""Smallest peaks: below the first, a nearby pose may fit better; below the second, it does."""

SURE_LEVEL = 0.65
"""Smallest level at which a pose below the second limit of the peak is for review rather than refused."""

HEAD_LEVEL = 0.35
"""Smallest level of a head: bodies, phantoms, noise and shuffled slices have 0.24 at most."""

PASS_ROTATION_DEG, REVIEW_ROTATION_DEG = 45.0, 65.0
"""Largest rotations against the header: nothing was measured beyond the first; the second is improbable."""

TURNED_AGREEMENT = 0.45
"""Smallest agreement of the coarse network at which any rotation against the header is for review, not refused."""

SCALE = (0.8, 1.2)
"""Range of the head size relative to the reference; outside it a pose is for review (a child, or a wrong spacing)."""

OVERLAP = 0.35
"""Smallest share of the head in the field of view."""

UPSIDE_DOWN_DEG = 120.0
"""Largest tipped angle; beyond it the head is upside down. A head on its side has 90 degrees."""

PASS_BRAIN, REVIEW_BRAIN = 0.88, 0.75
"""Smallest shares of the brain in view: a head cut at vertex and orbits has 0.9, half a head 0.5 to 0.72."""

PASS_BRAIN_HU, REVIEW_BRAIN_HU = (15.0, 55.0), (0.0, 70.0)
"""Ranges of the median HU inside the skull: usually 25 to 40; wide sulci, contrast or calibration shift it by 10."""

PASS_ML, REVIEW_ML = (950.0, 2000.0), (850.0, 2300.0)
"""Ranges of the intracranial volume: adults have 1000 to 1900 ml; at 0.75 of the size they would have 420 to 800."""

PASS_DISTORTION, REVIEW_DISTORTION = 1.18, 1.23
"""Largest distortions: people have 1.05 to 1.15; slices at 0.75 of their distance turn 1.07 into 1.29."""


class Grade(NamedTuple):
    """The result of one check: pass or not, tolerable or not, and the finding as text."""

    passes: bool
    tolerable: bool
    text: str


class Verdict(NamedTuple):
    """The verdict "pass", "review" or "fail", the reasons for the latter two, and True if a head was recognised.

    With "fail" and a recognised head, only the pose could not be confirmed.
    """

    verdict: str
    reasons: tuple[str, ...]
    head: bool


def judge(quality: Quality) -> Verdict:
    """The verdict on a pose of this quality."""
    about_head, about_pose = head_grades(quality), pose_grades(quality)
    grades = about_head + about_pose
    failures = tuple(grade.text for grade in grades if not grade.tolerable)
    doubts = tuple(grade.text for grade in grades if not grade.passes)
    head = all(grade.tolerable for grade in about_head) and quality["level"] >= HEAD_LEVEL
    return Verdict("fail" if failures else "review" if doubts else "pass", failures or doubts, head)


def pose_grades(quality: Quality) -> tuple[Grade, ...]:
    """The grades that decide if the pose is right."""
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


def head_grades(quality: Quality) -> tuple[Grade, ...]:
    """The grades that decide if there is an adult's head at the pose, upright, whole and in HU."""
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
    """The grade of a number that must lie between two limits; NaN fails."""
    return Grade(good[0] <= value <= good[1], tolerable[0] <= value <= tolerable[1], words.format(value, *good))
