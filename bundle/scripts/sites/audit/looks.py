"""The measures of a case's image, from the `quality` of its `result.json`, and what they are in words."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from ...results.record import RESULT_NAME


@dataclass(frozen=True)
class Measure:
    """A measure: what it is in words, with its unit, its digits, and the two ways in which it can differ.

    One `by_thickness` is compared only among scans of known slice thickness, which changes it most.
    """

    words: str
    unit: str
    digits: int
    more: str
    less: str
    factor: float = 1.0
    by_thickness: bool = False

    def shown(self, value: float) -> str:
        """A value with its unit."""
        return f"{value * self.factor:.{self.digits}f} {self.unit}".strip()

    def rounded(self, value: float) -> float:
        """A value with one digit more than is shown: of few scans a median is the value of one."""
        return round(round(value * self.factor, self.digits + 1) / self.factor, 6)


MEASURES = {
    "brain_hu": Measure("brightness of the brain", "HU", 1, "brighter", "darker"),
    "noise_hu": Measure("noise", "HU", 1, "noisier", "less noisy", by_thickness=True),
    "noise_grain": Measure(
        "grain of the noise",
        "",
        2,
        "finer-grained, as by a sharper kernel",
        "coarser-grained, as by a smoother kernel",
        1,
        True,
    ),
    "fluid_share": Measure(
        "fluid inside the skull", "%", 1, "of heads with more fluid", "of heads with less fluid", 100
    ),
}
"""The measures that are compared, by their names in `quality`."""


def read_looks(folder: Path) -> dict[str, float]:
    """The measures of a case from its folder of results, by name; none where it has none, or can't be read."""
    try:
        quality = json.loads((folder / RESULT_NAME).read_text(encoding="utf-8"))["quality"]
        known = {name: quality.get(name) for name in MEASURES}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: float(value) for name, value in known.items() if type(value) in (int, float) and math.isfinite(value)}
