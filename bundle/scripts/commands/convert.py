"""`head-ct-anomaly convert`: the network in a form that other programs run, for inputs of any size.

The form follows from the file's ending. TorchScript is made by MONAI's own `python -m monai.bundle ckpt_export`.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from ..assets import asset, metadata, sha256
from ..errors import WrongUsage
from ..files.atomic import check_writable
from ..workflow import parsed_configs
from .arguments import add_stride

ENDINGS = {".onnx": "ONNX", ".pt2": "a program of torch.export"}
"""Endings of the file, and the form of each."""

NEEDED = ("onnx", "onnxscript")
"""Packages that ONNX needs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", metavar="FILE", type=Path, help="what to write; its ending says how: .onnx or .pt2")
    add_stride(parser, default=2)
    parser.add_argument("--weights", metavar="FILE", type=Path, help="other weights of the same network")


def main(args: argparse.Namespace) -> int:
    """Write the file and print its sha256; 0 when it is done.

    Raises:
        WrongUsage: the ending is unknown, ONNX is not installed, or the weights are not those of the network.
        OutputFailed: the file can't be written.
    """
    check_form(args.output)
    weights = args.weights or Path(asset("models/model.pt"))
    if not weights.is_file():
        raise WrongUsage(f"There is no file {weights}. Check --weights.")
    check_writable(args.output.parent, args.output)
    from ..files.atomic import replace_file
    from ..networks.export import exported_program, onnx_model
    from ..training.checkpoints import check_weights, start_from

    parser = parsed_configs(["inference.json"])
    definition = {"_target_": "scripts.networks.export.StridedPositionNet", "stride": args.stride}
    parser.update({f"network_def#{name}": value for name, value in definition.items()})
    network = parser.get_parsed_content("network_def")
    check_weights(weights, network)
    write = onnx_model if args.output.suffix == ".onnx" else exported_program
    content = write(start_from(network, weights), facts(weights, network.patch_size, args.stride))
    replace_file(args.output, content)
    print(f"{args.output}  {ENDINGS[args.output.suffix]}, stride {args.stride}  sha256 {sha256(args.output)}")
    return 0


def check_form(output: Path) -> None:
    """Check that the file's ending names a form, and that its packages are installed.

    Raises:
        WrongUsage: it does not, or is not.
    """
    if output.suffix not in ENDINGS:
        known = " or ".join(f"{ending} ({form})" for ending, form in ENDINGS.items())
        raise WrongUsage(
            f"{output} does not say by its ending what to write. Name a file that ends in {known}; "
            "TorchScript is made by `python -m monai.bundle ckpt_export`."
        )
    if output.is_dir():
        raise WrongUsage(f"{output} is a folder. Name a file in it: {output / ('model' + output.suffix)}")
    missing = [name for name in NEEDED if output.suffix == ".onnx" and find_spec(name) is None]
    if missing:
        raise WrongUsage(f"ONNX needs packages that are not here: pip install {' '.join(missing)}")


def facts(weights: Path, patch_size: int, stride: int) -> dict[str, str]:
    """The metadata that the exported file carries."""
    meta = metadata()
    return {
        "name": meta["name"],
        "bundle_version": meta["version"],
        "weights_sha256": sha256(weights),
        "patch_size_mm": str(patch_size),
        "stride_mm": str(stride),
        "input": "brain and bone window of a registered head at 1 mm, 0 to 1, air 0; axes to right, anterior, superior",
        "output": "position (x, y, z) of the patch that begins at voxel k * stride, 0 to 1 over the reference grid",
        "intended_use": meta["intended_use"],
    }
