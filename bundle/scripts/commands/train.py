"""`head-ct-anomaly train`: from healthy scans, or from label maps of heads, to weights; a stopped training resumes.

It is `monai.bundle run` on `configs/train.json` (a folder of label maps: heads are drawn from them) or on that with its
overlay `train_scans.json` (a datalist of healthy scans), followed by `export`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..assets import bundle_root, sha256
from ..datasets.datalist import PREPARED_BYTES, check_disjoint, listed_scans
from ..errors import WrongUsage
from ..files.atomic import check_writable
from ..training.anatomies import check_names, training_anatomies
from ..workflow import device_values, parsed_configs, train_configs
from .arguments import add_device, add_output, check_device, check_plain, positive, seed

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

TRAINING_BYTES = 100_000_000
"""Space for checkpoints and logs on the disk, at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "data",
        metavar="DATALIST",
        type=Path,
        help='JSON {"training": [{"image": path}, ...], "validation": [...]} of scans, or a folder of label maps',
    )
    add_output(parser, "checkpoints, learning curve, model.pt", metavar="DIR")
    parser.add_argument("--epochs", type=positive, help="epochs of 100 iterations (train.json says how many)")
    add_device(parser)
    parser.add_argument("--workers", type=positive, help="processes that cut crops, and draw heads (1)")
    parser.add_argument("--seed", type=seed, help="everything random follows from it (train.json says which)")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--start", metavar="FILE", type=Path, help="weights to start from (a datalist: those that ship)")
    start.add_argument("--from-scratch", action="store_true", help="start from nothing, also with a datalist")
    parser.add_argument(
        "--validation", metavar="NAME", nargs="+", help="label maps to validate on (train.json names some)"
    )
    parser.add_argument("--hold-out", metavar="NAME", nargs="+", help="label maps to leave for tests, used for nothing")


def main(args: argparse.Namespace) -> int:
    """Train, export the weights and print their sha256; 0 when it is done, `INTERRUPTED` when the user stopped it.

    Raises:
        WrongUsage: the data do not exist, or can't be trained on.
        InputRefused: none of the scans can be used.
        OutputFailed: the folder can't be written to.
    """
    names, values = configs(args.data), overrides(args)
    parser = parsed_configs(names)
    check_data(args, parser)
    check_device(args.device)
    check_writable(args.output, needed_bytes=TRAINING_BYTES + unprepared(args) * PREPARED_BYTES)
    if args.output.is_file():
        raise WrongUsage(f"{args.output} is a file. Name a folder: -o")
    network, epochs = parser.get_parsed_content("network_def"), int(values.get("max_epochs", parser["max_epochs"]))
    done = epochs_done(args, network)
    print(opening(args.output, done, epochs), file=sys.stderr)
    try:
        if done < epochs:
            train_configs(names, values)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last epoch that was completed", file=sys.stderr)
        return INTERRUPTED
    weights = args.output / "model.pt"
    export(args.output, network, weights)
    print(f"{weights}  sha256 {sha256(weights)}")
    return 0


def check_data(args: argparse.Namespace, parser: Any) -> None:
    """See that the data are there, with the label maps or scans that the arguments and the config name.

    Raises:
        WrongUsage: they are not.
    """
    if not args.data.exists():
        raise WrongUsage(f"There is no {args.data}. Name a datalist (JSON) or a folder of label maps.")
    if not args.data.is_dir():
        return check_disjoint(args.data)
    folder, validation = str(args.data), args.validation or parser["validation_anatomies"]
    check_plain([*validation, *(args.hold_out or [])])
    check_names(folder, validation, "Name those to validate on: --validation NAME ...")
    check_names(folder, args.hold_out or [], "Correct --hold-out.")
    training_anatomies(folder, [*validation, *(args.hold_out or parser["test_anatomies"])])


def unprepared(args: argparse.Namespace) -> int:
    """Number of scans of a datalist that are still to be prepared, at most."""
    if args.data.is_dir():
        return 0
    listed = [item for section in ("training", "validation") for item in listed_scans(args.data, section)]
    return max(0, len(listed) - len(list((args.output / "prepared").glob("*.pt"))))


def epochs_done(args: argparse.Namespace, network: Any) -> int:
    """The epochs of the training that the output folder holds, 0 if there is none.

    Raises:
        WrongUsage: it is one of another network, or --start names weights of another one.
    """
    from ..training.checkpoints import check_checkpoint, check_start, epoch_of, latest_checkpoint

    if args.start:
        if not args.start.is_file():
            raise WrongUsage(f"There are no weights at {args.start}. Check --start.")
        check_start(args.start, network)
    checkpoint = latest_checkpoint(str(args.output))
    if checkpoint:
        check_checkpoint(checkpoint, network)
    return epoch_of(checkpoint)


def opening(folder: Path, done: int, epochs: int) -> str:
    """The first line: the state of the training, and the plan of the command."""
    if done >= epochs:
        return (
            f"{done} epochs are done already in {folder.absolute()}, {epochs} were asked for: its weights are exported"
        )
    stop = "stop it with Ctrl-C, the same command goes on"
    if not done:
        return f"training in {folder.absolute()}; {stop}"
    return (
        f"going on after epoch {done} of {epochs} in {folder.absolute()}, from its checkpoint: --start and "
        f"--from-scratch say nothing here, and for other data name another folder; {stop}"
    )


def configs(data: Path) -> list[str]:
    """The names of the configs for this kind of data."""
    return ["train.json"] if data.is_dir() else ["train.json", "train_scans.json"]


def overrides(args: argparse.Namespace) -> dict[str, Any]:
    """Values of the config ids that the arguments set; paths as objects, since MONAI replaces every `#` in strings."""
    values: dict[str, Any] = {
        "bundle_root": str(bundle_root()),
        "output_dir": args.output.absolute(),
        "dataset_dir" if args.data.is_dir() else "datalist": args.data.absolute(),
        "max_epochs": args.epochs,
        "workers": args.workers,
        "seed": args.seed,
        **device_values(args.device),
        "start_weights": args.start.absolute() if args.start else None,
        "validation_anatomies": args.validation,
        "test_anatomies": args.hold_out,
    }
    values = {name: value for name, value in values.items() if value is not None}
    return {**values, "start_weights": None} if args.from_scratch else values


def export(folder: Path, network: Any, weights: Path) -> None:
    """Write the plain weights of the last checkpoint in a folder."""
    from ..training.checkpoints import export_weights, latest_checkpoint

    export_weights(latest_checkpoint(str(folder)), network, str(weights))
