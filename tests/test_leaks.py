"""No identifier of a patient leaves the input: not in results, messages, temporary files or names of any of them."""

from __future__ import annotations

import base64
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import write_series
from identifiers import FILE, FOLDER, NIFTI_FIELDS, TOKENS, plant, planted_nifti, traces, traces_in
from pipeline_runs import CASES, INSIDE, SAID, TEMPORARY, Run, temporary
from planted import scan_in, write_planted
from pydicom.dataset import Dataset
from report_result import picture, record

from scripts.commands.main import main
from scripts.files.nifti import nifti_bytes
from scripts.reading import reader as readers
from scripts.results.report.content import content
from scripts.results.report.page import page
from scripts.results.report.sheet import sheet

pytestmark = pytest.mark.xdist_group("pipeline")

Edit = Callable[[Dataset, int], object]


def series(folder: Path, edit: Edit = lambda *_: None, at: list[int] | None = None) -> Path:
    """A small series with the identifiers in it, in a folder and in files with names."""

    def planted(dataset: Dataset, k: int) -> None:
        plant(dataset)
        edit(dataset, k)

    for path in write_series(folder / FOLDER, at=at, edit=planted):
        path.rename(path.with_name(f"{FILE}_{path.name}"))
    return folder / FOLDER


def nifti(folder: Path, values: np.ndarray[Any, Any], cut: int | None = None) -> Path:
    """A volume with the identifiers in it."""
    path = folder / f"{FILE}.nii.gz"
    path.write_bytes(planted_nifti(nifti_bytes(values, np.eye(4)))[:cut])
    return path


