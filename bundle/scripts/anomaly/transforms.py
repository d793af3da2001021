"""The dictionary transform that compares predicted positions with the normative, and the files that it reads.

*Error map*, *anomaly map*, *normative* and *thresholds* are those of `coordinates`, `normative` and `scores`. The
*heatmap* is the one of the two maps that is asked for. A calibration is valid only for the weights and the reference
head that it was made with. Otherwise, or without one, the error map is the heatmap, and a finding says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage, MapTransform
from numpy.typing import NDArray
from torch import Tensor

from ..assets import beside
from ..files.derived import read_derived
from ..findings import finding
from ..geometry.coordinates import POSITION_SCALE_MM, error_map
from ..preprocessing.intensity import windows
from ..preprocessing.regions import MIN_COVERAGE, REGIONS
from ..preprocessing.transforms import Data, as_array, load_regions
from .asymmetry import asymmetry, densities
from .files import REMEDY, NotCalibrated, checked_thresholds, normative_of
from .normative import Normative, known_at, residual, scan_maps
from .scores import Details, Thresholds, map_scores, score_name

MAPS = ("calibrated", "error")
"""Maps that the heatmap can be."""

MOST_UNKNOWN = 0.05
"""Share of a region that may lie where no healthy scan had a head, before a finding says so."""

DENSITIES_NAME = "reference_densities.npz"
"""The derived file (see `files.derived`) with the densities of the reference head and its regions."""


def load_normative(path: str | Path) -> Normative:
    """The normative in a file.

    Raises:
        NotCalibrated: the file is missing or of another form.
    """
    if not Path(path).is_file():
        raise NotCalibrated(f"There is no {Path(path).name}. {REMEDY}")
    image = LoadImage(image_only=True, dtype=np.float32, reader="NibabelReader")(path)
    return normative_of(image.numpy(), image.affine.numpy())


@dataclass(frozen=True)
class UsualDensities:
    """Densities (2, 128, 128, 128) of the reference head in steps, see `asymmetry`."""

    steps: NDArray[np.float32]


@lru_cache(maxsize=2)
def reference_densities(reference: str, regions: str) -> NDArray[np.float32]:
    """Densities (2, 128, 128, 128) of the reference head in a file, with its regions in another.

    They are read once a process from `DENSITIES_NAME` beside the reference, or made where that is of other files.

    Raises:
        BundleChanged: the file is not the one that the bundle was made with.
    """
    kept = read_derived(beside(reference, DENSITIES_NAME), UsualDensities, (reference, regions))
    return (make_densities(reference, regions) if kept is None else kept).steps


def make_densities(reference: str, regions: str) -> UsualDensities:
    """Densities of the reference head in a file, with its regions in another, computed."""
    head = LoadImage(image_only=True, dtype=np.float32, reader="NibabelReader", ensure_channel_first=True)(reference)
    return UsualDensities(densities(windows(head.as_tensor()).numpy(), load_regions(regions))[0])


class AnomalyMapd(MapTransform):
    """Make the heatmap of predicted positions (3, n, n, n), which it replaces by a map (1, n, n, n).

    Adds `anomaly_map` (where there is a calibration), `map` ("calibrated" or "error": which of the two the heatmap is),
    `thresholds` (a `Thresholds`, or None) and `calibration_findings`. The error map has to be there already.
    """

    def __init__(
        self,
        keys: str,
        normative: str,
        thresholds: str,
        weights: str,
        reference: str,
        reference_regions: str,
        map: str = "calibrated",
        foreground_key: str = "foreground",
        regions_key: str = "regions",
        image_key: str = "image",
        error_key: str = "error_map",
        anomaly_key: str = "anomaly_map",
    ) -> None:
        """Judge `keys` (predicted positions).

        Args:
            keys: the key of the predicted positions, and of the heatmap.
            normative: path of `normative.nii.gz`.
            thresholds: path of `thresholds.json`.
            weights: path of the weights that predicted.
            reference: path of the reference head that the scan was registered to.
            reference_regions: path of its regions.
            map: which map the heatmap is: "calibrated", or "error" as published.
            foreground_key: mask of the head, (1, 256, 256, 256).
            regions_key: labels of the regions, (1, 256, 256, 256).
            image_key: what the network saw, (2, 256, 256, 256).
            error_key: the error map.
            anomaly_key: where the anomaly map goes.

        Raises:
            ValueError: there is no such map.
        """
        super().__init__(keys)
        if map not in MAPS:
            raise ValueError(f"map must be one of {', '.join(MAPS)}, got {map!r}")
        self.files = {"thresholds": thresholds, "normative": normative, "weights": weights, "reference": reference}
        self.reference_regions = reference_regions
        self.map, self.foreground_key, self.regions_key = map, foreground_key, regions_key
        self.image_key, self.error_key, self.anomaly_key = image_key, error_key, anomaly_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key by the heatmap, with the metadata of the error map."""
        judged = dict(data)
        for key in self.key_iterator(judged):
            error = judged[self.error_key]
            judged |= {"map": "error", "thresholds": None, "calibration_findings": []}
            try:
                thresholds = checked_thresholds(**self.files)
                normative = load_normative(self.files["normative"])
            except NotCalibrated as reason:
                if self.map == "calibrated":
                    judged["calibration_findings"] = [finding("not_calibrated", str(reason)).as_dict()]
            else:
                self._judge(judged, torch.as_tensor(judged[key]), normative, thresholds)
            judged[key] = judged[self.anomaly_key if judged["map"] == "calibrated" else self.error_key]
            judged[key] = judged[key].clone() if judged[key] is error else judged[key]
        return judged

    def _judge(
        self, judged: dict[Hashable, Any], predicted: Tensor, normative: Normative, thresholds: Thresholds
    ) -> None:
        """Add the anomaly map and what belongs to it."""
        keys = (self.image_key, self.foreground_key, self.regions_key)
        inputs, inside, regions = (torch.as_tensor(judged[key]).cpu().numpy() for key in keys)
        stride = -(-inside.shape[-1] // predicted.shape[-1])
        head, labels = (volume[0, ::stride, ::stride, ::stride] for volume in (inside.astype(bool), regions))
        found = residual(predicted.detach().cpu().numpy(), stride)
        usual = reference_densities(self.files["reference"], self.reference_regions)
        across = asymmetry(inputs, regions[0].astype(np.uint8), stride, usual)
        smoothing_mm = float(thresholds.facts.get("settings", {}).get("smoothing_mm", 0.0))
        maps = scan_maps(found, across, head, normative, stride, smoothing_mm)
        made = torch.from_numpy(maps["calibrated"])[None]
        error = judged[self.error_key]
        judged[self.anomaly_key] = MetaTensor(made).copy_meta_from(error) if isinstance(error, MetaTensor) else made
        known = known_at(labels.shape, normative, stride)
        judged |= {"map": self.map, "thresholds": thresholds, "calibration_findings": unknown_findings(known, labels)}


def unknown_findings(known: NDArray[np.bool_], regions: NDArray[np.uint8]) -> list[dict[str, str]]:
    """A flag for each region of which much lies where the normative is not known; arrays (n, n, n)."""
    found = []
    for name, label in REGIONS.items():
        inside = regions == label
        share = float((inside & ~known).sum() / max(1, inside.sum()))
        if share > MOST_UNKNOWN:
            text = f"{100 * share:.0f} % of the {name.replace('_', ' ')} lies where no healthy scan had a head."
            found.append(finding("normative_unknown", text).as_dict())
    return found


class ErrorMapd(MapTransform):
    """Make the error map (1, n, n, n) in mm of predicted positions (3, n, n, n).

    It is 0 outside the foreground, and where nothing was predicted (NaN).

    What the inferer says about its work in `meta["inference"]` goes to `inference_key`: `Invertd` drops it later.
    """

    def __init__(
        self,
        keys: str,
        foreground_key: str = "foreground",
        inference_key: str = "inference",
        error_key: str | None = None,
    ) -> None:
        """Write the map to `error_key`; if that is None, it replaces the positions."""
        super().__init__(keys)
        self.foreground_key, self.inference_key, self.error_key = foreground_key, inference_key, error_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the map, which keeps the positions' affine and the history of the scan that they came from."""
        mapped = dict(data)
        inside = torch.as_tensor(mapped[self.foreground_key]).bool()
        for key in self.key_iterator(mapped):
            predicted = mapped[key]
            stride = -(-inside.shape[-1] // predicted.shape[-1])
            error = error_map(torch.as_tensor(predicted)[None].float(), stride)[0] * POSITION_SCALE_MM
            known = inside[:, ::stride, ::stride, ::stride].to(error.device) & error.isfinite()
            kept = torch.where(known, error, 0.0)
            made = MetaTensor(kept).copy_meta_from(predicted) if isinstance(predicted, MetaTensor) else kept
            mapped[self.error_key or key] = made
            if isinstance(predicted, MetaTensor) and "inference" in predicted.meta:
                mapped[self.inference_key] = predicted.meta["inference"]
        return mapped


class ScoreRegionsd(MapTransform):
    """Score the regions of the error map and, where there is one, of the anomaly map.

    Adds `scores` (the default score by region), `score_details` (all of them, with the default score's percentile among
    healthy scans and its threshold), `region_findings` (which regions have no score, since the field of view cuts them
    or the scan shows none) and `result` (the scores for MONAI Label).
    """

    def __init__(
        self,
        keys: str,
        score: str,
        regions_key: str = "regions",
        coverage_key: str = "coverage",
        anomaly_key: str = "anomaly_map",
        map_key: str = "map",
        thresholds_key: str = "thresholds",
    ) -> None:
        """Score `keys` (the error map); the default score pools the map that `map_key` names by `score`.

        Raises:
            ValueError: `score` is none of `scores.POOLINGS`.
        """
        super().__init__(keys)
        score_name("error", score)
        self.score, self.regions_key, self.coverage_key = score, regions_key, coverage_key
        self.anomaly_key, self.map_key, self.thresholds_key = anomaly_key, map_key, thresholds_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the scores of the maps (1, n, n, n)."""
        scored = dict(data)
        seen = {name: float(share) for name, share in scored[self.coverage_key].items()}
        for key in self.key_iterator(scored):
            maps = {"error": scored[key], "calibrated": scored.get(self.anomaly_key)}
            arrays = {kind: as_array(values) for kind, values in maps.items() if values is not None}
            details = map_scores(arrays, as_array(scored[self.regions_key]))
            cut = [name for name, share in seen.items() if share < MIN_COVERAGE]
            for name in cut:
                details[name] = dict.fromkeys(details[name]) | {"voxels": details[name]["voxels"]}
            chosen = score_name(scored.get(self.map_key, "error"), self.score)
            compare(details, chosen, scored.get(self.thresholds_key))
            for name in details:
                details[name]["coverage"] = seen[name]
            empty = [name for name in details if name not in cut and not details[name]["voxels"]]
            scored |= {
                "scores": {name: details[name][chosen] for name in details},
                "score_details": details,
                "region_findings": [
                    *(cut_finding(name, seen[name]) for name in cut),
                    *(missing_finding(name) for name in empty),
                ],
            }
            given = {name: value for name, value in scored["scores"].items() if value is not None}
            scored["result"] = {"scores": given}
        return scored


def compare(details: Details, score: str, thresholds: Thresholds | None) -> None:
    """Add to each region's numbers the percentile of its score among healthy scans, and the threshold; None unknown."""
    for region, numbers in details.items():
        value = numbers[score]
        numbers["percentile"] = thresholds.percentile(region, score, value) if thresholds else None
        numbers["threshold"] = thresholds.threshold(region, score) if thresholds else None


def cut_finding(name: str, share: float) -> dict[str, str]:
    """The finding that a region has no score since the field of view cuts it; `share` (0 to 1) is what it holds."""
    words = name.replace("_", " ")
    return finding("region_cut", f"The field of view holds {100 * share:.0f} % of the {words}: no score.").as_dict()


def missing_finding(name: str) -> dict[str, str]:
    """The finding that a region has no score since not a voxel of it was found, though the field of view holds it."""
    return finding("region_missing", f"No voxel of the {name.replace('_', ' ')} was found: no score.").as_dict()
