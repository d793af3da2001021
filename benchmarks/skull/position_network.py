"""A small network that predicts from a patch of the gap map where on the skull the patch lies.

A *patch* (2, `SIDE`, `SIDE`) is the gap map and the bone on a square grid on the sphere, in the frame of its centre, so
that the grid itself does not tell where it is. The network gives the density of the centre over *cells*, places
`CELL_MM` apart. The *target* of a centre is a Gaussian of `TARGET_MM` over cells, which forgives errors of the pose.
The *surprise* of a centre is - log of the density under its target; its *error* is the distance from the mean of the
density.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scripts.skull.atlas import Atlas
from scripts.skull.directions import RADIUS_MM, Array, Index, calvaria, frames, mirrored

SIDE, STEP_MM = 32, 1.5
"""Places along a side of a patch, and their distance."""

CELL_MM, TARGET_MM = 16.0, 12.0

GAIN, MOST = 4.0, 2.0
"""Gaps are multiplied and cut for the network."""

TURN_DEG = 12.0
"""Standard deviation of the turn of a patch in training."""

WIDTH, RATE, DECAY = 16, 2e-3, 1e-2
"""Channels of the first convolution, and step size and weight decay of the training."""


class Gap(NamedTuple):
    """The gap map (n,) of a skull at fine places, and which places are bone."""

    gap: NDArray[np.float32]
    bone: NDArray[np.bool_]

    def mirrored(self) -> Gap:
        """The mirror image of the skull."""
        return Gap(np.asarray(mirrored(self.gap), dtype=np.float32), np.asarray(mirrored(self.bone), dtype=np.bool_))


@dataclass(frozen=True, eq=False)
class Trained:
    """A network and the mean of its loss over the last tenth of its steps."""

    network: nn.Module
    loss: float


def network() -> nn.Sequential:
    """The network (B, 2, `SIDE`, `SIDE`) -> (B, cells), log densities but for a constant."""
    layers: list[nn.Module] = []
    channels = 2
    for width, kernel in ((WIDTH, 5), (2 * WIDTH, 3), (4 * WIDTH, 3)):
        layers += [nn.Conv2d(channels, width, kernel, 2, kernel // 2), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    flat = channels * (SIDE // 8) ** 2
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(flat, 128), nn.ReLU(), nn.Linear(128, cells())
    )


def cells() -> int:
    """Number of cells."""
    return len(calvaria(CELL_MM))


def patch_places(centres: Array, turn_deg: Array, atlas: Atlas) -> Index:
    """Fine place (b, `SIDE` ** 2) of each point of patches at centres (b, 3), turned (b,); n where there is none."""
    axis = (np.arange(SIDE) - (SIDE - 1) / 2) * STEP_MM
    right, up = (values.ravel() for values in np.meshgrid(axis, axis))
    angle = np.hypot(right, up) / RADIUS_MM
    heading = np.arctan2(up, right) + np.deg2rad(turn_deg)[:, None]
    first, second = (side[:, None] for side in frames(centres))
    along = np.cos(heading)[..., None] * first + np.sin(heading)[..., None] * second
    points = np.cos(angle)[:, None] * centres[:, None] + np.sin(angle)[:, None] * along
    return np.asarray(atlas.nearest(points.reshape(-1, 3)).reshape(len(centres), -1))


def patches(skull: Gap, places: Index) -> Tensor:
    """Patches (b, 2, `SIDE`, `SIDE`) of a skull at fine places (b, `SIDE` ** 2)."""
    bone = np.append(skull.bone, False)
    gap = np.append(np.clip(GAIN * skull.gap, -MOST, MOST), 0) * bone
    both = np.stack([gap[places], bone[places]], axis=1).astype(np.float32)
    return torch.from_numpy(both.reshape(len(places), 2, SIDE, SIDE))


def targets(centres: Array) -> NDArray[np.float32]:
    """Targets (b, cells) of centres (b, 3), of sum 1."""
    angle = np.arccos(np.clip(centres @ calvaria(CELL_MM).T, -1, 1))
    weight = np.exp(-0.5 * (angle * RADIUS_MM / TARGET_MM) ** 2)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float32)


def train(skulls: Sequence[Gap], steps: int, batch: int, seed: int, atlas: Atlas) -> Trained:
    """Train a network on patches of healthy skulls and their mirror images, at random fine places of bone."""
    torch.manual_seed(seed)
    rng, net = np.random.default_rng(seed), network().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    both = [image for skull in skulls for image in (skull, skull.mirrored())]
    share, losses = max(batch // 8, 1), []
    for _ in range(steps):
        parts, wanted = [], []
        for chosen in rng.choice(len(both), batch // share):
            places = rng.choice(np.flatnonzero(both[chosen].bone), share)
            centres = atlas.fine[places]
            parts.append(patches(both[chosen], patch_places(centres, rng.normal(0, TURN_DEG, share), atlas)))
            wanted.append(targets(centres))
        loss = nn.functional.cross_entropy(net(torch.cat(parts)), torch.from_numpy(np.concatenate(wanted)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return Trained(net.eval(), float(np.mean(losses[-max(steps // 10, 1) :])))


def surprise(skull: Gap, net: nn.Module, places: Index, atlas: Atlas) -> NDArray[np.float32]:
    """Surprise and error, mm (2, m), at pooled places, whose patches lie at fine places (m, `SIDE` ** 2)."""
    with torch.inference_mode():
        density = torch.cat([net(patches(skull, some)).softmax(dim=1) for some in np.array_split(places, 8)]).numpy()
    known = (density * targets(atlas.pooled)).sum(axis=1)
    middle = density @ calvaria(CELL_MM)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    error = RADIUS_MM * np.arccos(np.clip((middle * atlas.pooled).sum(axis=1), -1, 1))
    return np.stack([-np.log(np.maximum(known, 1e-12)), error]).astype(np.float32)
