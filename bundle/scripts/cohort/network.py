"""What an evaluation says of the network that was judged, so that tables can name it and weights be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ..assets import sha256
from ..baseline.autoencoder import SpatialAutoencoder

POSITION, AUTOENCODER = "position", "autoencoder"
"""Kinds of networks."""


def network_facts(
    network: nn.Module, weights: str | Path, *, width: int, patch_size: int | None, mode: str, stride: int
) -> dict[str, Any]:
    """Kind, width, patch size (mm; None of an autoencoder), parameters, mode, stride (mm) and the weights' sha256.

    Raises:
        OSError: the weights can't be read.
    """
    return {
        "kind": AUTOENCODER if isinstance(network, SpatialAutoencoder) else POSITION,
        "width": width,
        "patch_size": patch_size,
        "parameters": sum(values.numel() for values in network.parameters()),
        "mode": mode,
        "stride": stride,
        "weights_sha256": sha256(weights),
    }
