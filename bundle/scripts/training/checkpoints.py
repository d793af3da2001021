"""Training checkpoints: the one to resume from, and the plain weights that ship.

A *checkpoint* holds the network, with its spectral norm, and all that the trainer needs to go on. The *weights* that
ship are a plain state dict: spectral norm folded, float32, loadable with `weights_only=True`.
"""

from __future__ import annotations

import copy
import io
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import WrongUsage
from ..files.atomic import replace_file
from ..networks.position import DensePositionNet, NetworkT, add_spectral_norm, fold_spectral_norm
from ..networks.weights import UNREADABLE

NAME = re.compile(r"checkpoint_epoch=(\d+)\.pt")
"""File names that MONAI's CheckpointSaver gives to the checkpoint of an epoch."""


BEST = "best.pt"
"""Name of the network of the best validation in a training's folder, see `handlers.KeepBest`."""


def best_checkpoint(folder: str) -> str:
    """Path of the network of the best validation in a folder, else of its latest checkpoint; empty if there is none."""
    best = Path(folder) / BEST
    return str(best) if is_zipfile(best) else latest_checkpoint(folder)


def best_facts(folder: str | Path) -> dict[str, Any]:
    """Epoch, metric and value of the best validation in a folder; empty if there was none."""
    best = Path(folder) / BEST
    if not is_zipfile(best):
        return {}
    state = torch.load(best, map_location="cpu", weights_only=True)
    return {name: state[name] for name in ("epoch", "metric", "value")}


def latest_checkpoint(folder: str) -> str:
    """Path of the checkpoint with the highest epoch in a folder; empty if there is none.

    One that was cut off while it was being written is passed over.
    """
    found = [item for item in _checkpoints(folder) if is_zipfile(item[1])]
    return str(found[-1][1]) if found else ""


def remove_older(folder: str, epoch: int) -> None:
    """Remove the checkpoints in a folder of epochs before this one, but for the last of them."""
    for _, path in [item for item in _checkpoints(folder) if item[0] < epoch][:-1]:
        path.unlink(missing_ok=True)


def _checkpoints(folder: str) -> list[tuple[int, Path]]:
    """Epoch and path of each checkpoint in a folder, in the order of the epochs."""
    return sorted((int(match[1]), path) for path in Path(folder).glob("*.pt") if (match := NAME.fullmatch(path.name)))


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
    return _loaded(network, state)


def _loaded(network: NetworkT, state: Mapping[str, Tensor]) -> NetworkT:
    """The plain network with a state dict, whose spectral norm, if it has one, is folded."""
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


def export_weights(checkpoint: str, network: nn.Module, path: str) -> None:
    """Write the plain weights of the checkpoint of a (plain, untrained) `network`; the file appears complete.

    Raises:
        KeyError: the file is not a training checkpoint.
        RuntimeError: the checkpoint belongs to a network of another width, patch size or number of channels.
        OSError: the weights can't be written.
    """
    content = io.BytesIO()
    torch.save(_trained(checkpoint, network).state_dict(), content)
    replace_file(Path(path), content.getvalue())


def _trained(checkpoint: str, network: NetworkT) -> NetworkT:
    """The network with the weights of a training checkpoint, spectral norm folded."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if "network" not in state:
        raise KeyError(f"{checkpoint} is not a training checkpoint: it has no 'network', only {sorted(state)}")
    return _loaded(network, state["network"])


def epoch_of(checkpoint: str) -> int:
    """The epoch in the name of a checkpoint; 0 where there is none."""
    match = NAME.fullmatch(Path(checkpoint).name)
    return int(match[1]) if match else 0


def check_weights(path: str | Path, network: nn.Module, option: str = "--weights") -> None:
    """See that a file, named by an option, holds plain weights of a network, which stays as it is.

    Raises:
        WrongUsage: it does not.
    """
    _see(
        lambda: copy.deepcopy(network).load_state_dict(torch.load(path, map_location="cpu", weights_only=True)),
        f"{path} holds no weights of this network: the file is damaged, or of another kind, width or patch size, or "
        f"learnt from other inputs. Check {option}; `head-ct-anomaly export` makes weights of a training checkpoint.",
    )


def check_start(path: str | Path, network: nn.Module) -> None:
    """See that a network, which stays as it is, can start from a file.

    Raises:
        WrongUsage: it can't.
    """
    _see(
        lambda: start_from(copy.deepcopy(network), path),
        f"The network can't start from {path}: it is damaged, or of a network of another kind, width or patch size. "
        "Check --start.",
    )


def check_checkpoint(path: str, network: nn.Module) -> None:
    """See that a file is a training checkpoint of a network, which stays as it is.

    Raises:
        WrongUsage: it is not.
    """
    _see(
        lambda: _trained(path, copy.deepcopy(network)),
        f"{path} is no checkpoint of this network: it is damaged, or of one of another kind, width or patch size. "
        "Choose another folder, or the config that it was trained with.",
    )


def _see(load: Callable[[], object], sentence: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch remarks on what it refuses, TorchScript for one
            load()
    except UNREADABLE as error:
        raise WrongUsage(sentence) from error
