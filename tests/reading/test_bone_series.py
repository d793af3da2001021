"""The bone series beside a soft one: when it serves the skull, on its own grid, and when a flag says why not."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import SERIES, head_hu, write_series
from geometries import LPS, PLAIN, THIN, Geometry, geometry, rigid, tilted
from pydicom.dataset import Dataset
from read_failures import read_fails

from scripts.findings import InputRefused
from scripts.reading.bone_series import agreement, block_size, means
from scripts.reading.inputs import Scans, check_input, inspect_input, read_scans, read_volume
from scripts.volume import Volume

BONE = f"{SERIES}.9"
FINE = geometry("fine", LPS, (2.2, 2.2, 1.5), (80, 86, 98))


def tags(**values: Any) -> Callable[[Dataset, int], None]:
    """An edit of every image: attributes by keyword."""

    def edit(dataset: Dataset, k: int) -> None:
        for name, value in values.items():
            setattr(dataset, name, value)

    return edit


def bone(folder: Path, grid: Geometry = THIN, series_uid: str = BONE, **values: Any) -> Path:
    """Write a bone series in the frame of reference "1.2" into a folder beside the others; the folder of all."""
    edit = tags(**{"ConvolutionKernel": "H70h", "FrameOfReferenceUID": "1.2", **values})
    write_series(folder / f"bone{series_uid[-1]}", grid, edit=edit, series_uid=series_uid)
    return folder


def soft(folder: Path, grid: Geometry = PLAIN, **values: Any) -> Path:
    """Write a soft series likewise."""
    write_series(folder / "soft", grid, edit=tags(**{"FrameOfReferenceUID": "1.2", **values}))
    return folder


def codes(scans: Scans) -> list[str]:
    return [found.code for found in scans.volume.findings]


def test_the_soft_series_serves_the_brain_and_the_bone_one_the_skull_on_its_own_grid(tmp_path: Path) -> None:
    scans = read_scans(bone(soft(tmp_path)))
    assert scans.volume.hu.shape == PLAIN.shape
    np.testing.assert_allclose(scans.volume.affine, PLAIN.affine, atol=1e-6)
    assert scans.bone is not None
    np.testing.assert_allclose(scans.bone.affine, THIN.affine, atol=1e-6)
    np.testing.assert_array_equal(scans.bone.hu, head_hu(THIN.points()))
    assert codes(scans) == [], "nothing was set aside"
    rows = inspect_input(tmp_path).series
    assert {row.series_uid: row.serves for row in rows} == {SERIES: ("brain",), BONE: ("skull",)}
    assert {rows[place - 1].series_uid: what for what, place in scans.serves.items() if place} == {
        SERIES: "brain",
        BONE: "skull",
    }
    assert [row.chosen for row in rows if row.series_uid == BONE] == [False], "results lie on the soft one's grid"


def test_names_and_order_of_files_change_nothing(tmp_path: Path) -> None:
    first = read_scans(bone(soft(tmp_path / "a")))
    paths = sorted(path for path in (tmp_path / "a").rglob("*") if path.is_file())
    (tmp_path / "b").mkdir()
    for path, name in zip(paths, np.random.default_rng(3).permutation(len(paths)), strict=True):
        shutil.copy(path, tmp_path / "b" / str(name))
    second = read_scans(tmp_path / "b")
    assert first.serves == second.serves
    assert first.bone is not None
    assert second.bone is not None
    assert first.bone.hu.tobytes() == second.bone.hu.tobytes()


def test_a_tilted_soft_series_and_a_straight_bone_one_meet_in_patient_coordinates(tmp_path: Path) -> None:
    leaning = geometry("leaning", tilted(15), (2.2, 2.3, 3.0), (96, 88, 45))
    scans = read_scans(bone(soft(tmp_path, leaning), FINE))
    assert scans.bone is not None
    np.testing.assert_allclose(scans.bone.affine, FINE.affine, atol=1e-6)


def test_a_series_that_is_named_serves_alone(tmp_path: Path) -> None:
    scans = read_scans(bone(soft(tmp_path)), SERIES)
    assert scans.bone is None
    assert scans.serves["brain"] == scans.serves["skull"]
    assert codes(scans) == ["images_set_aside"]
    scans = read_scans(tmp_path, BONE)
    assert (scans.volume.hu.shape, scans.bone, set(scans.serves)) == (THIN.shape, None, {"skull"})
    assert codes(scans) == ["bone_kernel", "images_set_aside"]


def test_a_bone_kernel_alone_serves_the_skull_only(tmp_path: Path) -> None:
    check_input(bone(tmp_path))
    scans = read_scans(tmp_path)
    assert (scans.volume.hu.shape, scans.bone, scans.serves) == (THIN.shape, None, {"skull": 1})
    assert [found.message for found in scans.volume.findings] == [
        "The series has a bone kernel. Only the skull is judged; for the hemispheres, give or name the soft series."
    ]
    with pytest.raises(InputRefused, match=r"No series suits \(bone_kernel\)"):
        read_volume(tmp_path)


def test_a_soft_series_of_few_slices_does_not_stand_in_the_way_of_a_whole_bone_one(tmp_path: Path) -> None:
    write_series(tmp_path / "soft", at=range(4), edit=tags(FrameOfReferenceUID="1.2"))
    scans = read_scans(bone(tmp_path))
    assert set(scans.serves) == {"skull"}
    assert codes(scans) == ["bone_kernel", "images_set_aside"]


def test_without_a_frame_of_reference_in_either_the_voxels_decide(tmp_path: Path) -> None:
    write_series(tmp_path / "soft")
    write_series(tmp_path / "bone", THIN, edit=tags(ConvolutionKernel="H70h"), series_uid=BONE)
    assert read_scans(tmp_path).bone is not None


UNUSED = {
    "another frame of reference": ({"FrameOfReferenceUID": "1.3"}, "another study or frame of reference"),
    "no frame of reference": ({"FrameOfReferenceUID": ""}, "another study or frame of reference"),
    "another study": ({"StudyInstanceUID": "1.2.3"}, "another study or frame of reference"),
    "thick slices": ({"grid": geometry("thick", LPS, (4.4, 4.6, 6.0), (48, 44, 19))}, "thicker than those of the soft"),
    "half a skull": ({"grid": geometry("half", LPS, (4.4, 4.6, 1.25), (25, 43, 85), 30.0)}, "of the skull only"),
}


@pytest.mark.parametrize("name", UNUSED)
def test_a_bone_series_that_cannot_serve_is_flagged(tmp_path: Path, name: str) -> None:
    changes, words = UNUSED[name]
    scans = read_scans(bone(soft(tmp_path), **changes))
    assert scans.bone is None
    assert scans.serves["brain"] == scans.serves["skull"]
    assert codes(scans) == ["images_set_aside", "bone_series_unused"]
    message = scans.volume.findings[1].message
    assert words in message
    assert message.endswith("The skull is judged in the soft series.")
    assert inspect_input(tmp_path).findings == scans.volume.findings


def test_a_patient_who_moved_between_the_series_is_noticed(tmp_path: Path) -> None:
    soft(tmp_path)

    def elsewhere(dataset: Dataset, k: int) -> None:
        tags(ConvolutionKernel="H70h", FrameOfReferenceUID="1.2")(dataset, k)
        dataset.ImagePositionPatient = [
            float(x) + d for x, d in zip(dataset.ImagePositionPatient, (8, 0, 4), strict=True)
        ]

    write_series(tmp_path / "bone", THIN, edit=elsewhere, series_uid=BONE)
    scans = read_scans(tmp_path)
    assert scans.bone is None
    assert "The skull in a bone series lies elsewhere (correlation " in scans.volume.findings[1].message


def test_a_damaged_bone_series_costs_the_skull_only_and_is_told(tmp_path: Path) -> None:
    bone(soft(tmp_path))
    (tmp_path / "bone9" / "020.dcm").unlink()
    scans = read_scans(tmp_path)
    assert scans.bone is None
    assert "A bone series can't be read (missing_slices)." in scans.volume.findings[1].message


def test_a_bone_series_on_a_disk_that_fails_is_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The skull would be judged in the soft series, and the result be kept."""
    bone(soft(tmp_path))
    read_of = pydicom.dcmread

    def read(path: Path, *arguments: Any, **words: Any) -> Any:
        if path.parent.name == "bone9" and "stop_before_pixels" not in words:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_of(path, *arguments, **words)

    monkeypatch.setattr(pydicom, "dcmread", read)
    with read_fails(r"can't be read \(Input/output error\)"):
        read_scans(tmp_path)


