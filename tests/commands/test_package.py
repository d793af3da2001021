"""What a user of the model zoo downloads, and what the zoo's own checks see of it.

The zoo's checks are those of its `ci/verify_bundle.py`, `ci/unit_tests` and contributing guide. That the unzipped
bundle gives the results of the repository's is in test_pipeline.py, with whose runs it is compared.
"""

from __future__ import annotations

import io
import json
import runpy
import shutil
import subprocess
import time
import unittest
import zipfile
from pathlib import Path

import pytest
import torch
from monai.bundle import verify_net_in_out
from monai.utils import set_determinism

from scripts.commands import package
from scripts.commands.main import main
from scripts.commands.package import LARGEST_FILE_BYTES, archive, bundle_files, without_traces
from scripts.integrity import BundleChanged, check_bundle
from scripts.networks.position import DensePositionNet

pytestmark = pytest.mark.xdist_group("pipeline")

UNIT_TEST = Path(__file__).resolve().parents[1] / "zoo" / "test_head_ct_position_anomaly.py"
BUNDLE = Path(__file__).resolve().parents[2] / "bundle"

TEXTS = (
    *("schema", "version", "monai_version", "pytorch_version", "numpy_version", "task", "description", "authors"),
    *("copyright", "data_source", "data_type", "image_classes", "label_classes", "pred_classes", "intended_use"),
)
TABLES = (
    *("changelog", "required_packages_version", "extra_packages_version", "eval_metrics", "supported_apps"),
    "network_data_format",
)
"""What the zoo's schema of metadata.json wants as texts, and as tables."""

FORMATS = {
    *("magnitude", "hounsfield", "kspace", "raw", "labels", "classes", "segmentation", "points", "normals", "indices"),
    *("sequence", "latent", "gradient", "regression"),
}
"""Formats of a tensor in MONAI's specification of bundles, and "regression", which bundles of the zoo have."""

OF_A_TENSOR = {
    "type": str,
    "format": str,
    "num_channels": int,
    "spatial_shape": list,
    "dtype": str,
    "value_range": list,
    "is_patch_data": bool,
    "channel_def": dict,
}
"""And of every tensor that the network or the workflow takes or gives."""

ORDER = (
    "Model Overview",
    "Data",
    "Training configuration",
    "Memory Consumption",
    "Input",
    "Output",
    "Performance",
    "MONAI Bundle Commands",
    "References",
    "License",
)
"""Headings of the zoo's READMEs, in their order."""


def test_the_files_that_the_zoo_looks_for_are_there(packaged: Path) -> None:
    for name in (
        "LICENSE",
        "configs/metadata.json",
        "configs/inference.json",
        "configs/train.json",
        "configs/logging.conf",
        "models/model.pt",
        "models/model.ts",
        "docs/README.md",
        "docs/data_license.txt",
    ):
        assert (packaged / name).is_file(), name
    sizes = {path: path.stat().st_size for path in packaged.rglob("*") if path.is_file()}
    assert max(sizes.values()) < LARGEST_FILE_BYTES
    assert not (packaged / "large_files.yml").exists(), "no file is too large for the zoo"
    root = str(Path(__file__).resolve().parents[2]).encode()
    assert [path for path in sizes if root in path.read_bytes()] == []


def test_the_manifest_in_the_zip_names_the_torchscript_too(packaged: Path, tmp_path: Path) -> None:
    check_bundle(packaged)
    copied = tmp_path / "bundle"
    shutil.copytree(packaged, copied)
    with (copied / "models" / "model.ts").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleChanged, match=r"models/model\.ts was changed"):
        check_bundle(copied)


