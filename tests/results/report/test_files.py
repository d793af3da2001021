"""The files of a report."""

from __future__ import annotations

import pytest
from report_result import pictures, record

from scripts.results.record import ResultIncomplete
from scripts.results.report.files import PAGE, SHEET, report_files


def test_the_names_and_kinds_of_the_files() -> None:
    files = report_files(record(), {**pictures(), "detections.csv": b"rank\n"}, None)
    assert (files[PAGE][:15], files[SHEET][:5]) == (b"<!DOCTYPE html>", b"%PDF-")
    assert files.keys() == {PAGE, SHEET} == {"report.html", "report.pdf"}


def test_the_unrolled_skull_need_not_be_there_but_the_overview() -> None:
    assert report_files(record(), {"overview.png": pictures()["overview.png"]}, None)
    with pytest.raises(ResultIncomplete, match=r"no overview\.png.* Make the results again, with pictures"):
        report_files(record(), {}, None)
