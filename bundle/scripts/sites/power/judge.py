"""Judges a registered scan with and without planted lesions, by the parts of `inference.json` that scores come from.

Pose, head, field of view and regions are those of the scan without a lesion, found once: a planted lesion does not move
them. That is what a site wants to know of its own scans; that a large bleed moves the pose by some mm is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...anomaly.chosen_calibration import SHIPPED, Chosen
from ...anomaly.detections.places import Place
from ...preprocessing.transforms import MeasureCoveraged, as_array, load_regions, with_meta
from ...statistics.alpha import ALPHA
from ...workflow import device_values, parsed_configs
from .planting import Ground, ground_of

SCORING = "ScoreRegionsd"
"""The last transform of the postprocessing that scores need."""

HEMISPHERES = {"left": "left_hemisphere", "right": "right_hemisphere"}
"""Regions by side."""


@dataclass(frozen=True)
class Settings:
    """Settings by which scans are judged; it can be pickled.

    Attributes:
        stride: mm between predictions.
        device: auto, cpu, cuda or cuda:N.
        chosen: the weights and the calibration.
        alpha: the share of healthy scores above the threshold.
    """

    stride: int
    device: str = "auto"
    chosen: Chosen = SHIPPED
    alpha: float = ALPHA


@dataclass(frozen=True, eq=False)
class Verdict:
    """The verdict on a scan: score and threshold of each hemisphere by side (None without one), and its places."""

    scores: Mapping[str, float | None]
    thresholds: Mapping[str, float | None]
    places: Sequence[Place]

    def above(self, side: str) -> bool | None:
        """True if the hemisphere of a side is above the threshold; None if it has no score or no threshold."""
        score, threshold = self.scores[side], self.thresholds[side]
        return None if score is None or threshold is None else score > threshold


class Judge:
    """The transforms and networks, loaded once."""

    def __init__(self, settings: Settings) -> None:
        self.parser = parsed_configs(["inference.json"])
        self.parser["stride"], self.parser["alpha"] = settings.stride, settings.alpha
        self.parser["bone_series"] = False
        self.parser.update({**settings.chosen.values(), **device_values(settings.device)})
        self.device = self.parser.get_parsed_content("device")
        self.inferer = self.parser.get_parsed_content("inferer")
        self.network = self.parser.get_parsed_content("network_def").to(self.device).eval()
        weights = self.parser.get_parsed_content("weights")
        self.network.load_state_dict(torch.load(weights, map_location=self.device, weights_only=True))
        self.atlas = load_regions(str(self.parser.get_parsed_content("atlas")))
        steps = self.parser.get_parsed_content("postprocessing").transforms
        last = next(number for number, step in enumerate(steps) if type(step).__name__ == SCORING)
        self.scoring = steps[: last + 1]

    def prepared(self, scan: Path, series_uid: str | None = None) -> tuple[dict[Any, Any], list[Any]]:
        """A scan, registered and masked, and the transforms that remain up to network input.

        Raises:
            InputRefused: it can't be judged.
        """
        self.parser["series_uid"] = series_uid
        steps = self.parser.get_parsed_content("preprocessing").transforms
        last = next(number for number, step in enumerate(steps) if isinstance(step, MeasureCoveraged))
        data: dict[Any, Any] = {"image": str(scan)}
        for step in steps[: last + 1]:
            data = step(data)
        return data, steps[last + 1 :]

    def ground(self, data: Mapping[Any, Any]) -> Ground:
        """A prepared scan, ready to be planted into.

        Raises:
            ValueError: it shows no brain on one side.
        """
        scan, image = data["scan"], data["image"]
        hu, head, regions = (as_array(data[key]) for key in ("image", "foreground", "regions"))
        matrix = np.asarray(image.meta["registration"]["matrix"], dtype=np.float64)
        affine = np.asarray(scan.affine, dtype=np.float64)
        inside = head.astype(bool) & as_array(data["validity"]).astype(bool)
        labels = regions.astype(np.uint8)
        return ground_of(hu.astype(np.float32), inside, labels, self.atlas, tuple(scan.shape[1:]), affine, matrix)

    def __call__(
        self, data: Mapping[Any, Any], remaining: Sequence[Any], hu: NDArray[np.float32] | None = None
    ) -> Verdict:
        """The verdict on a prepared scan, or on one whose HU (256, 256, 256) are others."""
        judged = dict(data)
        if hu is not None:
            judged["image"] = with_meta(torch.from_numpy(hu)[None], data["image"])
        for step in remaining:
            judged = step(judged)
        with torch.no_grad():
            judged["pred"] = self.inferer(judged["image"][None].to(self.device), self.network)[0]
        for step in self.scoring:
            judged = step(judged)
        details = judged["score_details"]
        scores = {side: judged["scores"][region] for side, region in HEMISPHERES.items()}
        limits = {side: details[region]["threshold"] for side, region in HEMISPHERES.items()}
        return Verdict(scores, limits, judged["brain_places"])


@lru_cache(maxsize=1)
def judge_of(settings: Settings) -> Judge:
    """The one of this process."""
    return Judge(settings)
