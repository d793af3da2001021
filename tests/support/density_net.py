"""A density network without weights, for the inputs of the config that runs it."""

from __future__ import annotations

from scripts.assets import config_values
from scripts.networks.density import DensityPositionNet


def density_net(nodes: int | None = None) -> DensityPositionNet:
    """One for so many nodes; None for as many as the config has."""
    values = config_values("density_train.json")
    return DensityPositionNet(nodes or values["nodes"], values["windows_hu"], values["median_hu"])
