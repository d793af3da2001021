"""The whole way, from a scan on disk to results on disk, as a user goes it: few runs, on the coarsest grid.

Every run is used by several tests; xdist keeps them in one process. All 32 combinations of side, axis order and format
are run by benchmarks/sides.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from picture import pixels
from pipeline_runs import CASES, INSIDE, OTHER_SYSTEM, STRIDE, Run
from planted import in_order, planted, scan_in, series_uid
from same_results import ROOT

from scripts.commands.main import main
from scripts.registration import transforms, verdict
from scripts.registration.quality import Quality
from scripts.registration.register import Registration
from scripts.registration.verdict import judge
from scripts.results.drawing import WARNING
from scripts.results.folder import write_results
from scripts.results.panels import PANEL
from scripts.results.record import verify

pytestmark = pytest.mark.xdist_group("pipeline")

HEMISPHERES = {"left": "left_hemisphere", "right": "right_hemisphere"}

AGREEMENT_MM = 0.05
"""Most that the heatmaps of the same head in two axis orders may differ by; they span over 10 mm."""


def volume(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    image: Any = nib.load(path)
    return np.asarray(image.dataobj), image.affine


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_left_is_left(case: tuple[str, str, str], runs: Run) -> None:
    side, order, _ = case
    folder = runs(*case)
    scores = verify(folder)["scores"]
    other = {"left": "right", "right": "left"}[side]
    assert scores[HEMISPHERES[side]] > scores[HEMISPHERES[other]]
    hu, affine = in_order(*planted(side), order)
    regions, grid = volume(folder / "regions.nii.gz")
    assert regions.shape == hu.shape
    np.testing.assert_allclose(grid, affine, atol=1e-4)
    x = {label: (affine[:3, :3] @ np.argwhere(regions == label).mean(axis=0) + affine[:3, 3])[0] for label in (1, 2)}
    assert x[1] < -15, "label 1 is the patient's left, where x is negative"
    assert x[2] > 15


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_heatmap_lies_on_the_grid_of_the_scan(case: tuple[str, str, str], runs: Run) -> None:
    side, order, _ = case
    hu, affine = in_order(*planted(side), order)
    heatmap, grid = volume(runs(*case) / "heatmap.nii.gz")
    assert heatmap.shape == hu.shape
    np.testing.assert_allclose(grid, affine, atol=1e-4)
    assert np.isfinite(heatmap).all()
    assert (heatmap >= 0).all()
    assert heatmap[hu > 0].mean() > 0
    assert (heatmap[0] == 0).all(), "air around the head"
    scan, grid = volume(runs(*case) / "scan.nii.gz")
    np.testing.assert_allclose(grid, affine, atol=1e-4)
    np.testing.assert_array_equal(scan, hu)


def test_the_result_says_what_was_done(runs: Run, packaged: Path) -> None:
    result = verify(runs(*CASES[0]))
    pictures = {"overview.png", "skull.png"}
    volumes = {f"{name}.nii.gz" for name in ("detections", "error_map", "heatmap", "regions", "scan")}
    assert set(result["outputs"]) == volumes | pictures | {"detections.csv", "report.html", "report.pdf"}
    assert result["grid"]["kind"] == "native"
    assert result["quality"]["verdict"] in (
        "pass",
        "review",
    ), "a mean of heads, which the coarse network knows less well"
    assert result["quality"]["ncc"] > 0.9
    assert result["quality"]["inference"]["device"] == "cpu"
    assert result["quality"]["inference"]["fallback"] is False
    assert set(result["scores"]) == {"left_hemisphere", "right_hemisphere", "skull"}
    assert set(result["timings_s"]) == {"prepare", "network", "score"}
    ranks = [row["rank"] for row in result["detections"]]
    assert ranks == list(range(1, len(ranks) + 1))
    lines = (runs(*CASES[0]) / "detections.csv").read_text().splitlines()
    assert len(lines) == len(ranks) + 1
    brain = [row["rank"] for row in result["detections"] if row["region"] == "brain"]
    labels, _ = volume(runs(*CASES[0]) / "detections.nii.gz")
    assert set(np.unique(labels)) == {0, *brain}
    assert result["summary"].count(". ") <= 2
    np.testing.assert_allclose(result["registration"]["matrix"], np.eye(4), atol=2.5)  # mm; the head is the reference
    text = (runs(*CASES[0]) / "result.json").read_text()
    assert str(packaged) not in text
    assert str(ROOT) not in text + (runs(*OTHER_SYSTEM) / "result.json").read_text()


def test_axis_order_and_format_change_nothing_in_the_world(runs: Run) -> None:
    for one, other in (CASES[:2], CASES[2:]):
        images = [nib.as_closest_canonical(nib.load(runs(*case) / "heatmap.nii.gz")) for case in (one, other)]
        first, second = (np.asarray(image.dataobj) for image in images)
        np.testing.assert_allclose(images[0].affine, images[1].affine, atol=1e-4)
        assert first.max() > 10
        differ = np.abs(first - second) > AGREEMENT_MM
        assert differ.mean() < 1e-3
    mirrored = nib.as_closest_canonical(nib.load(runs(*CASES[2]) / "heatmap.nii.gz")).dataobj[::-1]
    assert (np.abs(first - mirrored) > AGREEMENT_MM).mean() > 0.1, "negative control"


def test_a_report_that_is_made_later_has_the_same_bytes(runs: Run, tmp_path: Path) -> None:
    """The first by MONAI, of the volumes in memory and by the zoo's bundle; the second by the command, of the files."""
    out = shutil.copytree(runs(*INSIDE), tmp_path / "out")
    written = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    record = verify(out)
    kept = {name: (out / name).read_bytes() for name in record["outputs"] if not name.startswith("report.")}
    write_results(out, kept, record, overwrite=True)
    assert not list(out.glob("report.*"))
    assert main(["report", str(out)]) == 0
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == written


