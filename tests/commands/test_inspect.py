"""`head-ct-anomaly inspect`: what it prints, its exit codes, the volume that it saves."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import nibabel as nib
import numpy as np
import pytest
from dicom_series import SERIES, head_hu, write_series
from geometries import GEOMETRIES, PLAIN, THIN, Geometry
from published_forms import SCHEMA
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless

from scripts.commands.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path)
    assert main(["inspect", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"chosen for brain and skull: series 2 {SERIES}: 37 x 3.00 mm, covers 111 mm, kernel H31S (image)",
        "accepted: 48 x 44 x 37 voxels",
    ]
    assert err == ""


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", series_uid=f"{SERIES}.9")
    assert main(["inspect", str(tmp_path)]) == 3
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["not", "not", "refused"]
    assert "2 series are equally good" in err
    assert err.count("\n") == 1
    assert main(["inspect", str(tmp_path), "--series-uid", SERIES]) == 0


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "a", edit=lambda d, k: setattr(d, "PatientAge", "010Y"))
    write_series(tmp_path / "b", THIN, series_uid=f"{SERIES}.9", edit=lambda d, k: setattr(d, "ImageType", ["DERIVED"]))
    assert main(["inspect", "--json", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["accepted"] is True
    assert printed["source"] == "dicom"
    assert [(s["series_uid"], s["chosen"], s["objections"], s["serves"]) for s in printed["series"]] == [
        (SERIES, True, [], ["brain", "skull"]),
        (f"{SERIES}.9", False, ["derived_series"], []),
    ]
    assert [f["code"] for f in printed["findings"]] == ["under_18", "images_set_aside"]
    assert printed["volume"]["shape"] == [48, 44, 37]
    np.testing.assert_allclose(printed["volume"]["affine"], PLAIN.affine, atol=1e-6)


def test_which_series_serves_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "soft")
    write_series(tmp_path / "bone", THIN, None, lambda d, k: setattr(d, "ConvolutionKernel", "H70h"), f"{SERIES}.9")
    for folder, marks in (
        (tmp_path, ["chosen for brain", "chosen for skull"]),
        (tmp_path / "bone", ["chosen for skull"]),
    ):
        assert main(["inspect", str(folder)]) == 0
        out = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in out if ": series " in line] == marks
        assert main(["inspect", "--json", str(folder)]) == 0
        printed = json.loads(capsys.readouterr().out)
        jsonschema.validate(printed, json.loads(SCHEMA.read_text(encoding="utf-8")))
        assert [f"chosen for {row['serves'][0]}" for row in printed["series"]] == marks
    assert out[1].startswith("flag bone_kernel: The series has a bone kernel. Only the skull is judged")


def test_json_of_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--json", str(tmp_path)]) == 3
    printed = json.loads(capsys.readouterr().out)
    assert (printed["accepted"], printed["series"], printed["volume"]) == (False, [], None)
    assert printed["findings"][0]["code"] == "empty_folder"


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_the_saved_volume_is_right_in_the_world(tmp_path: Path, geometry: Geometry) -> None:
    write_series(tmp_path / "dicom", geometry)
    path = tmp_path / "head.nii.gz"
    assert main(["inspect", str(tmp_path / "dicom"), "--series-uid", SERIES, "--save", str(path)]) == 0
    saved = nib.load(path)
    assert saved.header["sform_code"] == 1
    assert saved.get_data_dtype() == np.int16
    truth = head_hu(Geometry("", saved.shape, saved.affine).points())
    assert np.mean(np.asarray(saved.dataobj) != truth) < 1e-3  # float32 affine: points on an edge may cross it
    assert main(["inspect", str(path)]) == 0


def test_saved_padding_is_air(tmp_path: Path) -> None:
    def pad(dataset: Dataset, k: int) -> None:
        hu = head_hu(PLAIN.points(np.array([k])))[:, :, 0]
        hu[:3] = -2000
        dataset.RescaleIntercept = 0
        dataset.set_pixel_data(np.ascontiguousarray(hu.T), "MONOCHROME2", 16)

    write_series(tmp_path / "dicom", edit=pad)
    assert main(["inspect", str(tmp_path / "dicom"), "--save", str(tmp_path / "x.nii.gz")]) == 0
    assert np.asarray(nib.load(tmp_path / "x.nii.gz").dataobj).min() == -1024


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "dicom")
    (tmp_path / "x.nii.gz").write_text("precious")
    assert main(["inspect", str(tmp_path / "dicom"), "--save", str(tmp_path / "x.nii.gz")]) == 4
    assert "exists. Choose another name." in capsys.readouterr().err
    assert (tmp_path / "x.nii.gz").read_text() == "precious"


def test_a_place_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "dicom")
    (tmp_path / "plain").write_text("a file, no folder")
    assert main(["inspect", str(tmp_path / "dicom"), "--save", str(tmp_path / "plain" / "x.nii.gz")]) == 4
    assert str(tmp_path / "plain" / "x.nii.gz") in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "dicom"), "--save", str(tmp_path / "new" / "x.nii.gz")]) == 4
    assert f"there is no folder {tmp_path / 'new'}. Make it" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_refused_series_was_chosen_but_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path, at=[k for k in range(37) if k != 9])
    assert main(["inspect", str(tmp_path)]) == 3
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == ["chosen", "refused"]
    assert "the gap after slice" in err


def test_nothing_is_saved_of_a_refused_input(tmp_path: Path) -> None:
    (tmp_path / "dicom").mkdir()
    assert main(["inspect", str(tmp_path / "dicom"), "--save", str(tmp_path / "x.nii.gz")]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["dicom"]


def test_a_wrong_name_to_save_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["inspect", str(tmp_path), "--save", "x.mha"])
    assert "must end in .nii.gz" in capsys.readouterr().err


def test_a_broken_image_is_one_line_on_stderr(tmp_path: Path) -> None:
    """Run as a process, since decoders write to stderr past Python, or end the process."""
    paths = write_series(tmp_path, compress=JPEG2000Lossless)
    content = bytearray(paths[20].read_bytes())
    start = content.index(b"\xff\x4f\xff\x51") + 200
    content[start : start + 200] = bytes(200)
    paths[20].write_bytes(content)
    run = subprocess.run(
        [sys.executable, str(ROOT / "bundle"), "inspect", str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert run.returncode in (0, 3)
    assert run.stderr.count("\n") <= 1


def test_a_zip_archive_is_inspected_as_its_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in write_series(tmp_path / "series"):
            archive.write(file, file.name)
    assert main(["inspect", str(tmp_path / "scan.zip")]) == 0
    zipped = capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "series")]) == 0
    assert capsys.readouterr().out == zipped
    (tmp_path / "scan.zip").write_bytes(b"no archive")
    assert main(["inspect", str(tmp_path / "scan.zip"), "--json"]) == 3
    out, err = capsys.readouterr()
    assert [found["code"] for found in json.loads(out)["findings"]] == ["zip_unusable"]
    assert err == "The zip archive can't be read (BadZipFile). Unpack it and give the folder.\n"
