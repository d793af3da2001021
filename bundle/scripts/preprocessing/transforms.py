"""Dictionary transforms of a registered head before the network: foreground, regions, coverage, intensities.

All work in reference space, channel first: a scan (1, 256, 256, 256) in HU, masks and labels (1, 256, 256, 256).
Words as in `foreground`, `intensity` and `regions`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage, MapTransform
from numpy.typing import NDArray
from torch import Tensor

from ..assets import beside
from ..files.derived import read_derived
from ..findings import finding
from ..geometry.coordinates import REFERENCE_SPACING_MM
from ..volume import AIR_HU
from .blocks import Shift, at_places, block_grid, block_hu, median_shift, shifted
from .foreground import head_foreground
from .image_measures import image_measures
from .intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, equalize_histogram, windows
from .regions import RegionTarget, coverage, in_blocks, in_hemispheres, own_regions, region_target, share_in_no_region

REGION_TARGET_NAME = "regions_target.npz"
"""The derived file (see `files.derived`) with what is needed of the reference regions."""

Data = dict[Hashable, Any]

MOST_IN_NO_REGION = 0.015
"""Share of the intracranial space that may lie in no region before a finding says so: 20 ml; see docs/design.md."""


def like(values: NDArray[Any], image: Tensor) -> Tensor:
    """An array (I, J, K) as a tensor (1, I, J, K), with the image's affine if it has one."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))[None]
    return MetaTensor(tensor, affine=image.affine.clone()) if isinstance(image, MetaTensor) else tensor


def with_meta(values: Tensor, image: Tensor) -> Tensor:
    """Values with the metadata, and the record of transforms, of the image they were made from."""
    return MetaTensor(values).copy_meta_from(image) if isinstance(image, MetaTensor) else values


def as_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor (1, I, J, K) as an array (I, J, K)."""
    values: NDArray[Any] = torch.as_tensor(tensor)[0].detach().cpu().numpy()
    return values


@lru_cache(maxsize=2)
def load_regions(path: str) -> NDArray[np.uint8]:
    """Reference regions (I, J, K) from a file."""
    regions: NDArray[np.uint8] = LoadImage(image_only=True, dtype=np.uint8, reader="NibabelReader")(path).numpy()
    return regions


@lru_cache(maxsize=2)
def load_region_target(path: str) -> RegionTarget:
    """The places in which a scan's regions are looked for, of the reference regions in a file.

    It is read once a process from `REGION_TARGET_NAME` beside the file, or made where that is of another file.
    """
    kept = read_derived(beside(path, REGION_TARGET_NAME), RegionTarget, (path,))
    return region_target(load_regions(path), REFERENCE_SPACING_MM) if kept is None else kept


class FindForegroundd(MapTransform):
    """Find the head in a scan in HU; writes its mask to `foreground_key`."""

    def __init__(self, keys: str, foreground_key: str = "foreground") -> None:
        super().__init__(keys)
        self.foreground_key = foreground_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the mask (1, I, J, K), bool."""
        found = dict(data)
        for key in self.key_iterator(found):
            volume = as_array(found[key]).astype(np.float32, copy=False)
            found[self.foreground_key] = like(head_foreground(volume, [REFERENCE_SPACING_MM] * 3), found[key])
        return found


