"""Two inputs of one patient or of two, as far as headers tell, without a word of them in any message."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_series import write_series
from pydicom.dataset import Dataset

from scripts.findings import InputRefused
from scripts.reading.patients import Patient, check_one_patient, patient_at, same_patient

ONE = Patient("4711", "A", "DOE JANE", "19500102")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ONE, True),
        (Patient("4711", "A", "SMITH JANE", "19500102"), True),  # another name, after a marriage say
        (Patient("4712", "A", "DOE JANE", "19500102"), False),
        (Patient("4711", "A", "DOE JANE", "19500103"), False),  # one ID for everybody, but another birth date
        (Patient("4711", "", "", ""), True),  # an issuer that only one of both names
        (Patient("4712", "", "", ""), False),
        (Patient("99", "B", "DOE JANE", "19500102"), True),  # IDs of two issuers are not comparable
        (Patient("99", "B", "ROE JANE", "19500102"), False),
        (Patient("4711", "B", "", ""), None),
        (Patient("", "", "DOE JANE", ""), None),  # a name alone may be many people's
        (Patient(), None),
    ],
)
def test_headers_tell_or_do_not(other: Patient, same: bool | None) -> None:
    assert same_patient(ONE, other) is same
    assert same_patient(other, ONE) is same


def named(**values: str) -> object:
    def edit(data: Dataset, k: int) -> None:
        for name, value in values.items():
            setattr(data, name, value)

    return edit


def test_the_first_file_that_names_a_patient_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no DICOM")
    write_series(
        tmp_path / "a", at=[0], edit=named(PatientID="4711", PatientName="Doe^Jane", PatientBirthDate="19500102")
    )
    found = patient_at(tmp_path / "a")
    assert found == Patient("4711", "", "DOE JANE", "19500102")
    assert patient_at(next((tmp_path / "a").glob("*.dcm"))) == found
    assert patient_at(tmp_path / "nothing") == Patient()
    assert "4711" not in repr(found)
    assert "DOE" not in repr(found)


def test_files_without_the_prefix_name_a_patient_too(tmp_path: Path) -> None:
    for name in ("4711", "4712"):
        (path,) = write_series(tmp_path / name, at=[0], edit=named(PatientID=name))
        path.write_bytes(path.read_bytes()[132:])
        assert patient_at(tmp_path / name).identity == name
    assert same_patient(patient_at(tmp_path / "4711"), patient_at(tmp_path / "4712")) is False


def test_what_only_begins_like_dicom_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    name = b"\x10\x00\x10\x00PN\x04\x00Doe "
    file.write_bytes(b"\x08\x00\x05\x00CS\x00\x00" + name + b"\x10\x00\x00\x40LT\x80\x00" + b"x" * 128)
    assert patient_at(file) == Patient()


def test_another_patient_is_refused_without_a_word_of_either() -> None:
    with pytest.raises(InputRefused) as refused:
        check_one_patient(ONE, Patient("4712", "A", "ROE RICHARD", "19600102"))
    assert refused.value.code == "several_patients"
    assert not any(word in str(refused.value) for word in ("4711", "4712", "DOE", "ROE", "1950", "1960"))
    assert "add --same-patient" in str(refused.value)
    assert "one patient" in check_one_patient(ONE, ONE)
    assert "not known" in check_one_patient(ONE, Patient())


def test_who_knows_better_is_believed_and_the_note_says_so() -> None:
    other = Patient("4712", "", "", "")
    assert check_one_patient(ONE, other, known=True) == (
        "By their headers, the two scans belong to 2 patients; that they are of one was said by --same-patient."
    )
    assert "was said by --same-patient" in check_one_patient(ONE, Patient(), known=True)
    assert check_one_patient(ONE, ONE, known=True) == check_one_patient(ONE, ONE)
