"""From the source of a healthy scan to its residual, through the transforms and the network of `inference.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImaged
from numpy.typing import NDArray
from torch import nn

from ..anomaly.asymmetry import asymmetry
from ..anomaly.measure import MeasureEvidence
from ..anomaly.normative import residual
from ..files.fingerprints import Source
from ..files.zipped import unpacked
from ..networks.inferers import PositionInferer
from ..reading.reader import skull_gap_mm
from ..simulation.anatomy.label_map import Anatomy, load_anatomy
from ..simulation.case import simulate_case
from ..volume import UNKNOWN_HU
from .folds import HealthyScan
from .skulls import HealthySkull, healthy_skull


def prepared(source: Source, transforms: Sequence[Any]) -> dict[Any, Any]:
    """A scan after the preprocessing, of which the transform that loads is left out for a simulated scan.

    Raises:
        InputRefused: the scan can't be judged.
        OutputFailed: there is no folder to unpack an archive into.
    """
    with ExitStack() as opened:
        scan = str(opened.enter_context(unpacked(source.path))) if source.seed is None else drawn(source)
        data: dict[Any, Any] = {"image": scan}
        for transform in transforms:
            if source.seed is None or not isinstance(transform, LoadImaged):
                data = transform(data)
        return data


def skull_of(data: Mapping[Any, Any], usual_mm: NDArray[np.float64]) -> HealthySkull | None:
    """The skull of a prepared scan by a mean surface (m,), on the grid of the series that serves it; None if it can't
    be judged."""
    scan, meta = data.get("bone_scan", data["scan"]), data["image"].meta
    hu = torch.as_tensor(scan)[0].cpu().numpy()
    matrix = np.asarray(meta["registration"]["matrix"], dtype=np.float64)
    return healthy_skull(hu, np.asarray(scan.affine, dtype=np.float64), matrix, usual_mm, skull_gap_mm(meta))


def healthy_scan(
    data: Mapping[Any, Any],
    inferer: PositionInferer,
    network: nn.Module,
    device: torch.device,
    usual: NDArray[np.float32],
    windows_hu: Sequence[Sequence[float]],
    evidence: MeasureEvidence | None = None,
) -> HealthyScan:
    """A prepared healthy scan as calibration caches it.

    Args:
        data: of `prepared`.
        inferer: whose stride the result has.
        network: with its weights.
        device: where the network runs.
        usual: densities of the reference head, see `asymmetry`.
        windows_hu: lower and upper HU of the brain and of the bone window that the network sees.
        evidence: measures what the density network says, if there is one.
    """
    predicted = inferer(data["image"][None].to(device), network)[0]
    step = inferer.stride
    signed = residual(torch.as_tensor(predicted).cpu().numpy(), step)
    inputs, head, regions = (torch.as_tensor(data[name]).cpu().numpy() for name in ("image", "foreground", "regions"))
    inside = head[0, ::step, ::step, ::step].astype(bool) & np.isfinite(signed).all(axis=0)
    labels = regions[0].astype(np.uint8)
    across = asymmetry(inputs, labels, step, usual, windows_hu)
    coverage = {name: float(share) for name, share in data["coverage"].items()}
    valid = torch.as_tensor(data["validity"])[0].cpu().numpy() if "validity" in data else None
    said = None if evidence is None else evidence(data["blocks"], labels, valid)
    return HealthyScan(signed, across, inside, labels[::step, ::step, ::step], coverage, step, said)


def drawn(source: Source) -> MetaTensor:
    """A simulated healthy scan (1, I, J, K) in HU with its affine, as the reader would give it."""
    scan = simulate_case(_anatomy(source.path), source.seed or 0, variety=source.variety).scan
    hu = np.where(scan.outside, np.float32(UNKNOWN_HU), scan.hu).astype(np.float32)
    return MetaTensor(torch.from_numpy(hu)[None], affine=torch.from_numpy(scan.affine))


@lru_cache(maxsize=4)
def _anatomy(path: Path) -> Anatomy:
    """An anatomy, kept, since scans take turns over a few of them."""
    return load_anatomy(path)
