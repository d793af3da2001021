"""`head-ct-anomaly demo`: what it says about the peak is true, in world space."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pytest

from scripts.commands import demo
from scripts.errors import WrongUsage
from scripts.files.atomic import Content
from scripts.files.nifti import nifti_bytes
from scripts.results.folder import write_results

AFFINE = np.array([[-2.0, 0, 0, 40], [0, -2.0, 0, 40], [0, 0, 3.0, -30], [0, 0, 0, 1]])
LESION_AFFINE = np.array([[0, 0, 1.0, -50], [1.0, 0, 0, -50], [0, 1.0, 0, -50], [0, 0, 0, 1]])


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A sample without a series: a lesion of 10 x 8 x 6 mm around (-20, 10, 6), stored in another axis order."""
    folder = tmp_path / "sample"
    folder.mkdir()
    lesion = np.zeros((101, 101, 101), np.uint8)
    lesion[50 + 6 : 50 + 14, 50 + 3 : 50 + 9, 50 - 25 : 50 - 15] = 1
    (folder / "lesion.nii.gz").write_bytes(nifti_bytes(lesion, LESION_AFFINE))
    (folder / "truth.json").write_text(json.dumps({"description": "a bleed"}))
    return folder


def results(folder: Path, peak: tuple[int, int, int]) -> None:
    """Results with the peak of the heatmap in a voxel; x < 0 is the left hemisphere."""
    heatmap = np.ones((40, 40, 20), np.float32)
    heatmap[peak] = 30
    heatmap[0, 5, 5] = 99
    regions = np.full(heatmap.shape, 2, np.uint8)
    regions[21:] = 1
    regions[0] = 0
    files: dict[str, Content] = {
        "heatmap.nii.gz": nifti_bytes(heatmap, AFFINE),
        "regions.nii.gz": nifti_bytes(regions, AFFINE),
    }
    files["overview.png"] = b"a picture"
    write_results(
        folder,
        files,
        {"scores": {"left_hemisphere": 30.0, "right_hemisphere": 20.0, "skull": None}, "summary": "Nothing."},
    )


@pytest.mark.parametrize(
    ("peak", "position", "region", "verdict"),
    [
        # (40 - 60, 40 - 30, -30 + 36) = (-20, 10, 6)
        ((30, 15, 12), "x -20 mm (left of", "the left hemisphere", "inside it"),
        # (20, 10, 6): the first voxel of the lesion on that side is at x = -16
        ((10, 15, 12), "x 20 mm (right of", "the right hemisphere", "36 mm outside it"),
    ],
)
def test_the_report(
    sample: Path, tmp_path: Path, peak: tuple[int, int, int], position: str, region: str, verdict: str
) -> None:
    results(tmp_path / "out", peak)
    text = "\n".join(demo.report(sample, tmp_path / "out"))
    assert f"peak of the heatmap: 30.0 at {position}" in text
    assert f"in {region}\n" in text
    assert f"planted: a bleed, 0 ml; the peak lies {verdict}" in text
    assert "  left hemisphere     30.0\n" in text
    assert "  skull               none\n" in text
    assert f"\npicture: {tmp_path}/out/overview.png\n" in text


def test_it_runs_the_series_of_the_sample(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sample / "dicom").mkdir()
    asked = []

    def pretend(scan: Path, output: Path, overwrite: bool, warn: bool) -> None:
        asked.append((scan, overwrite))
        results(output, (30, 15, 12))

    monkeypatch.setattr(demo, "judge", pretend)
    args = argparse.Namespace(sample=sample, output=tmp_path / "out", overwrite=True, debug=False)
    assert demo.main(args) == 0
    assert asked == [(sample / "dicom", True)]


@pytest.mark.parametrize("name", ["truth.json", "lesion.nii.gz"])
def test_a_folder_that_is_no_sample_is_said_before_anything_is_judged(
    name: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "judge", lambda *_, **__: pytest.fail("it was judged"))
    (sample / name).unlink()
    args = argparse.Namespace(sample=sample, output=tmp_path / "out", overwrite=True, debug=False)
    with pytest.raises(WrongUsage, match=rf"has no {re.escape(name)}: it is no sample"):
        demo.main(args)


def test_a_mask_without_a_lesion_is_no_truth() -> None:
    with pytest.raises(ValueError, match="mask of the sample is empty"):
        demo.where(np.zeros((3, 3, 3)), np.eye(4), np.zeros(3))


def test_volume_in_millilitres() -> None:
    assert demo.volume_ml(np.ones((10, 10, 10)), np.diag([-2.0, 1, 3, 1])) == pytest.approx(6)
