"""`head-ct-anomaly export`: from a training checkpoint to the weights that ship, spectral norm folded into them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..assets import bundle_root, config, sha256
from ..findings import PathMissing


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("export", help="make the weights that ship from a training checkpoint")
    parser.add_argument(
        "training", metavar="DIR", type=Path, help="output_dir of the training, or one checkpoint of it"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, default=bundle_root() / "models" / "model.pt")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Write the weights and print their sha256; 0 when it is done.

    Raises:
        PathMissing: there is no checkpoint.
    """
    from monai.bundle import ConfigParser

    from ..checkpoints import export_weights, latest_checkpoint

    checkpoint = str(args.training) if args.training.is_file() else latest_checkpoint(str(args.training))
    if not checkpoint:
        raise PathMissing(f"There is no checkpoint in {args.training}. Give the output_dir of a training.")
    parser = ConfigParser()
    parser.read_config(str(config("train.json")))
    parser["bundle_root"] = str(bundle_root())
    export_weights(checkpoint, parser.get_parsed_content("network_def"), str(args.output))
    print(f"{args.output}  sha256 {sha256(args.output)}  from {Path(checkpoint).name}")
    return 0
