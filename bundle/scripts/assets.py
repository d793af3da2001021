"""The one place that makes a path inside the bundle.

A host may set no `bundle_root` and run from any folder, so files that ship with the bundle are found from here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .integrity import MANIFEST_NAME, check_file, sha256

__all__ = [
    "asset",
    "beside",
    "bundle_root",
    "config",
    "config_values",
    "manifest_sha256",
    "metadata",
    "optional_asset",
    "place",
    "sha256",
]


def bundle_root() -> Path:
    """The bundle's folder, the one that holds `configs`, `models` and `scripts`."""
    return Path(__file__).resolve().parents[1]


def asset(path: str) -> str:
    """Path of a file that ships with the bundle, e.g. `asset("models/reference.nii.gz")`, as the bundle was made with.

    Raises:
        FileNotFoundError: the file is not there; the message names it.
        BundleChanged: it is another file than the manifest of the bundle says.
    """
    found = bundle_root() / path
    if not found.exists():
        raise FileNotFoundError(f"{path} is missing from the bundle at {bundle_root()}. Install it again.")
    check_file(bundle_root(), path)
    return str(found)


def optional_asset(path: str) -> str:
    """Path of a file that may ship with the bundle; where it is there, as `asset`.

    Raises:
        BundleChanged: it is another file than the manifest of the bundle says.
    """
    return asset(path) if (bundle_root() / path).exists() else place(path)


def place(path: str) -> str:
    """Path of a file that may ship with the bundle; it need not be there."""
    return str(bundle_root() / path)


def config(name: str) -> Path:
    """Path of a config file of the bundle."""
    return bundle_root() / "configs" / name


def config_values(name: str) -> dict[str, Any]:
    """The content of a JSON config of the bundle by id, as it stands in the file."""
    content: dict[str, Any] = json.loads(config(name).read_text(encoding="utf-8"))
    return content


def metadata() -> dict[str, Any]:
    """The content of `configs/metadata.json`."""
    return config_values("metadata.json")


def manifest_sha256() -> str:
    """The sha256 of the bundle's manifest, which changes with any file that it computes with; "" if there is none."""
    path = bundle_root() / MANIFEST_NAME
    return sha256(path) if path.is_file() else ""


def beside(path: str | Path, name: str) -> Path:
    """Path of a file in the folder of another one; it need not be there. One that ships is as the bundle was made with.

    Raises:
        BundleChanged: it is another file than the manifest of the bundle says.
    """
    found = Path(path).resolve().with_name(name)
    if found.is_relative_to(bundle_root()) and found.exists():
        check_file(bundle_root(), found.relative_to(bundle_root()).as_posix())
    return found
