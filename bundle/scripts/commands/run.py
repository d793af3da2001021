"""`head-ct-anomaly run`: one scan in, a folder of results out, through `configs/inference.json`."""

from __future__ import annotations

import argparse
import gc
import logging
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..assets import config, place
from ..calibration_files import NORMATIVE_NAME, THRESHOLDS_NAME, NotCalibrated, checked_thresholds
from ..findings import InputRefused
from ..nifti import is_nifti
from ..results import OutputExists, OutputFailed, reserved
from .checks import check_device, parsed_configs

DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
"""Devices that can be asked for."""

OVERLAYS = {"published.json": "the published network", "autoencoder_inference.json": "the autoencoder"}
"""Overlays of inference.json, and the networks that they run, of which the bundle ships no weights."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("run", help="make the heatmap and the scores of one scan")
    parser.add_argument("input", metavar="INPUT", type=Path, help="a folder (series or study), a DICOM file or a NIfTI")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder of the results")
    parser.add_argument("--device", type=device, default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("--stride", type=int, choices=(1, 2, 4), help="voxels (mm) between predictions (2)")
    parser.add_argument("--series-uid", type=series_uid, help="the series to use, when a study holds several")
    parser.add_argument("--overwrite", action="store_true", help="replace earlier results in OUT")
    parser.add_argument("--config", choices=OVERLAYS, action="append", default=[], help="an overlay of inference.json")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="weights other than those that ship")
    parser.add_argument("--map", choices=("calibrated", "error"), help="what the heatmap shows (calibrated, if it can)")
    parser.add_argument(
        "--calibration", metavar="FOLDER", type=Path, help="normative and thresholds other than those that ship"
    )
    parser.add_argument("--dicom", action="store_true", help="write DICOM objects too, into OUT/dicom")
    parser.add_argument(
        "--accept-review", action="store_true", help="record that you accept the pose, where it is for review"
    )
    parser.add_argument(
        "--force", action="store_true", help="for research: a heatmap of a head whose pose can't be confirmed, too"
    )
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
    values |= {name: True for name in ("dicom", "accept_review", "force") if getattr(args, name)}
    if args.stride:
        values["stride"] = args.stride
    if args.series_uid:
        values["series_uid"] = args.series_uid
    if args.weights:
        values["weights"] = args.weights.absolute()
    if args.map:
        values["map"] = args.map
    if args.calibration:
        folder = args.calibration.absolute()
        values |= {"normative": folder / NORMATIVE_NAME, "thresholds": folder / THRESHOLDS_NAME}
    if args.device != "auto":
        values["device"] = f"$torch.device({args.device!r})"
    return values


def main(args: argparse.Namespace) -> int:
    """Run the workflow; 0 when the results are written.

    Raises:
        InputRefused: the input can't be judged.
        PathMissing: there is no such device, or the weights are not of the network.
        OutputExists, OutputFailed: the results can't be written.
    """
    if problem := (why_no_dicom(args.input) if args.dicom else "") or usage_problem(args):
        print(problem, file=sys.stderr)
        return 2
    check_device(args.device)
    if args.weights:
        from ..checkpoints import check_weights

        network = parsed_configs(("inference.json", *args.config)).get_parsed_content("network_def")
        check_weights(args.weights, network)
    with reserved(args.output, args.overwrite), quiet(warn=args.debug):
        run(args)
    print(f"results in {args.output}")
    return 0


def usage_problem(args: argparse.Namespace) -> str:
    """What is wrong with the weights or the map that were asked for; empty if nothing is."""
    if args.weights and not args.weights.is_file():
        return f"There are no weights at {args.weights}. Check --weights."
    if args.config and not args.weights:
        return f"The bundle ships no weights of {OVERLAYS[args.config[-1]]}. Train one and name it: --weights FILE."
    if (args.map == "calibrated" or args.calibration) and (reason := why_not_calibrated(args)):
        return f"A calibrated map was asked for. {reason}"
    return ""


def why_no_dicom(path: Path) -> str:
    """Why no DICOM objects can be made of an input; empty if they can."""
    if path.is_file() and is_nifti(path):
        return (
            "A NIfTI file has no study that DICOM objects could belong to. Give the DICOM series, or leave out --dicom."
        )
    if find_spec("highdicom") is None:
        return 'DICOM objects need the package highdicom: pip install "head-ct-position-anomaly[dicom]".'
    return ""


def why_not_calibrated(args: argparse.Namespace) -> str:
    """Why the calibration that ships, or that was named, is not one of the weights; empty if it is."""
    folder = args.calibration or Path(place("models"))
    weights = args.weights or place("models/model.pt")
    try:
        checked_thresholds(folder / THRESHOLDS_NAME, folder / NORMATIVE_NAME, weights, place("models/reference.nii.gz"))
    except NotCalibrated as reason:
        return str(reason)
    return ""


def run(args: argparse.Namespace) -> None:
    """Run the workflow that the arguments describe."""
    run_configs(("inference.json", *args.config), overrides(args))


def run_configs(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Run the workflow of inference.json and overlays of it with some values by id.

    What it took is given back: a process that works through many scans holds as much after each as after the first.

    Raises:
        InputRefused, OutputExists, OutputFailed, OSError: the cause of what the workflow raised, without the chain.
        Exception: anything else that it raised.
    """
    from ..allocator import give_back_free_memory

    try:
        _run_workflow([str(config(name)) for name in names], values)
    except Exception as error:
        cause = root_cause(error)
        if cause is error:
            raise
        raise cause from None
    finally:
        gc.collect()  # a workflow refers to itself
        give_back_free_memory()


def _run_workflow(files: list[str], values: Mapping[str, Any]) -> None:
    """Make the workflow, run it, and forget it."""
    from monai.bundle import ConfigWorkflow

    ConfigWorkflow(files, logging_file=False, workflow_type="inference", **values).run()


@contextmanager
def quiet(warn: bool = False) -> Iterator[None]:
    """Without log lines of libraries, which may hold patient data, and without their warnings unless `warn` is true.

    What the user has to know is in the results or in the error.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            if not warn:
                warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def root_cause(error: BaseException) -> BaseException:
    """The refusal or the operating system's error behind what MONAI raised; the error itself if there is none."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    ours = [cause for cause in causes if isinstance(cause, InputRefused | OutputExists | OutputFailed)]
    return next(iter([*ours, *(cause for cause in causes if isinstance(cause, OSError))]), error)
