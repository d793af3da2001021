"""Stage 3, first: the scores of each method for each registered scan.

A *method* is one of `features.METHODS`. Its normative comes from healthy scans of a *calibration cohort*, which may be
the cohort itself: a scan is compared with scans of other anatomies only. One file for each scan and method has the
scores of each region ("maximum", "percentile_99", "top_1_percent_mean"), and the average precision of the map's voxels:
for lesions of the brain in both hemispheres, for fractures in the skull, swelling left out. All maps are compared with
the lesion on every second voxel: finer maps are subsampled, coarser ones interpolated linearly.

Scores are kept in files, as are features (see `features`), and made again when the registered scan, the healthy scans
or the features have changed, so that scores that stand beside one another always belong together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from cohort import maps
from cohort.features import REGISTERED, Settings, read_features, registered_files
from cohort.maps import Features, Maps
from cohort.register import Registered, load
from scripts.anomaly.normative import ASYMMETRY, RESIDUAL, Normative, NormativeStatistics, anomaly_map, on_grid
from scripts.anomaly.scores import known_scores, region_scores
from scripts.assets import sha256
from scripts.preprocessing.regions import LEFT_HEMISPHERE, REGIONS, RIGHT_HEMISPHERE, SKULL, WHOLE_COVERAGE
from scripts.simulation.lesions.planting import FRACTURES

SCORES = {
    "ours": ("ours raw", "ours calibrated", "ours calibrated, position", "ours calibrated, asymmetry"),
    "published": ("published raw",),
    "autoencoder": ("autoencoder filtered",),
    "hu": ("HU z-score", "HU smoothed"),
}
"""The maps of each method."""

DISTANCES: dict[str, maps.Distance] = {
    "ours calibrated": anomaly_map,
    "ours calibrated, position": maps.distance_of(RESIDUAL),
    "ours calibrated, asymmetry": maps.distance_of(ASYMMETRY),
}
"""Recipes of the calibrated maps, from features."""

CALIBRATED = ("ours", "hu")
"""Methods with a normative."""

LESION, SWELLING = 1, 2
"""Values of a lesion's mask."""

GRID = 2
"""Voxels between the places at which maps are compared with lesions."""

SCORING = 7
"""Format of a file of scores; another number has all scores computed again."""


class Normal:
    """Normal values of a method: sums over the healthy scans of each anatomy, so that one can be left out."""

    def __init__(self, method: str, key: str, cohort: Path) -> None:
        self.method = method
        self.parts: dict[str, Any] = {}
        self.made: dict[str, Any] = {}
        for path in registered_files(cohort, healthy_only=True) if method in CALIBRATED else ():
            self._add(load(path), None if method == "hu" else read_features(cohort, key, path.stem))

    def _add(self, scan: Registered, features: Features | None) -> None:
        anatomy = scan.truth["anatomy"]
        if features is None:
            self.parts.setdefault(anatomy, maps.HuStatistics()).add(maps.clipped_hu(scan))
            return
        vector = maps.position_vector(scan, features)
        stride = scan.hu.shape[0] // vector.shape[-1]
        part = self.parts.setdefault(anatomy, NormativeStatistics(features=len(vector)))
        part.add(on_grid(vector, stride), on_grid(maps.foreground(scan, stride), stride))

    def without(self, anatomy: str) -> Any:
        """The normal values from the other anatomies: a `Normative`, or `HuStatistics`.

        Raises:
            ValueError: there are no healthy scans of others.
        """
        left_out = anatomy if anatomy in self.parts else ""
        if left_out not in self.made:
            others = [part for name, part in self.parts.items() if name != left_out]
            if not others:
                raise ValueError(f"no healthy scan of another anatomy than {anatomy} to calibrate on")
            self.made = {left_out: _joined_hu(others) if self.method == "hu" else _finished(others)}
        return self.made[left_out]


def _finished(parts: Sequence[NormativeStatistics]) -> Normative:
    return NormativeStatistics(np.sum([part.sums for part in parts], axis=0)).finish()


def _joined_hu(parts: Sequence[maps.HuStatistics]) -> maps.HuStatistics:
    joined = maps.HuStatistics()
    for part in parts:
        joined.count += part.count
        joined.first += part.first
        joined.second += part.second
    return joined


