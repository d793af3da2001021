"""`head-ct-anomaly train`: from healthy scans, or from label maps of heads, to weights; stopped, it goes on.

It is `monai.bundle run` on `configs/train.json` (a folder of label maps: heads are drawn from them) or on that with its
overlay `train_scans.json` (a datalist of healthy scans), followed by `export`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..assets import bundle_root, config, sha256
from ..datalists import check_disjoint
from ..findings import PathMissing
from .run import device, root_cause

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "train", help="train the network on healthy scans, or on heads drawn from label maps"
    )
    parser.add_argument(
        "data",
        metavar="DATALIST",
        type=Path,
        help='JSON {"training": [{"image": path}, ...], "validation": [...]} of scans, or a folder of label maps',
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="checkpoints, learning curve, model.pt"
    )
    parser.add_argument("--epochs", type=positive, help="epochs of 100 iterations (train.json says how many)")
    parser.add_argument("--device", type=device, default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("--workers", type=positive, help="processes that cut crops, and draw heads (1)")
    parser.add_argument(
        "--start", metavar="FILE", type=Path, help="weights to start from (a datalist: those that ship)"
    )
    parser.add_argument("--from-scratch", action="store_true", help="start from nothing, also with a datalist")
    parser.add_argument(
        "--validation", metavar="NAME", nargs="+", help="label maps to validate on (train.json names some)"
    )
    parser.add_argument("--hold-out", metavar="NAME", nargs="+", help="label maps to leave for tests, used for nothing")
    parser.set_defaults(main=main)


def positive(text: str) -> int:
    """A whole number above 0.

    Raises:
        ValueError: it is not one; argparse says so.
    """
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def main(args: argparse.Namespace) -> int:
    """Train, export the weights and print their sha256; 0 when it is done, `INTERRUPTED` when the user stopped it.

    Raises:
        PathMissing: what was named is not there or can't be trained on.
        InputRefused: none of the scans can be used.
    """
    if not args.data.exists():
        raise PathMissing(f"There is no {args.data}. Name a datalist (JSON) or a folder of label maps.")
    if args.start and not args.start.is_file():
        raise PathMissing(f"There are no weights at {args.start}. Check --start.")
    if not args.data.is_dir():
        check_disjoint(args.data)
    files = configs(args.data)
    print(f"training in {args.output.absolute()}; stop it with Ctrl-C, the same command goes on", file=sys.stderr)
    try:
        network = run(files, overrides(args))
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last epoch that was completed", file=sys.stderr)
        return INTERRUPTED
    weights = args.output / "model.pt"
    export(args.output, network, weights)
    print(f"{weights}  sha256 {sha256(weights)}")
    return 0


def configs(data: Path) -> list[str]:
    """The config files for this kind of data."""
    names = ["train.json"] if data.is_dir() else ["train.json", "train_scans.json"]
    return [str(config(name)) for name in names]


def overrides(args: argparse.Namespace) -> dict[str, Any]:
    """Values of the config ids that the arguments set; paths as objects, since MONAI replaces every `#` in strings."""
    values: dict[str, Any] = {
        "bundle_root": str(bundle_root()),
        "output_dir": args.output.absolute(),
        "dataset_dir" if args.data.is_dir() else "datalist": args.data.absolute(),
        "max_epochs": args.epochs,
        "workers": args.workers,
        "device": None if args.device == "auto" else f"$torch.device('{args.device}')",
        "start_weights": args.start.absolute() if args.start else None,
        "validation_anatomies": args.validation,
        "test_anatomies": args.hold_out,
    }
    values = {name: value for name, value in values.items() if value is not None}
    return {**values, "start_weights": None} if args.from_scratch else values


def run(files: list[str], values: dict[str, Any]) -> Any:
    """Run the training workflow; the plain, untrained network of its config, for the export."""
    from monai.bundle import ConfigParser, ConfigWorkflow

    workflow = ConfigWorkflow(files, logging_file=str(config("logging.conf")), workflow_type="train", **values)
    try:
        workflow.run()
    except Exception as error:
        cause = root_cause(error)
        raise (error if cause is error else cause) from None
    parser = ConfigParser()
    parser.read_config(files)
    parser["bundle_root"] = str(bundle_root())
    return parser.get_parsed_content("network_def")


def export(folder: Path, network: Any, weights: Path) -> None:
    """Write the plain weights of the last checkpoint in a folder."""
    from ..checkpoints import export_weights, latest_checkpoint

    export_weights(latest_checkpoint(str(folder)), network, str(weights))
