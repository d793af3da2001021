"""Scores and labels of a few heads, and the network that they come from."""

from __future__ import annotations

from scripts.cohort.tasks import SUBTYPES, Head

NETWORK = {"kind": "position", "width": 16, "patch_size": 39, "parameters": 1873827, "mode": "dense", "stride": 2}


LABELS = ("ICH", "Fracture", "BleedLocation-Left", "BleedLocation-Right", *sum(SUBTYPES.values(), ()))


def head(case: str, scores: tuple[float | None, ...], *labels: str) -> Head:
    """A head with the scores of the left and right hemisphere and of the skull, and the labels that are true."""
    regions = ("left_hemisphere", "right_hemisphere", "skull")
    return Head(case, {name: name in labels for name in LABELS}, dict(zip(regions, scores, strict=True)))


HEADS = (
    head("healthy", (1, 2, 1)),
    head("quiet", (1.5, None, 3)),
    head("left", (5, 2.5, 9), "ICH", "IPH", "BleedLocation-Left"),
    head("both", (4, 1.2, 9), "ICH", "SDH", "BleedLocation-Left", "BleedLocation-Right"),
    head("sideless", (7, 7, 9), "ICH", "IVH"),
    head("broken", (9, 9, 4), "Fracture", "CalvarialFracture"),
    head("broken and bleeding", (1, 6, 2), "Fracture", "OtherFracture", "ICH", "IPH", "BleedLocation-Right"),
)
