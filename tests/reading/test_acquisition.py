"""What the headers tell of an acquisition, and what is not kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dicom_series import write_enhanced, write_series
from identifiers import plant, traces
from pydicom.dataset import Dataset

from scripts.findings import InputRefused
from scripts.reading.acquisition import Acquisition, acquisition_of

HEADER = {
    "Manufacturer": "Acme",
    "ManufacturerModelName": "One",
    "StationName": "CT1",
    "PatientSex": "F",
    "PatientAge": "067Y",
    "AcquisitionDate": "20260317",
    "StudyDate": "20250101",
}


def series(folder: Path, **more: Any) -> Path:
    """A series with these attributes; those that are None are left out."""

    def edit(dataset: Dataset, _: int) -> None:
        for name, value in {**HEADER, **more}.items():
            if value is not None:
                setattr(dataset, name, value)

    write_series(folder, edit=edit)
    return folder


def test_everything_that_is_kept(tmp_path: Path) -> None:
    found = acquisition_of(series(tmp_path))
    name, _, digits = found.scanner.rpartition(" #")
    assert (name, len(digits)) == ("ACME ONE", 4)
    assert found.thickness_mm == pytest.approx(5.0, abs=2)
    assert (found.kernel, found.age_years, found.sex, found.month) == ("H31S", 67.0, "F", "2026-03")


def test_two_devices_of_a_model_are_told_apart_by_serial_number_or_station(tmp_path: Path) -> None:
    def scanner(name: str, **more: Any) -> str:
        return acquisition_of(series(tmp_path / name, **more)).scanner

    one = scanner("one")
    assert scanner("same") == one
    assert scanner("other", StationName="CT2") != one
    assert scanner("serial", DeviceSerialNumber="7") != one
    assert scanner("moved", DeviceSerialNumber="7", StationName="CT2") == scanner("serial2", DeviceSerialNumber="7")
    assert scanner("plain", StationName=None) == "ACME ONE"
    assert scanner("nameless", ManufacturerModelName=None) == ""


@pytest.mark.parametrize(
    ("attributes", "month"),
    [
        ({"AcquisitionDate": None}, "2025-01"),
        ({"AcquisitionDate": None, "AcquisitionDateTime": "20260731120000.00"}, "2026-07"),
        ({"AcquisitionDate": "20261301", "StudyDate": None}, ""),
        ({"AcquisitionDate": None, "StudyDate": None}, ""),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_the_month_of_the_best_date(tmp_path: Path, attributes: dict[str, Any], month: str) -> None:
    assert acquisition_of(series(tmp_path, **attributes)).month == month


def test_what_a_header_does_not_say_is_empty(tmp_path: Path) -> None:
    write_enhanced(tmp_path / "enhanced.dcm")
    found = acquisition_of(tmp_path / "enhanced.dcm")
    assert (found.scanner, found.age_years, found.sex, found.month) == ("", None, "", "")
    (tmp_path / "scan.nii.gz").write_bytes(b"never opened")
    assert acquisition_of(tmp_path / "scan.nii.gz") == Acquisition()


def test_no_scan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no file"):
        acquisition_of(tmp_path)


def test_no_identifier_is_kept(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        plant(dataset)
        dataset.Manufacturer, dataset.ManufacturerModelName = "Acme", "One"

    write_series(tmp_path, edit=edit)
    found = acquisition_of(tmp_path)
    assert found.scanner.startswith("ACME ONE ")
    assert traces(repr(found).encode()) == set()
