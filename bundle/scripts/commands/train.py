"""`head-ct-anomaly train`: from healthy scans, or from label maps of heads, to weights; a stopped training resumes.

It is `monai.bundle run` on `configs/train.json` (`--simulate`: heads are drawn from label maps) or on that with its
overlay `train_scans.json` (a datalist or a folder of healthy scans), followed by `export` of the best validation. Of a
folder every fifth scan is for validation; the datalist that says so lies in the output folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..assets import bundle_root, sha256
from ..calibration.sources import sources_in
from ..datasets.datalist import PREPARED_BYTES, check_disjoint, listed_scans
from ..datasets.split import check_apart, split_of
from ..errors import WrongUsage
from ..files.atomic import check_writable, write_output
from ..files.json_text import json_text
from ..files.locks import alone, locked
from ..files.zipped import is_zip
from ..processes.sockets import short_socket_paths
from ..training.anatomies import check_names, training_anatomies
from ..words import counted
from ..workflow import device_values, parsed_configs, train_configs
from .arguments import add_device, add_names, add_output, add_seed, add_workers, check_device, check_plain, positive

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

BEGINNING, DATALIST, WEIGHTS = "beginning.json", "datalist.json", "model.pt"
"""Names of files in the output folder: how the training began, the scans of a folder by section, and the weights."""

FEW_SCANS = 40
"""With fewer scans there is a warning."""

TRAINING_BYTES = 100_000_000
"""Space for checkpoints and logs on the disk, at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "data",
        metavar="SCANS",
        type=Path,
        nargs="?",
        help='folder of healthy scans, one an entry, or JSON {"training": [{"image": path}, ...], "validation": [...]}',
    )
    parser.add_argument("--simulate", metavar="ANATOMIES", type=Path, help="draw the heads from these label maps")
    add_output(parser, "folder of checkpoints, learning curve and model.pt")
    parser.add_argument("--epochs", type=positive, help="epochs of 100 iterations (train.json says how many)")
    add_device(parser)
    add_workers(parser, "processes that cut crops, and draw heads (1)")
    add_seed(parser, "everything random follows from it (train.json says which)", default=None)
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--start", metavar="FILE", type=Path, help="weights to start from (for scans: those that ship)")
    start.add_argument("--from-scratch", action="store_true", help="start from nothing, also with scans")
    words = "label maps (train.json names some) or scans of the folder (every fifth) to validate on"
    add_names(parser, words, "--validation")
    add_names(parser, "label maps, or scans of the folder, to leave for tests: used for nothing", "--hold-out")


def main(args: argparse.Namespace) -> int:
    """Train, export the weights and print their sha256; 0 when it is done, `INTERRUPTED` when the user stopped it.

    Raises:
        WrongUsage: the data do not exist, or can't be trained on.
        InputRefused: none of the scans can be used.
        OutputExists: another training works in the folder.
        OutputFailed: the folder can't be written to.
    """
    if (args.data is None) == (args.simulate is None):
        raise WrongUsage("Give either SCANS, a datalist or a folder of healthy scans, or --simulate ANATOMIES.")
    check_output_folder(args.output)
    names = ["train.json"] if args.simulate else ["train.json", "train_scans.json"]
    parser = parsed_configs(names)
    datalist, count = check_data(args, parser)
    values = overrides(args, datalist)
    check_device(args.device)
    check_writable(args.output, needed_bytes=TRAINING_BYTES + unprepared(args.output, count) * PREPARED_BYTES)
    network, epochs = parser.get_parsed_content("network_def"), int(values.get("max_epochs", parser["max_epochs"]))
    weights = args.output / WEIGHTS
    taken = f"Another training works in {args.output}. Wait for it, or choose another folder."
    with alone(locked(args.output.absolute() / WEIGHTS), args.output, taken):
        done = epochs_done(args, network)
        begin(args, done, datalist, count)
        print(opening(args.output, done, epochs), file=sys.stderr)
        try:
            if done < epochs:
                with short_socket_paths():
                    train_configs(names, values)
        except KeyboardInterrupt:
            print("stopped; the same command goes on from the last epoch that was completed", file=sys.stderr)
            return INTERRUPTED
        export(args.output, network, weights)
        if outcome := outcome_of(args.output):
            print(outcome)
        print(f"{weights}  sha256 {sha256(weights)}")
    return 0


def check_output_folder(folder: Path) -> None:
    """See that a path is no file.

    Raises:
        WrongUsage: it is one.
    """
    if folder.is_file():
        raise WrongUsage(f"{folder} is a file. Name a folder: -o")


