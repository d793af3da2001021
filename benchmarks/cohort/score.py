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
from scripts.anomaly.scores import JOINED, PARTS, POOLINGS, TOP, known_scores, region_scores, score_name
from scripts.assets import sha256
from scripts.calibration.files import load_scan
from scripts.calibration.folds import HealthyScan, Sums, held_out
from scripts.preprocessing.regions import LEFT_HEMISPHERE, REGIONS, RIGHT_HEMISPHERE, SKULL, WHOLE_COVERAGE
from scripts.simulation.lesions.planting import FRACTURES

SCORES = {
    "ours": ("ours raw", "ours anomaly", "ours position", "ours asymmetry", "ours density", "ours density_one_sided"),
    "published": ("published raw",),
    "autoencoder": ("autoencoder filtered",),
    "hu": ("HU z-score", "HU smoothed"),
}
"""The maps of each method."""

CALIBRATED = ("ours", "hu")
"""Methods with a normative."""

LESION, SWELLING = 1, 2
"""Values of a lesion's mask."""

GRID = 2
"""Voxels between the places at which maps are compared with lesions."""

SCORING = 8
"""Format of a file of scores; another number has all scores computed again."""


class Normal:
    """Normal values of a method, from the healthy scans of each anatomy, so that one can be left out.

    Of ours, the scales that join the parts (see `anomaly.parts`) are those of all healthy scans, each judged by other
    anatomies.
    """

    def __init__(self, method: str, key: str, cohort: Path) -> None:
        self.method = method
        self.parts: dict[str, Any] = {}
        self.made: dict[str, Any] = {}
        self.scales: dict[str, float] | None = None
        scans, groups = measured(cohort) if method == "ours" else ([], [])
        for path in registered_files(cohort, healthy_only=True) if method in CALIBRATED else ():
            scan = load(path)
            anatomy = scan.truth["anatomy"]
            if method == "hu":
                self.parts.setdefault(anatomy, maps.HuStatistics()).add(maps.clipped_hu(scan))
                continue
            scans.append(maps.as_healthy(scan, read_features(cohort, key, path.stem)))
            groups.append(anatomy)
        if scans:
            for name in dict.fromkeys(groups):
                self.parts[name] = Sums(s for s, group in zip(scans, groups, strict=True) if group == name)
            self.scales = held_out(scans, groups).scales if len(self.parts) > 1 else None

    def without(self, anatomy: str) -> Any:
        """The normal values from the other anatomies: a `Normal` of the calibration, or `HuStatistics`.

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


def measured(folder: Path) -> tuple[list[HealthyScan], list[str]]:
    """The healthy scans in a work folder of `head-ct-anomaly calibrate`, and the anatomy of each; none elsewhere."""
    kept = [load_scan(path) for path in sorted(folder.glob("*.npz"))]
    found = [(scan, str(notes["group"])) for scan, notes in kept if scan is not None]
    return [scan for scan, _ in found], [group for _, group in found]


def measured_scores(folder: Path) -> Iterator[dict[str, Any]]:
    """Name, truth and scores of the healthy scans of a work folder, each judged by the other anatomies."""
    scans, groups = measured(folder)
    for number, (details, group) in enumerate(zip(held_out(scans, groups).details, groups, strict=True)):
        scores: dict[str, Any] = {f"ours {part}": {"regions": {}} for part in (*PARTS, JOINED)}
        for region, numbers in details.items():
            for part in (*PARTS, JOINED):
                if numbers.get(part) is not None:
                    scores[f"ours {part}"]["regions"][region] = {TOP: numbers[part]}
            raw = {pooling: numbers[score_name("error", pooling)] for pooling in POOLINGS}
            scores.setdefault("ours raw", {"regions": {}})["regions"][region] = raw
        truth = {"anatomy": group, "lesion": None, "side": None}
        yield {"name": f"{group}_{number}", "truth": truth, "lesion_shares": {}, "scores": scores}


def _finished(parts: Sequence[Sums]) -> Any:
    """The normatives of the sums of several anatomies."""
    total = Sums()
    for part in parts:
        total.add(part)
    return total.finish()


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
    if more:
        healthy, known = maps.as_healthy(scan, features), normal.without(anatomy)
        own = maps.joined_maps(healthy, known, normal.scales or dict.fromkeys(PARTS, 1.0))
        found |= {f"ours {name}": made for name, made in own.items()}
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
    known = registered_files(calibration, healthy_only=True) or sorted(calibration.glob("*.npz"))
    healthy = {path.stem: sha256(path) for path in known}
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
