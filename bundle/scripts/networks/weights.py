"""Hashes of the tensors in a file of weights, independent of the file, and the sizes of the network they are of.

*Weights* are a plain state dict: tensors by name. The same tensors, saved again, give a different file: it also stores
its own name and the order and alignment of its entries.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from .position import PATCH_SIZES

UNREADABLE = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)
"""Exceptions raised by loading a file that is damaged, of another kind, or of another network."""


def tensors_sha256(path: str | Path) -> str:
    """The sha256 of the names, types, shapes and values of the tensors in a file of weights, in the order of the names.

    Raises:
        OSError, ValueError, ...: one of `UNREADABLE`; the file holds no plain state dict.
    """
    state = _read(path)
    if not isinstance(state, dict) or not all(isinstance(values, torch.Tensor) for values in state.values()):
        raise ValueError(f"{path} holds something else than tensors by name")
    found = hashlib.sha256()
    for name in sorted(state):
        values = state[name].contiguous()
        found.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        found.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


FIRST_LAYERS = ("stem.weight", "stages.0.main.conv.weight", "encoder.0.0.weight")
"""First convolutions of `DensePositionNet`, `PatchPositionNet` and the autoencoder; each has `width` channels."""


def sizes_of(path: str | Path) -> dict[str, int]:
    """The `width` and `patch_size` of the network that a file of weights is of, as far as its tensors tell them.

    Empty for a file that can't be read, and for weights of another network; who loads them says so.
    """
    try:
        state = _read(path)
        found = dict[str, int]()
        if first := [state[name] for name in FIRST_LAYERS if name in state]:
            found["width"] = len(first[0])
        if "patch_size" in state:
            found["patch_size"] = int(state["patch_size"])
        elif "stem.weight" in state:
            convolutions = [name for name in state if name.startswith("block2.convs.") and name.endswith(".weight")]
            sizes = {shape: size for size, shape in PATCH_SIZES.items()}
            found["patch_size"] = sizes[len(convolutions), state["hidden.weight"].shape[-1]]
    except UNREADABLE:
        return {}
    return found


def _read(path: str | Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch remarks on what it refuses, TorchScript for one
        return torch.load(path, map_location="cpu", weights_only=True)
