"""Stage 3: the scores of each method for each registered scan.

A *method* is one of `METHODS`. What is normal is learnt from healthy scans of a *calibration cohort*, which may be the
cohort itself: a scan is judged by the scans of other anatomies only. For each scan and method one file says the scores
of each region ("maximum", "percentile_99", "top_1_percent_mean"), and the average precision of the map's voxels: for
lesions of the brain in both hemispheres, for fractures in the skull, on the map's own grid, swelling left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohort import maps
from cohort.maps import Features, Maps
from cohort.networks import autoencoder, inference_config, position_network
from cohort.register import Registered, facts_of, load
from scripts.calibration import sums_of
from scripts.normative import Normative, NormativeStatistics
from scripts.regions import LEFT_HEMISPHERE, MIN_COVERAGE, RIGHT_HEMISPHERE, SKULL, region_scores
from scripts.simulation.lesions import FRACTURES
from scripts.statistics import average_precision

METHODS = ("ours", "published", "autoencoder", "hu")
"""Whose features are computed together."""

SCORES = {
    "ours": ("ours raw", "ours calibrated"),
    "published": ("published raw",),
    "autoencoder": ("autoencoder filtered", "autoencoder calibrated"),
    "hu": ("HU z-score", "HU smoothed", "HU smoothed, both ways"),
}
"""The maps of each method."""

CALIBRATED = ("ours", "autoencoder", "hu")
"""Methods that learn what is normal."""

LESION, SWELLING = 1, 2
"""Values of a lesion's mask."""


@dataclass(frozen=True)
class Settings:
    """Where the networks are, and how finely they look; a method without its network is left out."""

    weights: Path | None = None
    stride: int = 2
    published: Path | None = None
    published_stride: int = 8
    autoencoder: Path | None = None

    def key(self, method: str) -> str:
        """A name for the features of a method, which changes with the weights and the stride."""
        path, stride = {
            "ours": (self.weights or Path(inference_config().get_parsed_content("weights")), self.stride),
            "published": (self.published, self.published_stride),
            "autoencoder": (self.autoencoder, 1),
            "hu": (None, maps.BLOCK),
        }[method]
        marks = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path else ""
        return f"{method}_{stride}_{marks}".rstrip("_")

    def methods(self) -> list[str]:
        """The methods whose networks are there."""
        there = {"ours": True, "published": self.published, "autoencoder": self.autoencoder, "hu": True}
        return [method for method in METHODS if there[method]]


def features_of(method: str, settings: Settings) -> Callable[[Registered], Features]:
    """The function from a registered scan to the features of a method that has a network."""
    if method == "autoencoder":
        assert settings.autoencoder
        network = autoencoder(settings.autoencoder)
        return lambda scan: maps.reconstruction_features(scan, network)
    parser = inference_config(*(["published.json"] if method == "published" else []))
    parser["stride"] = settings.published_stride if method == "published" else settings.stride
    position = position_network(parser, settings.published if method == "published" else settings.weights)
    intensity, inferer = (parser.get_parsed_content(name) for name in ("intensity", "inferer"))
    return lambda scan: maps.position_features(scan, position, inferer, intensity)


def registered_files(cohort: Path) -> list[Path]:
    """The registered scans of a cohort that the pipeline did not refuse."""
    return [path for path in sorted((cohort / "registered").glob("*.zip")) if not facts_of(path)["refused"]]


def feature_file(cohort: Path, key: str, name: str) -> Path:
    """Where the features of a scan are kept."""
    return cohort / "features" / key / f"{name}.npz"


