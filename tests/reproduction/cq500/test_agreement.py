"""Kappa and the readers' AUROC against tables computed by hand, and against a slow count of pairs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from label_tables import reads_of

from reproduction.cq500.agreement import agreement, agreement_table, fleiss_kappa, reader_auroc


def by_pairs(marks: list[list[int]]) -> Fraction:
    """Kappa from its words: the share of pairs of readers who agree, against that of two marks drawn at random."""
    readers = len(marks[0])
    agree = sum(row[a] == row[b] for row in marks for a in range(readers) for b in range(readers) if a != b)
    observed = Fraction(agree, len(marks) * readers * (readers - 1))
    p = Fraction(sum(map(sum, marks)), len(marks) * readers)
    chance = p * p + (1 - p) * (1 - p)
    return (observed - chance) / (1 - chance)


def test_kappa_of_a_table_computed_by_hand() -> None:
    """Agreement 1, 1, 1/3, 1, mean 5/6; 5 of 12 marked, by chance 74/144: kappa = (120 - 74) / (144 - 74)."""
    marks = [[1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert fleiss_kappa(marks) == pytest.approx(23 / 35)
    assert by_pairs(marks) == Fraction(23, 35)


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_what_counting_pairs_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    marks = (rng.random((9, 2 + seed)) < 0.4).astype(int)
    marks[0], marks[1] = 0, 1
    assert fleiss_kappa(marks) == pytest.approx(float(by_pairs(marks.tolist())))


def test_kappa_is_one_where_all_agree_and_below_zero_where_nobody_does() -> None:
    assert fleiss_kappa([[1, 1, 1], [0, 0, 0]]) == pytest.approx(1)
    assert fleiss_kappa([[1, 0], [0, 1]]) == pytest.approx(-1)


@pytest.mark.parametrize("value", [0, 1])
def test_kappa_of_marks_that_are_all_the_same_is_none(value: int) -> None:
    assert fleiss_kappa(np.full((5, 3), value)) is None


@pytest.mark.parametrize("marks", [np.zeros((0, 3)), np.zeros((4, 1)), np.zeros(4)])
def test_kappa_needs_scans_and_readers(marks: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"1 or more and 2 or more, got shape \(\d"):
        fleiss_kappa(marks)


def test_a_readers_auroc_is_the_mean_of_sensitivity_and_specificity() -> None:
    """Two of three positives seen, one of four negatives marked: (2/3 + 3/4) / 2."""
    vote = [1, 1, 1, 0, 0, 0, 0]
    assert reader_auroc([1, 1, 0, 1, 0, 0, 0], vote) == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert reader_auroc(vote, vote) == 1
    assert reader_auroc([0] * 7, vote) == 0.5


@pytest.mark.parametrize("vote", [[0, 0], [1, 1]])
def test_without_both_votes_a_reader_has_no_auroc(vote: list[int]) -> None:
    assert reader_auroc([0, 1], vote) is None


def test_the_table_says_for_each_label_what_was_computed_and_what_is_not_defined() -> None:
    reads = reads_of({0: {"ICH": "123"}, 1: {}, 2: {"ICH": "12"}, 3: {"OtherFracture": "1"}})
    found = {row.label: row for row in agreement(reads)}
    assert found["ICH"].positives == 2
    assert found["ICH"].kappa == pytest.approx(23 / 35)
    assert found["ICH"].aurocs == (1, 1, 0.75)
    assert found["OtherFracture"].positives == 0
    assert found["OtherFracture"].kappa == pytest.approx(-1 / 11)
    assert found["OtherFracture"].aurocs == (None, None, None)
    lines = agreement_table(agreement(reads, ("ICH", "OtherFracture", "EDH"))).markdown().splitlines()
    assert lines[2:5] == [
        "| ICH | 2 | 0.657 | 1.000 | 1.000 | 0.750 |",
        "| OtherFracture | 0 | -0.091 | - | - | - |",
        "| EDH | 0 | - | - | - | - |",
    ]
    assert lines[-1].startswith("-: not defined, as all marks")
    assert "not defined" not in agreement_table(agreement(reads, ("ICH",))).markdown()
