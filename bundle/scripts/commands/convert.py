"""`head-ct-anomaly convert`: a network in a form that other programs run, for inputs of any size.

The form follows from the file's ending. TorchScript is made by MONAI's own `python -m monai.bundle ckpt_export`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..assets import asset, metadata, sha256
from ..errors import WrongUsage
from ..files.atomic import check_writable
from ..workflow import parsed_configs
from .arguments import add_stride

ENDINGS = {".onnx": "ONNX", ".pt2": "a program of torch.export"}
"""Endings of the file, and the form of each."""

NEEDED = ("onnx", "onnxscript")
"""Packages that ONNX needs."""


@dataclass(frozen=True)
class Network:
    """A network that can be converted: its id in `inference.json`, its weights in the bundle, the class whose forward
    is exported, the strides in mm that it is made with, the default first, the mm of a unit of its inputs, and its
    inputs and outputs in words."""

    config_id: str
    weights: str
    exported: str
    strides: tuple[int, ...]
    unit_mm: int
    inputs: str
    outputs: str


NETWORKS = {
    "position": Network(
        "network_def",
        "models/model.pt",
        "scripts.networks.export.StridedPositionNet",
        (2, 1, 4),
        1,
        "brain and bone window of a registered head at 1 mm, 0 to 1, air 0; axes to right, anterior, superior",
        "position (x, y, z) of the patch that begins at voxel k * stride, 0 to 1 over the reference grid",
    ),
    "density": Network(
        "evidence_network_def",
        "models/evidence.pt",
        "scripts.networks.export.TwoAnswers",
        (4,),
        2,
        "three windows of means over 2 mm of a registered head whose brain has a median of 33 HU, 0 to 1, air 0; axes "
        "to right, anterior, superior",
        "of four cubes of 10, 18, 26 and 34 mm around one centre, the last of which begins at block 2 k: position "
        "(x, y, z), 0 to 1 over the reference grid, and logits of the density over the nodes",
    ),
}
"""Networks by the name that the user gives."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", metavar="FILE", type=Path, help="what to write; its ending says how: .onnx or .pt2")
    words = "the dense position network, or the density network, which answers every 4 mm (position)"
    parser.add_argument("--network", choices=tuple(NETWORKS), default="position", help=words)
    add_stride(parser, "of the position network (2)")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="other weights of the same network")


def main(args: argparse.Namespace) -> int:
    """Write the file and print its sha256; 0 when it is done.

    Raises:
        WrongUsage: the ending is unknown, ONNX is not installed, the weights are not those of the network, or a stride
            is given for the density network.
        OutputFailed: the file can't be written.
    """
    check_form(args.output)
    chosen = NETWORKS[args.network]
    weights = args.weights or Path(asset(chosen.weights))
    if not weights.is_file():
        raise WrongUsage(f"There is no file {weights}. Check --weights.")
    stride = args.stride or chosen.strides[0]
    if stride not in chosen.strides:
        raise WrongUsage(
            f"The {args.network} network answers every {chosen.strides[0]} mm, not {stride}. Leave --stride out."
        )
    check_writable(args.output.parent, args.output)
    from ..files.atomic import replace_file
    from ..networks.export import exported_program, onnx_model
    from ..training.checkpoints import check_weights, start_from

    parser = parsed_configs(["inference.json"])
    definition: dict[str, Any] = {"_target_": chosen.exported}
    if len(chosen.strides) > 1:
        definition["stride"] = stride
    parser.update({f"{chosen.config_id}#{name}": value for name, value in definition.items()})
    network = parser.get_parsed_content(chosen.config_id)
    check_weights(weights, network)
    write = onnx_model if args.output.suffix == ".onnx" else exported_program
    content = write(start_from(network, weights), facts(chosen, weights, network.patch_size * chosen.unit_mm, stride))
    replace_file(args.output, content)
    print(f"{args.output}  {ENDINGS[args.output.suffix]}, stride {stride}  sha256 {sha256(args.output)}")
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


def facts(network: Network, weights: Path, patch_mm: int, stride: int) -> dict[str, str]:
    """The metadata that the exported file carries."""
    meta = metadata()
    return {
        "name": meta["name"],
        "bundle_version": meta["version"],
        "weights_sha256": sha256(weights),
        "patch_size_mm": str(patch_mm),
        "stride_mm": str(stride),
        "input": network.inputs,
        "output": network.outputs,
        "intended_use": meta["intended_use"],
    }
