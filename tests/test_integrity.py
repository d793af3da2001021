"""The manifest of the bundle, and what refuses to run when a file is not the one that it names."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts import assets, integrity
from scripts.assets import asset, optional_asset
from scripts.commands import manifest as command
from scripts.commands.main import explain, main
from scripts.integrity import (
    MANIFEST_NAME,
    BundleChanged,
    changes,
    check_bundle,
    check_file,
    listed,
    manifest_text,
    read_manifest,
    renew,
    write_manifest,
)
from scripts.results import writer as handlers
from scripts.workflow import parsed_configs

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
FLIPPED = (
    *("models/model.pt", "models/locator.pt", "models/reference.nii.gz", "models/reference_masks.nii.gz"),
    *("models/regions.nii.gz", "models/normative.nii.gz", "models/thresholds.json"),
    "models/skull_normative.npz",
    *("configs/inference.json", "configs/train.json", "configs/metadata.json", "configs/logging.conf"),
    *("configs/published.json", "configs/paper.yaml", "scripts/__init__.py", "scripts/integrity.py"),
    *(
        "scripts/assets.py",
        "scripts/networks/position.py",
        "scripts/registration/register.py",
        "scripts/commands/main.py",
    ),
    *("scripts/simulation/person/head.py", "__init__.py"),
)
"""Files of which a byte is flipped: weights, reference, normative, configs, scripts."""


def run(bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as it is typed, on a copy of the bundle, in an empty folder."""
    words = words or ("run", "IN", "-o", "OUT")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, str(bundle), *words], cwd=bundle.parent, capture_output=True, text=True, env=environment
    )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle with a manifest that is true of it."""
    bundle = tmp_path_factory.mktemp("copy") / "head_ct_position_anomaly"
    shutil.copytree(BUNDLE, bundle, ignore=shutil.ignore_patterns("__pycache__"))
    write_manifest(bundle)
    return bundle


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A bundle of a few files."""
    for name in ("__init__.py", "configs/a.json", "models/w.pt", "scripts/a.py", "scripts/deep/b.py", "docs/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    write_manifest(tmp_path)
    return tmp_path


def test_the_manifest_is_up_to_date() -> None:
    assert changes(BUNDLE) == [], "run `head-ct-anomaly dev manifest`"


def test_sha256sum_reads_the_manifest(small: Path) -> None:
    check = ["sha256sum", "--check", "--quiet", MANIFEST_NAME]
    assert subprocess.run(check, cwd=small, check=False).returncode == 0
    (small / "models" / "w.pt").write_text("other")
    assert subprocess.run(check, cwd=small, capture_output=True, check=False).returncode == 1


def test_what_is_listed(small: Path) -> None:
    (small / "scripts" / "__pycache__").mkdir()
    (small / "scripts" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"")
    wanted = ["__init__.py", "configs/a.json", "models/w.pt", "scripts/a.py", "scripts/deep/b.py"]
    assert listed(small) == wanted == sorted(read_manifest(small))
    assert changes(small) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("models/w.pt", "x", ["models/w.pt was changed"]),
        ("scripts/deep/b.py", "", ["scripts/deep/b.py was changed"]),
        ("configs/a.json", None, ["configs/a.json is missing"]),
        ("configs/b.json", "{}", ["configs/b.json does not belong to it"]),
        ("scripts/deep/c.py", "", ["scripts/deep/c.py does not belong to it"]),
        ("scripts/a.so", "", ["scripts/a.so does not belong to it"]),
        ("json.py", "", ["json.py does not belong to it"]),
        ("models/published.pt", "weights of another network", []),
        ("docs/README.md", "edited", []),
        ("configs/.DS_Store", "", []),
        ("eval/result.json", "{}", []),
    ],
)
def test_changes(name: str, content: str | None, said: list[str], small: Path) -> None:
    path = small / name
    path.parent.mkdir(exist_ok=True)
    path.unlink() if content is None else path.write_text(content)
    assert changes(small) == said


