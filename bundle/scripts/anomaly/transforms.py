"""The dictionary transforms that make the error map, the anomaly map of its parts, and the scores of regions.

*Error map*, *anomaly map* and its *parts*, *normative* and *thresholds* are those of `coordinates`, `parts`,
`normative` and `scores`. The *heatmap* is the one of the maps that is asked for. A calibration is valid only for the
weights, the reference head and the windows that it was made with. Otherwise, or without one, the error map is the
heatmap, and a finding says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from numpy.typing import NDArray
from torch import Tensor

from ..findings import finding
from ..geometry.coordinates import POSITION_SCALE_MM, error_map
from ..preprocessing.regions import LEAST_COVERAGE, LEFT_HEMISPHERE, REGIONS, RIGHT_HEMISPHERE
from ..preprocessing.transforms import Data, as_array, with_meta
from ..statistics.alpha import ALPHA, checked_alpha
from .asymmetry import asymmetry
from .detections.places import Place, brain_places, voxel_threshold
from .evidence_files import read_evidence
from .files import EVIDENCE_INPUTS, REMEDY, NotCalibrated, checked_thresholds, has_evidence
from .findings import added_findings, is_unlike, region_findings, unknown_findings, unlike_findings
from .measure import MeasureEvidence
from .normative import Normative, known_at, residual, scan_maps
from .parts import at_voxels, joined, part_maps
from .reader import load_normative, reference_densities
from .scores import MAPS, PARTS, Thresholds, compare, map_scores, score_name

HEMISPHERES = (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)
BRAIN = tuple(name for name, label in REGIONS.items() if label in HEMISPHERES)
"""Labels and names of the regions of the brain."""


class AnomalyMapd(MapTransform):
    """Make the heatmap of predicted positions (3, n, n, n), which it replaces by a map (1, n, n, n).

    Adds `anomaly_map` and `part_maps` (where there is a calibration), `map` (which of `MAPS` the heatmap is),
    `thresholds` (a `Thresholds`, or None), `brain_places` (see `detections`) and `calibration_findings`. Where memory
    did not suffice for the evidence, `inference` says how it was found. The error map has to be there already.
    """

    def __init__(
        self,
        keys: str,
        normative: str,
        thresholds: str,
        weights: str,
        reference: str,
        reference_regions: str,
        windows_hu: Sequence[Sequence[float]],
        map: str = "calibrated",
        error_key: str = "error_map",
        evidence: MeasureEvidence | None = None,
        evidence_normative: str = "",
        evidence_windows_hu: Sequence[Sequence[float]] = (),
        evidence_median_hu: float = 0.0,
        blocks_key: str = "blocks",
        alpha: float = ALPHA,
    ) -> None:
        """Judge `keys` (predicted positions).

        Args:
            keys: the key of the predicted positions, and of the heatmap.
            normative: path of `normative.nii.gz`.
            thresholds: path of `thresholds.json`.
            weights: path of the weights that predicted.
            reference: path of the reference head that the scan was registered to.
            reference_regions: path of its regions.
            windows_hu: lower and upper HU of the brain and of the bone window that the network saw.
            map: which map the heatmap is: "calibrated" for all parts, a part, or "error" as published.
            error_key: the error map.
            evidence: measures what the density network says; without it, or where the calibration knows nothing of it,
                the asymmetry is the only part.
            evidence_normative: path of `evidence_normative.npz`.
            evidence_windows_hu: lower and upper HU of the windows that the density network sees.
            evidence_median_hu: median of every brain that it sees.
            blocks_key: the blocks that it sees.
            alpha: the share of healthy scores above the thresholds.

        Raises:
            ValueError: there is no such map or alpha.
        """
        super().__init__(keys)
        if map not in MAPS:
            raise ValueError(f"map must be one of {', '.join(MAPS)}, got {map!r}")
        self.files = {"thresholds": thresholds, "normative": normative, "weights": weights, "reference": reference}
        self.reference_regions, self.map, self.error_key = reference_regions, map, error_key
        self.windows_hu = tuple((float(lower), float(upper)) for lower, upper in windows_hu)
        self.evidence, self.blocks_key = evidence, blocks_key
        self.evidence_files: dict[str, str] = {}
        if evidence is not None:
            self.evidence_files = {"evidence_normative": evidence_normative, "evidence_weights": evidence.weights}
        self.evidence_inputs = dict(zip(EVIDENCE_INPUTS, (evidence_windows_hu, evidence_median_hu), strict=True))
        self.alpha = checked_alpha(alpha)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key by the heatmap, with the metadata of the error map."""
        judged = dict(data)
        for key in self.key_iterator(judged):
            error = judged[self.error_key]
            judged |= {"map": "error", "thresholds": None, "calibration_findings": [], "brain_places": []}
            try:
                thresholds = self._thresholds()
                normative = load_normative(self.files["normative"])
            except NotCalibrated as reason:
                if self.map != "error":
                    judged["calibration_findings"] = [finding("not_calibrated", str(reason)).as_dict()]
            else:
                self._judge(judged, torch.as_tensor(judged[key]), normative, thresholds)
            shown = {"error": error, "calibrated": judged.get("anomaly_map"), **judged.get("part_maps", {})}
            judged[key] = shown[judged["map"]]
            judged[key] = judged[key].clone() if judged[key] is error else judged[key]
        return judged

    def _thresholds(self) -> Thresholds:
        """The thresholds, seen to fit.

        Raises:
            NotCalibrated: they do not, or know nothing of the part that is asked for.
        """
        more = {"evidence": self.evidence_files, "evidence_inputs": self.evidence_inputs}
        found = checked_thresholds(**self.files, windows_hu=self.windows_hu, **more)  # type: ignore[arg-type]
        if self.map in PARTS and self.map not in found.scales:
            raise NotCalibrated(f"The calibration knows nothing of the part {self.map}. {REMEDY}")
        return replace(found, alpha=self.alpha)

    def _judge(
        self, judged: dict[Hashable, Any], predicted: Tensor, normative: Normative, thresholds: Thresholds
    ) -> None:
        """Add the anomaly map and what belongs to it."""
        keys = ("image", "foreground", "regions")
        inputs, inside, regions = (torch.as_tensor(judged[key]).cpu().numpy() for key in keys)
        stride = -(-inside.shape[-1] // predicted.shape[-1])
        head, labels = (volume[0, ::stride, ::stride, ::stride] for volume in (inside.astype(bool), regions))
        found = residual(predicted.detach().cpu().numpy(), stride)
        usual = reference_densities(self.files["reference"], self.reference_regions, self.windows_hu)
        across = asymmetry(inputs, regions[0].astype(np.uint8), stride, usual, self.windows_hu)
        smoothing_mm = float(thresholds.facts.get("settings", {}).get("smoothing_mm", 0.0))
        maps = scan_maps(found, across, head, normative, stride, smoothing_mm)
        maps.pop("error")
        findings = []
        if self.evidence is not None and has_evidence(thresholds):
            blocks = judged[self.blocks_key]
            validity = as_array(judged["validity"]) if "validity" in judged else None
            scan = self.evidence(blocks, regions[0].astype(np.uint8), validity)
            if scan.inference.get("fallback"):
                judged["inference"] = {**judged.get("inference", {}), "evidence": dict(scan.inference)}
            normal = read_evidence(self.evidence_files["evidence_normative"])
            parts = part_maps(scan, normal)
            maps |= {name: at_voxels(values, stride) for name, values in parts.maps.items()}
            most = thresholds.facts.get("settings", {}).get("typical", {})
            findings = [*added_findings(blocks, judged["image"]), *unlike_findings(parts.typical, most)]
        maps = {name: np.where(head, np.nan_to_num(values), np.float32(0)) for name, values in maps.items()}
        anomaly = joined(maps, thresholds.scales)
        error = judged[self.error_key]
        judged["part_maps"] = {k: with_meta(torch.from_numpy(values)[None], error) for k, values in maps.items()}
        judged["anomaly_map"] = with_meta(torch.from_numpy(anomaly)[None], error)
        known = known_at(labels.shape, normative, stride)
        judged |= {"map": self.map, "thresholds": thresholds}
        judged["brain_places"] = found_in(judged, maps, anomaly, labels, stride)
        judged["calibration_findings"] = [*findings, *unknown_findings(known, labels)]
        if is_unlike(findings):
            judged["brain_places"] = []


def found_in(
    judged: Mapping[Hashable, Any],
    maps: Mapping[str, NDArray[np.float32]],
    anomaly: NDArray[np.float32],
    labels: NDArray[np.uint8],
    stride: int,
) -> list[Place]:
    """The places in the brain of maps (n, n, n) that are unusual; none where no healthy scores say what is."""
    registered = "registration" in getattr(judged["image"], "meta", {})
    threshold = voxel_threshold(judged["thresholds"])
    if not registered or threshold is None:
        return []
    scales = judged["thresholds"].scales
    parts = {name: values / np.float32(scales[name]) for name, values in maps.items()}
    return brain_places(anomaly, parts, labels, threshold, stride)


class ErrorMapd(MapTransform):
    """Make the error map (1, n, n, n) in mm of predicted positions (3, n, n, n).

    It is 0 outside the foreground, and where nothing was predicted (NaN).

    What the inferer says about its work in `meta["inference"]` goes to `inference`: `Invertd` drops it later.
    """

    def __init__(self, keys: str, foreground_key: str = "foreground", error_key: str | None = None) -> None:
        """Write the map to `error_key`; if that is None, it replaces the positions."""
        super().__init__(keys)
        self.foreground_key, self.error_key = foreground_key, error_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the map, which keeps the positions' affine and the history of the scan that they came from."""
        mapped = dict(data)
        inside = torch.as_tensor(mapped[self.foreground_key]).bool()
        for key in self.key_iterator(mapped):
            predicted = mapped[key]
            stride = -(-inside.shape[-1] // predicted.shape[-1])
            # On the CPU, wherever the network ran: what follows from the same positions has the same bytes.
            error = error_map(torch.as_tensor(predicted)[None].cpu().float(), stride)[0] * POSITION_SCALE_MM
            known = inside[:, ::stride, ::stride, ::stride].cpu() & error.isfinite()
            mapped[self.error_key or key] = with_meta(torch.where(known, error, 0.0), predicted)
            if isinstance(predicted, MetaTensor) and "inference" in predicted.meta:
                mapped["inference"] = predicted.meta["inference"]
        return mapped


class ScoreRegionsd(MapTransform):
    """Score the regions of the error map and, where there is one, of the anomaly map.

    Adds `scores` (the default score by region), `score_details` (all of them, with the default score's percentile among
    healthy scans, its threshold and the region's coverage), `region_findings` (the regions that the field of view cuts,
    and those that the scan shows none of) and `result` (the scores for MONAI Label). A cut region's score is that of
    what is in view.
    """

    def __init__(self, keys: str, score: str, regions_key: str = "regions", coverage_key: str = "coverage") -> None:
        """Score `keys` (the error map); the default score pools the map that `map` names by `score`.

        Raises:
            ValueError: `score` is none of `scores.POOLINGS`.
        """
        super().__init__(keys)
        score_name("error", score)
        self.score, self.regions_key, self.coverage_key = score, regions_key, coverage_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the scores of the maps (1, n, n, n)."""
        scored = dict(data)
        seen = {name: float(share) for name, share in scored[self.coverage_key].items()}
        for key in self.key_iterator(scored):
            maps = {"error": scored[key], "calibrated": scored.get("anomaly_map"), **scored.get("part_maps", {})}
            arrays = {kind: as_array(values) for kind, values in maps.items() if values is not None}
            details = map_scores(arrays, as_array(scored[self.regions_key]))
            unscored = [name for name, share in seen.items() if share < LEAST_COVERAGE]
            unscored += BRAIN if is_unlike(scored.get("calibration_findings", [])) else []
            for name in unscored:
                details[name] = dict.fromkeys(details[name]) | {"voxels": details[name]["voxels"]}
            chosen = score_name(scored.get("map", "error"), self.score)
            compare(details, chosen, scored.get("thresholds"))
            for name in details:
                details[name]["coverage"] = seen[name]
            scored |= {
                "scores": {name: details[name][chosen] for name in details},
                "score_details": details,
                "region_findings": region_findings(details),
            }
            given = {name: value for name, value in scored["scores"].items() if value is not None}
            scored["result"] = {"scores": given}
        return scored


class LeaveOutBraind(MapTransform):
    """Take back what was judged of the hemispheres, where no series serves the brain: the scan has a bone kernel.

    Their scores become None, the maps (1, n, n, n) of `keys` 0 there. `serves` in the metadata of the registered scan
    says what is served; without it, all is.
    """

    def __init__(self, keys: Sequence[str], regions_key: str = "regions", registered_key: str = "image") -> None:
        """Empty `keys` in the hemispheres; the labels of `regions_key` may lie on a finer grid."""
        super().__init__(keys)
        self.regions_key, self.registered_key = regions_key, registered_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Leave the brain out, if it is not served."""
        left = dict(data)
        if "brain" in left[self.registered_key].meta.get("serves", {"brain": None}):
            return left
        labels = torch.as_tensor(left[self.regions_key])
        for key in self.key_iterator(left):
            step = -(-labels.shape[-1] // left[key].shape[-1])
            brain = torch.isin(labels[:, ::step, ::step, ::step], torch.tensor(HEMISPHERES, device=labels.device))
            values = torch.as_tensor(left[key])
            left[key] = with_meta(torch.where(brain.to(values.device), torch.zeros_like(values), values), left[key])
        left["score_details"] = {name: unjudged(name, numbers) for name, numbers in left["score_details"].items()}
        left["scores"] = {name: None if name in BRAIN else score for name, score in left["scores"].items()}
        left["result"] = {"scores": {name: value for name, value in left["scores"].items() if value is not None}}
        left["brain_places"] = []
        return left


def unjudged(region: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a region; of a hemisphere, None in place of all that judges it."""
    if region not in BRAIN:
        return dict(numbers)
    return {name: value if name in ("voxels", "coverage") else None for name, value in numbers.items()}
