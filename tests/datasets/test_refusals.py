"""A refusal comes back from its file as it was, unless the scan has changed or the file is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.datasets.refusals import load_refusal, save_refusal
from scripts.findings import InputRefused, finding, refusal


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A series of one file."""
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "1.dcm").write_bytes(b"slice")
    return tmp_path / "scan"


def test_a_refusal_comes_back(scan: Path, tmp_path: Path) -> None:
    both = InputRefused(
        [*refusal("not_ct", "There is no CT image.").findings, finding("no_dicom", "It is none.", "1.2")]
    )
    save_refusal(tmp_path / "refused.json", both, scan)
    found = load_refusal(tmp_path / "refused.json", scan)
    assert found is not None
    assert str(found) == str(both)
    assert [one.as_dict() for one in found.findings] == [one.as_dict() for one in both.findings]
    assert "1.2" not in (tmp_path / "refused.json").read_text(), "the UID of a series is written into no file"


def test_a_changed_scan_has_no_refusal(scan: Path, tmp_path: Path) -> None:
    save_refusal(tmp_path / "refused.json", refusal("not_ct", "There is no CT image."), scan)
    assert load_refusal(tmp_path / "refused.json", scan) is not None
    os.utime(scan / "1.dcm", (1, 1))
    assert load_refusal(tmp_path / "refused.json", scan) is None
    save_refusal(tmp_path / "refused.json", refusal("not_ct", "There is no CT image."), scan)
    (scan / "2.dcm").write_bytes(b"slice")
    assert load_refusal(tmp_path / "refused.json", scan) is None


def test_a_scan_out_of_reach_may_be_back_the_next_time(scan: Path, tmp_path: Path) -> None:
    save_refusal(tmp_path / "refused.json", refusal("path_missing", "There is no scan."), scan)
    assert not (tmp_path / "refused.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"scan": "x", "refused": 1}', '{"refused": []}'])
def test_a_damaged_file_counts_for_nothing(text: str, scan: Path, tmp_path: Path) -> None:
    assert load_refusal(tmp_path / "refused.json", scan) is None
    (tmp_path / "refused.json").write_text(text)
    assert load_refusal(tmp_path / "refused.json", scan) is None


def test_findings_of_another_form_count_for_nothing(scan: Path, tmp_path: Path) -> None:
    path = tmp_path / "refused.json"
    save_refusal(path, refusal("not_ct", "There is no CT image."), scan)
    path.write_text(path.read_text().replace('"code"', '"kind"'))
    assert load_refusal(path, scan) is None