class MaskBackgroundd(MapTransform):
    """Set voxels outside any of the masks to air; inside, values stay above air, which marks the head."""

    def __init__(self, keys: str, mask_keys: Sequence[str]) -> None:
        super().__init__(keys)
        self.mask_keys = tuple(mask_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Replace the HU of each key, and intersect the masks in the first of them."""
        masked = dict(data)
        inside = torch.stack([torch.as_tensor(masked[key]).bool() for key in self.mask_keys]).all(dim=0)
        first = self.mask_keys[0]
        masked[first] = like(inside[0].numpy(), masked[first])
        for key in self.key_iterator(masked):
            image = masked[key]
            values = torch.where(inside, torch.as_tensor(image).clamp_min(AIR_HU + 1), AIR_HU).to(image.dtype)
            masked[key] = with_meta(values, image)
        return masked


class MakeRegionsd(MapTransform):
    """Find the scan's own regions; writes their labels to `regions_key`.

    The share of the intracranial space that lies in none of them joins the quality in the metadata of a registered
    scan, as `intracranial_share_in_no_region`; a large share is a finding.
    """

    def __init__(
        self, keys: str, reference_regions: str, foreground_key: str = "foreground", regions_key: str = "regions"
    ) -> None:
        super().__init__(keys)
        self.reference_regions = reference_regions
        self.foreground_key, self.regions_key = foreground_key, regions_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the labels (1, I, J, K), uint8."""
        labelled = dict(data)
        target = load_region_target(self.reference_regions)
        for key in self.key_iterator(labelled):
            head = as_array(labelled[self.foreground_key]).astype(bool)
            hu = as_array(labelled[key])
            blocks = in_blocks(hu, head)
            regions = own_regions(hu, head, target, REFERENCE_SPACING_MM, blocks)
            labelled[self.regions_key] = like(regions, labelled[key])
            if isinstance(labelled[key], MetaTensor):
                share = share_in_no_region(hu, head, regions, target, REFERENCE_SPACING_MM, blocks)
                labelled[key] = told(labelled[key], share)
        return labelled


def told(image: MetaTensor, share: float) -> MetaTensor:
    """A registered scan whose quality and findings hold the share (0 to 1) of the intracranial space in no region."""
    found: MetaTensor = image.clone()
    quality, findings = image.meta.get("registration", {}), list(image.meta.get("findings") or [])
    if share > MOST_IN_NO_REGION:
        text = f"{100 * share:.1f} % of the space inside the skull lies in no region."
        findings.append(finding("intracranial_unassigned", text).as_dict())
    found.meta |= {"registration": {**quality, "intracranial_share_in_no_region": share}, "findings": findings}
    return found


class MeasureImaged(MapTransform):
    """Measure noise, grain and fluid of a registered scan (see `image_measures`), for audits; no score sees them.

    They join the quality in the metadata of the registered scan. One that was not registered, or whose scan on its own
    grid is not there, stays as it is.
    """

    def __init__(self, keys: str, scan_key: str = "scan", regions_key: str = "regions") -> None:
        super().__init__(keys)
        self.scan_key, self.regions_key = scan_key, regions_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the measures to the metadata of each key."""
        measured = dict(data)
        for key in self.key_iterator(measured):
            image, scan = measured[key], measured.get(self.scan_key)
            if not (isinstance(image, MetaTensor) and isinstance(scan, MetaTensor) and "registration" in image.meta):
                continue
            quality = image.meta["registration"]
            affine, matrix = (np.asarray(one, dtype=np.float64) for one in (scan.affine, quality["matrix"]))
            regions = as_array(measured[self.regions_key]).astype(np.uint8)
            numbers = image_measures(as_array(image), regions, as_array(scan), affine, matrix)
            found: MetaTensor = image.clone()
            found.meta |= {"registration": {**quality, **numbers}}
            measured[key] = found
        return measured


class MeasureCoveraged(MapTransform):
    """Measure how much of each reference region a field of view holds; writes a dictionary to `coverage_key`."""

    def __init__(self, keys: str, reference_regions: str, coverage_key: str = "coverage") -> None:
        super().__init__(keys)
        self.reference_regions, self.coverage_key = reference_regions, coverage_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the shares, from 0 to 1, by the region's name."""
        measured = dict(data)
        for key in self.key_iterator(measured):
            valid = as_array(measured[key]).astype(bool)
            measured[self.coverage_key] = coverage(valid, load_regions(self.reference_regions))
        return measured


class ShiftBlocksd(MapTransform):
    """Replace a scan by its shifted blocks (1, 127, 127, 127), int16 HU, see `blocks`; a doubtful median is a finding.

    The masks and labels of `place_keys`, (1, 256, 256, 256), become those at the places, (1, 64, 64, 64).
    """

    def __init__(self, keys: str, reference_regions: str, median_hu: float, place_keys: Sequence[str] = ()) -> None:
        """Shift the median of each brain to `median_hu`."""
        super().__init__(keys)
        self.reference_regions, self.median_hu, self.place_keys = reference_regions, median_hu, tuple(place_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Replace each key, and the masks and labels."""
        found = dict(data)
        for key in self.key_iterator(found):
            blocks = block_hu(as_array(found[key]))
            shift = median_shift(blocks, reference_brain(self.reference_regions), self.median_hu)
            values = torch.from_numpy(shifted(blocks, shift))[None]
            found[key] = flagged(with_meta(values, found[key]), shift)
        for key in self.place_keys:
            found[key] = torch.from_numpy(np.ascontiguousarray(at_places(torch.as_tensor(found[key]).numpy())))
        return found


@lru_cache(maxsize=2)
def reference_brain(regions: str) -> NDArray[np.bool_]:
    """Blocks (127, 127, 127) that lie mostly in the hemispheres of the reference regions in a file."""
    return block_hu(in_hemispheres(load_regions(regions))) > 0.5


def flagged(image: Tensor, shift: Shift) -> Tensor:
    """Blocks whose metadata, if they have any, hold their grid, the shift and, where it is doubtful, a finding."""
    if not isinstance(image, MetaTensor):
        return image
    image.affine = image.affine @ torch.from_numpy(block_grid()).to(image.affine)
    image.meta["median_shift_hu"] = round(shift.hu, 2)
    if shift.doubtful:
        median = "" if shift.median_hu is None else f", and their median is {shift.median_hu:.0f} HU"
        text = f"{100 * shift.share:.0f} % of the brain has 0 to 60 HU{median}."
        image.meta["findings"] = [*(image.meta.get("findings") or []), finding("median_doubtful", text).as_dict()]
    return image


class ScaleWindowsd(MapTransform):
    """One channel per window (W, I, J, K): brain and bone window unless told otherwise."""

    def __init__(self, keys: str, windows_hu: Sequence[Sequence[float]] = (BRAIN_WINDOW_HU, BONE_WINDOW_HU)) -> None:
        super().__init__(keys)
        self.windows_hu = windows_hu

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Scale each key."""
        scaled = dict(data)
        for key in self.key_iterator(scaled):
            scaled[key] = with_meta(windows(torch.as_tensor(scaled[key]), self.windows_hu), scaled[key])
        return scaled


class EqualizeHistogramd(MapTransform):
    """Histogram equalisation inside the foreground (1, I, J, K), as published."""

    def __init__(self, keys: str, foreground_key: str = "foreground") -> None:
        super().__init__(keys)
        self.foreground_key = foreground_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Equalise each key; without a mask every voxel counts."""
        equalised = dict(data)
        mask = equalised.get(self.foreground_key)
        inside = None if mask is None else torch.as_tensor(mask)
        for key in self.key_iterator(equalised):
            values = equalize_histogram(torch.as_tensor(equalised[key]), inside)
            equalised[key] = with_meta(values, equalised[key])
        return equalised
