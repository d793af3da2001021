"""The sample of the demo: what is in the tree tells the truth about itself, and the command makes another like it."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from toy_anatomy import raw_labels

from scripts.commands import sample
from scripts.files.nifti import nifti_bytes
from scripts.reading.inputs import read_volume
from scripts.volume import Volume

SAMPLE = Path(__file__).resolve().parents[2] / "sample"
LARGEST_BYTES = 5_000_000


def parts(folder: Path) -> tuple[Volume, NDArray[Any], dict[str, Any]]:
    """Scan, mask and truth of a sample, the mask checked to be on the grid of the scan."""
    scan = read_volume(folder / "dicom")
    mask = nib.load(folder / "lesion.nii.gz")
    assert mask.shape == scan.hu.shape
    np.testing.assert_allclose(mask.affine, scan.affine, atol=1e-4)
    return scan, np.asarray(mask.dataobj), json.loads((folder / "truth.json").read_text())


def check_truth(scan: Volume, mask: NDArray[Any], truth: dict[str, Any]) -> None:
    """Centre, volume, side and brightness of the mask are those of the truth."""
    centre = scan.affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + scan.affine[:3, 3]
    np.testing.assert_allclose(centre, truth["centre_mm"], atol=1)
    voxel_ml = abs(np.linalg.det(scan.affine)) / 1000
    assert mask.sum() * voxel_ml == pytest.approx(truth["volume_ml"], rel=0.15)
    x = (np.array(truth["scan_to_reference"]) @ [*centre, 1])[0]
    assert x > 5 if truth["side"] == "right" else x < -5
    assert np.median(scan.hu[mask > 0]) == pytest.approx(truth["lesion_hu"], abs=10)
    other_side = scan.hu[np.flip(mask, 0) > 0]
    assert np.median(other_side) < truth["lesion_hu"] - 15


def test_the_sample_in_the_tree_is_small_and_true() -> None:
    """Under 5 MB, read without a finding, and a bleed of 30 to 40 ml where the truth says."""
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*")) < LARGEST_BYTES
    scan, mask, truth = parts(SAMPLE)
    assert scan.findings == ()
    assert truth["kind"] == "intraparenchymal"
    assert 30 < truth["volume_ml"] < 40
    check_truth(scan, mask, truth)


def test_the_command_makes_a_sample_twice_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A coarse scan of another bleed: true, and the same bytes from the same seed."""
    coarse = replace(sample.PROTOCOL, size=(128, 128), spacing_mm=1.8, increment_mm=5.0, thickness_mm=5.0)
    monkeypatch.setattr(sample, "PROTOCOL", coarse)
    parser = argparse.ArgumentParser()
    sample.add_arguments(parser)
    anatomy = tmp_path / "toy.nii.gz"
    anatomy.write_bytes(nifti_bytes(*raw_labels()))
    contents = []
    for name in "ab":
        words = [str(anatomy), "-o", str(tmp_path / name)]
        args = parser.parse_args([*words, "--seed", "3", "--kind", "epidural", "--side", "left", "--hu", "70"])
        assert sample.main(args) == 0
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert "epidural bleed on the left, 35.0 ml" in capsys.readouterr().out
    check_truth(*parts(tmp_path / "a"))
