"""Stage 3, first: the scores of each method for each registered scan.

A *method* is one of `METHODS`. Its normative comes from healthy scans of a *calibration cohort*, which may be the
cohort itself: a scan is compared with scans of other anatomies only. One file for each scan and method has the scores
of each region ("maximum", "percentile_99", "top_1_percent_mean"), and the average precision of the map's voxels: for
lesions of the brain in both hemispheres, for fractures in the skull, swelling left out. All maps are compared with the
lesion on every second voxel: finer maps are subsampled, coarser ones interpolated linearly.

Features and scores are kept in files, and made again when the registered scan, the healthy scans, the weights, the
stride or the windows have changed, so that scores that stand beside one another always belong together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from cohort import maps
from cohort.maps import Features, Maps
from cohort.networks import autoencoder, described, position_network
from cohort.register import Registered, facts_of, load
from scripts.anomaly import asymmetry
from scripts.anomaly.normative import ASYMMETRY, RESIDUAL, Normative, NormativeStatistics, anomaly_map, on_grid
from scripts.anomaly.scores import known_scores, region_scores
from scripts.assets import sha256
from scripts.files.atomic import staged
from scripts.preprocessing.regions import LEFT_HEMISPHERE, REGIONS, RIGHT_HEMISPHERE, SKULL, WHOLE_COVERAGE
from scripts.simulation.lesions.planting import FRACTURES
from scripts.workflow import parsed_configs

METHODS = ("ours", "published", "autoencoder", "hu")
"""Whose features are computed together."""

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

REGISTERED = "registered"
"""The entry of a file of features that says which registered scan they were made of."""


@dataclass(frozen=True)
class Settings:
    """Paths of the networks, and their strides; a method without its network is left out."""

    weights: Path | None = None
    stride: int = 2
    published: Path | None = None
    published_stride: int = 8
    autoencoder: Path | None = None

    def network(self, method: str) -> tuple[Path | None, int]:
        """The weights of a method, and the stride of its features."""
        return {
            "ours": (self.weights or Path(_config("ours").get_parsed_content("weights")), self.stride),
            "published": (self.published, self.published_stride),
            "autoencoder": (self.autoencoder, 1),
            "hu": (None, maps.BLOCK),
        }[method]

    def key(self, method: str) -> str:
        """A name for a method's features, which changes with the weights, the stride, and what the network sees."""
        path, stride = self.network(method)
        marks = [sha256(path)[:12]] if path else []
        seen = hashlib.sha256(json.dumps(inputs_of(method)).encode()).hexdigest()[:8]
        return "_".join([method, str(stride), *marks, seen])

    def details(self, method: str) -> dict[str, Any]:
        """The description of a method in a table: the name of its features, its stride, and its network, if any."""
        path, stride = self.network(method)
        return {"features": self.key(method), "stride": stride, **(described(path) if path else {})}

    def methods(self) -> list[str]:
        """The methods whose networks are there."""
        there = {"ours": True, "published": self.published, "autoencoder": self.autoencoder, "hu": True}
        return [method for method in METHODS if there[method]]


def inputs_of(method: str) -> list[Any]:
    """Inputs of a method's features beside the scan, the weights and the stride, as plain values."""
    if method in ("autoencoder", "hu"):
        limits = [maps.EQUALISATION_RANGE_HU, maps.BRAIN_HU, maps.SKULL_HU]
        return [*limits, [(part.start, part.stop) for part in maps.BOX]]
    parser = _config(method)
    names = ["intensity", "brain_window_hu", "bone_window_hu", "inferer", "precision"]
    names += ["patch_size"] if method == "published" else []  # ours is read from the weights
    seen = [maps.LOWEST, *(parser.get(name) for name in names)]
    if method == "published":
        return seen
    return [*seen, sha256(Path(asymmetry.__file__))]


def _config(method: str) -> Any:
    return parsed_configs(["inference.json", *(["published.json"] if method == "published" else [])])


def features_of(method: str, settings: Settings) -> Callable[[Registered], Features]:
    """The function from a registered scan to the features of a method that has a network."""
    if method == "autoencoder":
        assert settings.autoencoder
        network = autoencoder(settings.autoencoder)
        return lambda scan: maps.reconstruction_features(scan, network)
    parser = _config(method)
    parser["stride"] = settings.published_stride if method == "published" else settings.stride
    position = position_network(parser, settings.published if method == "published" else settings.weights)
    intensity, inferer = (parser.get_parsed_content(name) for name in ("intensity", "inferer"))
    return lambda scan: maps.position_features(scan, position, inferer, intensity)


def registered_files(cohort: Path, healthy_only: bool = False) -> list[Path]:
    """The registered scans of a cohort, or its healthy ones, that the pipeline did not refuse."""
    facts = {path: facts_of(path) for path in sorted((cohort / "registered").glob("*.zip"))}
    kept = [path for path, found in facts.items() if not found["refused"]]
    return [path for path in kept if not healthy_only or facts[path]["truth"]["lesion"] is None]


def feature_file(cohort: Path, key: str, name: str) -> Path:
    """Path of the cached features of a scan."""
    return cohort / "features" / key / f"{name}.npz"


def make_features(cohort: Path, files: Iterable[Path], method: str, settings: Settings) -> Iterator[str]:
    """Compute the features that are not there, or of another registered scan; yields the names of the scans done."""
    if method == "hu":
        return
    key = settings.key(method)
    missing = [path for path in files if _made_of(feature_file(cohort, key, path.stem)) != sha256(path)]
    if not missing:
        return
    function = features_of(method, settings)
    for path in missing:
        target = feature_file(cohort, key, path.stem)
        with staged(target) as partial, partial.open("wb") as stream:
            np.savez(stream, **{REGISTERED: np.array(sha256(path))}, **function(load(path)))  # type: ignore[arg-type]
        yield path.stem


def _made_of(path: Path) -> str | None:
    """The sha256 of the registered scan that a file of features was made of; None where there are none."""
    if not path.is_file():
        return None
    with np.load(path) as file:
        return str(file[REGISTERED]) if REGISTERED in file.files else None


def read_features(cohort: Path, key: str, name: str) -> Features:
    """The features of a scan."""
    with np.load(feature_file(cohort, key, name)) as file:
        return {entry: file[entry] for entry in file.files if entry != REGISTERED}


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