def test_another_patients_bone_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="The images belong to 2 patients"):
        read_scans(bone(soft(tmp_path), PatientID="B"))


def test_of_two_bone_series_the_finer_serves_and_of_equal_ones_the_first_by_uid(tmp_path: Path) -> None:
    scans = read_scans(bone(bone(soft(tmp_path), PLAIN), THIN, f"{SERIES}.8"))
    assert scans.bone is not None
    assert scans.bone.hu.shape == THIN.shape
    assert codes(scans) == ["images_set_aside"]
    bone(tmp_path, THIN, f"{SERIES}.7")
    assert [row.series_uid for row in inspect_input(tmp_path).series if "skull" in row.serves] == [f"{SERIES}.7"]


def test_a_zoom_into_the_ear_is_no_candidate(tmp_path: Path) -> None:
    write_series(tmp_path / "ear", THIN, at=range(30), edit=tags(ConvolutionKernel="H70h"), series_uid=BONE)
    scans = read_scans(soft(tmp_path))
    assert (scans.bone, codes(scans)) == (None, ["images_set_aside"])


def test_a_block_holds_two_voxels_of_a_coarse_bone_grid() -> None:
    soft_grid = np.diag([0.5, 0.5, 5.0, 1.0])
    assert block_size(soft_grid, np.diag([0.4, 0.4, 1.0, 1.0])) == [8, 8, 1]
    assert block_size(soft_grid, np.diag([0.4, 0.4, 5.0, 1.0])) == [8, 8, 2]
    assert block_size(soft_grid, np.diag([4.0, 0.4, 1.0, 1.0])[:, [2, 1, 0, 3]]) == [16, 8, 1]


