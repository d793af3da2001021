"""`head-ct-anomaly package`: the zip of the bundle as the MONAI model zoo offers it for download.

To the bundle's own files it adds `models/model.ts`, which MONAI's `ckpt_export` makes of `models/model.pt` in a process
of its own: in one that has scripted other networks before, the names inside would differ.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..assets import bundle_root, metadata, sha256
from ..files.atomic import check_writable
from .archive import NAME, add, archive, bundle_files, without_traces
from .arguments import add_output

TORCHSCRIPT = "models/model.ts"
"""Path at which the zoo expects the network as TorchScript."""

SHOWN_CHARACTERS = 300
"""Number of last characters of `ckpt_export`'s output that a message shows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_output(parser, "folder for the zip", metavar="DIR")


def main(args: argparse.Namespace) -> int:
    """Write the zip and print its sha256; 0 when it is done.

    Raises:
        OutputFailed: it can't be written.
        ValueError: a file of the bundle is too large for the zoo.
    """
    from ..files.atomic import replace_file

    target = args.output / f"{NAME}_v{metadata()['version']}.zip"
    check_writable(args.output, target)
    files = {name: path.read_bytes() for name, path in bundle_files(bundle_root()).items()}
    add(files, TORCHSCRIPT, torchscript(bundle_root()))
    content = archive(files)
    replace_file(target, content)
    print(f"{target}  {len(files)} files, {len(content) / 2**20:.1f} MB  sha256 {sha256(target)}")
    return 0


def torchscript(root: Path) -> bytes:
    """The network of the bundle at `root` as TorchScript, with its weights, metadata and `inference.json`.

    Raises:
        RuntimeError: MONAI could not make it.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "model.ts"
        words = {
            "net_id": "network_def",
            "filepath": str(made),
            "ckpt_file": str(root / "models" / "model.pt"),
            "meta_file": str(root / "configs" / "metadata.json"),
            "config_file": str(root / "configs" / "inference.json"),
            "bundle_root": str(root),
        }
        command = [sys.executable, "-m", "monai.bundle", "ckpt_export"]
        command += [word for name, value in words.items() for word in (f"--{name}", value)]
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}  # the order of constants in the file follows from it
        done = subprocess.run(command, cwd=root, env=fixed, capture_output=True, text=True)
        if done.returncode or not made.exists():
            said = " ".join(done.stderr.split())[-SHOWN_CHARACTERS:]
            raise RuntimeError(f"monai.bundle ckpt_export made no TorchScript of models/model.pt: {said}")
        return without_traces(made.read_bytes())
