"""The measures of a case's image, from the `quality` of its `result.json`, and what they are in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...results.record import RESULT_NAME


@dataclass(frozen=True)
class Measure:
    """A measure: what it is in words, with its unit, its digits, and the two ways in which it can differ."""

    words: str
    unit: str
    digits: int
    more: str
    less: str
    factor: float = 1.0

    def shown(self, value: float) -> str:
        """A value with its unit."""
        return f"{value * self.factor:.{self.digits}f} {self.unit}".strip()


MEASURES = {
    "brain_hu": Measure("median of the brain", "HU", 1, "brighter", "darker"),
    "noise_hu": Measure("noise", "HU", 1, "noisier", "less noisy"),
    "noise_grain": Measure("grain of the noise", "", 2, "of a sharper kernel", "of a smoother kernel"),
    "fluid_share": Measure(
        "fluid inside the skull", "%", 0, "of heads with more fluid", "of heads with less fluid", 100
    ),
}
"""The measures that are compared, by their names in `quality`."""


def read_looks(folder: Path) -> dict[str, float]:
    """The measures of a case from its folder of results, by name; none where it has none, or can't be read."""
    try:
        quality = json.loads((folder / RESULT_NAME).read_text(encoding="utf-8"))["quality"]
        return {name: float(quality[name]) for name in MEASURES if isinstance(quality.get(name), int | float)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
