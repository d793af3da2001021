"""Identifiers of an invented patient: planted into scans, and looked for in whatever comes of them."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nibabel as nib
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

ATTRIBUTES = {
    "PatientName": "Zweigelt^Ottokar",
    "PatientID": "QX7731905",
    "PatientBirthDate": "19370429",
    "AccessionNumber": "ACC884213",
    "InstitutionName": "Klinik Hinterwald",
    "ReferringPhysicianName": "Quendolin^Xaverine",
    "OtherPatientIDs": "OPI55190",
    "StudyDescription": "Kellersturz",
    "SeriesDescription": "Privatpatientin",
    "StationName": "STATIONQ9",
    "DeviceSerialNumber": "SN40071ZZ",
}
"""By DICOM's keywords; a private attribute and one in a sequence are added by `plant`."""

PRIVATE, NESTED = "Geheimvermerk", "Tobsüchtig"

FILE, FOLDER = "Zweigelt_Ottokar", "Ottokar_Zweigelt_19370429"
"""Names of a file, to which its ending is added, and of a folder."""

NIFTI_FIELDS = {"descrip": "Descripname", "aux_file": "Auxname", "intent_name": "Intentname", "db_name": "Dbname"}
EXTENSION = "Extensionname"

TOKENS = (
    *("Zweigelt", "Ottokar", "QX7731905", "19370429", "ACC884213", "Hinterwald", "Quendolin", "Xaverine", "OPI55190"),
    *("Kellersturz", "Privatpatientin", "STATIONQ9", "SN40071ZZ", PRIVATE, NESTED, *NIFTI_FIELDS.values(), EXTENSION),
)
"""What is looked for."""

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


def plant(dataset: Dataset) -> None:
    """Put every identifier into a DICOM data set."""
    dataset.SpecificCharacterSet = "ISO_IR 100"
    for keyword, value in ATTRIBUTES.items():
        setattr(dataset, keyword, value)
    dataset.private_block(0x0011, "INVENTED", create=True).add_new(0x01, "LO", PRIVATE)
    item = Dataset()
    item.RequestedProcedureDescription = NESTED
    dataset.RequestAttributesSequence = Sequence([item])


def planted_nifti(content: bytes) -> bytes:
    """A `.nii.gz` with every identifier in its header and in an extension of it."""
    image = nib.Nifti1Image.from_bytes(gzip.decompress(content))
    for field, value in NIFTI_FIELDS.items():
        image.header[field] = value.encode()
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", EXTENSION.encode()))
    return gzip.compress(image.to_bytes())


def traces(content: bytes) -> set[str]:
    """The identifiers that bytes hold, in any encoding and in any case."""
    haystack = content.lower()
    return {token for token in TOKENS if any(form in haystack for form in written(token))}


@cache
def written(token: str) -> set[bytes]:
    """The bytes of a token in lower case: one form for all encodings that write it alike."""
    forms = (token, token.lower(), token.upper())
    return {form.encode(encoding).lower() for form in forms for encoding in ENCODINGS}


def traces_in(folder: Path) -> dict[str, set[str]]:
    """The identifiers in each file of a folder, and in its name, by that name."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    traced = {name: traces(b"\n".join([name.encode(), *readings(path)])) for name, path in found.items()}
    return {name: seen for name, seen in traced.items() if seen}


def readings(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what is packed in it: compressed ones, and the texts of a picture."""
    if not path.is_file():
        return
    yield path.read_bytes()
    if path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    if path.suffix == ".html":  # the files in it
        for packed in re.findall(
            rb"(?:<script[^>]*>|;base64,)([A-Za-z0-9+/=]{32,})(?:</script>|\")", path.read_bytes()
        ):
            content = base64.b64decode(packed)
            yield content if content[:4] == b"\x89PNG" else zlib.decompress(content, 32 + zlib.MAX_WBITS)
    if path.suffix == ".pdf":  # its pages
        for packed in re.findall(rb"stream\n(.*?)~>\s*endstream", path.read_bytes(), re.DOTALL):
            yield zlib.decompress(base64.a85decode(packed))
    if path.suffix == ".png":
        with Image.open(path) as picture:
            picture.load()
            yield repr(picture.info).encode()