def test_the_metadata_fit_the_schema(packaged: Path) -> None:
    meta = json.loads((packaged / "configs/metadata.json").read_text(encoding="utf-8"))
    assert {name for name in TEXTS if not isinstance(meta[name], str)} == set()
    assert {name for name in TABLES if not isinstance(meta[name], dict)} == set()
    assert all(isinstance(text, str) for text in meta["references"])
    for part in ("inputs", "outputs", "post_processed_outputs"):
        for tensor in meta["network_data_format"][part].values():
            assert {name for name, kind in OF_A_TENSOR.items() if not isinstance(tensor[name], kind)} == set()
            assert tensor["format"] in FORMATS
    assert next(iter(meta["changelog"])) == meta["version"], "the newest first"


def test_the_readme_has_the_headings_of_the_zoo_in_their_order(packaged: Path) -> None:
    lines = (packaged / "docs/README.md").read_text(encoding="utf-8").splitlines()
    headings = [line.lstrip("# ") for line in lines if line.startswith("#")]
    assert [heading for heading in headings if heading in ORDER] == list(ORDER)


def test_the_network_takes_and_gives_what_the_metadata_say(packaged: Path) -> None:
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(packaged / "configs/metadata.json"),
        config_file=str(packaged / "configs/inference.json"),
        device="cpu",
        bundle_root=str(packaged),
    )


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:.*torch.jit.load:DeprecationWarning")
def test_torchscript_answers_as_the_weights(packaged: Path) -> None:
    network = DensePositionNet(16, 39, 2).eval()
    network.load_state_dict(torch.load(packaged / "models/model.pt", weights_only=True), strict=True)
    files = {"metadata.json": "", "inference.json": ""}
    scripted = torch.jit.load(str(packaged / "models/model.ts"), _extra_files=files)
    patch, volume = torch.rand(2, 2, 39, 39, 39), torch.rand(1, 2, 44, 41, 47)
    assert torch.equal(scripted(patch), network(patch))
    for stride in (1, 2, 4):
        assert torch.equal(scripted.dense(volume, stride), network.dense(volume, stride))
    for name, text in files.items():
        assert json.loads(text) == json.loads((packaged / "configs" / name).read_text(encoding="utf-8"))


def test_the_zip_is_the_same_again(packaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "package", "-o", str(tmp_path)]) == 0
    (made,) = tmp_path.iterdir()
    (first,) = packaged.parent.glob("*.zip")
    assert made.name == first.name == "head_ct_position_anomaly_v" + version(packaged) + ".zip"
    assert made.read_bytes() == first.read_bytes()
    assert str(made) in capsys.readouterr().out


def version(packaged: Path) -> str:
    return str(json.loads((packaged / "configs/metadata.json").read_text(encoding="utf-8"))["version"])


@pytest.fixture
def zoo(packaged: Path, tmp_path: Path) -> Path:
    """A folder with the bundle in `models`, as the zoo's is."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / packaged.name).symlink_to(packaged)
    return tmp_path


@pytest.mark.filterwarnings("default", "ignore:NvImgCodecPydicomReader:UserWarning")  # as in the zoo
def test_the_training_of_the_zoo_s_unit_test_passes(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process; that the code in the zip is this one is shown below."""
    monkeypatch.chdir(zoo)
    case = runpy.run_path(str(UNIT_TEST))["TestHeadCTPositionAnomaly"]("test_train_config")
    done = unittest.TestResult()
    try:
        case.run(done)
    finally:
        set_determinism(None)
    assert done.testsRun == 1
    assert done.wasSuccessful(), done.errors + done.failures


def test_the_code_in_the_zip_is_that_of_the_bundle(packaged: Path) -> None:
    ours = {path.relative_to(BUNDLE): path.read_bytes() for path in (BUNDLE / "scripts").rglob("*.py")}
    assert {path.relative_to(packaged): path.read_bytes() for path in packaged.rglob("scripts/**/*.py")} == ours