def test_the_message_names_the_first_change_and_what_to_do(small: Path) -> None:
    (small / "scripts" / "a.py").write_text("1")
    (small / "scripts" / "c.py").write_text("2")
    with pytest.raises(
        BundleChanged,
        match=r"not as it was made: scripts/a\.py was changed \(and 1 more\)\. If .*, run `python /.* dev manifest`",
    ):
        check_bundle(small)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("/env/bin/head-ct-anomaly", "head-ct-anomaly"),
        (".venv/bin/head-ct-anomaly", ".venv/bin/head-ct-anomaly"),
        ("/lib/monai/bundle/__main__.py", "python '/zoo/my bundle'"),
        ("/zoo/my bundle", "python '/zoo/my bundle'"),
        ("", "python '/zoo/my bundle'"),
    ],
)
def test_the_remedy_is_a_command_that_can_be_typed(typed: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [typed])
    monkeypatch.setattr(integrity.shutil, "which", lambda name: f"/env/bin/{name}")
    text = f"If you changed it yourself, run `{named} dev manifest`; otherwise install the bundle again."
    assert integrity.renewing(Path("/zoo/my bundle")) == text


@pytest.mark.parametrize("name", ["models/model.pt", "scripts/integrity.py"])
def test_the_command_of_the_remedy_renews_the_manifest(name: str, copied: Path) -> None:
    path = copied / name
    good = path.read_bytes()
    path.write_bytes(good + b"\n")
    try:
        said = run(copied).stderr
        command = shlex.split(said.partition("run `")[2].partition("`")[0])
        assert command == ["python", str(copied), "dev", "manifest"]
        done = subprocess.run([sys.executable, *command[1:]], cwd=copied.parents[1], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert run(copied, "inspect", "IN").returncode == 3
    finally:
        path.write_bytes(good)
        write_manifest(copied)


@pytest.mark.parametrize("content", [None, b"x", b"\xff\xfe", b"0" * 64 + b" a"])
def test_a_manifest_that_is_none(content: bytes | None, small: Path) -> None:
    path = small / MANIFEST_NAME
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(BundleChanged, match=r"manifest\.sha256 .*(can't be read|damaged)\. Install the bundle again"):
        check_bundle(small)


def test_a_command_that_replaces_a_file_of_the_bundle_renews_the_manifest(small: Path, tmp_path: Path) -> None:
    (small / "models" / "w.pt").write_text("new weights")
    renew(small, Path("/somewhere/else"))
    assert changes(small) == ["models/w.pt was changed"]
    renew(small, small / "models" / "w.pt")
    assert changes(small) == []
    assert not list(small.glob(".*"))


def test_the_command_writes_the_manifest(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "bundle_root", lambda: small)
    (small / "scripts" / "a.py").write_text("1")
    assert main(["dev", "manifest"]) == 0
    assert capsys.readouterr().out == f"scripts/a.py was changed\n{small / MANIFEST_NAME}  5 files\n"
    (small / MANIFEST_NAME).unlink()
    assert main(["dev", "manifest"]) == 0
    assert capsys.readouterr().out.startswith("there was no list\n")
    assert (small / MANIFEST_NAME).read_text() == manifest_text(small)


def test_an_asset_is_the_one_that_the_bundle_was_made_with(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How `monai.bundle run` refuses: before the file is given to whatever reads it."""
    monkeypatch.setattr(assets, "bundle_root", lambda: small)
    assert asset("models/w.pt") == optional_asset("models/w.pt") == str(small / "models" / "w.pt")
    assert optional_asset("models/none.pt") == str(small / "models" / "none.pt")
    (small / "models" / "w.pt").write_text("other")
    for find in (asset, optional_asset):
        with pytest.raises(BundleChanged, match=r"models/w\.pt was changed"):
            find("models/w.pt")
    check_file(small, "models/unlisted.pt")


def test_a_change_is_an_error_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(BundleChanged("The bundle is not as it was made.")) == 5
    assert capsys.readouterr().err == "The bundle is not as it was made.\n"


def test_results_say_that_the_bundle_was_changed(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "bundle_root", lambda: small)
    assert handlers.bundle_findings() == []
    (small / "scripts" / "a.py").write_text("1")
    (small / "scripts" / "c.py").write_text("1")
    (found,) = handlers.bundle_findings()
    assert (found["code"], found["severity"]) == ("bundle_changed", "flag")
    assert found["message"].startswith("The bundle is not as it was made: scripts/a.py was changed (2 files in all).")


def test_the_bundle_as_it_is_runs(copied: Path) -> None:
    done = run(copied, "inspect", "IN")
    assert (done.returncode, done.stderr) == (3, "IN can't be read (No such file or directory). Check the path.\n")


@pytest.mark.parametrize("name", FLIPPED)
def test_a_flipped_byte_is_refused_before_anything_is_read(name: str, copied: Path) -> None:
    path = copied / name
    good = path.read_bytes()
    at = int(np.random.default_rng(len(name)).integers(len(good)))
    path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    try:
        done = run(copied)
    finally:
        path.write_bytes(good)
    assert done.returncode == 5
    assert done.stderr.startswith(
        f"The bundle at {copied} is not as it was made: {name} was changed. If you changed it"
    )
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["scripts/integrity.py", "manifest.sha256", "scripts/assets.py"])
def test_a_missing_file_is_refused(name: str, copied: Path) -> None:
    (copied / name).rename(copied.parent / "aside")
    try:
        done = run(copied)
    finally:
        (copied.parent / "aside").rename(copied / name)
    assert done.returncode == 5
    assert Path(name).name in done.stderr
    assert "Install the bundle again." in done.stderr.replace("install", "Install")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["scripts/extra.py", "configs/extra.json", "json.py"])
def test_an_added_file_is_refused(name: str, copied: Path) -> None:
    (copied / name).write_text("raise SystemExit('it was run')" if name.endswith(".py") else "{}")
    try:
        done = run(copied)
    finally:
        (copied / name).unlink()
    if name == "json.py":  # Python itself would take it for its own; the hash comes first, and needs no json
        assert "it was run" not in done.stderr
    assert done.returncode == 5
    assert f"{name} does not belong to it" in done.stderr


def test_refusing_takes_no_heavy_library(copied: Path) -> None:
    path = copied / "models" / "model.pt"
    good = path.read_bytes()
    path.write_bytes(good + b"0")
    code = (
        "import runpy, sys\n"
        "sys.argv = ['head-ct-anomaly', 'run', 'IN', '-o', 'OUT']\n"
        f"try:\n    runpy.run_path({str(copied)!r}, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    print(end.code, *sorted({'torch', 'monai', 'numpy', 'pydicom'} & set(sys.modules)))"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], cwd=copied.parent, capture_output=True, text=True)
    finally:
        path.write_bytes(good)
    assert done.stdout == "5\n"


def test_a_changed_bundle_is_renewed_by_the_command(copied: Path) -> None:
    path = copied / "configs" / "small.yaml"
    good = path.read_bytes()
    path.write_bytes(good + b"\n# edited\n")
    try:
        assert run(copied, "inspect", "IN").returncode == 5
        assert run(copied, "dev", "manifest").returncode == 0
        assert run(copied, "inspect", "IN").returncode == 3
    finally:
        path.write_bytes(good)
        write_manifest(copied)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("weights", "models/model.pt"),
        ("locator", "models/locator.pt"),
        ("reference", "models/reference.nii.gz"),
        ("reference_masks", "models/reference_masks.nii.gz"),
        ("reference_regions", "models/regions.nii.gz"),
        ("atlas", "models/atlas.nii.gz"),
        ("normative", "models/normative.nii.gz"),
        ("thresholds", "models/thresholds.json"),
        ("skull_normative", "models/skull_normative.npz"),
    ],
)
def test_monai_bundle_run_refuses_a_changed_model_too(
    key: str, name: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The config's own components look at the file when they give its path, before anything reads it."""
    parser = parsed_configs(["inference.json"])
    monkeypatch.setattr(assets, "bundle_root", lambda: copied)
    assert parser.get_parsed_content(key) == str(copied / name)
    good = (copied / name).read_bytes()
    (copied / name).write_bytes(good[:-1] + bytes([good[-1] ^ 128]))
    again = parsed_configs(["inference.json"])
    try:
        with pytest.raises(RuntimeError) as raised:
            again.get_parsed_content(key)
    finally:
        (copied / name).write_bytes(good)
    causes = [raised.value, raised.value.__cause__]
    assert f"{name} was changed" in str([cause for cause in causes if isinstance(cause, BundleChanged)])


def test_every_model_is_checked_where_a_config_names_it() -> None:
    for path in (BUNDLE / "configs").glob("*.json"):
        text = path.read_text()
        assert "scripts.assets.place" not in text, path.name
        assert '"models/' not in re.sub(
            r'"scripts\.assets\.(optional_)?asset",\s+"path": "models/', "", text
        ), path.name