def check_data(args: argparse.Namespace, parser: Any) -> tuple[dict[str, Any] | Path | None, int]:
    """The datalist of the scans (None with label maps), content or path, and how many scans it lists, checked.

    Raises:
        WrongUsage: the data are not there, or are too few to learn from and to validate on.
    """
    if args.simulate:
        if not args.simulate.is_dir():
            raise WrongUsage(f"There is no folder {args.simulate}. Name one of label maps: --simulate")
        folder, validation = str(args.simulate), args.validation or parser["validation_anatomies"]
        check_plain([*validation, *args.hold_out])
        check_apart(validation, args.hold_out)
        check_names(folder, validation, "Name those to validate on: --validation NAME,NAME")
        check_names(folder, args.hold_out, "Correct --hold-out.")
        training_anatomies(folder, [*validation, *(args.hold_out or parser["test_anatomies"])])
        return None, 0
    if not args.data.exists():
        raise WrongUsage(f"There is no {args.data}. Name a datalist (JSON) or a folder of healthy scans.")
    if args.data.is_dir():
        scans = {source.name: source.path for source in sources_in(args.data) if not is_zip(source.path)}
        content = split_of(args.data, scans, args.validation, args.hold_out)
        return content, sum(map(len, content.values()))
    if args.validation or args.hold_out:
        raise WrongUsage(
            "A datalist says itself which scans are for validation. Leave out --validation and --hold-out."
        )
    check_disjoint(args.data)
    return args.data, sum(len(listed_scans(args.data, section)) for section in ("training", "validation"))


def unprepared(folder: Path, count: int) -> int:
    """Number of scans, of so many, that are still to be prepared, at most."""
    return max(0, count - len(list((folder / "prepared").glob("*.pt"))))


def begin(args: argparse.Namespace, done: int, datalist: dict[str, Any] | Path | None, count: int) -> None:
    """Note how a training begins; of one that goes on, see that it began so. A warning where scans are few.

    Raises:
        WrongUsage: --from-scratch would go on a training that began from weights, or the scans of a folder are others,
            or in other sections, than those that the training began with.
    """
    note, kept = args.output / BEGINNING, args.output / DATALIST
    content = json_text(datalist).encode() if isinstance(datalist, dict) else None
    if done:
        if content and kept.is_file() and kept.read_bytes() != content:
            raise WrongUsage(
                f"{args.output} holds a training after epoch {done} on other scans, or with others for validation, "
                f"than {args.data} gives now: what was learnt from could be validated on. Name another folder: -o"
            )
        scratch = note.is_file() and json.loads(note.read_text(encoding="utf-8")).get("from_scratch")
        if args.from_scratch and not scratch:
            raise WrongUsage(
                f"{args.output} holds a training after epoch {done}, which --from-scratch would go on. "
                "Name another folder: -o"
            )
    else:
        write_output(note, json_text({"from_scratch": args.from_scratch}).encode())
    if content and isinstance(datalist, dict):
        write_output(kept, content)
        parts = [f"{len(datalist[section])} for {section}" for section in datalist]
        print(f"{counted(count, 'scan')}: {', '.join(parts)}", file=sys.stderr)
    if not args.simulate and count < FEW_SCANS:
        print(
            f"{counted(count, 'scan')} to learn from and to validate on: with fewer than {FEW_SCANS} the network often "
            "gets worse on other heads. `head-ct-anomaly calibrate` needs no training.",
            file=sys.stderr,
        )


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
        f"going on after epoch {done} of {epochs} in {folder.absolute()}, from its checkpoint: --start says nothing "
        f"here, and for other data name another folder; {stop}"
    )


def overrides(args: argparse.Namespace, datalist: dict[str, Any] | Path | None = None) -> dict[str, Any]:
    """Values of the config ids that the arguments set; paths as objects, since MONAI replaces every `#` in strings."""
    data = args.output / DATALIST if isinstance(datalist, dict) else args.data
    values: dict[str, Any] = {
        "bundle_root": str(bundle_root()),
        "output_dir": args.output.absolute(),
        "dataset_dir" if args.simulate else "datalist": (args.simulate or data).absolute(),
        "max_epochs": args.epochs,
        "workers": args.workers,
        "seed": args.seed,
        **device_values(args.device),
        "start_weights": args.start.absolute() if args.start else None,
        "validation_anatomies": (args.validation or None) if args.simulate else None,
        "test_anatomies": (args.hold_out or None) if args.simulate else None,
    }
    values = {name: value for name, value in values.items() if value is not None}
    return {**values, "start_weights": None} if args.from_scratch else values


def outcome_of(folder: Path) -> str:
    """A sentence on whether the training helped; empty if nothing was validated."""
    from ..training.checkpoints import best_facts

    best = best_facts(folder)
    if not best:
        return ""
    words = f"best validation: {best['metric']} {best['value']:.2f} after epoch {best['epoch']}, which is exported"
    with suppress(OSError, KeyError, ValueError), (folder / "learning_curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
        first, last = (float(rows[place][best["metric"]]) for place in (0, -1))
        before = f"; {first:.2f} before the training" if rows[0]["epoch"] == "0" else ""
        words += f"{before}; {last:.2f} after the last epoch"
        if rows[0]["epoch"] == "0" and best["epoch"] == 0:
            words += ". The training did not help: the weights are those that it started from"
    return words + "."


def export(folder: Path, network: Any, weights: Path) -> None:
    """Write the plain weights of the best validation in a folder, or else of its last checkpoint."""
    from ..training.checkpoints import best_checkpoint, export_weights

    export_weights(best_checkpoint(str(folder)), network, str(weights))
