"""Reading the scores of a cohort for the table, and refusing those that do not belong together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cohort.register import facts_of
from cohort.score import METHODS, REGISTERED, SCORING, registered_files

OPTIONS = {"ours": "--weights FILE", "published": "--published FILE", "autoencoder": "--autoencoder FILE", "hu": ""}
"""The option that names a method's network."""

Contents = dict[str, dict[str, Any]]
"""Name of a scan -> content of its file of scores."""


class NotScored(ValueError):
    """Scores are missing, or made of something else than the others."""


def methods_of(cohort: Path) -> list[str]:
    """The methods by which some scan of a cohort is scored.

    Raises:
        NotScored: there is none.
    """
    found = [method for method in METHODS if list((cohort / "scores" / method).glob("*.json"))]
    if not found:
        raise NotScored(f"{cohort} holds no scores yet: run the stage `score` first")
    return found


def scored_scans(cohort: Path, calibration: Path, methods: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """The scans of a cohort, and the healthy ones of the calibration cohort, each with the scores of all methods.

    Raises:
        NotScored: scores are missing, or not all made of the same features and the same calibration scans.
    """
    for method in methods:
        if calibration != cohort:
            _check(calibration, calibration, method, _command(calibration, "", method), healthy_only=True)
        _check(cohort, calibration, method, _command(cohort, str(calibration), method))
        _check_features([cohort, calibration], method, _command(cohort, str(calibration), method))
    return _joined(cohort, methods, healthy=False), _joined(calibration, methods, healthy=True)


def details_of(cohort: Path, method: str) -> dict[str, Any]:
    """The details of a method, as written by `score`.

    Raises:
        NotScored: there is nothing, or it is about other features than the scores.
    """
    path = cohort / "scores" / f"{method}.json"
    details: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    if {details.get("features")} != {content["made_of"]["features"] for content in _contents(cohort, method).values()}:
        raise NotScored(f"{path} does not belong to the scores: run `{_command(cohort, 'OTHER', method)}`")
    return details


def _command(cohort: Path, calibration: str, method: str) -> str:
    """The command that scores a cohort by a method."""
    words = ["python benchmarks/detection.py score", str(cohort), f"--methods {method}", OPTIONS[method]]
    return " ".join(word for word in (*words, f"--calibration {calibration}" if calibration else "") if word)


def _contents(cohort: Path, method: str) -> Contents:
    paths = sorted((cohort / "scores" / method).glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def _check(cohort: Path, calibration: Path, method: str, command: str, healthy_only: bool = False) -> None:
    """Refuse a cohort of which a scan has no scores, or scores by other calibration scans."""
    found = _contents(cohort, method)
    wanted = registered_files(cohort)
    if healthy_only:
        wanted = [path for path in wanted if facts_of(path)["truth"]["lesion"] is None]
    missing = [path.stem for path in wanted if path.stem not in found]
    if missing:
        raise NotScored(
            f"{cohort} lacks {len(missing)} scores of {method}, first that of {missing[0]}: run `{command}`"
        )
    healthy = {
        name: content["made_of"].get(REGISTERED)
        for name, content in _contents(calibration, method).items()
        if content["truth"]["lesion"] is None
    }
    for name, content in found.items():
        made_of = content["made_of"]
        if made_of.get("scoring") != SCORING or made_of["calibration"] != healthy:
            raise NotScored(
                f"{cohort}: the scores of {name} by {method} are not made of the healthy scans in {calibration} as "
                f"they are scored now: run `{command}`"
            )


def _check_features(cohorts: Sequence[Path], method: str, command: str) -> None:
    """Refuse scores of other weights, strides or windows beside one another."""
    features = {content["made_of"]["features"] for cohort in cohorts for content in _contents(cohort, method).values()}
    if len(features) > 1:
        raise NotScored(
            f"the scores of {method} are made of different features, {' and '.join(sorted(features))}: run the stage "
            f"`score` on both cohorts with the same weights and stride, `{command}` and `score {cohorts[-1]}`"
        )


def _joined(cohort: Path, methods: Sequence[str], healthy: bool) -> list[dict[str, Any]]:
    """The scans of a cohort with the scores of all methods, in the order of their names."""
    found: Contents = {}
    there = {path.stem for path in registered_files(cohort)}
    for method in methods:
        for name, content in _contents(cohort, method).items():
            if name in there and not (healthy and content["truth"]["lesion"] is not None):
                scan = found.setdefault(name, {**content, "scores": {}})
                scan["scores"] |= content["scores"]
    return list(found.values())
