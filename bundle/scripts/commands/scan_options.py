"""The options of judging a scan that commands share: values of ids of inference.json, and what can't be asked for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..anomaly.chosen_calibration import Chosen, why_no_alpha, why_not_valid
from ..assets import config
from ..files.names import is_nifti
from ..workflow import device_values, parsed_configs

OVERLAYS = {"published.json": "the published network", "autoencoder_inference.json": "the autoencoder"}
"""Overlays of inference.json, and the networks that they run, of which the bundle ships no weights."""


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
    asked = {"dicom": args.dicom, "stride": args.stride, "series_uid": args.series_uid, "map": args.map}
    asked |= {"maps": args.maps, "alpha": args.alpha}
    asked |= {"accept_review": args.accept_review, "force": args.force}
    values |= {name: value for name, value in asked.items() if value}
    if not args.report:
        values["report"] = False
    return {**values, **chosen_by(args).values(), **device_values(args.device)}


def chosen_by(args: argparse.Namespace) -> Chosen:
    """The weights and the calibration that the arguments name."""
    return Chosen(args.calibration, args.weights, args.evidence_weights)


def usage_problem(args: argparse.Namespace) -> str:
    """A sentence on what is wrong with the chosen weights, map or alpha; empty if nothing is."""
    if problem := no_weights(args):
        return problem
    if args.config and not args.weights:
        return f"The bundle ships no weights of {OVERLAYS[args.config[-1]]}. Train one and name it: --weights FILE."
    if (args.map not in (None, "error") or args.calibration) and (reason := why_not_calibrated(args)):
        return f"A calibrated map was asked for. {reason}"
    return why_no_alpha(args.alpha, chosen_by(args))


def no_weights(args: argparse.Namespace) -> str:
    """A sentence on weights that are named and not there; empty if there are none."""
    for option, _, path in named_weights(args):
        if not path.is_file():
            return f"There are no weights at {path}. Check {option}."
    return ""


def check_networks(args: argparse.Namespace, overlays: Sequence[str] = ()) -> None:
    """See that the weights that are named are those of the networks of inference.json and its overlays.

    Raises:
        WrongUsage: they are not.
    """
    for option, network, path in named_weights(args):
        from ..networks.weights import sizes_of
        from ..training.checkpoints import check_weights

        parser = parsed_configs(("inference.json", *overlays))
        parser.update(sizes_of(path))
        check_weights(path, parser.get_parsed_content(network), option)


def named_weights(args: argparse.Namespace) -> list[tuple[str, str, Path]]:
    """Option, id of the network in inference.json, and file of the weights that are named."""
    known = [
        ("--weights", "network_def", args.weights),
        ("--evidence-weights", "evidence_network_def", args.evidence_weights),
    ]
    return [(option, network, path) for option, network, path in known if path]


def why_no_dicom(path: Path) -> str:
    """A sentence on why no DICOM objects can be made of an input; empty if they can."""
    if path.is_file() and is_nifti(path):
        return (
            "A NIfTI file has no study that DICOM objects could belong to. Give the DICOM series, or leave out --dicom."
        )
    if find_spec("highdicom") is None:
        return 'DICOM objects need the package highdicom: pip install "head-ct-position-anomaly[dicom]".'
    return ""


def why_not_calibrated(args: argparse.Namespace) -> str:
    """A sentence on why the calibration, shipped or named, is not valid for the weights; empty if it is."""
    return why_not_valid(chosen_by(args))
