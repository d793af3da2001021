"""`head-ct-anomaly run`: one scan in, a folder of results out, through `configs/inference.json`."""

from __future__ import annotations

import argparse
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ..assets import config
from ..findings import InputRefused
from ..results import check_target

DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
"""Devices that can be asked for."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("run", help="make the heatmap and the scores of one scan")
    parser.add_argument("input", metavar="INPUT", type=Path, help="a folder (series or study), a DICOM file or a NIfTI")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder of the results")
    parser.add_argument("--device", type=device, default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("--stride", type=int, choices=(1, 2, 4), help="voxels (mm) between predictions (2)")
    parser.add_argument("--series-uid", type=series_uid, help="the series to use, when a study holds several")
    parser.add_argument("--overwrite", action="store_true", help="replace earlier results in OUT")
    parser.add_argument("--config", type=overlay, action="append", default=[], help="an overlay, e.g. published.json")
    parser.set_defaults(main=main)


def device(text: str) -> str:
    """A device's name, checked, since it becomes part of a config.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device: use auto, cpu, cuda or cuda:N")
    return text


def series_uid(text: str) -> str:
    """A DICOM UID, checked, since it becomes part of a config.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not re.fullmatch(r"[0-9.]{1,64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no UID: digits and dots, at most 64 of them")
    return text


def overlay(text: str) -> str:
    """The name of a config of the bundle.

    Raises:
        argparse.ArgumentTypeError: there is none of this name.
    """
    known = sorted(path.name for path in config("inference.json").parent.glob("*.json"))
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is no config of the bundle: there are {', '.join(known)}")
    return text


def overrides(args: argparse.Namespace) -> dict[str, Any]:
    """Values of the config ids that the arguments set.

    Paths stay `Path` objects: in strings, MONAI looks for references, and replaces every `#`.
    """
    values: dict[str, Any] = {
        "bundle_root": str(config("inference.json").parents[1]),
        "dataset_dir": args.input.absolute(),
        "output_dir": args.output.absolute(),
        "overwrite": args.overwrite,
    }
    if args.stride:
        values["stride"] = args.stride
    if args.series_uid:
        values["series_uid"] = args.series_uid
    if args.device != "auto":
        values["device"] = f"$torch.device('{args.device}')"
    return values


def main(args: argparse.Namespace) -> int:
    """Run the workflow; 0 when the results are written.

    Raises:
        InputRefused: the input can't be judged.
        OutputExists, OutputFailed: the results can't be written.
    """
    check_target(args.output.resolve(), args.overwrite)
    with nullcontext() if args.debug else quiet():
        run(args)
    print(f"results in {args.output}")
    return 0


def run(args: argparse.Namespace) -> None:
    """Run the workflow; of what it raises, the refusal or the operating system's error goes on, without the chain."""
    from monai.bundle import ConfigWorkflow

    files = [str(config(name)) for name in ("inference.json", *args.config)]
    workflow = ConfigWorkflow(files, logging_file=False, workflow_type="inference", **overrides(args))
    try:
        workflow.run()
    except Exception as error:
        cause = root_cause(error)
        if cause is error:
            raise
        raise cause from None


@contextmanager
def quiet() -> Iterator[None]:
    """Without log lines and warnings of libraries: what the user has to know is in the results or in the error."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def root_cause(error: BaseException) -> BaseException:
    """The refusal or the operating system's error behind what MONAI raised; the error itself if there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputRefused | OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error
