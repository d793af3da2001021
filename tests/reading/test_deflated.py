"""Deflated files: those that are read are let through, a bomb is refused before it is inflated in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from bad_headers import small_deflate_bomb
from dicom_series import write_series
from input_files import MIDDLE, syntax
from pydicom.uid import DeflatedExplicitVRLittleEndian

from scripts.findings import InputRefused
from scripts.reading.deflated import check_inflated_size


def test_ordinary_files_pass(tmp_path: Path) -> None:
    for name, edit in (("plain", None), ("deflated", syntax(DeflatedExplicitVRLittleEndian))):
        for path in write_series(tmp_path / name, at=[0, 18], edit=edit):
            check_inflated_size(path)


def test_a_file_that_only_mentions_the_syntax_passes(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, at=[18], edit=lambda d, k: setattr(d, "PatientID", DeflatedExplicitVRLittleEndian))
    check_inflated_size(path)


def test_a_bomb_is_refused_without_room_for_it(tmp_path: Path) -> None:
    small_deflate_bomb(tmp_path / "bomb")
    path = sorted((tmp_path / "bomb").iterdir())[MIDDLE]
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(InputRefused, match=r"The file 020\.dcm inflates to over 272 MiB\. Crop the scan") as error:
            check_inflated_size(path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    assert error.value.findings[0].code == "too_large"
