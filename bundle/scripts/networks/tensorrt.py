"""The dense network compiled by TensorRT, for `inference_trt.json`; it needs an NVIDIA GPU.

An *engine* is the network compiled for one GPU, one stride and one precision. It is built when the network is first
used, which takes minutes, and kept beside the weights, under a name that tells stride and precision
(`model.pt.stride2_fp32.plan`); newer weights have it built again. MONAI's `trt_compile` only warns where it can't
compile and runs the network as it is; a run that asked for TensorRT is refused instead.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from monai.networks import trt_compile

from .export import StridedPositionNet
from .inferers import TILES

NEEDED = ("tensorrt", "polygraphy", "onnx", "onnxscript")
"""Packages that compiling needs."""

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
"""Precisions that TensorRT computes in."""


class TensorRTMissing(RuntimeError):
    """TensorRT was asked for and can't run here."""


def compiled(network: StridedPositionNet, weights: str | Path, precision: str = "fp32") -> StridedPositionNet:
    """The same network, on its GPU; from now on its forward builds or loads the engine and runs that.

    Args:
        network: with or without its weights, which must be loaded before it is first used.
        weights: the file that they come from; the engine lies beside it.
        precision: of the engine, one of `PRECISIONS`.

    Raises:
        TensorRTMissing: there is no NVIDIA GPU, or a package is missing.
        ValueError: the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"trt_precision must be one of {PRECISIONS}, got {precision!r}")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if not torch.cuda.is_available() or missing:
        here = f"not installed: {', '.join(missing)}" if missing else "PyTorch sees no NVIDIA GPU"
        raise TensorRTMissing(
            f"inference_trt.json needs an NVIDIA GPU and TensorRT ({here}). Leave it out: inference.json alone runs "
            "on a GPU as well as on a CPU."
        )
    arguments = {
        "method": "onnx",
        "precision": precision,
        "input_profiles": [profile(network)],
        "timestamp": int(Path(weights).stat().st_mtime),
        "fallback": False,
    }
    trt_compile(network, f"{weights}.stride{network.stride}_{precision}", args=arguments)
    return network


def profile(network: StridedPositionNet) -> dict[str, list[list[int]]]:
    """Smallest, usual and largest input of the engine: a single patch, and a full tile of the inferer (twice)."""
    channels = network.stem.in_channels
    tile = (TILES[network.stride] - 1) * network.stride + network.patch_size
    return {"inputs": [[1, channels, *[side] * 3] for side in (network.patch_size, tile, tile)]}
