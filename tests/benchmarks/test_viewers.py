"""What the check of viewers counts and compares, without viewers."""

from __future__ import annotations

import http.client
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("highdicom")

import check
import readers
import servers
import SimpleITK as sitk
import viewer
from dicom_results import make
from pydicom import dcmread


class Page(viewer.Viewer):
    """A page that shows one picture."""

    def __init__(self, folder: Path, pixels: np.ndarray) -> None:
        self.folder, self.pixels, self.asked, self.words = folder, pixels, [], []

    def do(self, **command: Any) -> Any:
        self.asked.append(command)
        if "shot" in command:
            Image.fromarray(self.pixels).save(command["shot"])
        return {"slice": [33, 24, 56], "words": self.words}.get(command.get("ask"), True)


def page(folder: Path, right: int, left: int) -> Page:
    pixels = np.full((1000, 1600, 3), 90, np.uint8)
    pixels[300:800, 700:704] = pixels[300:800, 1196:1200] = 255
    pixels[400, 750 : 750 + right] = pixels[400, 1000 : 1000 + left] = (255, 60, 0)
    return Page(folder, pixels)


def test_colours_are_counted_on_both_sides_of_the_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer.time, "sleep", lambda seconds: None)
    assert page(tmp_path, 120, 7).coloured("map") == (120, 7)
    case = check.Case(tmp_path, {}, [], "right")
    with pytest.raises(AssertionError, match=r"map: 120 coloured pixels on the right in slice 33"):
        check.sided(page(tmp_path, 120, 7), case, "map")
    assert check.sided(page(tmp_path, 120, 7), case, "map", 100).startswith(
        "map: 120 coloured pixels on the right, 7 on"
    )
    with pytest.raises(AssertionError, match=r"map: 100 coloured pixels on the side without a detection"):
        check.sided(page(tmp_path, 120, 100), case, "map", 100)


def test_before_a_scan_is_shown_nothing_is_coloured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer.time, "sleep", lambda seconds: None)
    one = page(tmp_path, 0, 0)
    one.pixels[:] = 0
    assert one.coloured("map") == (0, 0)


def test_words_are_no_colour_of_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer.time, "sleep", lambda seconds: None)
    one = page(tmp_path, 120, 80)
    one.words = [[990, 395, 1100, 405]]
    assert one.coloured("report") == (120, 0)
    one.words = [[990, 395, 1020, 405]]
    assert one.coloured("report") == (120, 80 - 20 - viewer.EDGE)


def test_the_name_in_the_list_is_that_of_the_first_place(tmp_path: Path) -> None:
    name = check.listed_name(make(tmp_path).folder / "report.dcm")
    assert name == "Anomaly 1, left frontal lobe, deep grey matter: score 8.3, 14.1 ml"


def test_what_is_drawn_anew_is_the_same_slice(tmp_path: Path) -> None:
    one = page(tmp_path, 0, 0)
    one.other_than = lambda number: number - 1
    one.draw_anew()
    told = [command for command in one.asked if "ask" not in command]
    assert told == [{"press": [945, 560]}, {"key": "ArrowDown"}, {"press": [945, 560]}]


def test_a_slice_is_clear_that_would_not_be_if_the_map_were_upside_down(tmp_path: Path) -> None:
    one = make(tmp_path)
    images = sorted((dcmread(path) for path in (tmp_path / "in").iterdir()), key=check.height)
    counts = (one.read("parametric_map").pixel_array > 0).sum(axis=(1, 2))
    case = check.Case(one.folder, {}, images, "left")
    at = [int(image.InstanceNumber) for image in images].index(case.clear)
    assert counts[at] == 0
    assert counts[len(counts) - 1 - at] > 0
    assert case.title("report.dcm") == "Scores L 8.2, R 1.5"


def test_points_of_a_segmentation_are_those_of_an_image(tmp_path: Path) -> None:
    one = make(tmp_path)
    data = one.read("segmentation")
    image = sitk.GetImageFromArray(np.ascontiguousarray(one.detections.transpose(2, 1, 0)))
    lps = np.diag([-1.0, -1, 1]) @ one.affine[:3]
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:, 3].tolist())
    expected = np.concatenate([readers.points(data, k) for k in range(data.NumberOfFrames)])
    found = readers.voxels(image, 1)
    assert len(found) == len(expected) > 100
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=1e-3)


def test_the_viewer_is_isolated_and_stays_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "ohif").mkdir()
    (tmp_path / "ohif" / "index.html").write_text("OHIF")
    (tmp_path / "secret").write_text("not for the page")
    server = ThreadingHTTPServer(("127.0.0.1", 0), servers.handler(tmp_path / "ohif", 1))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for path, begins in (("/viewer?x", b"OHIF"), ("/../secret", b"OHIF"), ("/app-config.js", b"window.config = {")):
            asked = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            asked.request("GET", path)
            reply = asked.getresponse()
            assert reply.read().startswith(begins)
            assert reply.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
            asked.close()
    finally:
        server.shutdown()
        server.server_close()
