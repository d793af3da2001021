"""From a source to its residual: which transforms run, and what is kept."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImaged

from scripts.anomaly.asymmetry import asymmetry
from scripts.anomaly.normative import residual
from scripts.calibration import scans as healthy_scans
from scripts.calibration.scans import healthy_scan
from scripts.files.fingerprints import Source
from scripts.findings import InputRefused, refusal
from scripts.networks.inferers import DensePositionInferer
from scripts.networks.position import DensePositionNet

SHAPE = (48, 48, 48)
WINDOWS_HU = ((-20.0, 180.0), (0.0, 1500.0))
"""Other windows than those that ship."""

USUAL = np.full((2, 24, 24, 24), -1000, np.float32)
"""Densities of a reference head that is darker everywhere than what is shown."""

COVERAGE = {"left_hemisphere": torch.tensor(1.0), "right_hemisphere": torch.tensor(0.5), "skull": torch.tensor(1.0)}


def prepared(data: dict[Any, Any]) -> dict[Any, Any]:
    """Stands for registration, masks and windows: a network input, dense on the right, that depends on the scan."""
    image = torch.zeros(2, *SHAPE)
    image[:, 8:40, 16:40, 16:40] = float(torch.as_tensor(data["image"]).float().mean())
    image[:, :24] /= 2
    image[1] /= 50  # no bone
    inputs = MetaTensor(image)
    inputs.meta["registration"] = {"verdict": "review"}
    head = torch.zeros(1, *SHAPE, dtype=torch.bool)
    head[:, 20:36, 20:36, 20:36] = True
    regions = torch.full((1, *SHAPE), 2, dtype=torch.uint8)
    return {"image": inputs, "foreground": head, "regions": regions, "coverage": COVERAGE}


@pytest.fixture
def network() -> DensePositionNet:
    torch.manual_seed(0)
    return DensePositionNet(width=1, patch_size=31, in_channels=2).eval()


def test_an_archive_is_unpacked_while_its_scan_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.writestr("PATIENT/head.nii.gz", b"scan")
    source = Source("study.zip", "study.zip", tmp_path / "study.zip")
    found = healthy_scans.prepared(source, [lambda data: {"bytes": Path(data["image"]).read_bytes(), **data}])
    assert found["bytes"] == b"scan"
    assert not Path(found["image"]).exists()


def test_what_is_kept_is_what_the_network_says(network: DensePositionNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthy_scans, "drawn", lambda source: torch.full((1, 2, 2, 2), source.seed / 10))
    inferer = DensePositionInferer(stride=4, margin=4)
    data = healthy_scans.prepared(Source("x 7", "x", Path("x.nii.gz"), 7), [LoadImaged("image"), prepared])
    scan = healthy_scan(data, inferer, network, torch.device("cpu"), USUAL, WINDOWS_HU)
    assert (scan.stride, scan.regions.shape, scan.regions.dtype) == (4, (12, 12, 12), np.uint8)
    assert scan.coverage == {"left_hemisphere": 1.0, "right_hemisphere": 0.5, "skull": 1.0}
    assert scan.inside.sum() == 4**3
    inputs = prepared({"image": torch.full((1, 2, 2, 2), 0.7)})["image"]
    predicted = inferer(inputs[None], network)[0].numpy()
    np.testing.assert_array_equal(scan.residual_mm[:, scan.inside], residual(predicted, 4)[:, scan.inside])
    assert np.isfinite(scan.residual_mm[:, scan.inside]).all()
    expected = asymmetry(inputs.numpy(), np.full(SHAPE, 2, np.uint8), 4, USUAL, WINDOWS_HU)
    for other in ((None, WINDOWS_HU), (USUAL, ((-20.0, 100.0), (0.0, 1500.0)))):
        assert not np.array_equal(expected, asymmetry(inputs.numpy(), np.full(SHAPE, 2, np.uint8), 4, *other))
    np.testing.assert_array_equal(scan.asymmetry, expected)
    assert scan.asymmetry[8, 6, 6] > 0 == scan.asymmetry[3, 6, 6], "the left is denser than the reference, too"


def test_a_scan_on_disk_is_loaded_and_may_be_refused() -> None:
    seen: list[Any] = []

    def load(data: dict[Any, Any]) -> dict[Any, Any]:
        seen.append(data["image"])
        raise refusal("not_ct", "There is no CT image.")

    with pytest.raises(InputRefused, match=r"There is no CT image\. Give a head CT\."):
        healthy_scans.prepared(Source("a", "a", Path("/data/a")), [load, prepared])
    assert seen == ["/data/a"]


def test_the_skull_is_measured_in_the_series_and_with_the_gap_that_a_run_measures_it_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(healthy_scans, "healthy_skull", lambda *arguments: arguments)
    matrix, usual_mm = np.diag([2.0, 1, 1, 1]), np.ones(3)
    soft, bone = MetaTensor(torch.zeros(1, 2, 2, 2)), MetaTensor(torch.ones(1, 3, 3, 3), affine=torch.eye(4) * 2)
    image = MetaTensor(torch.zeros(1, 2, 2, 2), meta={"registration": {"matrix": matrix}})
    hu, affine, pose, usual, gap_mm = healthy_scans.skull_of({"image": image, "scan": soft}, usual_mm)
    assert (hu.shape, gap_mm) == ((2, 2, 2), 0)
    np.testing.assert_array_equal(pose, matrix)
    assert usual is usual_mm
    image.meta["serves"] = {"brain": {"slices": 2}, "skull": {"slices": 3, "widest_gap_mm": 4.5}}
    hu, affine, *_, gap_mm = healthy_scans.skull_of({"image": image, "scan": soft, "bone_scan": bone}, usual_mm)
    assert (hu.shape, gap_mm) == ((3, 3, 3), 4.5)
    np.testing.assert_array_equal(affine, np.eye(4) * 2)
