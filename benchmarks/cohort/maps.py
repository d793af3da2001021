"""Maps of a registered scan by each method, and the *features* that they are made of.

A *map* (n, n, n) covers every stride-th voxel of the reference grid; higher means more anomalous. Each method has one
for the hemispheres ("brain") and one for the skull. Features are what costs time, the network's answers above all; what
is normal is learnt from features of healthy scans, and maps follow from both.

The methods: `positions`, a position network, ours or the published one; `autoencoder`; `hu`, no network at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cohort.register import Registered
from scripts.anomaly.asymmetry import asymmetry
from scripts.anomaly.normative import residual, smooth_map
from scripts.anomaly.parts import Evidence, joined
from scripts.anomaly.reader import reference_densities
from scripts.assets import place
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.baseline.maps import grayscale_erosion, median_filter
from scripts.calibration.folds import HealthyScan, Normal, parts_of
from scripts.geometry.averages import block_means
from scripts.networks.inferers import PositionInferer
from scripts.preprocessing.intensity import EQUALISATION_RANGE_HU, equalize_histogram
from scripts.preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL
from scripts.volume import AIR_HU

BOX = (slice(40, 216), slice(16, 240), slice(64, 240))
"""The part of the reference grid that an autoencoder sees, as in autoencoder.json."""

LOWEST = 48
"""Below this voxel a scan is cut off before a position network: no patch around a region reaches further down."""

BLOCK = 2
"""Voxels a side of the blocks that HU are averaged over."""

INNER = tuple(slice(part.start // BLOCK, part.stop // BLOCK) for part in BOX)
"""The same part in blocks; it is symmetric, so that its mirror image is itself."""

BRAIN_HU, SKULL_HU = (-20.0, 120.0), (-200.0, 1800.0)
"""HU are clipped to this in the brain and in the skull, so that air and metal don't make the spread there."""

BRAIN_SMOOTHING_MM, SKULL_SMOOTHING_MM = 3.0, 1.5
"""Standard deviations of the Gaussians of the smoothed HU."""

LEAST_SD_HU = 2.0
"""No voxel's HU have a smaller standard deviation among healthy scans."""

Array = NDArray[np.float32]
Features = dict[str, NDArray[np.float16]]


@dataclass(frozen=True, eq=False)
class Maps:
    """The maps of the hemispheres and of the skull of a scan, with the stride of their grid."""

    brain: Array
    skull: Array
    stride: int
    zero_is_unknown: bool = False


def position_features(
    scan: Registered,
    network: nn.Module,
    inferer: PositionInferer,
    intensity: Callable[[dict[str, Tensor]], Any],
    said: Callable[[Registered], Evidence] | None = None,
) -> Features:
    """The residual (3, n, n, n) in mm of a position network, NaN where nothing was predicted.

    And the asymmetry (n, n, n) in steps, where the network sees a brain and a bone window; and what the density network
    and the density say, where `said` measures it.

    `intensity` is the config's transform from HU to network inputs.
    """
    hu = torch.from_numpy(scan.hu)[None].float()
    inputs = torch.as_tensor(intensity({"image": hu, "foreground": hu > AIR_HU})["image"])
    inputs[..., :LOWEST] = 0
    predicted = inferer(inputs[None], network)[0].as_tensor().numpy()
    found = {"residual": residual(predicted, inferer.stride).astype(np.float16)}
    if len(inputs) == 2:
        usual = reference_densities(place("models/reference.nii.gz"), place("models/regions.nii.gz"))
        found["asymmetry"] = asymmetry(inputs.numpy(), scan.regions, inferer.stride, usual).astype(np.float16)
    if said is not None:
        evidence = said(scan)
        found["evidence"] = evidence.features.astype(np.float16)
        found["density"] = evidence.density.astype(np.float16)
    return found


def reconstruction_features(scan: Registered, network: SpatialAutoencoder) -> Features:
    """The autoencoder's features: signed error of the reconstruction, voxel by voxel of the box."""
    hu = torch.from_numpy(scan.hu)[None].float()
    inputs = equalize_histogram(hu, hu > AIR_HU)[:, *BOX]
    with torch.no_grad():
        difference: Tensor = network(inputs[None])[0, 0] - inputs[0]
    return {"residual": difference.numpy().astype(np.float16)}


def foreground(scan: Registered, stride: int) -> NDArray[np.bool_]:
    """True where the scan shows the head, on every stride-th voxel."""
    return np.asarray(scan.hu[::stride, ::stride, ::stride] > AIR_HU)


