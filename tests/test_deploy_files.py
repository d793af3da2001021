"""What of the application for MONAI Deploy can be seen without its SDK; tests/deploy runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pinned import pins

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "apps" / "deploy"
OF_THE_SDK = {"highdicom", "holoscan-cu13", "monai-deploy-app-sdk"}
"""Packages that only the application has."""


def metadata() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "bundle/configs/metadata.json").read_text(encoding="utf-8"))
    return content


def test_the_application_runs_the_bundle_with_the_versions_that_were_tested() -> None:
    own, tested = pins(DEPLOY / "requirements.txt"), pins(ROOT / "constraints.txt")
    assert {name: tested.get(name) for name in own.keys() - OF_THE_SDK} == {
        name: version for name, version in own.items() if name not in OF_THE_SDK
    }
    needed = set(metadata()["required_packages_version"]) - {"tensorboard"}
    assert needed | OF_THE_SDK | {"torch", "monai", "numpy", "fire"} <= own.keys()


def test_the_application_has_the_version_of_the_bundle() -> None:
    config = yaml.safe_load((DEPLOY / "app.yaml").read_text(encoding="utf-8"))
    assert config["application"]["version"] == metadata()["version"]
    assert f"head_ct_position_anomaly_v{metadata()['version']}.zip" in (DEPLOY / "README.md").read_text("utf-8")
