"""What of the application for MONAI Label can be seen without MONAI Label; tests/label runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pinned import pins

ROOT = Path(__file__).resolve().parents[1]
LABEL = ROOT / "apps" / "label"
OF_MONAI_LABEL = {"monailabel", "torchvision", "pynetdicom", "dcmqi"}
"""Packages that only the application needs, or needs in a version of its own."""

HELD_BACK = {"numpy", "pylibjpeg-openjpeg", "pyjpegls"}
"""Packages that are older than the bundle is tested with, since MONAI Label's parts want numpy 1."""


def test_the_application_runs_the_bundle_with_the_versions_that_were_tested() -> None:
    own, tested = pins(LABEL / "requirements.txt"), pins(ROOT / "constraints.txt")
    different = {name for name, version in own.items() if tested.get(name) != version}
    assert different - OF_MONAI_LABEL == HELD_BACK
    metadata = json.loads((ROOT / "bundle/configs/metadata.json").read_text(encoding="utf-8"))
    needed = set(metadata["required_packages_version"]) - {"tensorboard"}
    assert needed | OF_MONAI_LABEL | {"torch", "monai", "numpy", "fire"} <= own.keys()


def test_its_constraints_pin_everything_as_its_requirements_do() -> None:
    own, all_of_it = pins(LABEL / "requirements.txt"), pins(LABEL / "constraints.txt")
    assert own.items() <= all_of_it.items()
    assert len(all_of_it) > 150


def test_its_environment_is_made_by_a_script() -> None:
    assert os.access(LABEL / "setup.sh", os.X_OK)
