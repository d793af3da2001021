"""Values of DICOM attributes: absent and malformed ones are never an exception."""

from __future__ import annotations

import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from scripts.reading.values import (
    age_years_of,
    birth_date_of,
    contrast_of,
    number_of,
    numbers_of,
    padding_of,
    patient_of,
    text_of,
)


@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("012Y", 12),
        ("006M", 0.5),
        ("026W", 0.498),
        ("073D", 0.2),
        ("12Y", 12),
        ("6M", 0.5),
        ("0Y", 0),
        ("", None),
        ("12", None),
    ],
)
def test_age(age: str, years: float | None) -> None:
    dataset = Dataset()
    dataset["PatientAge"] = DataElement("PatientAge", "AS", age, validation_mode=IGNORE)
    assert age_years_of(dataset) == (years if years is None else pytest.approx(years, abs=0.01))


@pytest.mark.parametrize("text", ["²³²Y", "٣٣٣Y"])
def test_digits_of_other_scripts_are_no_exception(text: str) -> None:
    dataset = Dataset()
    dataset["PatientAge"] = DataElement("PatientAge", "LO", text)
    dataset["PatientBirthDate"] = DataElement("PatientBirthDate", "LO", "²" * 8)
    dataset["StudyDate"] = DataElement("StudyDate", "LO", "²" * 8)
    assert age_years_of(dataset) in (None, 333)


@pytest.mark.parametrize(
    ("date", "known"),
    [("19500102", "19500102"), ("1950.01.02", "19500102"), ("", ""), ("1950", ""), ("00000000", ""), ("x" * 8, "")],
)
def test_birth_dates_that_tell_something(date: str, known: str) -> None:
    dataset = Dataset()
    dataset["PatientBirthDate"] = DataElement("PatientBirthDate", "LO", date)
    assert birth_date_of(dataset) == known


@pytest.mark.parametrize("value", [1e10, -1e300, float("inf"), float("nan")])
def test_numbers_beyond_any_scanner_are_none(value: float) -> None:
    assert number_of(value) is None


def test_age_from_the_dates() -> None:
    dataset = Dataset()
    dataset.PatientBirthDate, dataset.StudyDate = "20100615", "20260614"
    assert age_years_of(dataset) == pytest.approx(15.99, abs=0.01)
    dataset["PatientBirthDate"] = DataElement("PatientBirthDate", "LO", "2010.06.15")
    assert age_years_of(dataset) == pytest.approx(15.99, abs=0.01)
    dataset.StudyDate = "19400101"
    assert age_years_of(dataset) is None, "nobody is examined before birth"
    dataset.PatientAge = "040Y"
    assert age_years_of(dataset) == 40


@pytest.mark.parametrize("name", ["SeriesDate", "AcquisitionDate"])
def test_age_where_the_study_has_no_date(name: str) -> None:
    dataset = Dataset()
    dataset.PatientBirthDate, dataset.StudyDate = "20100615", ""
    setattr(dataset, name, "20260614")
    assert age_years_of(dataset) == pytest.approx(15.99, abs=0.01)
    dataset.StudyDate = "20300615"
    assert age_years_of(dataset) == 20, "the study's date comes first"


@pytest.mark.parametrize("value", [None, "", "x", [1, 2], [1, 2, float("nan")], [1, 2, float("inf")], ["a", "b", "c"]])
def test_malformed_numbers_are_none(value: object) -> None:
    assert numbers_of(value, 3) is None


def test_numbers() -> None:
    assert numbers_of(["1", "2.5", "-3e1"], 3) == (1.0, 2.5, -30.0)
    assert number_of("4.5") == 4.5
    assert number_of(["4.5", "1"]) is None


def test_text_is_upper_case_and_joined() -> None:
    dataset = Dataset()
    dataset.ConvolutionKernel = ["Hr40f", "3"]
    assert text_of(dataset, "ConvolutionKernel") == "HR40F 3"
    assert text_of(dataset, "SeriesDescription") == ""


def test_patients_are_told_apart_by_id_or_else_by_name_and_birth() -> None:
    first, second = Dataset(), Dataset()
    first.PatientID = second.PatientID = "7"
    first.PatientName, second.PatientName = "A^B", "A B"
    assert patient_of(first) == patient_of(second)
    first.PatientID = second.PatientID = ""
    assert patient_of(first) != patient_of(second)


def test_padding_range() -> None:
    dataset = Dataset()
    assert padding_of(dataset) is None
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    assert padding_of(dataset) == (-2000, -2000)
    dataset.add_new("PixelPaddingRangeLimit", "SS", -2100)
    assert padding_of(dataset) == (-2100, -2000)


def test_contrast_of_enhanced_files() -> None:
    values = Dataset()
    assert contrast_of(Dataset(), values) == ""
    values.ContrastBolusAgentAdministered = "YES"
    assert contrast_of(Dataset(), values) == "YES"
