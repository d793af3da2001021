"""The document holds the PDF, byte for byte, in the patient's study."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("highdicom")

from dicom_results import make

PDF = b"%PDF-1.4\nan odd number of bytes."


def test_the_pdf_is_in_it(tmp_path: Path) -> None:
    one = make(tmp_path, pdf=PDF)
    data = one.read("document")
    assert len(PDF) % 2 == 0 or data.EncapsulatedDocument[-1:] == b"\0"
    assert data.EncapsulatedDocument[: data.EncapsulatedDocumentLength] == PDF
    assert (data.Modality, data.MIMETypeOfEncapsulatedDocument) == ("DOC", "application/pdf")
    assert (data.BurnedInAnnotation, data.PatientID) == ("NO", "INVENTED-1")
    assert len(data.SourceInstanceSequence) == len(list((tmp_path / "in").iterdir()))
    assert data.SeriesDescription.startswith("Anomaly report. For research use only")


def test_what_is_no_pdf_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the report is not a PDF"):
        make(tmp_path, pdf=b"<html>")
