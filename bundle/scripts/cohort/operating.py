"""Operating points of a task: sensitivity, specificity and predictive values where a threshold is.

A *predictive value* is the share of ill regions among those above the threshold (positive, PPV), or of healthy ones
among the others (negative, NPV). It depends on the *prevalence*, the share of ill regions where the scores are used,
which a list made for an evaluation does not have; so it is reckoned from sensitivity and specificity by Bayes' theorem.
Intervals of both are those of Clopper and Pearson, in which the items of a case count as one; those of predictive
values come from their ends, and are therefore wide rather than narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..statistics.standing import clopper_pearson

PREVALENCES = (0.06, 0.15, 0.30)
"""Prevalences for which predictive values are reported."""

Interval = tuple[float, float]


class Judged(Protocol):
    """An item: its case and whether it is anomalous."""

    @property
    def case(self) -> str:
        """The case's name."""

    @property
    def label(self) -> bool:
        """True if it is anomalous."""


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float | None, float | None]:
    """PPV and NPV (0 to 1) by sensitivity, specificity and prevalence (0 to 1); None where nothing is on that side."""
    found, missed = sensitivity * prevalence, (1 - sensitivity) * prevalence
    cleared, alarmed = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    positive = found / (found + alarmed) if found + alarmed else None
    return positive, cleared / (cleared + missed) if cleared + missed else None


def operating_point(items: Sequence[Judged], above: Sequence[bool]) -> dict[str, Any] | None:
    """Sensitivity, specificity and predictive values of items of which some are above; None without both kinds."""
    ill = [(item.case, over) for item, over in zip(items, above, strict=True) if item.label]
    healthy = [(item.case, not over) for item, over in zip(items, above, strict=True) if not item.label]
    if not ill or not healthy:
        return None
    (sensitivity, low, high), (specificity, lower, upper) = _share(ill), _share(healthy)
    return {
        "sensitivity": sensitivity,
        "sensitivity_95": [low, high],
        "specificity": specificity,
        "specificity_95": [lower, upper],
        "predictive_values": {
            f"{prevalence:.2f}": _values((sensitivity, low, high), (specificity, lower, upper), prevalence)
            for prevalence in PREVALENCES
        },
    }


def _share(outcomes: Sequence[tuple[str, bool]]) -> tuple[float, float, float]:
    """The share of outcomes that are right, with its interval; each is of a case."""
    right, per_case = sum(one for _, one in outcomes), len(outcomes) / len({case for case, _ in outcomes})
    low, high = clopper_pearson(right / per_case, len(outcomes) / per_case)
    return right / len(outcomes), low, high


def _values(
    sensitivity: tuple[float, float, float], specificity: tuple[float, float, float], prevalence: float
) -> dict[str, Any]:
    """Predictive values at a prevalence with their intervals; both are value, lower and upper end."""
    (ppv, npv), (ppv_low, npv_low), (ppv_high, npv_high) = (
        predictive_values(one, other, prevalence) for one, other in zip(sensitivity, specificity, strict=True)
    )
    return {"ppv": ppv, "ppv_95": [ppv_low, ppv_high], "npv": npv, "npv_95": [npv_low, npv_high]}
