"""A scored case as the handlers get it: maps of two halves, one of each hemisphere, on a small grid."""

from __future__ import annotations

from typing import Any

import torch
from monai.data import DataLoader, MetaTensor, decollate_batch
from registered_image import image

from scripts.anomaly.scores import Thresholds
from scripts.findings import finding

AFFINE = torch.tensor([[-2.0, 0, 0, 20], [0, -2, 0, 20], [0, 0, 3, -15], [0, 0, 0, 1]], dtype=torch.float64)
FLAG = finding("thick_slices", "Slices are 5.0 mm thick.").as_dict()


def case(findings: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """A scored case, after a data loader and its undoing, as the handlers get it."""
    batch = next(iter(DataLoader([{"image": image(findings or [])}], batch_size=1)))
    (data,) = decollate_batch(batch)
    heatmap = torch.arange(10 * 9 * 8, dtype=torch.float32).reshape(1, 10, 9, 8) / 30
    regions = torch.zeros(1, 10, 9, 8, dtype=torch.uint8)
    regions[:, 5:] = 1
    regions[:, :5] = 2
    return {
        **data,
        "pred": MetaTensor(heatmap, affine=AFFINE),
        "error_map": MetaTensor(2 * heatmap, affine=AFFINE),
        "regions": MetaTensor(regions, affine=AFFINE),
        "scan": MetaTensor(torch.full((1, 10, 9, 8), 40, dtype=torch.int16), affine=AFFINE),
        "detection_labels": MetaTensor((regions == 1).to(torch.uint8), affine=AFFINE),
        "scores": {"left_hemisphere": 3.5, "right_hemisphere": 2.25, "skull": None},
        "score_details": {"left_hemisphere": {"raw_maximum": 4.0, "voxels": 12}},
        "region_findings": [finding("region_cut", "The field of view holds 10 % of the skull.").as_dict()],
        "inference": {"device": "cpu", "tile": torch.tensor(32), "fallback": torch.tensor(False)},
    }


def calibrated() -> dict[str, Any]:
    """A case whose heatmap is calibrated."""
    details = {
        "left_hemisphere": {"threshold": 4.5, "percentile": 97.5},
        "right_hemisphere": {"threshold": 4.5, "percentile": 12.0},
        "skull": {"threshold": 5.5, "percentile": None},
    }
    more = {"map": "calibrated", "thresholds": Thresholds({}, {"scans": 60}), "score_details": details}
    return {**case(), **more, "calibration_findings": [finding("normative_unknown", "8 % of the skull.").as_dict()]}
