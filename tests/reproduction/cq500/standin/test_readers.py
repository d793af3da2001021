"""Three simulated readers: they see most of what is there, disagree now and then, and mark what belongs together."""

from __future__ import annotations

import numpy as np
import pytest

from reproduction.cq500.agreement import fleiss_kappa
from reproduction.cq500.reads import LABELS, SUBTYPES
from reproduction.cq500.standin.readers import read_scan

LEFT_SUBDURAL = {"ICH", "SDH", "BleedLocation-Left"}


def marks(truth: set[str], label: str, scans: int = 2000) -> np.ndarray:
    """Marks (scans, 3) of a label in scans of the same truth."""
    rng = np.random.default_rng(1)
    return np.array([read_scan(truth, rng)[:, LABELS.index(label)] for _ in range(scans)])


def test_marks_follow_from_the_generator() -> None:
    first, again = (read_scan(LEFT_SUBDURAL, np.random.default_rng(5)) for _ in range(2))
    assert first.shape == (3, 14)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("label", "low", "high"), [("SDH", 0.84, 0.96), ("BleedLocation-Left", 0.8, 0.97)])
def test_most_of_what_is_there_is_seen_by_each(label: str, low: float, high: float) -> None:
    shares = marks(LEFT_SUBDURAL, label).mean(axis=0)
    assert (shares > low).all()
    assert (shares < high).all()
    assert shares[0] > shares[2], "the third reader is less skilled"


def test_a_healthy_scan_is_mostly_left_alone() -> None:
    rng = np.random.default_rng(2)
    touched = np.mean([read_scan(set(), rng).any() for _ in range(2000)])
    assert 0.05 < touched < 0.2


def test_readers_agree_by_far_more_than_chance_and_not_always() -> None:
    rng = np.random.default_rng(3)
    scans = [read_scan(LEFT_SUBDURAL if k % 3 == 0 else set(), rng)[:, LABELS.index("ICH")] for k in range(600)]
    kappa = fleiss_kappa(np.array(scans))
    assert kappa is not None
    assert 0.7 < kappa < 0.9


def test_an_epidural_bleed_is_sometimes_taken_for_a_subdural_one() -> None:
    taken = marks({"ICH", "EDH", "BleedLocation-Right"}, "SDH").mean()
    assert 0.05 < taken < 0.15


@pytest.mark.parametrize(
    "truth", [set(), LEFT_SUBDURAL, {"ICH", "IPH", "BleedLocation-Right", "Fracture", "CalvarialFracture"}]
)
def test_what_belongs_together_is_marked_together(truth: set[str]) -> None:
    rng, seen = np.random.default_rng(4), 0
    for _ in range(700):
        for row in read_scan(truth, rng):
            found = {label for label, mark in zip(LABELS, row, strict=True) if mark}
            assert ("ICH" in found) == bool(found & {*SUBTYPES, "ChronicBleed"})
            assert ("ICH" in found) == any(label.startswith("BleedLocation") for label in found)
            assert ("Fracture" in found) == bool(found & {"CalvarialFracture", "OtherFracture"})
            seen += bool(found)
    assert seen
