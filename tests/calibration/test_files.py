"""The files of a calibration come back as they were, and other people's files are told apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.anomaly.covariances import ASYMMETRY
from scripts.anomaly.files import WINDOWS, NotCalibrated, checked_thresholds, normative_of, read_thresholds
from scripts.anomaly.normative import Normative, NormativeStatistics, mahalanobis
from scripts.anomaly.scores import Thresholds
from scripts.assets import config_values, place, sha256
from scripts.calibration.files import load_scan, save_scan, write_calibration
from scripts.calibration.folds import HealthyScan, Normal
from scripts.files import atomic
from scripts.files.json_text import on_one_line
from scripts.geometry.coordinates import grid_affine
from scripts.networks.weights import tensors_sha256

HEALTHY = {"hemisphere": {"raw_maximum": (1.25, 2.5)}, "skull": {"raw_maximum": (3.0,)}}


@pytest.fixture(scope="module")
def normative() -> Normative:
    """Of two scans of a small head."""
    statistics, inside = NormativeStatistics(), np.zeros((64, 64, 64), bool)
    inside[20:44, 16:48, 24:40] = True
    for seed in range(2):
        statistics.add(np.random.default_rng(seed).normal(2, 5, (4, 64, 64, 64)), inside)
    return statistics.finish()


@pytest.fixture
def folder(tmp_path: Path, normative: Normative) -> Path:
    """A calibration with its weights and reference."""
    for name in ("model.pt", "reference.nii.gz"):
        (tmp_path / name).write_bytes(name.encode())
    hashes = {
        "weights_sha256": sha256(tmp_path / "model.pt"),
        "reference_sha256": sha256(tmp_path / "reference.nii.gz"),
    }
    write_calibration(tmp_path, Normal(normative), Thresholds(HEALTHY, {"scans": 2, **hashes}))
    return tmp_path


def check(folder: Path, windows_hu: Sequence[Sequence[float]] = ((-20, 100), (0, 1500))) -> Thresholds:
    names = ("thresholds.json", "normative.nii.gz", "model.pt", "reference.nii.gz")
    return checked_thresholds(*(folder / name for name in names), windows_hu=windows_hu)


def test_the_normative_comes_back(folder: Path, normative: Normative) -> None:
    image: Any = nib.load(folder / "normative.nii.gz")
    back = normative_of(np.asarray(image.dataobj), image.affine)
    np.testing.assert_array_equal(back.known, normative.known)
    assert normative.known.any()
    for first, second in ((back.mean, normative.mean), (back.covariance, normative.covariance)):
        assert np.abs(first - second)[:, normative.known].max() <= 1 / 64 + 1e-6
    values = np.random.default_rng(7).normal(0, 6, (1, 128, 128, 128)).astype(np.float32)
    inside = np.ones(values.shape[1:], bool)
    before, after = (mahalanobis(values, inside, which.only(ASYMMETRY), 2) for which in (normative, back))
    np.testing.assert_array_equal(before > 0, after > 0)
    np.testing.assert_allclose(before, after, atol=0.05)
    np.testing.assert_allclose(image.affine[:3, 3], [-127.5] * 3)
    assert image.shape == (64, 64, 64, 12)
    assert image.header.get_zooms()[:3] == (4, 4, 4)


def test_thresholds_come_back_with_their_facts(folder: Path) -> None:
    thresholds = check(folder)
    assert thresholds.healthy == HEALTHY
    assert thresholds.facts["scans"] == 2
    assert thresholds.sha256 == sha256(folder / "thresholds.json")
    assert thresholds.facts["normative_sha256"] == sha256(folder / "normative.nii.gz")
    assert '"raw_maximum": [1.25, 2.5]' in (folder / "thresholds.json").read_text()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["model.pt", "reference.nii.gz", "normative.nii.gz", "thresholds.json"]
    )


@pytest.mark.parametrize("name", ["model.pt", "normative.nii.gz", "reference.nii.gz"])
def test_another_file_is_not_what_it_was_made_with(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"another")
    with pytest.raises(NotCalibrated, match=rf"made with another file than this {name}. Run `head-ct-anomaly calib"):
        check(folder)
    (folder / name).unlink()
    with pytest.raises(NotCalibrated, match=f"There is no {name}"):
        check(folder)


def with_facts(folder: Path, **facts: Any) -> None:
    """Change facts of the thresholds."""
    path = folder / "thresholds.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_another_calibration_of_the_skull_is_not_what_it_was_made_with(folder: Path) -> None:
    path = folder / "skull_normative.npz"
    path.write_bytes(b"a skull")
    assert check(folder).facts["scans"] == 2, "the thresholds name none"
    with_facts(folder, skull_normative_sha256=sha256(path))
    assert check(folder).facts["scans"] == 2
    path.write_bytes(b"another")
    with pytest.raises(
        NotCalibrated, match=r"another file than this skull_normative\.npz\. Run `head-ct-anomaly calib"
    ):
        check(folder)
    path.unlink()
    assert check(folder).facts["scans"] == 2, "a skull without one has no score"


def test_the_shipped_calibration_of_the_skull_belongs_to_the_thresholds() -> None:
    assert read_thresholds(place("models/thresholds.json")).facts["skull_normative_sha256"] == sha256(
        place("models/skull_normative.npz")
    )


def test_the_same_tensors_in_another_file_are_the_same_weights(folder: Path) -> None:
    state = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(1.5)}
    torch.save(state, folder / "first.pt")
    with_facts(folder, weights_sha256=sha256(folder / "first.pt"), tensors_sha256=tensors_sha256(folder / "first.pt"))
    torch.save(dict(reversed(state.items())), folder / "model.pt")
    assert sha256(folder / "model.pt") != sha256(folder / "first.pt")
    assert check(folder).facts["scans"] == 2
    torch.save(state | {"b": torch.tensor(1.25)}, folder / "model.pt")
    with pytest.raises(NotCalibrated, match=r"another file than this model\.pt"):
        check(folder)


@pytest.mark.parametrize("content", [b"no weights", b""])
def test_a_file_that_is_no_weights_is_not_what_it_was_made_with(folder: Path, content: bytes) -> None:
    with_facts(folder, tensors_sha256="0" * 64)
    (folder / "model.pt").write_bytes(content)
    with pytest.raises(NotCalibrated, match=r"another file than this model\.pt"):
        check(folder)


@pytest.mark.parametrize(
    ("settings", "windows_hu", "match"),
    [
        ({}, ((-20, 100), (0, 1500)), None),
        (
            {},
            ((-20, 100), (0, 2000)),
            r"made with bone_window_hu \[0\.0, 1500\.0\], not \[0, 2000\]\. Leave the window",
        ),
        ({"brain_window_hu": [0, 80]}, ((0.0, 80.0), (0, 1500)), None),
        (
            {"brain_window_hu": [0, 80]},
            ((-20, 100), (0, 1500)),
            r"made with brain_window_hu \[0, 80\], not \[-20, 100\]",
        ),
        ({"bone_window_hu": "wide"}, ((-20, 100), (0, 1500)), r"made with bone_window_hu wide, not"),
    ],
)
def test_a_calibration_is_true_of_the_windows_that_it_was_made_with(
    settings: dict[str, Any], windows_hu: Sequence[Sequence[float]], match: str | None, folder: Path
) -> None:
    with_facts(folder, settings=settings)
    if match is None:
        assert check(folder, windows_hu).facts["settings"] == settings
        return
    with pytest.raises(NotCalibrated, match=match):
        check(folder, windows_hu)


def test_the_calibration_that_ships_names_all_that_it_is_true_of() -> None:
    facts, values = read_thresholds(place("models/thresholds.json")).facts, config_values("inference.json")
    assert facts["tensors_sha256"] == tensors_sha256(place("models/model.pt"))
    assert {name: facts["settings"][name] for name in WINDOWS} == {name: values[name] for name in WINDOWS}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, r"There is no thresholds\.json"),
        ("{", "can't be read"),
        ("[]", "can't be read"),
        ("{}", "can't be read"),
        ('{"format": "other", "healthy_scores": {}}', "is of another format than"),
        ('{"format": "x", "healthy_scores": {"skull": {"raw_maximum": ["a"]}}}', "can't be read"),
    ],
)
def test_thresholds_that_are_none(tmp_path: Path, content: str | None, match: str) -> None:
    path = tmp_path / "thresholds.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NotCalibrated, match=match):
        read_thresholds(path)


def test_a_normative_of_another_form_is_refused() -> None:
    with pytest.raises(NotCalibrated, match="does not hold 12 volumes"):
        normative_of(np.zeros((64, 64, 64, 10)), grid_affine(4))
    with pytest.raises(NotCalibrated, match="does not hold 12 volumes"):
        normative_of(np.zeros((64, 64, 64, 12)), np.eye(4))


def test_a_write_that_fails_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("earlier")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        atomic.replace_file(tmp_path / "file", b"later")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "earlier")]


def test_a_scan_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inside = rng.random((8, 8, 8)) > 0.4
    residual = rng.normal(0, 20, (3, 8, 8, 8)).astype(np.float32)
    asymmetry = rng.normal(0, 5, (8, 8, 8)).astype(np.float32)
    regions = rng.integers(0, 4, (8, 8, 8)).astype(np.uint8)
    coverage = {"left_hemisphere": 1.0, "right_hemisphere": 0.96, "skull": 0.5}
    save_scan(
        tmp_path / "work" / "x.npz", HealthyScan(residual, asymmetry, inside, regions, coverage, 2), {"group": "a"}
    )
    scan, notes = load_scan(tmp_path / "work" / "x.npz")
    assert scan is not None
    assert notes == {"group": "a"}
    assert (scan.coverage, scan.stride) == (coverage, 2)
    np.testing.assert_array_equal(scan.inside, inside)
    np.testing.assert_array_equal(scan.regions, regions)
    np.testing.assert_allclose(scan.residual_mm[:, inside], residual[:, inside], atol=0.04)
    np.testing.assert_allclose(scan.asymmetry[inside], asymmetry[inside], atol=0.01)
    assert not scan.asymmetry[~inside].any()
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["x.npz"]


def test_a_refusal_is_kept_too(tmp_path: Path) -> None:
    save_scan(tmp_path / "x.npz", None, {"refused": "There is no CT image."})
    assert load_scan(tmp_path / "x.npz") == (None, {"refused": "There is no CT image."})


def test_only_lists_of_numbers_are_drawn_together() -> None:
    content = {"a": [1, -2.5, 3e-9], "b": ["x", "y"], "c": {"d": [], "e": [[1], [2]]}, "f": "[1,\n 2]"}
    text = on_one_line(json.dumps(content, indent=2))
    assert json.loads(text) == content
    assert '"a": [1, -2.5, 3e-09]' in text
    assert '"x",\n' in text
