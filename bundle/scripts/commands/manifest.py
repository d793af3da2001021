"""`head-ct-anomaly dev manifest`: the list of the bundle's files and of their sha256, anew after a change of them.

Every other command compares the files with that list before it begins, and stops where one differs.
"""

from __future__ import annotations

import argparse

from ..assets import bundle_root
from ..files.atomic import check_writable
from ..integrity import MANIFEST_NAME, BundleChanged, changes, write_manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""


def main(args: argparse.Namespace) -> int:
    """Write the list and print the differences from the earlier list; 0 when it is done.

    Raises:
        OutputFailed: the bundle can't be written to.
    """
    root = bundle_root()
    check_writable(root, root / MANIFEST_NAME)
    try:
        found = changes(root)
    except BundleChanged:
        found = ["there was no list"]
    count = write_manifest(root)
    print("\n".join([*found, f"{root / MANIFEST_NAME}  {count} files"]))
    return 0
