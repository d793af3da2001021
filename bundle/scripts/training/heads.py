"""Simulated heads as training data: drawn from label maps, cut into crops, streamed without touching the disk.

*Drawing* a head turns one anatomy (a label map on disk) and one seed into a registered head CT in HU on the reference
grid. A *crop* is a cube of it; a network of patch size p with one output every s voxels predicts, on a crop of side c,
(c - p) / s + 1 positions along each axis. A crop's *label* (4, t, t, t) holds the true positions (three channels,
normalised to [0, 1]) and the weight of each prediction: 1 where the voxel at the patch's centre belongs to the head.

The published network learns from *patches* of one head and their positions (Bieder et al., MIDL 2022), drawn uniformly
over the positions of the reference grid; those that hold background only are discarded. One head a sample, so one head
an iteration, as published.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Compose, MapTransform, Randomizable
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from ..geometry.coordinates import REFERENCE_SIZE, positions
from ..networks.patches import cut, patch_radius
from ..simulation.anatomy.label_map import Anatomy, load_anatomy
from ..simulation.person.varieties import PLAIN
from ..simulation.registered_head import draw_training_head
from ..volume import AIR_HU


class DrawHeadd(MapTransform):
    """Replace the path of an anatomy by a head drawn from it and from `data["seed"]`: int16 HU (1, 256, 256, 256).

    Anatomies are read once and kept, 20 to 40 MB each.
    """

    def __init__(self, keys: str, variety: str = PLAIN) -> None:
        """`variety` is the population that the heads come from, see `simulation.person.variety`."""
        super().__init__(keys)
        self.variety = variety
        self.anatomies: dict[str, Anatomy] = {}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw; the same path and seed give the same."""
        drawn = dict(data)
        for key in self.key_iterator(drawn):
            drawn[key] = self.drawn(self._anatomy(str(drawn[key])), int(drawn["seed"]))
        return drawn

    def _anatomy(self, path: str) -> Anatomy:
        if path not in self.anatomies:
            self.anatomies[path] = load_anatomy(Path(path))
        return self.anatomies[path]

    def drawn(self, anatomy: Anatomy, seed: int) -> Any:
        """A training head (1, 256, 256, 256), int16 HU, drawn from an anatomy by a seed."""
        return torch.from_numpy(draw_training_head(anatomy, seed, variety=self.variety))[None]


