"""Modes: names of what runs, for results and tables.

A *mode* follows from the classes of the network and of the inferer: *dense* is a network that answers for all patches
of a tile at once, *published* the published network patch by patch, *patches* any other network patch by patch, and
*autoencoder* the published baseline, which reconstructs the head. It is no switch: an overlay of `inference.json` sets
the network and the inferer, and with them the mode.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ..networks.inferers import DensePositionInferer, PatchPositionInferer
from ..networks.position import PatchPositionNet
from .inferers import ReconstructionInferer

OVERLAYS = {"published": "published.json", "autoencoder": "autoencoder_inference.json"}
"""The overlay of inference.json that makes a mode run, where there is one."""


def mode_of(network: nn.Module, inferer: Any, expected: str | None = None) -> str:
    """The mode of a network and its inferer, which is the expected one where one is given.

    Raises:
        ValueError: another mode was expected, or the inferer is of no known kind.
    """
    mode = _mode(network, inferer)
    if expected not in (None, mode):
        overlay = OVERLAYS.get(str(expected))
        remedy = f"Put {overlay} over inference.json." if overlay else "Leave it out."
        raise ValueError(f"mode is {expected!r}, but this network and inferer are {mode!r}; it is no switch. {remedy}")
    return mode


def _mode(network: nn.Module, inferer: Any) -> str:
    if isinstance(inferer, ReconstructionInferer):
        return "autoencoder"
    if isinstance(inferer, DensePositionInferer):
        return "dense"
    if isinstance(inferer, PatchPositionInferer):
        return "published" if isinstance(network, PatchPositionNet) else "patches"
    raise ValueError(f"There is no mode of an inferer of the class {type(inferer).__name__}.")
