"""The networks of the benchmark, from the bundle's configs and from weights or training checkpoints.

Width and patch size are read from the weights themselves, so that any can be measured without naming them again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import PATCH_SIZES
from scripts.training.checkpoints import start_from


def position_network(parser: Any, path: Path | None) -> nn.Module:
    """The position network of a config, with the weights, or the checkpoint, at a path; None: the config's weights."""
    state = read_state(path or Path(parser.get_parsed_content("weights")))
    parser["width"] = width_of(state)
    if size := told_patch_size(state):
        parser["patch_size"] = size
    network: nn.Module = parser.get_parsed_content("network_def")
    return start_from(network, path or parser.get_parsed_content("weights")).eval()


def autoencoder(path: Path) -> SpatialAutoencoder:
    """The autoencoder with the weights, or the checkpoint, at a path."""
    state = read_state(path)
    network = SpatialAutoencoder(len(state["out.weight"]))
    network.load_state_dict(state)
    return network.eval()


def described(path: Path) -> dict[str, int | None]:
    """Width and patch size of the network at a path, and its iterations; None where the file does not say."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("network", content)
    width = len(state["out.weight"]) if "encoder.0.0.weight" in state else width_of(state)
    return {
        "width": width,
        "patch_size": told_patch_size(state),
        "iterations": content.get("trainer", {}).get("iteration"),
    }


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict of a network, from a file of weights or from a training checkpoint."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content.get("network", content)


def width_of(state: dict[str, Tensor]) -> int:
    """The width m of a position network: its first convolution has m channels."""
    for name in ("stem.bias", "stages.0.main.conv.bias"):
        if name in state:
            return len(state[name])
    raise ValueError(f"these are no weights of a position network, they hold {sorted(state)[:3]} and so on")


def told_patch_size(state: dict[str, Tensor]) -> int | None:
    """The patch size of a position network; None where its weights do not tell it."""
    if "patch_size" in state:
        return int(state["patch_size"])
    return patch_size_of(state) if "stem.bias" in state else None


def patch_size_of(state: dict[str, Tensor]) -> int:
    """The patch size of a dense position network, from its second block and its head.

    Raises:
        ValueError: there is no such network.
    """
    depth = sum(name.startswith("block2.convs.") and name.endswith(".bias") for name in state)
    kernel = state["hidden.weight"].shape[-1]
    sizes = {shape: size for size, shape in PATCH_SIZES.items()}
    if (depth, kernel) not in sizes:
        raise ValueError(f"no position network has {depth} convolutions in its second block and a head of {kernel}")
    return sizes[depth, kernel]
