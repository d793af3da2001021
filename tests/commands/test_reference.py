"""The command reference: the shipped files come from it, and the same input gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from toy_anatomy import raw_labels

from scripts.anomaly.reader import DENSITIES_NAME, UsualDensities, make_densities
from scripts.assets import place
from scripts.commands import reference
from scripts.commands.main import main
from scripts.commands.reference import ATLAS, FILES
from scripts.files.derived import _arrays, read_derived
from scripts.geometry.coordinates import CENTRE_MM, REFERENCE_SIZE, grid_affine
from scripts.preprocessing.regions import RegionTarget, region_target
from scripts.preprocessing.transforms import REGION_TARGET_NAME, load_regions
from scripts.registration import transforms
from scripts.registration.register import Reference
from scripts.registration.transforms import TARGETS_NAME, load_reference, make_reference
from scripts.skull.files import NAME, read_calibration

MODELS = Path(place("models"))
DERIVED = (TARGETS_NAME, DENSITIES_NAME, REGION_TARGET_NAME)
BALL_MM = 85.0


def ball_of_bone() -> NDArray[np.int16]:
    """A head whose skull is a ball, on the reference grid."""
    axes = np.ogrid[tuple(slice(0, size) for size in (REFERENCE_SIZE,) * 3)]
    offsets = [axis + start - centre for axis, start, centre in zip(axes, grid_affine()[:3, 3], CENTRE_MM, strict=True)]
    away_mm = np.sqrt(sum(offset**2 for offset in offsets))
    return np.where(away_mm > BALL_MM + 5, -1000, np.where(away_mm > BALL_MM, 40, 900)).astype(np.int16)


def test_a_population_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The atlas, the heads of the mean surface and the reference's targets are stood in for: they have tests of their
    own."""
    monkeypatch.setattr(reference, "reference_atlas", lambda heads, intracranial: np.zeros((4, 4, 4), np.uint8))
    monkeypatch.setattr(reference, "drawn_heads", lambda paths: iter([np.asarray(ball_of_bone())]))
    shipped = load_reference(*(str(MODELS / name) for name in ("reference.nii.gz", "reference_masks.nii.gz")))
    monkeypatch.setattr(transforms, "make_reference", lambda head, masks: shipped)
    labels, affine = raw_labels()
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "toy.nii.gz")
    assert main(["dev", "reference", str(tmp_path), "-o", str(tmp_path / "models"), "--all"]) == 0
    made = {path.name: path.read_bytes() for path in (tmp_path / "models").iterdir()}
    assert sorted(made) == sorted((*FILES, *ATLAS, *DERIVED, NAME))
    begun = read_calibration(tmp_path / "models" / NAME)
    assert begun.classes == {}
    np.testing.assert_allclose(begun.usual_mm, BALL_MM, atol=1)
    assert main(["dev", "reference", "-o", str(tmp_path / "models")]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "models").iterdir()} == made
    head = nibabel.load(tmp_path / "models" / "reference.nii.gz")
    np.testing.assert_allclose(head.affine, grid_affine())
    volume = np.asarray(head.dataobj)
    np.testing.assert_array_equal(volume, volume[::-1])


def test_without_training_anatomies_it_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.nii.gz").write_bytes(b"")
    assert main(["dev", "reference", str(tmp_path), "-o", str(tmp_path / "models")]) == 2
    assert "None of head_01.nii.gz to head_08.nii.gz" in capsys.readouterr().err


def test_without_label_maps_there_has_to_be_a_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "reference", "-o", str(tmp_path)]) == 2
    assert f"There is no reference.nii.gz in {tmp_path}" in capsys.readouterr().err


def test_what_ships_beside_the_reference_is_what_is_computed_of_it() -> None:
    head, regions, masks = (str(MODELS / name) for name in FILES)
    pairs: list[tuple[object, object]] = [
        (read_derived(MODELS / TARGETS_NAME, Reference, (head, masks)), make_reference(head, masks)),
        (read_derived(MODELS / DENSITIES_NAME, UsualDensities, (head, regions)), make_densities(head, regions)),
        (read_derived(MODELS / REGION_TARGET_NAME, RegionTarget, (regions,)), region_target(load_regions(regions))),
    ]
    for kept, fresh in pairs:
        assert kept is not None, "run `head-ct-anomaly dev reference -o bundle/models`"
        found, wanted = _arrays(kept, ""), _arrays(fresh, "")
        for name, array in wanted.items():
            assert np.isfortran(found[name]) == np.isfortran(array), name  # sums run in the same order
            np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_calibration_of_the_skull_that_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "head_01.nii.gz").write_bytes(b"")
    (tmp_path / NAME).write_bytes(b"calibrated")
    monkeypatch.setattr(reference, "make_reference_head", lambda paths, output: None)
    monkeypatch.setattr(reference, "derived_files", lambda folder: {})
    assert main(["dev", "reference", str(tmp_path), "-o", str(tmp_path)]) == 0
    assert (tmp_path / NAME).read_bytes() == b"calibrated"


def test_heads_without_a_calvaria_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "head_01.nii.gz").write_bytes(b"")
    monkeypatch.setattr(reference, "make_reference_head", lambda paths, output: None)
    monkeypatch.setattr(reference, "derived_files", lambda folder: {})
    monkeypatch.setattr(reference, "drawn_heads", lambda paths: iter([np.full((64,) * 3, -1000, np.int16)]))
    assert main(["dev", "reference", str(tmp_path), "-o", str(tmp_path)]) == 2
    assert "no head has bone. Use label maps of whole heads." in capsys.readouterr().err
