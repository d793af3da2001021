"""The command simulate: files of both formats agree, seeds repeat, and nothing is overwritten."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dicom_series import head_hu
from geometries import PLAIN, THIN
from toy_anatomy import raw_labels
from truth_scores import case_by_truth

from scripts.commands import cohort
from scripts.commands.main import main
from scripts.commands.simulate import write_case, write_datalist
from scripts.datasets.datalist import listed_cases
from scripts.reading.inputs import read_scans, read_volume
from scripts.simulation import case as simulated
from scripts.simulation.case import Case
from scripts.simulation.scanner.scan import PADDING_HU, Scan

TRUTH = {"seed": 1, "protocol": {"thickness_mm": 3.0}}


@pytest.fixture(autouse=True)
def coarse_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routine scans have few pixels."""
    coarse = replace(simulated.PRESETS["routine"], size=(128, 128), spacing_mm=1.8)
    monkeypatch.setitem(simulated.PRESETS, "routine", coarse)


@pytest.fixture(scope="module")
def anatomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("anatomies") / "toy.nii.gz"
    labels, affine = raw_labels()
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)
    return path


def test_a_scan_with_its_mask_and_truth(anatomy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", str(anatomy), "-o", str(tmp_path / "out"), "--seed", "5", "--lesion", "epidural"]
    words += ["--side", "right", "--protocol", "routine"]
    assert main(words) == 0
    folder = tmp_path / "out" / "scan_0005"
    assert [one.image for one in listed_cases(tmp_path / "out" / "datalist.json")] == [folder / "scan.nii.gz"]
    assert sorted(path.name for path in folder.iterdir()) == ["lesion.nii.gz", "scan.nii.gz", "truth.json"]
    scan, lesion = (nibabel.load(folder / name) for name in ("scan.nii.gz", "lesion.nii.gz"))
    assert scan.shape == lesion.shape
    np.testing.assert_array_equal(scan.affine, lesion.affine)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert (truth["anatomy"], truth["seed"], truth["lesion"], truth["side"]) == ("toy", 5, "epidural", "right")
    assert truth["lesion_voxels"] == (np.asarray(lesion.dataobj) == 1).sum() > 0
    before = (folder / "scan.nii.gz").read_bytes()
    assert main(words) == 4
    assert "scan_0005 exists" in capsys.readouterr().err
    assert main([*words[:3], str(tmp_path / "again"), *words[4:]]) == 0
    assert (tmp_path / "again" / "scan_0005" / "scan.nii.gz").read_bytes() == before


def test_a_datalist_of_all_scans_that_cohort_takes(tmp_path: Path) -> None:
    case = Case(Scan(head_hu(PLAIN.points()), PLAIN.affine), np.zeros(PLAIN.shape, np.uint8), None, TRUTH)
    write_case(tmp_path / "scan_0002", case, "toy", "nifti")
    write_datalist(tmp_path)
    write_case(tmp_path / "scan_0001", case, "toy", "dicom")
    write_case(tmp_path / "scan_0003", case, "toy", "dicom", bone=case.scan)
    write_datalist(tmp_path)
    listed = listed_cases(tmp_path / "datalist.json")
    assert [(one.name, one.image.relative_to(tmp_path).as_posix()) for one in listed] == [
        ("scan_0001", "scan_0001/series"),
        ("scan_0002", "scan_0002/scan.nii.gz"),
        ("scan_0003", "scan_0003"),
    ]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["datalist.json"]


def test_the_datalist_goes_through_cohort_to_evaluate(
    anatomy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stand-in scores are right wherever labels are: with a label on a wrong side the AUROC would not be 1."""
    monkeypatch.setattr(cohort, "run_case", case_by_truth)
    drawn, scored = tmp_path / "drawn", tmp_path / "scored"
    words = ["simulate", str(anatomy), "-o", str(drawn), "--protocol", "routine"]
    for seed, lesion, side in (("10", "epidural", "right"), ("20", "linear_fracture", "left")):
        assert main([*words, "--seed", seed, "--lesion", lesion, "--side", side]) == 0
    assert main([*words, "--seed", "30", "--lesion", "oedema"]) == 0
    assert main([*words, "--seed", "0", "--count", "2"]) == 0
    datalist = drawn / "datalist.json"
    masks = [one.mask for one in listed_cases(datalist)]
    assert masks[:2] == [None, None]
    assert all(mask and mask.is_file() for mask in masks[2:])
    assert [sorted(name for name in one.labels if one.labels[name]) for one in listed_cases(datalist)] == [
        *([], []),
        ["BleedLocation-Right", "EDH", "ICH"],
        ["CalvarialFracture", "Fracture"],
        ["OtherLesion"],
    ]
    assert main(["cohort", str(datalist), "-o", str(scored), "--device", "cpu"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(scored), str(datalist)]) == 0
    said = capsys.readouterr()
    tasks = json.loads((scored / "evaluation.json").read_text(encoding="utf-8"))["tasks"]
    assert {name: (m["auroc"], m["positives"], m["negatives"]) for name, m in tasks.items()} == {
        "haemorrhage": (1, 1, 5),
        "fracture": (1, 1, 2),
    }
    assert "Another lesion than a haemorrhage or a fracture: 1 case (scan_0030): left out of both tasks." in said.err


def test_lesions_on_both_sides_of_a_size_and_a_look(anatomy: Path, tmp_path: Path) -> None:
    words = ["simulate", str(anatomy), "-o", str(tmp_path), "--lesion", "subdural", "--side", "both", "--mirrored"]
    assert main([*words, "--volume-ml", "8", "--blood", "layered", "--protocol", "routine"]) == 0
    truth = json.loads((tmp_path / "scan_0000" / "truth.json").read_text(encoding="utf-8"))
    assert (truth["side"], truth["mirrored"], truth["blood"]) == ("both", True, "layered")
    assert truth["volume_ml"] == pytest.approx(16, rel=0.1)


def test_a_scan_of_a_widened_head_says_what_is_in_it(anatomy: Path, tmp_path: Path) -> None:
    words = ["simulate", str(anatomy), "-o", str(tmp_path), "--variety", "widened", "--protocol", "routine"]
    assert main(words) == 0
    truth = json.loads((tmp_path / "scan_0000" / "truth.json").read_text(encoding="utf-8"))
    assert truth["variety"] == "widened"
    assert set(truth["build"]) >= {"skew", "scalp", "thickness", "fluid", "drift", "sutures", "grooves"}


def test_outside_the_field_of_view_is_not_taken_for_air(tmp_path: Path) -> None:
    hu = head_hu(PLAIN.points())
    hu[:5] = PADDING_HU
    truth = {"seed": 1, "protocol": {"thickness_mm": 3.0}}
    case = Case(Scan(hu, PLAIN.affine), np.zeros(hu.shape, np.uint8), None, truth)
    for kind, name in (("nifti", "scan.nii.gz"), ("dicom", "series")):
        write_case(tmp_path / kind, case, "toy", kind)
        valid = read_volume(tmp_path / kind / name).valid
        assert valid is not None
        assert valid.sum() == (hu != PADDING_HU).sum()


def test_a_bone_series_lies_beside_the_soft_one_in_its_frame_of_reference(
    anatomy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = {"seed": 1, "protocol": {"thickness_mm": 3.0}}
    hu = head_hu(PLAIN.points())
    case = Case(Scan(hu, PLAIN.affine), np.zeros(hu.shape, np.uint8), None, truth)
    write_case(tmp_path / "study", case, "toy", "dicom", bone=Scan(head_hu(THIN.points()), THIN.affine))
    scans = read_scans(tmp_path / "study")
    assert scans.bone is not None
    assert (scans.volume.hu.shape, scans.bone.hu.shape) == (PLAIN.shape, THIN.shape)
    assert main(["simulate", str(anatomy), "-o", str(tmp_path / "out"), "--bone-series"]) == 2
    assert capsys.readouterr().err == "A bone series is told by its header: add --format dicom.\n"


def test_wrong_words_are_refused(anatomy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["simulate", str(anatomy), "-o", str(tmp_path), "--seed", "-1"])
    assert "whole number from 0 on" in capsys.readouterr().err
    for count in ("0", "-1", "1.5"):
        with pytest.raises(SystemExit, match="2"):
            main(["simulate", str(anatomy), "-o", str(tmp_path), f"--count={count}"])
        assert f"argument --count: invalid positive value: '{count}'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--lesion", "cyst", "--blood", "layered"], "a cyst has no layered blood"),
        (["--lesion", "pontine_bleed", "--side", "left"], "lies in the middle"),
        (["--lesion", "subdural", "--mirrored"], "only lesions on both sides"),
        (["--lesion", "linear_fracture", "--volume-ml", "3"], "has no volume_ml"),
        (["--blood", "mixed"], "no lesion to give blood. Name its kind with --lesion"),
    ],
)
def test_lesions_that_can_t_be_are_wrong_usage(
    anatomy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert main(["simulate", str(anatomy), "-o", str(tmp_path / "out"), *words]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out" / "scan_0000").exists()
