"""Start the server, on this machine only: MONAI Label's `monailabel start_server` with the application of this folder.

`python apps/label/start.py --studies FOLDER` takes the arguments of `start_server`: `--host`, `--port`, `--conf`.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pydicom.uid
import torch

HOST = "127.0.0.1"
"""MONAI Label itself would listen to the network, where anyone may name any file that the server can read."""


SUPPRESSION = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
"""Signature of torchvision's two operators that suppress boxes; nothing here has boxes."""


def import_torchvision() -> Any:
    """Import torchvision also where torch is built for the CPU only, and torchvision, as PyPI has it, for a GPU.

    It lacks its operators there, and asks for two of them when it is imported. They stay as long as what is returned.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        missing = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            missing.define(name + SUPPRESSION)
        import torchvision

        return torchvision, missing
    return torchvision


def import_pydicom_seg() -> None:
    """Import pydicom-seg, which looks for the UIDs of pydicom 3 where pydicom 2 has them.

    MONAI Label imports it; the bundle reads DICOM with pydicom 3.
    """
    sys.modules["pydicom._storage_sopclass_uids"] = pydicom.uid
    import pydicom_seg  # noqa: F401


def find_own_programs() -> None:
    """Let programs of this environment be found first.

    MONAI Label looks for dcmqi's on the PATH before it serves a DICOMweb store, and would fetch another version.
    """
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])


def main() -> None:
    """Run the server until it is stopped."""
    find_own_programs()
    kept = import_torchvision()  # noqa: F841
    import_pydicom_seg()
    from monailabel.main import Main

    sys.argv[1:] = ["start_server", "--app", str(Path(__file__).resolve().parent), "--host", HOST, *sys.argv[1:]]
    Main().run()


if __name__ == "__main__":
    main()
