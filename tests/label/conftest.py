"""Lets the tests import the application for MONAI Label and, where that is installed, MONAI Label as start.py does."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "apps" / "label"))

if find_spec("monailabel"):
    start = import_module("start")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of MONAI Label's parts
        KEPT = start.import_torchvision()
        start.import_pydicom_seg()
        for name in ("client", "interfaces.app", "endpoints.infer"):
            import_module(f"monailabel.{name}")