def test_a_run_leaves_nothing_in_the_bundle(runs: Run, packaged: Path) -> None:
    """But for what Python compiled. That its results are those of a cohort is in cohort/test_pipeline.py."""
    runs(*INSIDE)
    (zipped,) = packaged.parent.glob("*.zip")
    left = [path.relative_to(packaged.parent).as_posix() for path in packaged.rglob("*") if path.is_file()]
    with ZipFile(zipped) as content:
        assert {name for name in left if "__pycache__" not in name} == set(content.namelist())


def pose_of(folder: Path) -> Registration:
    """The pose that was found of a scan, from its results, with the verdict by the limits of now."""
    record = verify(folder)
    quality: Any = {name: record["quality"][name] for name in Quality.__annotations__ if name in record["quality"]}
    return Registration(np.array(record["registration"]["matrix"]), quality, *judge(quality))


def test_a_pose_that_cannot_be_confirmed_is_refused_unless_it_is_forced(
    runs: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Result and picture of a forced pose say so, as DICOM objects do (results/dicom/test_objects.py).

    The limits are raised so that no pose passes. Registration would take every way that it has then; it is given what
    it found before.
    """
    monkeypatch.setattr(verdict, "PASS_LEVEL", 1.1)
    monkeypatch.setattr(verdict, "REVIEW_LEVEL", 1.1)
    found = pose_of(runs(*OTHER_SYSTEM))
    monkeypatch.setattr(transforms, "register", lambda *_: found)
    scan, out = scan_in(runs(*OTHER_SYSTEM).parent / "in", OTHER_SYSTEM[2]), tmp_path / "out"
    words = ["run", str(scan), "-o", str(out), "--stride", STRIDE, "--device", "cpu", "--map", "error", "--no-report"]
    words += ["--series-uid", series_uid(scan)]
    assert main([*words, "--accept-review"]) == 3, "what is not for review can't be accepted"
    assert "The pose can't be confirmed: the brain there matches the reference to " in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--force"]) == 0
    result = verify(out)
    assert result["quality"]["verdict"] == "unconfirmed"
    assert "accepted" not in result["quality"]
    assert "registration_unconfirmed" in [found["code"] for found in result["findings"]]
    title = pixels((out / "overview.png").read_bytes())[:40, :PANEL].astype(int)
    assert (title == WARNING).all(axis=2).sum() > 100, "the title has the colour of a warning"