@pytest.fixture
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a scan's place in it, of which the temporary folder is another; neither may hold identifiers."""
    for name in ("in", "work", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with temporary(tmp_path / "temporary"):
        yield tmp_path
    assert traces_in(tmp_path / "work") == traces_in(tmp_path / "temporary") == {}


@pytest.mark.parametrize("case", [CASES[0], CASES[1]], ids="-".join)
def test_results(case: tuple[str, str, str], runs: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """DICOM objects belong to the patient's study, and name the patient."""
    out = runs(*case)
    assert {name for name in traces_in(out) if not name.startswith("dicom/")} == set()
    if case != INSIDE:  # MONAI prints the overrides that were typed
        assert traces((out.parent / SAID).read_bytes()) == set()
    assert list((out.parent / TEMPORARY).iterdir()) == []
    assert main(["verify", str(out), "--json"]) == main(["verify", str(out)]) == 0
    assert traces("".join(capfd.readouterr()).encode()) == set()
    scan = scan_in(out.parent / "in", case[2])
    uids = (getattr(pydicom.dcmread(path), f"{kind}InstanceUID") for path in scan.glob("*.dcm") for kind in KINDS)
    text = (out / "result.json").read_text()
    assert not [uid for uid in uids if uid in text], "a UID leads to the patient in the archive"


KINDS = ("Study", "Series", "SOP")


def test_negative_control_every_identifier_is_found_in_the_scans(tmp_path: Path) -> None:
    for case in CASES[:2]:
        write_planted(tmp_path / case[2], *case)
    assert set().union(*traces_in(tmp_path).values()) == set(TOKENS)
    for encoding in ("utf-16-le", "utf-16-be", "latin-1", "utf-8"):
        assert traces("x TOBSÜCHTIG x".encode(encoding)) == {"Tobsüchtig"}


def test_negative_control_what_is_packed_in_a_report_is_found(tmp_path: Path) -> None:
    """Of every token a different part of it holds one: a volume, the title, and a sentence on the sheet."""
    scan, title, word = TOKENS[:3]
    image = planted_nifti(nifti_bytes(np.zeros((3, 4, 5), np.int16), np.eye(4)))
    words = content(record())
    named = dataclasses.replace(words, title=title.lower(), summary=word)
    html = page(named, {"overview.png": picture(40, 30)}, None, record(), None)
    (tmp_path / "report.html").write_bytes(html + b'<script id="x">' + base64.b64encode(image) + b"</script>")
    (tmp_path / "report.pdf").write_bytes(sheet(named, None))
    found = traces_in(tmp_path)
    assert {title, word, *NIFTI_FIELDS.values()} <= found["report.html"]
    assert found["report.pdf"] == {title, word}
    assert scan not in found["report.pdf"]


def removed(name: str) -> Edit:
    return lambda dataset, k: delattr(dataset, name) if k == 7 else None


def changed(name: str, value: Any, k: int | None = None) -> Edit:
    return lambda dataset, place: setattr(dataset, name, value) if k in (None, place) else None


def cut_file(folder: Path) -> Path:
    """A series of which one file ends early."""
    path = sorted(series(folder).iterdir())[7]
    path.write_bytes(path.read_bytes()[:-5000])
    return path.parent


def cut_header(folder: Path) -> Path:
    """A series of which one file ends in its header."""
    path = sorted(series(folder).iterdir())[7]
    path.write_bytes(path.read_bytes()[:600])
    return path.parent


def twice(folder: Path) -> Path:
    """A series of which one image lies there twice, with other pixels."""
    path = sorted(series(folder).iterdir())[7]
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.SOPInstanceUID = "1.2.3.4.5"
    dataset.save_as(path.with_name(f"{FILE}_more.dcm"))
    return path.parent


def text_only(folder: Path) -> Path:
    """A folder with a letter, and a volume that was not named."""
    (folder / FOLDER).mkdir()
    (folder / FOLDER / f"{FILE}.txt").write_text(" ".join(TOKENS))
    return nifti(folder / FOLDER, np.zeros((4, 4, 4), np.int16)).parent


REFUSED: dict[str, Callable[[Path], Path]] = {
    "too few slices": lambda folder: series(folder, at=list(range(5))),
    "a gap": lambda folder: series(folder, at=[*range(10), *range(14, 36)]),
    "no position": lambda folder: series(folder, removed("ImagePositionPatient")),
    "no rescale": lambda folder: series(folder, removed("RescaleSlope")),
    "no pixels": lambda folder: series(folder, removed("PixelData")),
    "inverted": lambda folder: series(folder, changed("PhotometricInterpretation", "MONOCHROME1")),
    "not CT": lambda folder: series(folder, changed("Modality", "MR")),
    "two patients": lambda folder: series(folder, changed("PatientID", "other", 3)),
    "mixed": lambda folder: series(folder, changed("PixelSpacing", ["1", "3"], 7)),
    "nonsense in numbers": lambda folder: series(folder, changed("ImageOrientationPatient", ["0"] * 6)),
    "a file that is cut": cut_file,
    "a header that is cut": cut_header,
    "two images at one place": twice,
    "no image": text_only,
    "a volume that is cut": lambda folder: nifti(folder, np.zeros((40, 40, 40), np.int16), -20),
    "a map of bytes": lambda folder: nifti(folder, np.zeros((40, 40, 40), np.uint8)),
    "a flat volume": lambda folder: nifti(folder, np.zeros((110, 110, 110), np.int16)),
}


RUN_TOO = ("a gap", "a file that is cut", "a volume that is cut")
"""Those that `run` refuses too, which says the same sentences but takes longer to begin."""


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, quiet_place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scan = REFUSED[name](quiet_place / "in")
    assert main(["inspect", str(scan)]) == main(["inspect", str(scan), "--json"]) == 3
    if name in RUN_TOO:
        assert main(["run", str(scan), "-o", "out", "--device", "cpu"]) == 3
    said = "".join(capfd.readouterr())
    assert traces(said.encode()) == set()
    assert len(said) > 50
    assert list((quiet_place / "work").iterdir()) == []


def test_a_saved_volume(quiet_place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scan = series(quiet_place / "in")
    assert main(["inspect", str(scan), "--json", "--save", "volume.nii.gz"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["accepted"] is True
    assert traces(out.encode() + err.encode()) == set()
    assert [path.name for path in (quiet_place / "work").iterdir()] == ["volume.nii.gz"]


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_an_error_that_nobody_foresaw(
    debug: list[str], quiet_place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library stumbles over a header, whose values its text repeats."""

    def stumble(path: Path, *_: object) -> None:
        dataset = pydicom.dcmread(next(iter(Path(path).iterdir())))
        raise ValueError(f"{path}: {dataset}")

    monkeypatch.setattr(readers, "read_scans", stumble)
    scan = series(quiet_place / "in")
    assert main([*debug, "run", str(scan), "-o", "out", "--device", "cpu"]) == 5
    out, err = capfd.readouterr()
    assert traces(out.encode() + err.encode()) == set()
    assert ("in stumble" in err) is bool(debug)
    assert "Internal error (ValueError). Use --debug to see where." in err


def test_the_path_that_the_user_typed_is_repeated_where_it_is_wrong(
    quiet_place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The one place: the user has it before their eyes, and needs it."""
    scan = series(quiet_place / "in")
    shutil.rmtree(scan)
    assert main(["run", str(scan), "-o", "out", "--device", "cpu"]) == 3
    assert f"{scan} can't be read" in capfd.readouterr().err
