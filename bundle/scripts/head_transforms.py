"""Dictionary transforms for a registered head: its foreground and regions before the network, map and scores after it.

All work in reference space, channel first: a scan (1, 256, 256, 256) in HU, masks and labels (1, 256, 256, 256), a map
(1, n, n, n) on the grid of every stride-th voxel. Words as in `foreground`, `coordinates` and `regions`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage, MapTransform
from numpy.typing import NDArray
from torch import Tensor

from .coordinates import POSITION_SCALE_MM, REFERENCE_SPACING_MM, error_map
from .findings import finding
from .foreground import head_foreground
from .regions import MIN_COVERAGE, coverage, own_regions
from .scores import Details, Thresholds, map_scores, score_name
from .volume import AIR_HU

Data = dict[Hashable, Any]


def _like(values: NDArray[Any], image: Tensor) -> Tensor:
    """An array (I, J, K) as a tensor (1, I, J, K), with the image's affine if it has one."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))[None]
    return MetaTensor(tensor, affine=image.affine.clone()) if isinstance(image, MetaTensor) else tensor


def _array(tensor: Tensor) -> NDArray[Any]:
    """A tensor (1, I, J, K) as an array (I, J, K)."""
    values: NDArray[Any] = torch.as_tensor(tensor)[0].detach().cpu().numpy()
    return values


@lru_cache(maxsize=2)
def load_regions(path: str) -> NDArray[np.uint8]:
    """Reference regions (I, J, K) from a file."""
    regions: NDArray[np.uint8] = LoadImage(image_only=True, dtype=np.uint8, reader="NibabelReader")(path).numpy()
    return regions


class FindForegroundd(MapTransform):
    """Find the head in a scan in HU; writes its mask to `foreground_key`."""

    def __init__(self, keys: str, foreground_key: str = "foreground") -> None:
        super().__init__(keys)
        self.foreground_key = foreground_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the mask (1, I, J, K), bool."""
        found = dict(data)
        for key in self.key_iterator(found):
            volume = _array(found[key]).astype(np.float32, copy=False)
            found[self.foreground_key] = _like(head_foreground(volume, [REFERENCE_SPACING_MM] * 3), found[key])
        return found


class MaskBackgroundd(MapTransform):
    """Make air of whatever lies outside any of the masks; inside, values stay above air, which tells the head."""

    def __init__(self, keys: str, mask_keys: Sequence[str]) -> None:
        super().__init__(keys)
        self.mask_keys = tuple(mask_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Replace the HU of each key, and intersect the masks in the first of them."""
        masked = dict(data)
        inside = torch.stack([torch.as_tensor(masked[key]).bool() for key in self.mask_keys]).all(dim=0)
        first = self.mask_keys[0]
        masked[first] = _like(inside[0].numpy(), masked[first])
        for key in self.key_iterator(masked):
            image = masked[key]
            values = torch.where(inside, torch.as_tensor(image).clamp_min(AIR_HU + 1), AIR_HU).to(image.dtype)
            masked[key] = MetaTensor(values).copy_meta_from(image) if isinstance(image, MetaTensor) else values
        return masked


class MakeRegionsd(MapTransform):
    """Find the scan's own regions; writes their labels to `regions_key`."""

    def __init__(
        self, keys: str, reference_regions: str, foreground_key: str = "foreground", regions_key: str = "regions"
    ) -> None:
        super().__init__(keys)
        self.reference_regions = reference_regions
        self.foreground_key, self.regions_key = foreground_key, regions_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the labels (1, I, J, K), uint8."""
        labelled = dict(data)
        reference = load_regions(self.reference_regions)
        for key in self.key_iterator(labelled):
            head = _array(labelled[self.foreground_key]).astype(bool)
            regions = own_regions(_array(labelled[key]), head, reference, REFERENCE_SPACING_MM)
            labelled[self.regions_key] = _like(regions, labelled[key])
        return labelled


class MeasureCoveraged(MapTransform):
    """Measure how much of each reference region a field of view holds; writes a dictionary to `coverage_key`."""

    def __init__(self, keys: str, reference_regions: str, coverage_key: str = "coverage") -> None:
        super().__init__(keys)
        self.reference_regions, self.coverage_key = reference_regions, coverage_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the shares, from 0 to 1, by the region's name."""
        measured = dict(data)
        for key in self.key_iterator(measured):
            valid = _array(measured[key]).astype(bool)
            measured[self.coverage_key] = coverage(valid, load_regions(self.reference_regions))
        return measured


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
            arrays = {kind: _array(values) for kind, values in maps.items() if values is not None}
            details = map_scores(arrays, _array(scored[self.regions_key]))
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