def maps_of(scan: Registered, method: str, features: Features | None, normal: Normal) -> dict[str, Maps]:
    """All maps of a method, by name."""
    first, *more = SCORES[method]
    anatomy = scan.truth["anatomy"]
    if features is None:
        hu = maps.clipped_hu(scan)
        made = maps.hu_z_maps(hu, normal.without(anatomy)), maps.smoothed_hu_maps(scan, hu)
        return dict(zip(SCORES[method], made, strict=True))
    raw = maps.filtered_maps if method == "autoencoder" else maps.error_maps
    found = {first: raw(scan, features)}
    for name in more:
        vector = maps.position_vector(scan, features)
        found[name] = maps.calibrated_maps(scan, vector, normal.without(anatomy), DISTANCES[name])
    return found


def scores_of(scan: Registered, made: Maps) -> dict[str, Any]:
    """Scores by region, and the average precision; a region that is empty, unknown or cut has none."""
    regions = scan.regions[:: made.stride, :: made.stride, :: made.stride]
    brain, skull = (
        (known_scores if made.zero_is_unknown else region_scores)(values, regions)
        for values in (made.brain, made.skull)
    )
    pooled = {**brain, "skull": skull["skull"]}
    cut = {name for name, share in scan.coverage.items() if share < WHOLE_COVERAGE}
    kept = {name: values for name, values in pooled.items() if name not in cut and values["maximum"] is not None}
    return {"regions": kept, "average_precision": precision_of(scan, made)}


def precision_of(scan: Registered, made: Maps) -> float | None:
    """Average precision of a map's voxels against the lesion; None where no voxel of a lesion lies in the region."""
    if scan.truth["lesion"] is None:
        return None
    broken = scan.truth["lesion"] in FRACTURES
    lesion, regions = (values[::GRID, ::GRID, ::GRID] for values in (scan.lesion, scan.regions))
    where = np.isin(regions, (SKULL,) if broken else (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)) & (lesion != SWELLING)
    if not (lesion[where] == LESION).any():
        return None
    values = on_common_grid(made.skull if broken else made.brain, made.stride)
    return float(average_precision_score(lesion[where] == LESION, values[where]))


def on_common_grid(values: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """A map (n, n, n) on every stride-th voxel on every `GRID`-th one: thinned, or interpolated linearly.

    Beyond its last value a coarse map keeps it.
    """
    for axis in range(3):
        at = np.arange(0, values.shape[axis] * stride, GRID) / stride
        below = at.astype(int)
        above = np.minimum(below + 1, values.shape[axis] - 1)
        part = (at - below).astype(np.float32).reshape([-1 if other == axis else 1 for other in range(3)])
        low = values.take(below, axis)
        values = low + part * (values.take(above, axis) - low) if part.any() else low
    return values


def lesion_shares(scan: Registered) -> dict[str, float]:
    """Share of each region's voxels that are lesion or swelling."""
    inside = {name: scan.lesion[scan.regions == label] > 0 for name, label in REGIONS.items()}
    return {name: float(found.mean()) if found.size else 0.0 for name, found in inside.items()}


def score(
    cohort: Path, calibration: Path, method: str, settings: Settings, healthy_only: bool = False
) -> Iterator[dict[str, Any]]:
    """Name, truth and scores by one method of every scan of a cohort, or of its healthy ones.

    Scores that are there, made of the same features and the same calibration scans, are not made again.
    """
    key = settings.key(method)
    normal: Normal | None = None
    healthy = {path.stem: sha256(path) for path in registered_files(calibration, healthy_only=True)}
    folder = cohort / "scores" / method
    folder.mkdir(parents=True, exist_ok=True)
    for path in registered_files(cohort, healthy_only):
        target = folder / f"{path.stem}.json"
        made_of = {"features": key, "scoring": SCORING, "calibration": healthy, REGISTERED: sha256(path)}
        content: dict[str, Any] = json.loads(target.read_text()) if target.is_file() else {}
        if content.get("made_of") != made_of:
            normal = normal or Normal(method, key, calibration)
            scan = load(path)
            features = None if method == "hu" else read_features(cohort, key, path.stem)
            found = {name: scores_of(scan, made) for name, made in maps_of(scan, method, features, normal).items()}
            facts = {"name": path.stem, "truth": scan.truth, "lesion_shares": lesion_shares(scan)}
            content = {**facts, "made_of": made_of, "scores": found}
            target.write_text(json.dumps(content))
        yield content


def joined(by_method: Iterable[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The scans that `score` gives for each method, once each, with the scores of all methods."""
    found: dict[str, dict[str, Any]] = {}
    for content in chain.from_iterable(by_method):
        scan = found.setdefault(content["name"], {**content, "scores": {}})
        scan["scores"] |= content["scores"]
    return list(found.values())
