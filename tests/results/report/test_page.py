"""The page: what it says without a script, what it holds for one, and that it asks for nothing outside itself."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from report_result import BLEED_MM, DENT_MM, pictures, record, volumes

from scripts.results.report.content import CAUTION, content
from scripts.results.report.niivue import HOW, Script
from scripts.results.report.page import WINDOWS_HU, page, strip

SCRIPT = Script(b"var niivue = {}; // </script>", "1.2.3")


class Outline(HTMLParser):
    """The elements of a page: their names and attributes, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.text, self.open = "", [""]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open[-1]:
            self.text += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.elements if name == tag]


def of(script: Script | None = SCRIPT, whole: bool = True, **more: Any) -> str:
    some = record(**more)
    return page(content(some), pictures(), volumes() if whole else None, some, script).decode()


@pytest.fixture(scope="module")
def text() -> str:
    return of()


def test_it_says_first_what_it_may_not_be_used_for_then_what_was_found(text: str) -> None:
    seen = Outline(text)
    words = " ".join(seen.text.split())
    body = words[words.index(CAUTION) :]
    assert body.startswith(f"{CAUTION} Head CT position anomaly {record()['summary']}")
    for part in ("9.5 above the threshold of 2.9", "frontal lobe, right", "brighter place, 34.0 ml, 40 mm long, 70 HU"):
        assert part in words
    assert "Slices are 5.0 mm thick." in words
    assert "NiiVue 1.2.3" in words
    assert "Copyright (c) 2021, Niivue" in words


def test_it_can_be_read_and_worked_without_eyes_and_mouse(text: str) -> None:
    seen = Outline(text)
    assert seen.all("html")[0]["lang"] == "en"
    levels = [int(name[1]) for name, _ in seen.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level is left out"
    assert all(image.get("alt") for image in seen.all("img"))
    assert all(canvas.get("aria-label") and canvas["tabindex"] == "0" for canvas in seen.all("canvas"))
    assert all(drawing.get("aria-label") for drawing in seen.all("svg"))
    ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = [
        one[name] for _, one in seen.elements for name in ("aria-labelledby", "aria-describedby", "for") if name in one
    ]
    assert set(labels) <= set(ids)


def test_it_asks_for_nothing_outside_itself(text: str) -> None:
    seen = Outline(text)
    links = [one[name] for _, one in seen.elements for name in ("src", "href", "action") if name in one]
    assert all(link.startswith("data:image/png;base64,") for link in links)
    (policy,) = (one["content"] for one in seen.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_what_the_viewer_needs_is_in_it(text: str) -> None:
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', text, re.S)
    assert found
    facts = json.loads(found[1])
    assert facts["detections"] == [{"at_mm": list(BLEED_MM), "bone": False}, {"at_mm": list(DENT_MM), "bone": True}]
    assert facts["windows_hu"].keys() == WINDOWS_HU.keys()
    assert facts["slices"]["count"] == volumes().scan.shape[2]
    for name in ("scan", "heat", "skull", "niivue"):
        packed = re.search(rf'id="{name}-file">([A-Za-z0-9+/=]+)</script>', text)
        assert packed, "base64 can't end a script early"
        assert base64.b64decode(packed[1])[:2] in (b"\x1f\x8b", b"\x78\x9c")


def test_what_the_colours_mean() -> None:
    assert "threshold of a region (5 % of healthy heads have a place above it) and end at twice" in of()
    assert "(95 % of healthy scores are less)" in of(settings={"map": "position"})
    assert "it has no threshold" in of(settings={"map": "error", "unit": "mm"})


def test_slices_are_not_counted_on_another_grid() -> None:
    grid = {**record()["grid"], "kind": "resampled"}
    assert '"slices": null' in of(grid=grid)


def test_without_niivue_or_volumes_it_shows_the_pictures_and_says_how_to_get_the_viewer(text: str) -> None:
    for without, words in ((of(None), HOW.replace('"', "&#34;")), (of(whole=False), "run with --maps all")):
        assert words in without
        assert Outline(without).all("canvas") == Outline(without).all("script") == []
        assert [image["alt"][:12] for image in Outline(without).all("img")] == ["Brain, 1 pla", "The calvaria"]
    assert words not in text


def test_texts_can_not_become_elements() -> None:
    message = "Slices <script>alert(1)</script> & more"
    findings = [{"code": "thick_slices", "severity": "flag", "message": message}]
    text = of(None, False, findings=findings)
    assert "<script>" not in text
    assert message in Outline(text).text


def test_the_same_result_gives_the_same_bytes(text: str) -> None:
    assert of() == text


def test_a_strip_shows_where_a_score_stands() -> None:
    row = {"values": [1.0, 2.0], "limit": 4.0, "value": 3.0}
    assert strip(row) == {
        "width": 300,
        "ticks": "M60.0 14v8 M120.0 14v8",
        "threshold": 240,
        "score": 180,
        "beyond": False,
    }
    assert strip({**row, "value": 9.0})["beyond"] is True
    assert strip({"values": [], "limit": None, "value": None})["score"] is None


@pytest.mark.parametrize("verdict", ["pass", "unconfirmed"])
def test_a_pose_that_is_not_confirmed_is_told(verdict: str) -> None:
    assert ("POSE UNCONFIRMED" in of(None, False, quality={"verdict": verdict})) is (verdict == "unconfirmed")
