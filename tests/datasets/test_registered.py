"""A data set that registers each scan once: what it gives the second time is what it gave the first time."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from scripts.assets import bundle_root, config
from scripts.datasets import registered as registered_scans
from scripts.datasets.cache import maker_hash
from scripts.datasets.registered import RegisteredScans, UsableScans
from scripts.files.nifti import nifti_bytes
from scripts.findings import InputRefused, refusal
from scripts.registration import transforms
from scripts.registration.register import Registration

CALLS: list[int] = []


@pytest.fixture
def preprocessing(monkeypatch: pytest.MonkeyPatch) -> Compose:
    """That of inference.json; where the small head lies in reference space is given."""
    lies = np.eye(4)
    lies[:3, 3] = -60, -60, -60.125

    def known(*_: Any) -> Registration:
        CALLS.append(1)
        return Registration(lies, {"ncc": 1 / 3, "rotation_deg": 0.0}, "review", reasons=("it is a box",))

    CALLS.clear()
    monkeypatch.setattr(transforms, "load_reference", lambda *paths: None)
    monkeypatch.setattr(transforms, "register_or_refuse", known)
    parser = ConfigParser()
    parser.read_config(str(config("inference.json")))
    parser["bundle_root"] = str(bundle_root())
    made: Compose = parser.get_parsed_content("preprocessing")
    return made


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A box of tissue in a box of bone, cut by the field of view."""
    rng = np.random.default_rng(0)
    hu = np.full((60, 60, 60), -1000, np.int16)
    hu[15:45, 15:45, 15:45] = 1000
    hu[18:42, 18:42, 18:42] = rng.integers(20, 60, (24, 24, 24))
    hu[:, :, :17] = -2000
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "scan.nii.gz").write_bytes(nifti_bytes(hu, np.diag([2.0, 2, 2, 1])))
    return tmp_path / "in" / "scan.nii.gz"


def test_a_kept_scan_is_the_scan(preprocessing: Compose, scan: Path, tmp_path: Path) -> None:
    data = RegisteredScans([{"image": str(scan), "case": "one"}], preprocessing, tmp_path / "kept")
    direct: Any = preprocessing({"image": str(scan), "case": "one"})
    first, second = data[0], data[0]
    assert len(CALLS) == 2, "once by itself, once by the data set"
    for found in (first, second):
        assert set(found) == set(direct)
        for key in ("image", "foreground", "validity", "regions", "scan"):
            assert torch.equal(found[key].as_tensor(), direct[key].as_tensor()), key
            assert found[key].dtype == direct[key].dtype, key
            assert torch.equal(found[key].affine, direct[key].affine), key
        assert found["coverage"] == direct["coverage"]
        assert found["case"] == "one"
        for name in ("registration", "findings"):
            assert found["image"].meta[name] == direct["image"].meta[name]
    assert second["regions"].unique().tolist() != [0], "there is something to compare"
    assert second["image"].meta["findings"][-1]["code"] == "registration_review"
    inverse = Invertd("image", preprocessing, nearest_interp=False, to_tensor=True)
    back, expected = (inverse({"image": found["image"]})["image"] for found in (second, direct))
    assert isinstance(back, MetaTensor)
    assert back.shape == (2, 60, 60, 60)
    assert torch.equal(back.as_tensor(), expected.as_tensor())
    assert torch.equal(back.affine, expected.affine)


def test_what_is_damaged_or_of_something_else_is_made_again(
    preprocessing: Compose, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = RegisteredScans([{"image": str(scan)}], preprocessing, tmp_path / "kept")
    (path,) = {data.file_of(item) for item in data.data}
    _ = data[0]
    path.write_bytes(path.read_bytes()[:100])
    _ = data[0]
    assert len(CALLS) == 2
    monkeypatch.setattr(registered_scans, "maker_hash", lambda steps: "another")
    assert data.file_of(data.data[0]) != path
    one = RegisteredScans(data.data, preprocessing, tmp_path / "kept", "1.2.3").file_of(data.data[0])
    other = RegisteredScans(data.data, preprocessing, tmp_path / "kept", {str(scan): "1.2.3"}).file_of(data.data[0])
    assert one == other != data.file_of(data.data[0])


def test_other_files_to_register_with_and_decisions_about_poses_have_entries_of_their_own(
    preprocessing: Compose, scan: Path, tmp_path: Path
) -> None:
    data = RegisteredScans([{"image": str(scan)}], preprocessing, tmp_path / "kept")
    assert data.file_of(data.data[0]).name.endswith(f"_{maker_hash()}.npz"), "by default, those of the bundle"
    (register,) = (step for step in data.registering if isinstance(step, transforms.RegisterHeadd))
    other = tmp_path / "locator.pt"
    other.write_bytes(b"another locator")
    found = {data.file_of(data.data[0])}
    for name, value in (("locator", str(other)), ("locator", None), ("force", True), ("accept_review", True)):
        setattr(register, name, value)
        found.add(data.file_of(data.data[0]))
    assert len(found) == 5


def test_a_refusal_is_kept_too(preprocessing: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no image")
    data = RegisteredScans([{"image": str(tmp_path / "in")}], preprocessing, tmp_path / "kept")
    with pytest.raises(InputRefused, match="The file is not a DICOM image"):
        _ = data[0]
    monkeypatch.setattr(data, "reading", [lambda item: 1 / 0])
    with pytest.raises(InputRefused, match="The file is not a DICOM image"):
        _ = data[0]


def test_what_could_not_be_reached_is_tried_again(preprocessing: Compose, tmp_path: Path) -> None:
    data = RegisteredScans([{"image": str(tmp_path / "nothing")}], preprocessing, tmp_path / "kept")
    with pytest.raises(InputRefused, match="can't be read"):
        _ = data[0]
    assert not (tmp_path / "kept").exists()


def test_scans_that_are_refused_are_left_out_and_named(
    preprocessing: Compose, scan: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    (scan.parent / "notes.txt").write_text("no image")
    items = [{"image": str(scan.parent / "notes.txt"), "case": "bad"}, {"image": str(scan), "case": "good"}]
    with caplog.at_level(logging.WARNING):
        data = UsableScans(items, preprocessing, tmp_path / "kept")
    assert "bad is left out: The file is not a DICOM image" in caplog.text
    assert len(data) == 1
    assert list(data.refused) == ["bad"]
    assert data[0]["case"] == "good"
    assert len(CALLS) == 1, "registered when the data set was made"
    monkeypatch.setattr(UsableScans, "_refusal", lambda self, item: refusal("not_ct", "There is no CT image."))
    assert len(UsableScans(items, preprocessing, tmp_path / "kept")) == 0


def test_another_preprocessing_is_refused(preprocessing: Compose, tmp_path: Path) -> None:
    steps = list(preprocessing.transforms)
    first = [type(step).__name__ for step in steps].index("RegisterHeadd")
    between = [*steps[: first + 1], steps[0], *steps[first + 1 :]]
    for wrong in (steps[:first], [*steps[:first], *steps[first + 1 :]], between):
        with pytest.raises(ValueError, match="the preprocessing must hold RegisterHeadd, FindForegroundd, Mask"):
            RegisteredScans([], Compose(wrong), tmp_path)
