"""From a registered head to predicted positions: MONAI inferers, called as `inferer(inputs, network)`.

The *inputs* (B, C, I, J, K) are network inputs, 0 in the background; the result (B, 3, ceil(I / stride), ...) holds, at
place k of the *grid*, the network's answer for the patch centred on voxel k * stride. Without a `margin` every place
is answered; a patch that holds background only always gets the same answer, the *constant*, which is computed once.
With a margin, the *wanted* places are those with foreground within that many voxels, and those that these enclose:
only they are computed, and all others are NaN. `EvidenceInferer` asks another network likewise. Out of memory, the work
is done again in smaller portions, and at last on the CPU; the result's `meta["inference"]` tells where and how. Their
*precision* is explained in `precision`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.inferer import Inferer
from torch import Tensor, nn

from ..geometry.coordinates import REFERENCE_SIZE
from ..processes.memory import give_back_free_memory, keep_large_blocks
from .density import STEP
from .evidence import TILE, evidence_map
from .patches import cut, cut_patches, enclosed, foreground_of, grid_shape, near_foreground, patch_radius, tile_boxes
from .position import fold_spectral_norm
from .precision import autocast, check_precision, one_thread
from .strides import STRIDES

TILES = {1: 64, 2: 32, 4: 32}
"""Stride -> places along a tile's side: more is faster, needs more memory and changes no answer."""

SMALLEST_TILE = 8
"""Out of memory at this size, the work moves to the CPU, and there it ends with an error."""


def out_of_memory(error: RuntimeError) -> bool:
    """True if PyTorch raised `error` because memory ran out, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


class AutocastInferer(Inferer):
    """`network(inputs)`, as it stands, in a chosen precision: for training."""

    def __init__(self, precision: str = "float32") -> None:
        self.precision = precision
        keep_large_blocks()

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The network's output, in float32."""
        with autocast(inputs.device, self.precision, exact=False):
            outputs: Tensor = network(inputs, *args, **kwargs)
        return outputs.float()


def attempted(work: Callable[[], Tensor], device: torch.device) -> Tensor | None:
    """The result of work on a device, or None when memory ran out."""
    try:
        return work()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        return None
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        give_back_free_memory()