def make_features(cohort: Path, files: Iterable[Path], method: str, settings: Settings) -> Iterator[str]:
    """Compute the features that are not there yet; yields the names of the scans done."""
    key = settings.key(method)
    missing = [path for path in files if not feature_file(cohort, key, path.stem).is_file()]
    if not missing or method == "hu":
        return
    function = features_of(method, settings)
    for path in missing:
        target = feature_file(cohort, key, path.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez(stream, **function(load(path)))  # type: ignore[arg-type]
        partial.replace(target)
        yield path.stem


def read_features(cohort: Path, key: str, name: str) -> Features:
    """The features of a scan."""
    with np.load(feature_file(cohort, key, name)) as file:
        return {entry: file[entry] for entry in file.files}


class Normal:
    """What is normal for a method: sums over the healthy scans of each anatomy, so that one can be left out."""

    def __init__(self, method: str, key: str, cohort: Path) -> None:
        self.method, self.names = method, []
        self.parts: dict[str, Any] = {}
        self.made: dict[str, Any] = {}
        for path in registered_files(cohort) if method in CALIBRATED else ():
            if facts_of(path)["truth"]["lesion"] is None:
                self.names.append(path.stem)
                self._add(load(path), None if method == "hu" else read_features(cohort, key, path.stem))

    def _add(self, scan: Registered, features: Features | None) -> None:
        anatomy = scan.truth["anatomy"]
        if features is None:
            self.parts.setdefault(anatomy, maps.HuStatistics()).add(maps.clipped_hu(scan))
            return
        vector = (
            maps.reconstruction_residual(features)
            if self.method == "autoencoder"
            else features["residual"].astype(np.float32)
        )
        part = sums_of([maps.healthy(scan, vector, scan.hu.shape[0] // vector.shape[-1])])
        if anatomy in self.parts:
            part.sums += self.parts[anatomy].sums
        self.parts[anatomy] = part

    def without(self, anatomy: str) -> Any:
        """What is normal in the other anatomies: a `Normative`, or `HuStatistics`.

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
        made = [maps.hu_z_maps(hu, normal.without(anatomy))]
        made += [maps.smoothed_hu_maps(scan, hu, both) for both in (False, True)]
        return dict(zip(SCORES[method], made, strict=True))
    if method == "autoencoder":
        calibrated = maps.reconstruction_maps(scan, features, normal.without(anatomy))
        return {first: maps.filtered_maps(scan, features), more[0]: calibrated}
    found = {first: maps.position_maps(scan, features, None)}
    if more:
        found[more[0]] = maps.position_maps(scan, features, normal.without(anatomy))
    return found


def scores_of(scan: Registered, made: Maps) -> dict[str, Any]:
    """Scores by region, and the average precision; a region that the field of view cuts, or that is empty, has none."""
    regions = scan.regions[:: made.stride, :: made.stride, :: made.stride]
    brain, skull = (region_scores(values, regions) for values in (made.brain, made.skull))
    pooled = {**brain, "skull": skull["skull"]}
    cut = {name for name, share in scan.coverage.items() if share < MIN_COVERAGE}
    kept = {name: values for name, values in pooled.items() if name not in cut and values["voxels"]}
    return {"regions": kept, "average_precision": precision_of(scan, made, regions)}


def precision_of(scan: Registered, made: Maps, regions: NDArray[np.uint8]) -> float | None:
    """Average precision of a map's voxels against the lesion; None where no voxel of a lesion lies in the region."""
    if scan.truth["lesion"] is None:
        return None
    broken = scan.truth["lesion"] in FRACTURES
    lesion = scan.lesion[:: made.stride, :: made.stride, :: made.stride]
    where = np.isin(regions, (SKULL,) if broken else (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)) & (lesion != SWELLING)
    if not (lesion[where] == LESION).any():
        return None
    return average_precision((made.skull if broken else made.brain)[where], lesion[where] == LESION)


def score(cohort: Path, calibration: Path, method: str, settings: Settings) -> Iterator[str]:
    """Score every scan of a cohort by one method; yields the names of the scans done.

    Scores that are there, made of the same features and the same calibration scans, are kept.
    """
    key = settings.key(method)
    normal: Normal | None = None
    calibrated_on = [p.stem for p in registered_files(calibration) if facts_of(p)["truth"]["lesion"] is None]
    made_of = {"features": key, "calibration": calibrated_on}
    for path in registered_files(cohort):
        target = cohort / "scores" / method / f"{path.stem}.json"
        if target.is_file() and json.loads(target.read_text())["made_of"] == made_of:
            continue
        normal = normal or Normal(method, key, calibration)
        scan = load(path)
        features = None if method == "hu" else read_features(cohort, key, path.stem)
        found = {name: scores_of(scan, made) for name, made in maps_of(scan, method, features, normal).items()}
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"name": path.stem, "truth": scan.truth, "made_of": made_of, "scores": found}))
        yield path.stem