def test_the_inference_of_the_zoo_s_unit_test_begins(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the scan. Whole runs of the zip's bundle are those of test_pipeline.py, and of `make test-zoo`."""
    monkeypatch.chdir(zoo)
    unit_test = runpy.run_path(str(UNIT_TEST))
    seen: list[str] = []

    class Begun(unit_test["ConfigWorkflow"]):  # type: ignore[misc]
        def run(self) -> None:
            seen.append(type(self.evaluator).__name__)

    wanted = dict(unit_test["INFERENCE"], dataset_dir="none.nii.gz", output_dir="out")
    begun = Begun(
        workflow_type="infer",
        config_file=f"{unit_test['BUNDLE']}/configs/inference.json",
        meta_file=f"{unit_test['BUNDLE']}/configs/metadata.json",
        logging_file=False,
        **wanted,
    )
    unit_test["check_workflow"](begun)
    assert seen == ["SupervisedEvaluator"]
    assert wanted.keys() <= begun.parser.get().keys()


def test_what_monai_says_when_it_makes_no_torchscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "Traceback ...\nKeyError: 'network_def'\n")
    monkeypatch.setattr(package.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(RuntimeError, match=r"no TorchScript of models/model\.pt: Traceback \.\.\. KeyError: 'netw"):
        package.torchscript(tmp_path)


def test_a_zip_that_can_t_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["dev", "package", "-o", str(tmp_path / "file" / "folder")]) == 4
    assert "Not a directory" in capsys.readouterr().err


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "configs/inference.json",
        "docs/README.md",
        "models/model.pt",
        "models/model.pt.stride2_fp16.plan",
        "models/model.onnx",
        "models/.model.pt.12345678.partial",
        "scripts/networks.py",
        "scripts/__pycache__/networks.cpython-311.pyc",
        "scripts/commands/run.py",
        "eval/heatmap.nii.gz",
        "runs/events",
        "LICENSE",
        "__init__.py",
        "notes.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_results_caches_and_engines_are_no_part_of_the_bundle(root: Path) -> None:
    assert list(bundle_files(root)) == [
        "LICENSE",
        "__init__.py",
        "configs/inference.json",
        "docs/README.md",
        "models/model.pt",
        "scripts/commands/run.py",
        "scripts/networks.py",
    ]
    (root / "large_files.yml").touch()
    assert "large_files.yml" in bundle_files(root)


def test_the_same_files_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"scripts/b.py": b"b" * 1000, "LICENSE": b"text"}
    first = archive(files)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert archive(dict(reversed(files.items()))) == first
    assert archive({**files, "LICENSE": b"tex!"}) != first, "negative control"
    with zipfile.ZipFile(io.BytesIO(first)) as made:
        entries = made.infolist()
    assert [entry.filename for entry in entries] == [
        "head_ct_position_anomaly/LICENSE",
        "head_ct_position_anomaly/scripts/b.py",
    ]
    assert {entry.date_time for entry in entries} == {(2022, 5, 30, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert entries[1].compress_size < entries[1].file_size


def test_a_file_that_the_zoo_does_not_take_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGEST_FILE_BYTES", 2 * 2**20)
    with pytest.raises(ValueError, match=r"models/big\.pt has 3\.0 MB.*name its address in large_files\.yml"):
        archive({"models/big.pt": bytes(3 * 2**20)})


def test_torchscript_without_traces_of_a_machine() -> None:
    content = io.BytesIO()
    parts = {"m/data/0": b"\x00\x01", "m/code/a.py": b"x", "m/code/a.py.debug_pkl": b"/home", "m/version": b"3"}
    with zipfile.ZipFile(content, "w") as made:
        for name, data in {**parts, "m/.data/serialization_id": b"12"}.items():
            made.writestr(name, data)
    with zipfile.ZipFile(io.BytesIO(without_traces(content.getvalue()))) as kept:
        assert {name: kept.read(name) for name in kept.namelist()} == {
            name: data for name, data in parts.items() if not name.endswith("debug_pkl")
        }
        assert {entry.compress_type for entry in kept.infolist()} == {zipfile.ZIP_STORED}
