"""The features of registered scans by each method's network, kept in files beside the scans.

They are made again when the registered scan, the weights, the stride or the windows have changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cohort import maps
from cohort.maps import Features
from cohort.networks import autoencoder, described, position_network
from cohort.register import Registered, facts_of, load
from scripts.anomaly import asymmetry, density, evidence, measure
from scripts.anomaly.parts import Evidence
from scripts.assets import sha256
from scripts.files.atomic import staged
from scripts.preprocessing import blocks
from scripts.workflow import parsed_configs

METHODS = ("ours", "published", "autoencoder", "hu")
"""Whose features are computed together."""

REGISTERED = "registered"
"""The entry of a file of features that says which registered scan they were made of."""


@dataclass(frozen=True)
class Settings:
    """Paths of the networks, and their strides; a method without its network is left out."""

    weights: Path | None = None
    evidence: Path | None = None
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
        if method == "ours":
            marks.append(sha256(self.evidence or Path(_config("ours").get_parsed_content("evidence_weights")))[:12])
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
    seen += [parser.get("evidence_windows_hu"), parser.get("evidence_median_hu"), parser.get("evidence")["inferer"]]
    return [*seen, *(sha256(Path(str(module.__file__))) for module in (asymmetry, density, evidence, blocks, measure))]


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
    said = evidence_of(parser, settings.evidence) if method == "ours" else None
    return lambda scan: maps.position_features(scan, position, inferer, intensity, said)


def evidence_of(parser: Any, weights: Path | None) -> Callable[[Registered], Evidence]:
    """The function from a registered scan to its evidence, by the config and other weights, if named."""
    if weights is not None:
        parser["evidence_weights"] = str(weights)
    measured, to_blocks = (parser.get_parsed_content(name) for name in ("evidence", "to_blocks"))

    def said(scan: Registered) -> Evidence:
        shifted = to_blocks({"image": torch.from_numpy(scan.hu)[None].float()})["blocks"]
        found: Evidence = measured(shifted, scan.regions, scan.validity)
        return found

    return said


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
