"""A PDF report as a DICOM Encapsulated PDF, which most archives open without a viewer of their own."""

from __future__ import annotations

from typing import Any

from highdicom.base import SOPClass
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from .codes import IMAGING_REPORT
from .identity import Identity, burned_in, finish
from .source import Source

NAME = "document"

TITLE = "Head CT position anomaly"
"""Title of the document."""


def document(source: Source, identity: Identity, pdf: bytes, number: int) -> Dataset:
    """The PDF, byte for byte.

    Raises:
        ValueError: `pdf` is no PDF.
    """
    if not pdf.startswith(b"%PDF-"):
        raise ValueError("the report is not a PDF")
    first = source.first
    shared: dict[str, Any] = identity.object(NAME, number, "Anomaly report")
    data = SOPClass(
        study_instance_uid=first.StudyInstanceUID,
        sop_class_uid=EncapsulatedPDFStorage,
        modality="DOC",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        patient_id=first.PatientID,
        patient_name=first.PatientName,
        patient_birth_date=first.PatientBirthDate,
        patient_sex=first.PatientSex,
        accession_number=first.AccessionNumber,
        study_id=first.StudyID,
        study_date=first.StudyDate,
        study_time=first.StudyTime,
        referring_physician_name=first.ReferringPhysicianName,
        specific_character_set=first.get("SpecificCharacterSet"),
        **shared,
    )
    data.copy_patient_and_study_information(first)
    data.ConversionType, data.BurnedInAnnotation = "WSD", burned_in(first)
    for name in ("ContentDate", "ContentTime", "AcquisitionDateTime"):
        setattr(data, name, "")  # `finish` gives it the first two; the last is not known
    data.DocumentTitle = f"{identity.mark}{TITLE}"
    data.ConceptNameCodeSequence = [IMAGING_REPORT]
    data.SourceInstanceSequence = [reference(image) for image in source.images]
    data.MIMETypeOfEncapsulatedDocument = "application/pdf"
    data.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    data.EncapsulatedDocumentLength = len(pdf)
    return finish(data, source, identity, NAME)


def reference(image: Dataset) -> Dataset:
    """A reference to an image."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item
