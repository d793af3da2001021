"""`head-ct-anomaly run`: one scan in, a folder of results out, through `configs/inference.json`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..anomaly.scores import MAPS
from ..results.folder import reserved
from ..results.record import MAP_LEVELS, read_result
from ..workflow import parsed_configs, quiet, run_configs
from .arguments import add_device, add_output, check_device, series_uid
from .scan_options import OVERLAYS, overrides, usage_problem, why_no_dicom


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("input", metavar="INPUT", type=Path, help="a folder (series or study), a DICOM file or a NIfTI")
    add_output(parser, "folder of the results")
    add_device(parser)
    parser.add_argument("--stride", type=int, choices=(1, 2, 4), help="voxels (mm) between predictions (2)")
    parser.add_argument("--series-uid", type=series_uid, help="the series to use, when a study holds several")
    parser.add_argument("--overwrite", action="store_true", help="replace earlier results in OUT")
    parser.add_argument("--config", choices=OVERLAYS, action="append", default=[], help="an overlay of inference.json")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="weights other than those that ship")
    parser.add_argument("--map", choices=MAPS, help="what the heatmap shows (calibrated, if it can)")
    parser.add_argument(
        "--calibration", metavar="FOLDER", type=Path, help="normative and thresholds other than those that ship"
    )
    parser.add_argument(
        "--maps", choices=MAP_LEVELS, help="volumes to write: all of them, the heatmap alone, or none (all)"
    )
    parser.add_argument("--dicom", action="store_true", help="write DICOM objects too, into OUT/dicom")
    parser.add_argument(
        "--accept-review", action="store_true", help="record that you accept the pose, where it is for review"
    )
    parser.add_argument(
        "--force", action="store_true", help="for research: a heatmap of a head whose pose can't be confirmed, too"
    )


def main(args: argparse.Namespace) -> int:
    """Run the workflow; 0 when the results are written.

    Raises:
        InputRefused: the input can't be judged.
        WrongUsage: there is no such device, or the weights are not of the network.
        OutputExists, OutputFailed: the results can't be written.
    """
    if problem := (why_no_dicom(args.input) if args.dicom else "") or usage_problem(args):
        print(problem, file=sys.stderr)
        return 2
    check_device(args.device)
    if args.weights:
        from ..training.checkpoints import check_weights

        network = parsed_configs(("inference.json", *args.config)).get_parsed_content("network_def")
        check_weights(args.weights, network)
    from ..processes.memory import give_back_free_memory
    from ..reading.inputs import check_input

    try:
        with reserved(args.output, args.overwrite), quiet(warn=args.debug):
            check_input(args.input, args.series_uid)  # by headers alone, before torch is loaded
            run_configs(("inference.json", *args.config), overrides(args))
    finally:
        give_back_free_memory()  # a process that judges many scans holds as much after each as after the first
    print(f"results in {args.output}", read_result(args.output)["summary"], sep="\n")
    return 0
