"""The sheet: one page whose text can be selected, the same bytes each time, whatever the result."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any

import pytest
from report_result import BRAIN_ROW, picture, pictures, record

from scripts.findings import finding
from scripts.results.report.content import CAUTION, content
from scripts.results.report.sheet import MOST_ROWS, sheet


def text_of(pdf: bytes) -> str:
    """The texts of a PDF in the order in which they are drawn, with a blank between them."""
    words = []
    for packed in re.findall(rb"/Filter \[ /ASCII85Decode /FlateDecode \].*?stream\n(.*?)endstream", pdf, re.S):
        drawn = zlib.decompress(
            base64.a85decode(packed.strip(), adobe=False) if b"~>" not in packed else unpacked(packed)
        )
        words += [piece.decode("latin-1") for piece in re.findall(rb"\((.*?)(?<!\\)\) Tj", drawn, re.S)]
    return " ".join(words).replace("\\(", "(").replace("\\)", ")")


def unpacked(packed: bytes) -> bytes:
    """Bytes of Adobe's form of base 85."""
    return base64.a85decode(packed.strip().removesuffix(b"~>"))


def of(**more: Any) -> bytes:
    return sheet(content(record(**more)), pictures()["overview.png"])


def test_it_is_one_page_that_says_first_what_it_may_not_be_used_for() -> None:
    pdf = of()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == 1
    text = text_of(pdf)
    assert text.startswith(CAUTION)
    for words in (
        "Head CT position anomaly",
        "right hemisphere",
        "9.5",
        "above",
        "frontal lobe, right",
        "70 HU",
        "4.0",
    ):
        assert words in text
    assert "Flags: Slices are 5.0 mm thick." in text


def test_the_same_result_gives_the_same_bytes_without_a_date_of_now() -> None:
    assert of() == of()
    assert re.findall(rb"/CreationDate \(D:(\d{4})", of()) == [b"2000"]


def test_many_detections_and_flags_stay_on_the_page() -> None:
    rows = tuple({**BRAIN_ROW, "name": "temporal lobe, insula, frontal lobe"} for _ in range(30))
    flags = [
        finding("thick_slices", f"Slices are {n} mm thick, and it takes a long sentence to say so.") for n in range(9)
    ]
    pdf = sheet(content(record(rows, findings=[one.as_dict() for one in flags])), picture(1726, 1258 + 226))
    text = text_of(pdf)
    assert pdf.count(b"/Type /Page\n") == 1
    assert f"and {30 - MOST_ROWS} more, see detections.csv" in text
    assert "more flags, see result.json" in text
    assert 20 < min(heights(pdf)) < max(heights(pdf)) < 820, "nothing runs off the ends of A4"


def drawn(pdf: bytes) -> str:
    """The commands of a PDF that draw."""
    found = re.findall(rb"/Filter \[ /ASCII85Decode /FlateDecode \].*?stream\n(.*?)endstream", pdf, re.S)
    return "\n".join(zlib.decompress(unpacked(one)).decode("latin-1") for one in found)


def heights(pdf: bytes) -> list[float]:
    """Where each text of a PDF begins, in points from the lower end."""
    at, kept, found = 0.0, [], []
    for command in re.findall(r"\bq\b|\bQ\b|1 0 0 1 [\d.-]+ [\d.-]+ (?:cm|Tm)", drawn(pdf)):
        if command == "q":
            kept.append(at)
        elif command == "Q":
            at = kept.pop()
        elif command.endswith("cm"):
            at += float(command.split()[5])
        else:
            found.append(at + float(command.split()[5]))
    return found


@pytest.mark.parametrize("verdict", ["pass", "unconfirmed"])
def test_a_pose_that_is_not_confirmed_is_told(verdict: str) -> None:
    assert ("UNCONFIRMED" in text_of(of(quality={"verdict": verdict}))) is (verdict == "unconfirmed")


def test_nothing_found_and_no_picture() -> None:
    text = text_of(sheet(content(record((), findings=[])), None))
    assert "No place above the threshold is listed." in text
    assert "Flags: none." in text
