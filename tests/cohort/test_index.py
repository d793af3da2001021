"""The page over a cohort: every case, in the order of a worklist, with links, reasons and charts, and nothing else."""

from __future__ import annotations

import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from result_record import RESULT

from scripts.cohort.folder import CASES, INDEX_NAME, THUMBNAILS, CohortFolder
from scripts.cohort.index import excess, page, settings_in_words, write_index
from scripts.cohort.table import TABLE_NAME, Found, Row, row_of, short_text
from scripts.findings import KINDS
from scripts.results.header import HEADER
from scripts.results.panels import PANEL, TITLES

FACTS = {
    "network": {"mode": "dense", "stride": 4, "weights_sha256": "0123456789abcdef"},
    "score": "calibrated_top_1_percent_mean",
    "settings": {"map": "calibrated", "calibration_sha256": None, "bundle_version": "9.9.9"},
}


PASSED = Found("pass")


def scored(case: str, left: float | None, skull: float = 1.0, found: Found = PASSED) -> Row:
    scores = {"left_hemisphere": left, "right_hemisphere": 0.5, "skull": skull}
    limits = {"left_hemisphere": 2.0, "right_hemisphere": 2.0, "skull": 5.0}
    return Row(case, "done", "", scores, {name: {"threshold": limit} for name, limit in limits.items()}, 1.0, found)


FULL = Found("review", ("thick_slices",), ("brain, left, 12 ml, peak 9.2", "skull line"), "overview.png", "report.html")
ROWS = [
    Row("late", "failed", "killed <9>"),
    scored("calm", 0.9),
    scored("broken", None, 12.0),
    Row("foot", "refused", "There is no head."),
    scored("bleed", 8.0, found=FULL),
]


class Cells(HTMLParser):
    """The text of the table's cells, row by row, and every link and picture."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.places: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.places += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def table(rows: list[Row], **more: Any) -> list[list[str]]:
    return [row for row in Cells(page(rows, FACTS, **more)).rows if row]


def test_the_case_furthest_above_its_threshold_comes_first_and_those_without_scores_last() -> None:
    cells = table(ROWS)
    assert [row[1] for row in cells] == ["bleed", "broken", "calm", "foot", "late"]
    assert cells[0][2:] == ["done", "4.0", "", "8.0", "0.5", "1.0", "review", "thick_slices", "2", *FULL.detections[:1]]
    assert cells[1][3:8] == ["2.4", "", "", "0.5", "12.0"]
    assert cells[3][2:] == ["refused", *[""] * 8, "There is no head."]
    assert cells[4][-1] == "killed <9>", "what a reason says is text, not markup"


def test_what_is_above_stands_out_and_flags_are_explained() -> None:
    text = page(ROWS, FACTS)
    assert re.findall(r'class="number above" data-value="([\d.]+)"', text) == ["4", "8", "2.4", "12"]
    assert "3 done, 1 refused, 1 failed; 2 with a score above its threshold" in text
    assert f'<span title="{KINDS["thick_slices"].condition}">thick_slices</span>' in text
    assert text.count('data-above="1"') == 2


def test_links_are_relative_and_lead_to_the_report_or_else_to_the_picture() -> None:
    only_picture = scored("plain", 1.0, found=Found("pass", picture="overview.png"))
    places = Cells(page([*ROWS, only_picture], FACTS)).places
    assert {"cases/bleed/report.html", "thumbnails/bleed.jpg", "cases/plain/overview.png"} <= set(places)
    assert not any("calm" in place for place in places), "a case without pictures has no link"
    assert not any(re.match(r"[a-z]+:|/", place) for place in places), "nothing outside the folder"


def test_the_settings_and_the_caution_are_there_and_the_page_repeats() -> None:
    text = page(ROWS, FACTS)
    assert text == page(ROWS, FACTS)
    assert "For research only: not a medical device." in text
    assert settings_in_words(FACTS) in text
    assert settings_in_words(FACTS) == (
        "network dense, weights 0123456789ab, stride 4, score calibrated_top_1_percent_mean, map calibrated, "
        "version 9.9.9"
    )
    assert "ROC" not in text


def test_where_labels_are_known_there_are_roc_curves() -> None:
    curve = {"threshold": [2.0, 1.0], "sensitivity": [0.0, 1.0], "specificity": [1.0, 0.5]}
    tasks = {
        "haemorrhage": {"auroc": 0.875, "bootstrap_95": [0.5, 1.0], "roc": curve},
        "fracture": {"auroc": None, "bootstrap_95": [None, None], "roc": {}},
    }
    text = page(ROWS, FACTS, {"score": "raw_maximum", "tasks": tasks})
    assert "haemorrhage 0.88 [0.50, 1.00]" in text
    assert "by the labels, raw_maximum" in text
    assert "fracture " not in text


@pytest.mark.parametrize("row", [Row("none", "failed"), row_of("one", RESULT)])
def test_a_row_of_which_nothing_was_compared_has_no_excess(row: Row) -> None:
    assert excess(row) is None
    assert table([row])[0][3] == ""


def test_a_damaged_picture_costs_its_thumbnail_alone(tmp_path: Path) -> None:
    folder = CohortFolder(tmp_path)
    folder.write(TABLE_NAME, short_text(ROWS, CASES))
    folder.write(f"{CASES}/bleed/overview.png", "no picture")
    write_index(folder)
    assert (tmp_path / INDEX_NAME).read_text().count("<tr ") == len(ROWS)
    assert not (tmp_path / THUMBNAILS / "bleed.jpg").exists()


def test_thumbnails_are_made_once_and_again_when_the_picture_is_younger(tmp_path: Path) -> None:
    folder = CohortFolder(tmp_path)
    folder.write(TABLE_NAME, short_text(ROWS, CASES))
    picture = tmp_path / CASES / "bleed" / "overview.png"
    picture.parent.mkdir(parents=True)
    for colour in ("white", "black"):
        stream = io.BytesIO()
        Image.new("RGB", (PANEL, HEADER + TITLES + PANEL), colour).save(stream, "PNG")
        picture.write_bytes(stream.getvalue())
        os.utime(picture, (2e9, 2e9) if colour == "black" else (1e9, 1e9))
        write_index(folder)
        with Image.open(tmp_path / THUMBNAILS / "bleed.jpg") as small:
            assert small.convert("L").getpixel((5, 5)) == (255 if colour == "white" else 0)
    assert (tmp_path / INDEX_NAME).read_text().count("<tr ") == len(ROWS)
    folder.check()
    picture.unlink()
    before = (tmp_path / THUMBNAILS / "bleed.jpg").read_bytes()
    write_index(folder)
    assert (tmp_path / THUMBNAILS / "bleed.jpg").read_bytes() == before, "a picture that was moved away costs nothing"
