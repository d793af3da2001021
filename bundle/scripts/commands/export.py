"""`head-ct-anomaly export`: from a training checkpoint to the weights that ship, spectral norm folded into them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..assets import bundle_root, place, sha256
from ..errors import WrongUsage
from ..files.atomic import check_writable
from ..integrity import renew
from ..workflow import parsed_configs
from .arguments import positive

OUTPUTS = {
    "train.json": "models/model.pt",
    "published_train.json": "models/published.pt",
    "autoencoder.json": "models/autoencoder.pt",
}
"""Configs of trainings that weights can be made of, train.json or overlays of it, and where those weights go."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "training", metavar="DIR", type=Path, help="output_dir of the training, or one checkpoint of it"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="the weights (by default a file of the bundle's models)"
    )
    parser.add_argument(
        "--config", choices=OUTPUTS, default="train.json", help="what the training ran: train.json, or that overlay"
    )
    parser.add_argument("--width", type=positive, help="of the network that was trained (the config says which)")
    parser.add_argument("--patch-size", metavar="MM", type=positive, help="likewise")


def main(args: argparse.Namespace) -> int:
    """Write the weights and print their sha256; 0 when it is done.

    Raises:
        WrongUsage: there is no checkpoint, or it is one of another network.
        OutputFailed: the weights can't be written.
    """
    from ..training.checkpoints import check_checkpoint, export_weights, latest_checkpoint

    checkpoint = str(args.training) if args.training.is_file() else latest_checkpoint(str(args.training))
    if not checkpoint:
        raise WrongUsage(f"There is no checkpoint in {args.training}. Give the output_dir of a training.")
    weights = args.output or Path(place(OUTPUTS[args.config]))
    if weights.is_dir():
        raise WrongUsage(f"{weights} is a folder. Name a file in it: -o {weights / 'model.pt'}")
    check_writable(weights.parent, weights)
    parser = parsed_configs(dict.fromkeys(("train.json", args.config)))
    values = {"width": args.width, "patch_size": args.patch_size}
    parser.update({name: value for name, value in values.items() if value is not None})
    network = parser.get_parsed_content("network_def")
    check_checkpoint(checkpoint, network)
    export_weights(checkpoint, network, str(weights))
    renew(bundle_root(), weights)
    print(f"{weights}  sha256 {sha256(weights)}  from {Path(checkpoint).name}")
    return 0
