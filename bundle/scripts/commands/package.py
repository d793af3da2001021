"""`head-ct-anomaly dev package`: the zip of the bundle as the MONAI model zoo offers it for download.

To the bundle's own files it adds `models/model.ts`, which MONAI's `ckpt_export` makes of `models/model.pt` in a process
of its own: in one that has scripted other networks before, the names inside would differ.

Inside is one folder with the bundle's name. What a run leaves in the bundle's folder is no part of it: results, caches,
hidden files, engines that were built for one GPU. *Reproducible*: names are sorted, dates are the zoo's fixed one, and
all files have the same permissions, so the same files give the same bytes where zlib is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ..assets import bundle_root, metadata, sha256
from ..files.atomic import check_writable
from ..integrity import MANIFEST_NAME
from .arguments import add_output

TORCHSCRIPT = "models/model.ts"
"""Path at which the zoo expects the network as TorchScript."""

SHOWN_CHARACTERS = 300
"""Number of last characters of `ckpt_export`'s output that a message shows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_output(parser, "folder of the zip")


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


NAME = "head_ct_position_anomaly"
"""The bundle's name in the zoo and of the folder in the zip."""

FOLDERS = ("configs", "docs", "models", "scripts")
"""Folders of the bundle that belong to it."""

TOP = ("LICENSE", "__init__.py", "__main__.py", "large_files.yml", MANIFEST_NAME)
"""Files beside them that belong to it, where they are there."""

LEFT_OUT = (".pyc", ".plan", ".onnx", ".pt2", ".partial")
"""Endings of what was made in the bundle's folder and is no part of it."""

LARGEST_FILE_BYTES = 25 * 1024 * 1024
"""The zoo takes no larger file; `large_files.yml` names where such ones are downloaded from."""

ZOO_DATE = (2022, 5, 30, 0, 0, 0)
"""The date that the zoo gives to all files before it packs them."""

MODE = 0o100644
"""A regular file that everybody may read."""

MADE_BY_UNIX = 3
"""The system in a zip whose permissions are those of Unix."""

OF_ONE_MACHINE = (".debug_pkl", "/.data/serialization_id")
"""Endings of the parts of a TorchScript file that hold paths of the machine that wrote it, or follow from them."""


def bundle_files(root: Path) -> dict[str, Path]:
    """The files that belong to the bundle at `root`, sorted by their name in it, as `configs/inference.json`."""
    found = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    found += [root / name for name in TOP if (root / name).is_file()]
    names = {path.relative_to(root).as_posix(): path for path in found}
    return {name: names[name] for name in sorted(names) if not _left_out(name)}


def _left_out(name: str) -> bool:
    return name.endswith(LEFT_OUT) or any(part == "__pycache__" or part.startswith(".") for part in name.split("/"))


def add(files: dict[str, bytes], name: str, content: bytes) -> None:
    """Add a file that the bundle itself does not hold to those by name, and to the manifest among them."""
    line = f"{hashlib.sha256(content).hexdigest()}  {name}"
    lines = sorted([*files[MANIFEST_NAME].decode().splitlines(), line], key=lambda text: text.split("  ", 1)[1])
    files |= {name: content, MANIFEST_NAME: "".join(f"{text}\n" for text in lines).encode()}


def archive(files: Mapping[str, bytes]) -> bytes:
    """The zip of files by their name in the bundle.

    Raises:
        ValueError: a file is too large for the zoo.
    """
    for name, content in files.items():
        if len(content) > LARGEST_FILE_BYTES:
            raise ValueError(
                f"{name} has {len(content) / 2**20:.1f} MB, and the model zoo takes no file over 25 MB. "
                "Leave it out of the folder and name its address in large_files.yml."
            )
    return _zipped({f"{NAME}/{name}": files[name] for name in sorted(files)}, zipfile.ZIP_DEFLATED)


def without_traces(torchscript: bytes) -> bytes:
    """A TorchScript file without the paths of the machine that wrote it; it answers the same."""
    with zipfile.ZipFile(io.BytesIO(torchscript)) as source:
        parts = [name for name in source.namelist() if not name.endswith(OF_ONE_MACHINE)]
        return _zipped({name: source.read(name) for name in parts}, zipfile.ZIP_STORED)


def _zipped(files: Mapping[str, bytes], method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as target:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, ZOO_DATE)
            entry.compress_type, entry.create_system, entry.external_attr = method, MADE_BY_UNIX, MODE << 16
            target.writestr(entry, data, compresslevel=9)
    return content.getvalue()
