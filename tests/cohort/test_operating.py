"""Operating points: by counting heads of a population, and where one kind is missing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from scripts.cohort.operating import operating_point, predictive_values
from scripts.statistics.standing import clopper_pearson


@dataclass(frozen=True)
class Judged:
    case: str
    label: bool


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "prevalence"), [(0.8, 0.9, 0.06), (0.5, 0.95, 0.3), (1, 1, 0.15)]
)
def test_predictive_values_are_shares_of_a_population(
    sensitivity: float, specificity: float, prevalence: float
) -> None:
    people = 100_000
    ill = people * prevalence
    healthy, found = people - ill, ill * sensitivity
    alarms = healthy * (1 - specificity)
    ppv, npv = predictive_values(sensitivity, specificity, prevalence)
    assert ppv == pytest.approx(found / (found + alarms))
    assert npv == pytest.approx((healthy - alarms) / (people - found - alarms))


def test_without_anything_above_there_is_no_positive_value() -> None:
    assert predictive_values(0, 1, 0.15) == (None, pytest.approx(0.85))
    assert predictive_values(1, 0, 0.15) == (pytest.approx(0.15), None)


def test_a_point_counts_items_and_its_intervals_cases() -> None:
    items = [Judged(f"ill {n}", True) for n in range(4)] + [Judged(f"healthy {n // 2}", False) for n in range(20)]
    above = [True, True, True, False, *(n < 2 for n in range(20))]
    point = operating_point(items, above)
    assert point is not None
    assert (point["sensitivity"], point["specificity"]) == (0.75, 0.9)
    assert point["sensitivity_95"] == pytest.approx(clopper_pearson(3, 4))
    assert point["specificity_95"] == pytest.approx(clopper_pearson(9, 10))
    values = point["predictive_values"]["0.15"]
    assert values["ppv"] == pytest.approx(0.75 * 0.15 / (0.75 * 0.15 + 0.1 * 0.85))
    assert values["ppv_95"][0] < values["ppv"] < values["ppv_95"][1]
    assert values["npv_95"][0] < values["npv"] < values["npv_95"][1]
    assert list(point["predictive_values"]) == ["0.06", "0.15", "0.30"]


def test_one_kind_alone_has_no_point() -> None:
    assert operating_point([Judged("one", True)], [True]) is None
    assert operating_point([Judged("one", False)], [True]) is None
    assert operating_point([], []) is None
