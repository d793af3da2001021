"""The published baseline: a spatial autoencoder that learns to reconstruct healthy heads (Bieder et al., MIDL 2022).

Four strided convolutions make a 16th of each side, a 1x1x1 bottleneck follows, four transposed ones come back; the
anomaly map is |x - x_reconstructed|. m is the *width*. Trainable values: 5632 m^2 + 218 m + 1.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

SLOPE = 0.01
"""Negative slope of the leaky ReLUs."""


def _block(convolution: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm3d(channels), nn.LeakyReLU(SLOPE))


class SpatialAutoencoder(nn.Module):
    """Volumes (B, 1, D, H, W) in [0, 1] -> reconstructions of the same shape, in (0, 1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        down = (1, width, 2 * width, 4 * width, 8 * width)
        up = (8 * width, 4 * width, 2 * width, width)
        self.encoder = nn.Sequential(*(_block(nn.Conv3d(i, o, 4, 2, 1), o) for i, o in pairwise(down)))
        self.bottleneck = nn.Sequential(nn.Conv3d(8 * width, 16 * width, 1), nn.Conv3d(16 * width, 8 * width, 1))
        self.decoder = nn.Sequential(*(_block(nn.ConvTranspose3d(i, o, 4, 2, 1), o) for i, o in pairwise(up)))
        self.out = nn.ConvTranspose3d(width, 1, 4, 2, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Reconstructions (B, 1, D, H, W).

        Raises:
            ValueError: a side is not a multiple of 16 voxels.
        """
        if inputs.shape[2] % 16 + inputs.shape[3] % 16 + inputs.shape[4] % 16 > 0:
            raise ValueError(f"every side must be a multiple of 16 voxels, got {inputs.shape}")
        return torch.sigmoid(self.out(self.decoder(self.bottleneck(self.encoder(inputs)))))
