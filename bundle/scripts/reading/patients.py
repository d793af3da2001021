"""Tells whether two inputs are of one patient, as far as their headers tell. Nothing of a header leaves this module.

The *identity* is PatientID with its issuer; beside it stand name and date of birth. Anonymised series often have none,
or the same ID for everybody. NIfTI files and results without DICOM objects have none at all.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from ..files.names import is_nifti
from ..findings import refusal
from .headers import looks_like_dicom
from .values import birth_date_of, text_of

TAGS = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate")

SERIES = "SeriesInstanceUID"
"""Attribute without which a file that begins like DICOM, but without its prefix, is none."""

SEPARATORS = str.maketrans("^,=", "   ")
"""Characters between the parts of a name."""


@dataclass(frozen=True)
class Patient:
    """The patient of a header, in upper case, "" where it says nothing; not shown."""

    identity: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)


def patient_at(path: Path) -> Patient:
    """The patient of the first DICOM file at a path, a file or a folder, that names one."""
    if path.is_file():
        files = [path]
    else:
        files = [Path(folder, name) for folder, _, names in sorted(os.walk(path)) for name in sorted(names)]
    found = (_patient(file) for file in files if file.is_file() and not is_nifti(file))
    return next((one for one in found if one != Patient()), Patient())


def _patient(file: Path) -> Patient:
    """The patient in the header of a file; an empty one where it is no DICOM."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's remarks on values out of form show these values
            certain, possible = looks_like_dicom(file)
            if not possible:
                return Patient()
            data = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=[SERIES, *TAGS])
            if not certain and SERIES not in data:
                return Patient()
            name = " ".join(text_of(data, "PatientName").translate(SEPARATORS).split())
            return Patient(text_of(data, "PatientID"), text_of(data, "IssuerOfPatientID"), name, birth_date_of(data))
    except Exception:  # pydicom raises many kinds on bytes that are not DICOM
        return Patient()


def same_patient(first: Patient, second: Patient) -> bool | None:
    """True or False where headers tell; None where they do not.

    Other dates of birth are other patients. IDs are compared unless they have different issuers; without such IDs, name
    and date of birth together decide.
    """
    if first.birth_date and second.birth_date and first.birth_date != second.birth_date:
        return False
    comparable = first.issuer == second.issuer or not (first.issuer and second.issuer)
    if first.identity and second.identity and comparable:
        return first.identity == second.identity
    if first.name and second.name and first.birth_date and second.birth_date:
        return first.name == second.name
    return None


def check_one_patient(first: Patient, second: Patient, known: bool = False) -> str:
    """A note on whether two scans are of one patient; `known` is True if the user says that they are.

    Raises:
        InputRefused: `several_patients`, if their headers say that they are not, and the user does not know better.
    """
    same = same_patient(first, second)
    if same is False and not known:
        text = "the two scans belong to 2 patients (if you know that they are of one, add --same-patient)"
        raise refusal("several_patients", f"By their headers, {text}.")
    if same is False:
        return "By their headers, the two scans belong to 2 patients; that they are of one was said by --same-patient."
    if same:
        return "By their headers, both scans are of one patient."
    if known:
        return "That both scans are of one patient was said by --same-patient; no headers that tell were given."
    return "Whether both scans are of one patient is not known: no headers that tell were given."