class FrugalInferer(Inferer):
    """Common part of inferers that work in portions: the reaction to lack of memory, and the result's metadata.

    Args:
        stride: step between places, in voxels of the inputs.
        portion: places done at once (along a side, or in all); `smallest` is the least worth trying.
        precision: "float32" or "bfloat16" (by autocast).
    """

    portion_name, axes, remedy = "portion", "(B, C, I, J, K)", "use a larger stride"

    def __init__(self, stride: int, portion: int, smallest: int, precision: str) -> None:
        for name, value in (("stride", stride), (self.portion_name, portion)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        check_precision(precision)
        self.stride, self.portion, self.smallest = stride, portion, min(smallest, portion)
        self.precision = precision
        keep_large_blocks()

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> MetaTensor:
        """The network's answers at the places of inputs (B, C, I, J, K); the network is left as it is.

        Raises:
            ValueError: the inputs do not have five axes.
            MemoryError: memory does not suffice even for the smallest portions on the CPU.
        """
        if inputs.ndim != 5:
            raise ValueError(f"inputs must be {self.axes}, got {tuple(inputs.shape)}")
        volumes = inputs.as_tensor() if isinstance(inputs, MetaTensor) else inputs
        if isinstance(network, nn.parallel.DistributedDataParallel):
            network = network.module
        own_device = self._device(network)
        for device, portion in self._attempts(own_device):
            predicted = self._attempt(volumes, network, device, portion)
            if predicted is not None:
                fallback = device != own_device or portion != self.portion
                facts = {"device": str(device), self.portion_name: portion, "fallback": fallback}
                return placed(predicted, inputs, self.stride, facts)
        raise MemoryError(f"out of memory on the CPU even with {self.portion_name} {self.smallest}; {self.remedy}")

    @staticmethod
    def _device(network: nn.Module) -> torch.device:
        return next(network.parameters()).device

    def _attempts(self, device: torch.device) -> Iterator[tuple[torch.device, int]]:
        devices = [device] if device.type == "cpu" else [device, torch.device("cpu")]
        for place in devices:
            portion = self.portion
            while portion >= self.smallest:
                yield place, portion
                portion //= 2

    @torch.no_grad()
    def _attempt(self, volumes: Tensor, network: nn.Module, device: torch.device, portion: int) -> Tensor | None:
        """The answers, or None when memory ran out."""

        def work() -> Tensor:
            plain = fold_spectral_norm(network).eval().to(device)
            with autocast(device, self.precision):
                return self._predict(volumes, plain, device, portion)

        return attempted(work, device)

    @abstractmethod
    def _predict(self, volumes: Tensor, network: nn.Module, device: torch.device, portion: int) -> Tensor:
        """Answers (B, channels, ...) for volumes (B, C, I, J, K), by a network on a device that may be changed."""


class PositionInferer(FrugalInferer):
    """Common part of both inferers of positions, which are on the inputs' device: the wanted places.

    Args:
        margin: see above, in voxels; None is the patch's radius.
        stride, portion, smallest, precision: see `FrugalInferer`.
    """

    def __init__(self, stride: int, portion: int, smallest: int, margin: int | None, precision: str) -> None:
        super().__init__(stride, portion, smallest, precision)
        if (margin or 0) < 0:
            raise ValueError(f"margin must be at least 0, got {margin}")
        self.margin = margin

    def _predict(self, volumes: Tensor, network: nn.Module, device: torch.device, portion: int) -> Tensor:
        """Predicted positions (B, 3, ...) of volumes (B, C, I, J, K)."""
        if device.type == "cpu":
            network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        patch_size = self._patch_size(network)
        margin = patch_radius(patch_size) if self.margin is None else self.margin
        background = torch.zeros((1, volumes.shape[1], *[patch_size] * 3), device=device)
        constant = network(background).float().flatten().tolist()
        elsewhere = constant if self.margin is None else [math.nan] * 3
        shape = (len(volumes), 3, *grid_shape(volumes.shape[2:], self.stride))
        predicted = volumes.new_empty(shape, dtype=torch.float32)
        for volume, answers in zip(volumes, predicted, strict=True):
            wanted = enclosed(near_foreground(foreground_of(volume), margin, self.stride))
            self._fill(answers, volume, wanted, network, device, portion)
            for answer, value in zip(answers, elsewhere, strict=True):
                answer.masked_fill_(~wanted, value)
        return predicted

    @abstractmethod
    def _patch_size(self, network: Any) -> int:
        """Side of the network's patch, in voxels."""

    @abstractmethod
    def _fill(
        self, predicted: Tensor, volume: Tensor, wanted: Tensor, network: Any, device: torch.device, portion: int
    ) -> None:
        """Write the network's answers into `predicted` (3, ...) at least wherever `wanted` (...) says so."""


def placed(predicted: Tensor, inputs: Tensor, stride: int, facts: Mapping[str, Any]) -> MetaTensor:
    """Answers (B, channels, ...) with the metadata of their inputs, the affine of their grid, and these facts."""
    result = MetaTensor(predicted)
    if isinstance(inputs, MetaTensor):
        result.copy_meta_from(inputs)
    scale = torch.diag(torch.tensor([stride] * 3 + [1], dtype=torch.float64))
    result.affine = result.affine.to(scale) @ scale
    # What was collated is taken apart item by item: there, each fact is a list.
    result.meta["inference"] = {k: [v] * len(result) for k, v in facts.items()} if result.is_batch else dict(facts)
    return result


class DensePositionInferer(PositionInferer):
    """For networks with a method `dense(inputs, stride)`: tile by tile, the same answers as patch by patch.

    `tile` is the number of places along a tile's side, None the default of the stride; other arguments as in
    `PositionInferer`.

    Raises:
        ValueError: the stride is not 1, 2 or 4.
    """

    portion_name = "tile"

    def __init__(
        self, stride: int = 2, tile: int | None = None, margin: int | None = None, precision: str = "float32"
    ) -> None:
        if stride not in STRIDES:
            raise ValueError(f"stride must be one of {STRIDES}, got {stride}; PatchPositionInferer takes any")
        super().__init__(stride, tile or TILES[stride], SMALLEST_TILE, margin, precision)

    def _patch_size(self, network: Any) -> int:
        if not hasattr(network, "dense"):
            raise TypeError(f"{type(network).__name__} has no method dense(inputs, stride): use PatchPositionInferer")
        return int(network.patch_size)

    def _fill(
        self, predicted: Tensor, volume: Tensor, wanted: Tensor, network: Any, device: torch.device, portion: int
    ) -> None:
        patch_size = self._patch_size(network)
        radius = patch_radius(patch_size)
        layout = torch.channels_last_3d if device.type == "cpu" else torch.contiguous_format
        for box in tile_boxes(wanted, portion):
            start = [part.start * self.stride - radius for part in box]
            size = [(part.stop - part.start - 1) * self.stride + patch_size for part in box]
            tile = cut(volume, start, size)[None].to(device=device, memory_format=layout)
            predicted[(slice(None), *box)] = network.dense(tile, self.stride)[0].to(predicted)


class PatchPositionInferer(PositionInferer):
    """For any network from patches (n, C, P, P, P) to positions (n, 3): `batch_size` patches at a time.

    Raises:
        ValueError: the patch size is even, or the stride has the grid of a smaller one in reference space, by whose
            shape maps are known.
    """

    portion_name = "batch_size"

    def __init__(
        self,
        stride: int = 4,
        batch_size: int = 64,
        margin: int | None = None,
        precision: str = "float32",
        patch_size: int = 31,
    ) -> None:
        super().__init__(stride, batch_size, 1, margin, precision)
        patch_radius(patch_size)  # refuses even sizes
        places = -(-REFERENCE_SIZE // stride)
        if (told := -(-REFERENCE_SIZE // places)) != stride:
            raise ValueError(f"the grid of stride {stride} has as many places as that of stride {told}: choose {told}")
        self.patch_size = patch_size

    def _patch_size(self, network: Any) -> int:
        return self.patch_size

    def _fill(
        self, predicted: Tensor, volume: Tensor, wanted: Tensor, network: Any, device: torch.device, portion: int
    ) -> None:
        every = wanted.nonzero()
        for first in range(0, len(every), portion):
            places = every[first : first + portion]
            patches = cut_patches(volume, places * self.stride, self.patch_size).to(device)
            i, j, k = places.unbind(1)
            predicted[:, i, j, k] = network(patches).to(predicted).T


class EvidenceInferer(FrugalInferer):
    """The evidence of a `DensityPositionNet` at every place of the head, see `evidence`; places are every second block.

    Of inputs (B, C, D, H, W) it is (B, 20, n, n, n), five numbers for each receptive field, on the CPU; NaN outside.
    `first_place` is the voxel of the reference grid at which place 0 lies; a place whose blocks within `margin` are all
    background is not asked; `tile` is the number of places along a tile's side. On a CPU it takes one thread: the same
    input gives the same bytes with any number of them.
    """

    portion_name, axes, remedy = "tile", "(B, C, D, H, W)", "free some memory"

    def __init__(self, first_place: float, margin: int = 2, precision: str = "float32", tile: int = TILE) -> None:
        super().__init__(STEP, tile, SMALLEST_TILE, precision)
        self.first_place, self.margin = first_place, margin

    def _predict(self, volumes: Tensor, network: nn.Module, device: torch.device, portion: int) -> Tensor:
        found = []
        with one_thread(device):
            for volume in volumes:
                wanted = enclosed(near_foreground(foreground_of(volume), self.margin, STEP)).cpu()
                answers = evidence_map(network, volume.to(device), wanted, self.first_place, portion)
                found.append(answers.flatten(0, 1))
        return torch.stack(found)
