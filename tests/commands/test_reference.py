"""The command reference: the shipped files come from it, and the same input gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from toy_anatomy import raw_labels

from scripts.commands.main import main
from scripts.commands.reference import FILES
from scripts.geometry.coordinates import grid_affine


def test_a_population_of_one(tmp_path: Path) -> None:
    labels, affine = raw_labels()
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "toy.nii.gz")
    assert main(["reference", str(tmp_path), "-o", str(tmp_path / "models"), "--all"]) == 0
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == sorted(FILES)
    reference = nibabel.load(tmp_path / "models" / "reference.nii.gz")
    np.testing.assert_allclose(reference.affine, grid_affine())
    volume = np.asarray(reference.dataobj)
    np.testing.assert_array_equal(volume, volume[::-1])


def test_without_training_anatomies_it_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.nii.gz").write_bytes(b"")
    assert main(["reference", str(tmp_path), "-o", str(tmp_path / "models")]) == 2
    assert "None of head_01.nii.gz to head_08.nii.gz" in capsys.readouterr().err