class RandDenseCropd(MapTransform, Randomizable):
    """Cut a cube around a random voxel of the head, and write the label of its predictions to `label_key`."""

    def __init__(self, keys: str, size: int, patch_size: int = 31, stride: int = 4, label_key: str = "label") -> None:
        """Cubes of `size` voxels, for a network of `patch_size` with one output every `stride` voxels.

        Raises:
            ValueError: `size` does not fit a whole number of strides.
        """
        super().__init__(keys)
        if size < patch_size or (size - patch_size) % stride:
            raise ValueError(f"crop size must be {patch_size} plus a multiple of {stride}, got {size}")
        self.size, self.patch_size, self.stride, self.label_key = size, patch_size, stride, label_key
        self.start = (0, 0, 0)

    def randomize(self, volume: Tensor) -> None:
        """Choose the crop's first voxel so that its centre is a random voxel of the head (1, I, J, K)."""
        shape = volume.shape[1:]
        for _ in range(10_000):
            centre = [int(self.R.randint(n)) for n in shape]
            if volume[0, centre[0], centre[1], centre[2]] > AIR_HU:
                first = [c - self.size // 2 for c in centre]
                self.start = (first[0], first[1], first[2])
                return
        raise ValueError(f"no voxel of a head in a volume of shape {tuple(shape)}: is its foreground empty?")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Crop each key; voxels beyond the volume are air."""
        cropped = dict(data)
        for key in self.key_iterator(cropped):
            self.randomize(cropped[key])
            crop = cube(cropped[key], self.start, self.size)
            cropped[key] = crop
            cropped[self.label_key] = crop_label(crop, self.start, self.patch_size, self.stride)
        return cropped


class ScaledBatch:
    """Moves a batch of crops in HU to the trainer's device, then scales it for the network.

    HU travel from the workers, and to a GPU, as int16: an eighth of what two channels in float32 need.
    """

    def __init__(self, intensity: MapTransform, image_key: str = "image", label_key: str = "label") -> None:
        """`intensity` maps a dictionary with a crop (1, c, c, c) in HU to one with the network's channels."""
        self.intensity, self.image_key, self.label_key = intensity, image_key, label_key

    def __call__(
        self, batch: Mapping[Hashable, Any], device: Any = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, Tensor]:
        """Network inputs (B, C, c, c, c) and labels (B, 4, t, t, t), both on the device."""
        image = torch.as_tensor(batch[self.image_key]).to(device, non_blocking=non_blocking)
        label: Tensor = batch[self.label_key].to(device, non_blocking=non_blocking)
        scaled = [torch.as_tensor(self.intensity({self.image_key: crop})[self.image_key]) for crop in image]
        return torch.stack(scaled), label


def cube(volume: Tensor, start: tuple[int, int, int], size: int) -> Tensor:
    """The cube (1, size, size, size) of a volume (1, I, J, K) in HU that begins at `start`; air beyond the volume."""
    crop = torch.full((1, size, size, size), AIR_HU, dtype=volume.dtype)
    ends = [(min(max(0, s), n), min(max(0, s + size), n)) for s, n in zip(start, volume.shape[1:], strict=True)]
    inside = [slice(first, last) for first, last in ends]
    target = [slice(i.start - s, i.stop - s) for i, s in zip(inside, start, strict=True)]
    crop[(slice(None), *target)] = volume[(slice(None), *inside)]
    return crop


def crop_label(crop: Tensor, start: tuple[int, int, int], patch_size: int = 31, stride: int = 4) -> Tensor:
    """Label (4, t, t, t) of a crop (1, c, c, c) in HU whose first voxel is `start` of the reference grid."""
    radius = patch_size // 2
    count = (crop.shape[-1] - patch_size) // stride + 1
    centres = slice(radius, radius + stride * (count - 1) + 1, stride)
    weight = (crop[:, centres, centres, centres] > AIR_HU).float()
    first = (start[0] + radius, start[1] + radius, start[2] + radius)
    return torch.cat([positions((count, count, count), stride, first), weight])


class HeadStream(IterableDataset[dict[Hashable, Any]]):
    """An endless stream of random crops from a pool of drawn heads that is renewed all the time.

    Each worker keeps its own pool, in memory: a head is drawn, joins the pool, serves as many crops as the others, and
    makes room for the next. A sample is whatever `transform` makes of a head. What is streamed depends on the seed, the
    rank, the epoch and the number of workers only.
    """

    def __init__(
        self,
        data: Sequence[Mapping[Hashable, Any]],
        head_transform: Compose,
        transform: Compose,
        pool_size: int = 24,
        crops_per_head: int = 400,
        first_heads: int = 3,
        seed: int = 0,
    ) -> None:
        """Stream crops of heads of the anatomies in `data`.

        Args:
            data: one dictionary an anatomy, with its path under "image"; one with a "seed" always gives the same head.
            head_transform: from such a dictionary, with a "seed", to a head under "image" (1, I, J, K).
            transform: from a head to one random training sample.
            pool_size: heads that each worker holds; a drawn head takes 34 MB.
            crops_per_head: crops after which one more head is drawn.
            first_heads: heads that are drawn before the first crop.
            seed: everything random follows from it.
        """
        self.data = data
        self.head_transform, self.transform = head_transform, transform
        self.pool_size, self.crops_per_head, self.first_heads = pool_size, crops_per_head, first_heads
        self.seed, self.epoch, self.rank = seed, 0, 0
        self.pool: list[dict[Hashable, Any]] = []

    def __iter__(self) -> Iterator[dict[Hashable, Any]]:
        """Yield samples without end."""
        worker = get_worker_info()
        random = np.random.default_rng([self.seed, self.rank, self.epoch, worker.id if worker else 0])
        self.epoch += 1
        self.transform.set_random_state(seed=int(random.integers(2**31)))
        while len(self.pool) < self.first_heads:
            self._renew(random)
        while True:
            for _ in range(self.crops_per_head):
                yield dict(self.transform(self.pool[random.integers(len(self.pool))]))
            self._renew(random)

    def _renew(self, random: np.random.Generator) -> None:
        """Draw one head into the pool; the oldest leaves when the pool is full."""
        anatomy, seed = self.data[int(random.integers(len(self.data)))], int(random.integers(2**31))
        self.pool.append(dict(self.head_transform({"seed": seed, **anatomy})))
        del self.pool[: -self.pool_size]


ATTEMPTS = 100
"""Positions tried for each patch: if fewer than one in a hundred shows any head, there is no head."""


class RandPatchesd(MapTransform, Randomizable):
    """Cut `count` random patches (count, C, P, P, P) from a network input whose background is 0.

    Their labels (count, 4, 1, 1, 1), position and weight 1, go to `label_key`.
    """

    def __init__(self, keys: str, count: int, patch_size: int = 31, label_key: str = "label") -> None:
        """Raises ValueError where the patch size is even."""
        super().__init__(keys)
        self.count, self.radius, self.label_key = count, patch_radius(patch_size), label_key
        self.patch_size = patch_size
        self.patches: list[Tensor] = []
        self.centres: list[list[int]] = []

    def randomize(self, volume: Tensor) -> None:
        """Draw `patches` of a volume (C, I, J, K), and the voxels that they are centred on, `centres`.

        Raises:
            ValueError: hardly a patch holds any head.
        """
        self.patches, self.centres = [], []
        for _ in range(ATTEMPTS * self.count):
            centre = [int(self.R.randint(n)) for n in volume.shape[1:]]
            patch = cut(volume, [c - self.radius for c in centre], [self.patch_size] * 3)
            if bool(patch.any()):
                self.patches.append(patch)
                self.centres.append(centre)
            if len(self.patches) == self.count:
                return
        raise ValueError(f"hardly a patch of a volume of shape {tuple(volume.shape)} holds any head: is it empty?")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key by its patches, and add their labels."""
        drawn = dict(data)
        for key in self.key_iterator(drawn):
            self.randomize(torch.as_tensor(drawn[key]))
            drawn[key] = torch.stack(self.patches)
            where = torch.cat([torch.tensor(self.centres) / (REFERENCE_SIZE - 1), torch.ones(self.count, 1)], dim=1)
            drawn[self.label_key] = where[:, :, None, None, None]
        return drawn


def joined_patches(
    batch: Mapping[Hashable, Any], device: Any = None, non_blocking: bool = False, **_: Any
) -> tuple[Tensor, Tensor]:
    """Patches (B * count, C, P, P, P) of a batch of heads and their labels (B * count, 4, 1, 1, 1), on a device."""
    image, label = (torch.as_tensor(batch[key]).flatten(0, 1) for key in ("image", "label"))
    return image.to(device, non_blocking=non_blocking), label.to(device, non_blocking=non_blocking)