def volume(grid: Geometry) -> Volume:
    return Volume(head_hu(grid.points()), grid.affine, None)


def test_agreement_falls_with_every_shift_and_turn() -> None:
    plain, thin = volume(geometry("plain", LPS, (2.2, 2.3, 3.0), (96, 88, 37))), volume(FINE)
    here = agreement(plain, thin)
    assert here.share > 0.9
    assert here.correlation > 0.85
    assert here.problem == ""
    shifts = [agreement(plain, replace(thin, affine=rigid((0, 0, 0), (0, d, 0)) @ thin.affine)) for d in (3, 6, 12)]
    found = [one.correlation for one in (here, *shifts)]
    assert found == sorted(found, reverse=True)
    assert shifts[-1].problem.startswith("The skull in a bone series lies elsewhere")


def test_agreement_sees_what_the_field_of_view_holds() -> None:
    plain, thin = volume(PLAIN), volume(THIN)
    valid = np.zeros(THIN.shape, bool)
    valid[:20] = True
    share = agreement(plain, replace(thin, valid=valid)).share
    assert share == pytest.approx(0.5, abs=0.1)
    nothing = replace(plain, hu=np.zeros_like(plain.hu))
    assert agreement(nothing, thin).problem
    assert agreement(plain, replace(thin, hu=np.zeros_like(thin.hu))).problem


def test_means_are_those_of_the_voxels_in_each_block() -> None:
    hu = np.random.default_rng(0).integers(-1000, 1000, (7, 6, 5)).astype(np.int16)
    valid = np.random.default_rng(1).random(hu.shape) > 0.3
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    to_block = np.diag([1 / 3, 1 / 2, 1 / 2, 1.0]) @ np.linalg.inv(affine)
    to_block[:3, 3] = 0.5 / 3, 0.5 / 2, 0.5 / 2
    found, there = means(Volume(hu, affine, valid), to_block, (3, 3, 3))
    for place in np.ndindex(3, 3, 3):
        block = tuple(slice(p * n, (p + 1) * n) for p, n in zip(place, (3, 2, 2), strict=True))
        inside = hu[block][valid[block]]
        assert there[place] == bool(inside.size)
        assert found[place] == pytest.approx(inside.mean() if inside.size else 0)
