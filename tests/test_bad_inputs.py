"""Every input of the catalogue: refused by name, or loaded right, and nothing else; through the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from bad_inputs import ACCEPTED, CASES, FAMILIES, REFUSED
from dicom_series import head_hu
from geometries import Geometry
from input_case import Case
from published_forms import schema
from scipy import ndimage

from scripts.commands import inspect
from scripts.commands.main import main
from scripts.findings import KINDS, MAX_MESSAGE, InputRefused
from scripts.reading.inputs import Inspection, inspect_input, read_scans
from scripts.volume import Volume

PATIENT = ("nvented", "INVENTED")
"""Parts of the name and of the ID that every series carries."""

FORM = jsonschema.Draft202012Validator(schema())
"""Made once: to check the schema itself, as reading/test_schema.py does, takes longer than to read a series."""

OFF_HU, FEW = 20, 0.01
"""At most this share of the inner voxels may be off by more than this."""


def listing(folder: Path) -> list[tuple[str, int]]:
    """What lies in a folder, with its sizes."""
    return sorted((str(path), path.lstat().st_size) for path in folder.rglob("*"))


def inner_off(volume: Volume) -> float:
    """Share of the inner voxels, those with equal neighbours in the true head, that are off by more than `OFF_HU`."""
    truth = head_hu(Geometry("", volume.hu.shape, volume.affine).points())
    inner = ndimage.maximum_filter(truth, 3) == ndimage.minimum_filter(truth, 3)
    if volume.valid is not None:
        inner &= volume.valid
    assert inner.mean() > 0.2
    assert len(np.unique(truth[inner])) >= 4, "skull or lesion, brain, air"
    return float(np.mean(np.abs(volume.hu[inner].astype(float) - truth[inner]) > OFF_HU))


def check_printed(printed: dict[str, Any], out: str, err: str) -> None:
    """The form is the published one, and nothing in it is a patient's."""
    FORM.validate(printed)
    for found in printed["findings"]:
        assert len(found["message"]) <= MAX_MESSAGE
        assert found["message"].isprintable()
        assert found["severity"] == KINDS[found["code"]].severity
    assert "Traceback" not in err
    for secret in PATIENT:
        assert secret not in out + err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reaction(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the command read is looked at, too; that others read the same is tested below."""
    inspections: list[Inspection] = []

    def kept(*given: Any) -> Inspection:
        inspections.append(inspect_input(*given))
        return inspections[-1]

    monkeypatch.setattr(inspect, "inspect_input", kept)
    path = case.make(tmp_path / "input")
    before = listing(tmp_path)
    named = ["--series-uid", case.series_uid] if case.series_uid else []
    status = main(["inspect", "--json", str(path), *named])
    out, err = capfd.readouterr()
    printed = json.loads(out)
    check_printed(printed, out, err)
    assert listing(tmp_path) == before, "nothing is written"
    codes = [found["code"] for found in printed["findings"]]
    if case.refused:
        assert (status, codes) == (3, [case.code])
        assert err == printed["findings"][0]["message"] + "\n"
    else:
        assert (status, err) == (0, "")
        assert not case.code or case.code in codes
        (volume,) = (inspection.volume for inspection in inspections)
        assert volume is not None
        assert case.changed or inner_off(volume) <= FEW


def test_there_are_enough_of_them_and_each_is_another() -> None:
    assert len(REFUSED) >= 130
    assert len(ACCEPTED) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


SAMPLE = [cases[n] for cases in FAMILIES for n in (1, len(cases) // 2)]
"""Two inputs of each family."""


@pytest.mark.parametrize("case", [*SAMPLE, *ACCEPTED[::6]], ids=lambda case: case.name)
def test_the_pipeline_reads_what_is_inspected(case: Case, tmp_path: Path) -> None:
    path = case.make(tmp_path / "input")
    inspected = inspect_input(path, case.series_uid)
    if case.refused:
        with pytest.raises(InputRefused) as caught:
            read_scans(path, case.series_uid)
        assert caught.value.findings == inspected.findings
        return
    read = read_scans(path, case.series_uid).volume
    assert inspected.volume is not None
    assert read.findings == inspected.findings
    np.testing.assert_array_equal(read.hu, inspected.volume.hu)
    np.testing.assert_array_equal(read.affine, inspected.volume.affine)


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_a_run_refuses_before_anything_is_written(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = case.make(tmp_path / "input")
    before = listing(tmp_path)
    named = ["--series-uid", case.series_uid] if case.series_uid else []
    assert main(["run", str(path), "-o", str(tmp_path / "out"), *named]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert err.rstrip("\n").endswith(KINDS[case.code].remedy)
    assert err.count("\n") == 1
    assert listing(tmp_path) == before