def as_healthy(scan: Registered, features: Features) -> HealthyScan:
    """A scan as the calibration sees it, from the features of our networks."""
    residual_mm = features["residual"]
    stride = scan.hu.shape[0] // residual_mm.shape[-1]
    inside = foreground(scan, stride) & np.isfinite(residual_mm).all(axis=0)
    said = Evidence(features["evidence"], features["density"]) if "evidence" in features else None
    regions = scan.regions[::stride, ::stride, ::stride]
    return HealthyScan(residual_mm, features["asymmetry"], inside, regions, scan.coverage, stride, said)


def joined_maps(scan: HealthyScan, normal: Normal, scales: Mapping[str, float]) -> dict[str, Maps]:
    """The map of each part, and of all joined ("anomaly"); 0 where nothing is known."""
    parts = {k: np.nan_to_num(v) for k, v in parts_of(scan, normal).maps.items() if k != "error"}
    parts["anomaly"] = joined(parts, scales)
    return {name: Maps(values, values, scan.stride, zero_is_unknown=True) for name, values in parts.items()}


def error_maps(scan: Registered, features: Features) -> Maps:
    """The error map in mm."""
    values = features["residual"].astype(np.float32)
    stride = scan.hu.shape[0] // values.shape[-1]
    inside = foreground(scan, stride) & np.isfinite(values).all(axis=0)
    made = np.linalg.norm(np.where(inside, values, 0), axis=0)
    return Maps(made, made, stride)


def filtered_maps(scan: Registered, features: Features) -> Maps:
    """The published autoencoder's: |residual|, eroded for the hemispheres, median-filtered for the skull."""
    size = np.abs(features["residual"].astype(np.float32))
    brain, skull = (np.zeros(scan.hu.shape, np.float32) for _ in range(2))
    brain[BOX] = grayscale_erosion(size)
    skull[BOX] = median_filter(size, scan.regions[BOX] == SKULL)
    return Maps(brain, skull, 1)


def clipped_hu(scan: Registered) -> Array:
    """Mean HU (2, n, n, n) of blocks, clipped for the brain and for the skull."""
    hu = scan.hu.astype(np.float32).clip(*EQUALISATION_RANGE_HU)
    return np.stack([block_means(hu.clip(*limits), BLOCK) for limits in (BRAIN_HU, SKULL_HU)])


class HuStatistics:
    """Count, sums and sums of squares (2, ...) of healthy HU at each place of the box, mirror images included."""

    def __init__(self) -> None:
        shape = (2, *(part.stop - part.start for part in INNER))
        self.count, self.first, self.second = 0, np.zeros(shape), np.zeros(shape)

    def add(self, hu: Array) -> None:
        """Add a scan (2, n, n, n) and its mirror image."""
        for values in (hu[:, *INNER].astype(np.float64), hu[:, ::-1][:, *INNER].astype(np.float64)):
            self.count += 1
            self.first += values
            self.second += values**2

    def score(self, hu: Array) -> Array:
        """|z| (2, n, n, n) of a scan; 0 outside the box."""
        mean = self.first / self.count
        spread = np.sqrt(np.maximum(self.second / self.count - mean**2, LEAST_SD_HU**2))
        scored = np.zeros_like(hu)
        scored[:, *INNER] = np.abs(hu[:, *INNER] - mean) / spread
        return scored


def hu_z_maps(hu: Array, statistics: HuStatistics) -> Maps:
    """Voxelwise z-score of HU."""
    brain, skull = statistics.score(hu)
    return Maps(brain, skull, BLOCK)


def smoothed_hu_maps(scan: Registered, hu: Array) -> Maps:
    """HU smoothed inside a region, the region's median removed.

    Brighter is anomalous in the brain, darker in the skull, whose gaps are fractures.
    """
    regions = scan.regions[::BLOCK, ::BLOCK, ::BLOCK]
    sides = np.isin(regions, (LEFT_HEMISPHERE, RIGHT_HEMISPHERE))
    brain = _removed(hu[0], sides, BRAIN_SMOOTHING_MM)
    return Maps(brain, -_removed(hu[1], regions == SKULL, SKULL_SMOOTHING_MM), BLOCK)


def _removed(hu: Array, inside: NDArray[np.bool_], sigma_mm: float) -> Array:
    """Smoothed HU without their median, inside a mask; 0 outside."""
    if not inside.any():
        return np.zeros_like(hu)
    smoothed = smooth_map(hu, inside, sigma_mm, BLOCK)
    return np.where(inside, smoothed - np.median(smoothed[inside]), 0).astype(np.float32)
