"""The page in a real browser: what a reader sees, clicks and types.

Skipped where there is no Chromium or no NiiVue; `make test-browser` gets both, and skips nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser, browser, chromium
from picture import pixels
from report_result import BLEED_MM, DENT_MM, pictures, record, volumes

from scripts.results.report.content import content
from scripts.results.report.niivue import niivue
from scripts.results.report.page import page

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="no Chromium is here: name one by CHROMIUM, or `make test-browser`"),
    pytest.mark.skipif(niivue() is None, reason="NiiVue is not installed: it comes with the extra `report`"),
    pytest.mark.xdist_group("browser"),
]

READY = "document.documentElement.dataset.ready"
HERE = "[...report.slices.frac2mm(report.slices.scene.crosshairPos)].slice(0, 3)"
CANVAS = "(({x, y}) => [x, y])(document.getElementById('slices').getBoundingClientRect())"


def written(path: Path, **more: Any) -> Path:
    """The page of a result in a folder whose name a URL has to escape."""
    some = record(**more)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(page(content(some), pictures(), volumes(), some, niivue()))
    return path


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with the page."""
    folder = tmp_path_factory.mktemp("page")
    with browser(folder / "profile") as one:
        one.open(written(folder / "a folder #1" / "report.html"))
        one.wait(READY)
        yield one


@pytest.fixture
def shown(opened: Browser) -> Browser:
    """The page as it is at first, with the slices in the focus."""
    opened.run("document.getElementById('slices').focus({ preventScroll: true }); scrollTo(0, 0)")
    opened.key("r")
    return opened


def here(shown: Browser) -> list[float]:
    """Where the crosshair is, in mm."""
    return list(np.round(shown.run(HERE), 1))


def colour_at(shown: Browser, mm: tuple[float, ...], away: tuple[int, int] = (6, 6)) -> Any:
    """Red, green and blue where the axial slice shows a place, some pixels beside the crosshair."""
    x, y = shown.run(f"report.slices.frac2canvasPos(report.slices.mm2frac([{', '.join(map(str, mm))}]))")
    left, top = shown.run(CANVAS)
    return pixels(shown.picture())[round(top + y) + away[1], round(left + x) + away[0]].astype(int)


def test_it_opens_on_the_most_unusual_place_without_an_error(shown: Browser) -> None:
    assert shown.run(READY) == "yes"
    assert here(shown) == pytest.approx(BLEED_MM, abs=1.0)
    place = shown.run("document.getElementById('place').textContent")
    assert place.startswith("x 32 mm (right), y -15 mm, z 25 mm · slice ")
    assert "70 HU · heat 4.0 x threshold" in place.replace("3.9", "4.0").replace("4.1", "4.0")
    assert shown.run("document.querySelector('tr.chosen').dataset.place") == "0"
    assert shown.run("[document.getElementById('viewer').hidden, document.getElementById('no-viewer').hidden]") == [
        False,
        True,
    ]
    assert shown.said == []


def test_the_heat_lies_on_the_bleed_and_can_be_taken_away(shown: Browser) -> None:
    other_side = (-BLEED_MM[0], *BLEED_MM[1:])
    red, green, blue = colour_at(shown, BLEED_MM)
    assert red > blue + 40, f"orange to yellow, got {red, green, blue}"
    assert np.ptp(colour_at(shown, other_side)) < 8, "grey on the other side"
    shown.key("h")
    assert shown.run("document.getElementById('heat').getAttribute('aria-pressed')") == "false"
    grey = colour_at(shown, BLEED_MM)
    assert np.ptp(grey) < 8
    assert grey.mean() == pytest.approx(255 * 70 / 80, abs=12), "70 HU in a window of 0 to 80 HU"


def test_the_right_side_of_the_patient_is_on_the_left_of_the_image(shown: Browser) -> None:
    at = [shown.run(f"report.slices.frac2canvasPos(report.slices.mm2frac([{x}, -15, 25]))[0]") for x in (40, -40)]
    assert at[0] < at[1]


def test_the_threshold_moves_the_border_of_the_heat(shown: Browser) -> None:
    beside = (BLEED_MM[0], BLEED_MM[1] + 14.0, BLEED_MM[2])  # heat 4.4, 1.76 times the threshold
    assert np.ptp(colour_at(shown, beside, (0, 0))) > 25
    shown.run("const from = document.getElementById('from'); from.value = 2; from.dispatchEvent(new Event('input'))")
    shown.wait("report.slices.volumes[1].cal_min === 2 && new Promise((done) => setTimeout(() => done(true), 200))")
    assert np.ptp(colour_at(shown, beside, (0, 0))) < 8
    assert shown.run("document.getElementById('from-text').textContent") == "2.00 x threshold"


