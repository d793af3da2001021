"""`head-ct-anomaly export`: from a training checkpoint to plain weights, spectral norm folded into them.

They lie beside the checkpoint unless `-o` names a file. `-o bundle/models/model.pt` installs them: they replace the
bundle's own, and its manifest is written anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..assets import bundle_root, sha256
from ..errors import WrongUsage
from ..files.atomic import check_writable
from ..integrity import renew
from ..workflow import parsed_configs
from .arguments import positive

OUTPUTS = {
    "train.json": "model.pt",
    "published_train.json": "published.pt",
    "autoencoder.json": "autoencoder.pt",
    "locator.json": "locator.pt",
    "density_train.json": "evidence.pt",
}
"""Configs of trainings that weights can be made of, and the name of the weights' file, as `models` has it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "training", metavar="DIR", type=Path, help="output_dir of the training, or one checkpoint of it"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="file of the weights (beside the checkpoint: model.pt, published.pt, autoencoder.pt, locator.pt or "
        "evidence.pt); a file of bundle/models installs them",
    )
    parser.add_argument("--best", action="store_true", help="of the best validation, not of the last epoch")
    parser.add_argument("--config", choices=OUTPUTS, default="train.json", help="what the training ran (train.json)")
    parser.add_argument("--width", type=positive, help="of the network that was trained (the config says which)")
    parser.add_argument("--patch-size", metavar="MM", type=positive, help="likewise")


def main(args: argparse.Namespace) -> int:
    """Write the weights and print their sha256; 0 when it is done.

    Raises:
        WrongUsage: there is no checkpoint, or it is one of another network.
        OutputFailed: the weights can't be written.
    """
    from ..training.checkpoints import best_checkpoint, check_checkpoint, export_weights, latest_checkpoint

    find = best_checkpoint if args.best else latest_checkpoint
    checkpoint = str(args.training) if args.training.is_file() else find(str(args.training))
    if not checkpoint:
        raise WrongUsage(f"There is no checkpoint in {args.training}. Give the output_dir of a training.")
    weights = args.output or Path(checkpoint).parent / OUTPUTS[args.config]
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
