"""Files that ship with the bundle are found from its own place."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import assets
from scripts.assets import asset, bundle_root, config, manifest_sha256, metadata, place, sha256

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"


def test_the_root_is_the_bundle() -> None:
    assert bundle_root() == BUNDLE


def test_assets_are_found_from_any_folder(tmp_path: Path) -> None:
    code = "from scripts.assets import asset; print(asset('models/regions.nii.gz'))"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(BUNDLE)!r}); {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(BUNDLE / "models" / "regions.nii.gz")


def test_a_missing_asset_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"models/nothing\.pt is missing from the bundle at .*Install it again"):
        asset("models/nothing.pt")


def test_the_manifest_is_known_by_its_sha256_and_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert manifest_sha256() == hashlib.sha256((BUNDLE / "manifest.sha256").read_bytes()).hexdigest()
    monkeypatch.setattr(assets, "bundle_root", lambda: tmp_path)
    assert manifest_sha256() == ""
    (tmp_path / "manifest.sha256").write_bytes(b"files")
    assert manifest_sha256() == hashlib.sha256(b"files").hexdigest()


def test_a_file_that_need_not_be_there_has_a_place() -> None:
    assert place("models/nothing.pt") == str(BUNDLE / "models" / "nothing.pt")


def test_configs_and_metadata() -> None:
    assert config("inference.json") == BUNDLE / "configs" / "inference.json"
    assert metadata() == json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("content", [b"", b"abc", bytes(3_000_000)])
def test_sha256_of_a_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest() == sha256(str(tmp_path / "file"))
