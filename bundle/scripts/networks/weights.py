"""Hashes of the tensors in a file of weights, independent of the file.

*Weights* are a plain state dict: tensors by name. The same tensors, saved again, give a different file: it also stores
its own name and the order and alignment of its entries.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from pathlib import Path

import torch

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch remarks on what it refuses, TorchScript for one
        state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(values, torch.Tensor) for values in state.values()):
        raise ValueError(f"{path} holds something else than tensors by name")
    found = hashlib.sha256()
    for name in sorted(state):
        values = state[name].contiguous()
        found.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        found.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
