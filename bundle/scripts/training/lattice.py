"""The lattice of positions that the density network tells apart, laid out over the reference's head.

Nodes lie `networks.evidence.LATTICE_MM` apart, symmetric about the middle of the reference grid, none of them on the
mid-plane, and are kept where the head is at most `NEAR_MM` away: every place of the head lies between some of them.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from monai.transforms import LoadImage
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ..geometry.coordinates import POSITION_SCALE_MM, REFERENCE_SIZE
from ..networks.density import DensityPositionNet
from ..networks.evidence import LATTICE_MM
from ..simulation.person.population import HEAD_BIT

NEAR_MM = 4.5
"""Nodes farther from the head are left out."""

COARSE = 2
"""Step in voxels at which the distance from the head is measured."""


def head_lattice(head: NDArray[np.bool_]) -> Tensor:
    """Nodes (N, 3), normalised to [0, 1], over a head's mask (256, 256, 256).

    Raises:
        ValueError: the mask is empty.
    """
    if not head.any():
        raise ValueError("the lattice needs a mask of a head; it is empty")
    distance = COARSE * ndimage.distance_transform_edt(~head[::COARSE, ::COARSE, ::COARSE])
    half = np.arange(LATTICE_MM / 2, POSITION_SCALE_MM / 2, LATTICE_MM)
    line = POSITION_SCALE_MM / 2 + np.concatenate([-half[::-1], half])
    nodes = np.array(list(product(line, repeat=3)))
    mirrored = np.stack([nodes[:, 0].max() + nodes[:, 0].min() - nodes[:, 0], nodes[:, 1], nodes[:, 2]], axis=1)
    near = np.minimum(_at(distance, nodes), _at(distance, mirrored)) <= NEAR_MM
    return torch.from_numpy(nodes[near] / POSITION_SCALE_MM).float()


def _at(distance: NDArray[np.floating], voxels: NDArray[np.float64]) -> NDArray[np.floating]:
    """Distances (n,) at voxels (n, 3) of the reference grid, nearest neighbour."""
    nearest = np.clip(np.rint(voxels / COARSE).astype(int), 0, REFERENCE_SIZE // COARSE - 1)
    return np.asarray(distance[tuple(nearest.T)])


def over_head(network: DensityPositionNet, masks: str) -> DensityPositionNet:
    """The network, its nodes laid out over the reference's head in a file of masks.

    Raises:
        ValueError: the network is made for another number of nodes.
    """
    head = LoadImage(image_only=True, dtype=np.uint8, reader="NibabelReader")(masks).numpy() & HEAD_BIT > 0
    nodes = head_lattice(head)
    if nodes.shape != network.nodes.shape:
        raise ValueError(
            f"the lattice has {len(nodes)} nodes, the network {len(network.nodes)}: set nodes to the former"
        )
    network.nodes.copy_(nodes)
    return network
