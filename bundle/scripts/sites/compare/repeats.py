"""The differences of repeated scans of one unchanged head: the noise that two scans of a patient are compared with.

`models/repeat_noise.json` holds it. It was measured on simulated heads that were drawn once and scanned twice, in
another pose, with another dose, slice thickness, kernel and field of view (`benchmarks/repeats.py`). It is valid only
for the networks and the calibration that it was measured with, and for the calibrated map. For any other it is unknown.

A *coefficient* is the repeatability coefficient of a score (see `statistics.repeatability`). A *limit* is what 95 % of
the hemispheres without a lesion do not exceed: of the largest difference of the smoothed maps, or of the peak in one
scan over the maximum around that place in the other. The *volume ratio* is the coefficient of the logarithm of a
detection's volume, as a ratio.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...assets import optional_asset
from ...preprocessing.regions import REGIONS, SKULL

NOISE_NAME = "models/repeat_noise.json"
"""Where it ships, in the bundle."""

FORMAT = "head_ct_position_anomaly repeat noise 1"
"""Value of `format` in it."""

TIES = (
    *("tensors_sha256", "evidence_weights_sha256", "reference_sha256"),
    *("normative_sha256", "evidence_normative_sha256", "skull_normative_sha256"),
)
"""Facts of a calibration that have to be those of the noise."""

HEMISPHERE, WITH_LESION, SKULL_SCORE = "hemisphere", "hemisphere_with_lesion", "skull"
"""Kinds of scores whose repeatability was measured."""


class NoiseUnknown(ValueError):
    """Nothing is known of the noise between repeats of such results; the message says why."""


@dataclass(frozen=True)
class Noise:
    """The noise of repeats.

    Attributes:
        coefficients: by kind of score, see `HEMISPHERE` and the others.
        difference: limit of the largest difference of maps in a hemisphere.
        peak: limit of a hemisphere's peak over what the other scan has around it.
        volume_ratio: of a detection's volumes, 1 or more.
        facts: all that is known of how it was measured.
    """

    coefficients: Mapping[str, float]
    difference: float
    peak: float
    volume_ratio: float
    facts: Mapping[str, Any]

    def of_score(self, region: str, above: bool) -> float:
        """The coefficient of a region's score; `above` where one of the two scores is above its threshold."""
        if REGIONS[region] == SKULL:
            return self.coefficients[SKULL_SCORE]
        return self.coefficients[WITH_LESION if above else HEMISPHERE]


def read_noise(path: Path) -> Noise:
    """The noise in a file.

    Raises:
        NoiseUnknown: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise NoiseUnknown("no noise of repeats ships with this bundle")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        coefficients = {name: float(found["coefficient"]) for name, found in content["scores"].items()}
        difference, peak = (float(content[name]["limit_95"]) for name in ("difference", "peak"))
        facts = {"valid_for": dict(content["valid_for"]), "source": dict(content["source"])}
        return Noise(coefficients, difference, peak, float(content["volume_ratio"]["coefficient"]), facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoiseUnknown(f"{path.name} can't be read ({type(error).__name__})") from error


def noise_of(records: Sequence[Mapping[str, Any]], path: Path | None = None) -> Noise:
    """The noise of repeats that is valid for all of these results, as `result.json` describes them.

    Raises:
        NoiseUnknown: it is valid for none, or not for all of them.
    """
    noise = read_noise(Path(optional_asset(NOISE_NAME)) if path is None else path)
    for record in records:
        if record["settings"].get("map") != "calibrated" or record.get("calibration") is None:
            raise NoiseUnknown("it was measured on the calibrated map, which not both scans have")
        wanted = noise.facts["valid_for"]
        if any(record["calibration"].get(name) != wanted.get(name) for name in TIES):
            raise NoiseUnknown("it was measured with other weights, or another calibration, than these results")
    return noise
