"""Training checkpoints: which one to go on from, and the plain weights that ship.

A *checkpoint* holds the network, with its spectral norm, and all that the trainer needs to go on. The *weights* that
ship are a plain state dict: spectral norm folded, float32, loadable with `weights_only=True`.
"""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import is_zipfile

import torch
from torch import Tensor
from torch.nn import functional

from .networks import DensePositionNet, NetworkT, add_spectral_norm, fold_spectral_norm

NAME = re.compile(r"checkpoint_epoch=(\d+)\.pt")
"""File names that MONAI's CheckpointSaver gives to the checkpoint of an epoch."""


def latest_checkpoint(folder: str) -> str:
    """Path of the checkpoint with the highest epoch in a folder; empty if there is none.

    One that was cut off while it was being written is passed over.
    """
    named = [(int(match[1]), path) for path in Path(folder).glob("*.pt") if (match := NAME.fullmatch(path.name))]
    found = [item for item in named if is_zipfile(item[1])]
    return str(max(found)[1]) if found else ""


def start_from(network: NetworkT, weights: str | Path | None) -> NetworkT:
    """The plain, untrained `network`, with the weights that ship, or others like them, loaded where a file is named.

    The file may also be a training checkpoint. A `DensePositionNet` also starts from weights for smaller patches that
    differ from it by the head's kernel only: as the same function, which makes nothing of the rim of its patches yet.

    Raises:
        RuntimeError: the weights belong to a network of another kind, width, patch size or number of channels.
    """
    if weights is None:
        return network
    state = torch.load(weights, map_location="cpu", weights_only=True)
    state = state.get("network", state)
    if isinstance(network, DensePositionNet) and "hidden.weight" in state:
        state["hidden.weight"] = _centred(state["hidden.weight"], network.head_kernel)
    if not any(name.endswith("parametrizations.weight.original") for name in state):
        network.load_state_dict(state)
        return network
    trained = add_spectral_norm(network)
    trained.load_state_dict(state)
    return fold_spectral_norm(trained)


def _centred(weight: Tensor, size: int) -> Tensor:
    """A convolution's weight with zeros around it, up to a kernel of this size, where that has the same centre."""
    margin, odd = divmod(size - weight.shape[2], 2)
    if odd or margin <= 0:
        return weight
    return functional.pad(weight, [margin] * 6)


def export_weights(checkpoint: str, network: DensePositionNet, path: str) -> None:
    """Write the plain weights of the checkpoint of a (plain, untrained) `network`.

    Raises:
        KeyError: the file is not a training checkpoint.
        RuntimeError: the checkpoint belongs to a network of another width, patch size or number of channels.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if "network" not in state:
        raise KeyError(f"{checkpoint} is not a training checkpoint: it has no 'network', only {sorted(state)}")
    trained = add_spectral_norm(network)
    trained.load_state_dict(state["network"])
    torch.save(fold_spectral_norm(trained).state_dict(), path)
