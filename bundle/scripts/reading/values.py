"""Values of DICOM attributes as plain Python values; absent or malformed ones are None or "", never an exception."""

from __future__ import annotations

import re
from collections.abc import MutableSequence
from typing import Any

from pydicom.dataset import Dataset

LARGEST = 1e9
"""No attribute that is read here is larger in any scan; beyond it, arithmetic overflows."""

FILLERS = " \0"
"""Characters that fill up a text to an even length (PS3.5 6.2); some writers have them around each text of a list."""


AGE = re.compile(r"(\d{1,3})([DWMY])")
"""A number and its unit; some writers leave out the zeros of "012Y"."""

UNITS_A_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
"""Units of `PatientAge`."""


def as_list(value: Any) -> list[Any]:
    """A DICOM value as a list, its texts without the characters that fill them up."""
    if value is None or value == "":
        return []
    values = list(value) if isinstance(value, (MutableSequence, tuple)) else [value]
    return [one.strip(FILLERS) if isinstance(one, str) else one for one in values]


def text_of(data: Dataset, name: str) -> str:
    """A text value in upper case, the values of a list joined; "" when absent."""
    return uid_of(data, name).upper()


def uid_of(data: Dataset, name: str) -> str:
    """A UID, or another text as it is written, the values of a list joined; "" when absent."""
    return " ".join(str(one) for one in as_list(data.get(name))).strip(FILLERS)


def number_of(value: Any) -> float | None:
    """A finite number, or None."""
    numbers = numbers_of(value, 1)
    return numbers[0] if numbers else None


def integer_of(value: Any) -> int | None:
    """A whole number, or None."""
    number = number_of(value)
    return None if number is None else int(number)


def numbers_of(value: Any, count: int) -> tuple[float, ...] | None:
    """`count` numbers of at most `LARGEST`, or None for anything else."""
    try:
        numbers = tuple(float(v) for v in as_list(value))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(abs(number) <= LARGEST for number in numbers) else None


def patient_of(data: Dataset) -> tuple[str, ...]:
    """The patient's identity: the ID, or name and birth date if there is none. It stays inside the reader."""
    identity = text_of(data, "PatientID")
    return (identity,) if identity else ("", text_of(data, "PatientName"), text_of(data, "PatientBirthDate"))


def birth_date_of(data: Dataset) -> str:
    """The date of birth, "" where it is absent or stands for nothing (one digit only). It stays inside the reader."""
    date = date_of(data, "PatientBirthDate")
    return date if len(set(date)) > 1 else ""


def date_of(data: Dataset, name: str) -> str:
    """A date as YYYYMMDD, also of the older form YYYY.MM.DD (PS3.5 6.2); "" where it is absent or malformed."""
    date = re.sub(r"(\d{4})\.(\d\d)\.(\d\d)", r"\1\2\3", text_of(data, name))
    return date if len(date) == 8 and date.isdecimal() else ""


def padding_of(values: Dataset) -> tuple[int, int] | None:
    """Range of stored values that mean padding, both ends included, or None."""
    value, limit = number_of(values.get("PixelPaddingValue")), number_of(values.get("PixelPaddingRangeLimit"))
    if value is None:
        return None
    ends = (int(value), int(value if limit is None else limit))
    return min(ends), max(ends)


def contrast_of(data: Dataset, values: Dataset) -> str:
    """The contrast agent that the header names, or "" when it names none."""
    if text_of(values, "ContrastBolusAgentAdministered") == "YES":
        return "YES"
    return text_of(data, "ContrastBolusAgent")


def age_years_of(data: Dataset) -> float | None:
    """Age in years from `PatientAge` ("012Y", "006M", ...), else from birth and the date of the study, else of the
    series or the acquisition; None when not stated."""
    if age := AGE.fullmatch(text_of(data, "PatientAge")):
        return int(age[1]) / UNITS_A_YEAR[age[2]]
    birth = date_of(data, "PatientBirthDate")
    study = next(filter(None, (date_of(data, name) for name in ("StudyDate", "SeriesDate", "AcquisitionDate"))), "")
    if birth and study:
        years = (int(study) - int(birth)) / 10000
        return years if years >= 0 else None
    return None