def test_a_click_on_a_detection_goes_there_in_its_window(shown: Browser) -> None:
    row = "document.querySelectorAll('#detections tbody tr')[1]"
    shown.click(*shown.run(f"(({{x, y}}) => [x + 90, y + 12])({row}.getBoundingClientRect())"))
    assert here(shown) == pytest.approx(DENT_MM, abs=1.0)
    assert shown.run(f"[{row}.className, {row}.getAttribute('aria-current')]") == ["chosen", "true"]
    assert shown.run("report.slices.volumes[0].cal_max") == 1550
    assert shown.run("document.querySelector('[data-window=bone]').getAttribute('aria-pressed')") == "true"


def test_a_click_into_the_slices_moves_the_crosshair(shown: Browser) -> None:
    x, y = shown.run("report.slices.frac2canvasPos(report.slices.mm2frac([-30, 10, 25]))")
    left, top = shown.run(CANVAS)
    shown.click(left + x, top + y)
    assert here(shown) == pytest.approx([-30, 10, 25], abs=1.5)


def test_it_can_be_worked_by_keys_alone(shown: Browser) -> None:
    for key, step in (("ArrowLeft", (1, 0, 0)), ("ArrowUp", (0, 1, 0)), ("PageUp", (0, 0, 1))):
        before = here(shown)
        shown.key(key)
        assert here(shown) == pytest.approx(np.add(before, step), abs=0.11)
        shown.key(key, shift=True)
        assert here(shown) == pytest.approx(np.add(before, np.multiply(11, step)), abs=0.11)
    shown.key("4")
    assert shown.run("report.slices.volumes[0].cal_max") == 1550
    shown.key("n")
    assert here(shown) == pytest.approx(DENT_MM, abs=1.0)
    shown.key("n")
    assert here(shown) == pytest.approx(BLEED_MM, abs=1.0)
    shown.run("document.querySelector('#detections tbody tr:nth-child(2) button').focus()")
    shown.key("Enter")
    assert here(shown) == pytest.approx(DENT_MM, abs=1.0)
    shown.key("Tab")
    assert shown.run("document.activeElement.id") != "slices", "Tab leaves: no key is trapped"


def test_planes_are_shown_alone_or_together(shown: Browser) -> None:
    for name, count in (("axial", 1), ("sagittal", 1), ("three", 3)):
        shown.run(f"document.querySelector('[data-planes={name}]').click()")
        shown.run("report.slices.drawScene()")
        assert shown.run("report.slices.screenSlices.length") == count


def test_the_skull_turns_is_coloured_and_stops(shown: Browser) -> None:
    shown.run("document.getElementById('surface').scrollIntoView()")
    shown.wait("report.skull && report.skull.meshes.length === 1")
    first = shown.run("report.skull.scene.renderAzimuth")
    shown.wait(f"report.skull.scene.renderAzimuth !== {first}")
    shown.run("document.querySelector('[data-side=left]').click()")
    assert shown.run("document.getElementById('turn').getAttribute('aria-pressed')") == "false"
    box = shown.run(
        "(({x, y, width, height}) => [x, y, width, height])(document.getElementById('skull').getBoundingClientRect())"
    )
    x, y, width, height = (round(value) for value in box)
    seen = pixels(shown.picture())[y : y + height, x : x + width].astype(int)
    lit = (seen[..., 0] - seen[..., 2]) > 90
    assert 0.001 < lit.mean() < 0.2, "the dent, on the left"
    assert (seen.min(axis=-1) > 90).mean() > 0.1, "bone"
    shown.run("document.querySelector('[data-side=right]').click()")
    seen = pixels(shown.picture())[y : y + height, x : x + width].astype(int)
    assert ((seen[..., 0] - seen[..., 2]) > 90).mean() < 0.001, "nothing on the right"
    assert shown.said == []


def test_without_webgl_it_shows_the_picture_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "report.html")
    with browser(tmp_path / "profile", ("--disable-gpu", "--disable-3d-apis")) as one:
        one.open(path)
        one.wait(READY)
        assert one.run("document.getElementById('viewer').hidden")
        assert "no WebGL 2" in one.run("document.getElementById('no-viewer').textContent")
        image = "document.querySelector('.viewer #picture img')"
        assert one.run(f"[{image}.complete, {image}.naturalWidth]") == [True, 690]
        assert one.said == []


def test_a_map_without_a_threshold_and_without_detections(tmp_path: Path) -> None:
    settings = {"map": "error", "unit": "mm", "stride": 2}
    path = written(tmp_path / "report.html", rows=(), settings=settings)
    with browser(tmp_path / "profile") as one:
        one.open(path)
        one.wait(READY)
        assert one.run(READY) == "yes"
        assert one.run("document.getElementById('from-text').textContent") == "3.8"
        assert " heat " in one.run("document.getElementById('place').textContent")
        assert one.said == []
