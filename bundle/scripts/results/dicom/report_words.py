"""The words of the report: the scores in a sentence, and what the places and groups are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...preprocessing.regions import REGIONS

HEALTHY = {"skull": "healthy skulls"}
"""Words for what a region's score was compared with; hemispheres where it says nothing else."""

SHORT = {"left_hemisphere": "L", "right_hemisphere": "R"}


def region_name(region: str) -> str:
    """A region as it is named: "Right hemisphere"."""
    return region.replace("_", " ").capitalize()


def number(value: float) -> str:
    """A score as it is written, with one digit behind the point."""
    return f"{value:.1f}"


def excess(result: Mapping[str, Any], region: str) -> float:
    """The score of a region over its threshold; 0 where either is unknown."""
    score, limit = result["scores"].get(region), result["score_details"].get(region, {}).get("threshold")
    return float(score) / float(limit) if score is not None and limit else 0.0


def by_excess(result: Mapping[str, Any]) -> list[str]:
    """The regions, the most unusual one first."""
    return sorted(REGIONS, key=lambda region: -excess(result, region))


def scores_in_words(result: Mapping[str, Any]) -> str:
    """The scores in one sentence: "Right hemisphere 12.4, threshold 2.7, above all 66 healthy hemispheres; …"."""
    return "; ".join(region_in_words(result, region) for region in by_excess(result)) + "."


def region_in_words(result: Mapping[str, Any], region: str) -> str:
    """The score of one region in words."""
    score, numbers = result["scores"].get(region), result["score_details"].get(region, {})
    if score is None:
        return f"{region_name(region)} without a score"
    words = [f"{region_name(region)} {number(score)}"]
    if numbers.get("threshold") is not None:
        words.append(f"threshold {number(numbers['threshold'])}")
    below, count = numbers.get("healthy_below"), numbers.get("healthy_scores")
    if count:
        share = f"all {count}" if below == count else f"{below} of {count}"
        words.append(f"above {share} {HEALTHY.get(region, 'healthy hemispheres')}")
    return ", ".join(words)


def scores_in_short(result: Mapping[str, Any]) -> str:
    """The scores of both hemispheres for a list of series, the higher one first: "Scores R 12.4, L 0.9"."""
    scores = result["scores"]
    known = [region for region in by_excess(result) if scores.get(region) is not None and region in SHORT]
    words = ", ".join(f"{SHORT[region]} {number(scores[region])}" for region in known)
    return f"Scores {words}" if known else "No scores"
