"""Lookalikes: files and images beside a scan that it may lack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_series import SERIES, write_series
from pydicom.dataset import Dataset

from scripts.reading.headers import read_headers
from scripts.reading.inputs import read_volume
from scripts.reading.lookalikes import lookalikes
from scripts.reading.series import choose, stacks_of


def count(folder: Path) -> int:
    """The lookalikes of the scan that is chosen in a folder."""
    headers = read_headers(folder)
    stacks = stacks_of(headers)
    return lookalikes(headers, stacks, choose(stacks))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("900.dcm", b"", 1),
        ("slice 4.ima", b"damaged" * 50, 1),
        ("IM900", b"damaged" * 50, 0),
        ("export", b"?\0" * 100 + SERIES.encode() + b"?" * 200, 1),
        ("other/export", b"?\0" * 100 + SERIES.encode(), 1),
        ("metadata.csv", f"Series UID,Größe\r\n{SERIES},5\r\n".encode(), 0),
        ("other/list.json", f'{{"series":\t"{SERIES}"}}\n'.encode(), 0),
        ("notes.dcm", SERIES.encode(), 1),
        ("other/900.dcm", b"", 0),
        ("notes.txt", b"notes" * 50, 0),
        ("900.jpg", b"picture", 0),
        ("._900.dcm", b"of another system", 0),
    ],
)
def test_files(tmp_path: Path, name: str, content: bytes, expected: int) -> None:
    write_series(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / name).write_bytes(content)
    assert count(tmp_path) == expected


def other_type(dataset: Dataset, k: int) -> None:
    """Every second slice says of itself that it is no CT."""
    dataset.Modality = "OT" if k % 2 else "CT"


def localizer(dataset: Dataset, k: int) -> None:
    """The first image is a projection from the side."""
    if k == 0:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]


@pytest.mark.parametrize(("edit", "expected"), [(None, 0), (localizer, 0), (other_type, 18)])
def test_images(tmp_path: Path, edit: Callable[[Dataset, int], None] | None, expected: int) -> None:
    write_series(tmp_path, edit=edit)
    assert count(tmp_path) == expected


def test_the_flag_has_their_number(tmp_path: Path) -> None:
    for file in write_series(tmp_path)[1::2]:
        file.write_bytes(b"")
    messages = {found.code: found.message for found in read_volume(tmp_path).findings}
    assert messages["slices_set_aside"].startswith(
        "18 files or images look like slices of the series, but can't be read as one. The scan may lack slices"
    )
