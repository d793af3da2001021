"""A registered scan as the pipeline hands it on."""

from __future__ import annotations

import torch
from monai.data import MetaTensor

MATRIX = [[1.0, 0, 0, 2.5], [0, 1, 0, -1], [0, 0, 1, 0.125], [0, 0, 0, 1]]


def image(findings: list[dict[str, str]]) -> MetaTensor:
    """A registered scan with the metadata that the pipeline gives it."""
    scan = MetaTensor(torch.zeros(1, 4, 4, 4))
    scan.meta["findings"] = findings
    scan.meta["registration"] = {"matrix": MATRIX, "ncc": 0.91, "verdict": "pass"}
    return scan
