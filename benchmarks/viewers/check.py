"""Checks what real viewers make of a result's DICOM objects: OHIF in a browser, with Orthanc, and dcmqi.

    python benchmarks/viewers/check.py SCAN RESULTS TOOLS [-o out/viewers] [--side right]

`SCAN` is the DICOM series, `RESULTS` the folder of its results with `--dicom`, `TOOLS` what `set_up.sh` made. Map,
segments, report and marked slices are opened; the pictures stay in the output folder. Each must show something on the
side of the first detection, or on `--side`, in its slice, and nothing on the other side; the map nothing in a slice
that would be coloured if the map were upside down. The detection must be in OHIF's list of measurements, by its name,
and a click on it lead to its slice. Exit codes: 0 right, 1 something is not.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from readers import checks as reader_checks
from servers import serving
from viewer import Viewer, opened

ENOUGH, STRAY = 300, 60
"""Pixels of a colour that are something, and that are nothing."""

NEXT = 40
"""Pixels from the letters SR to the arrow that leads to the next place."""

QUESTION, LIST = "Do you want to continue tracking measurements", "trackedMeasurements-btn"
"""What OHIF asks over a report whose measurements it can list, and its own name of the button of the list."""

AWAY = 4
"""Slices from the place that is listed."""


@dataclass(frozen=True)
class Case:
    """A result: its folder, the images of its scan from the lowest on, and the side of what is looked for."""

    dicom: Path
    result: dict[str, Any]
    images: list[pydicom.Dataset]
    side: str

    @property
    def slice(self) -> int:
        """Number of the image in the middle of the first detection."""
        return int(self.images[self.result["detections"][0]["slice"] - 1].InstanceNumber)

    @property
    def clear(self) -> int:
        """Number of an image in which the map is 0, and as far from the other end as many others where it is not."""
        frames = pydicom.dcmread(self.dicom / "parametric_map.dcm").pixel_array
        counts = (frames > 0).sum(axis=(1, 2))
        found = np.where(counts == 0, counts[::-1], -1)
        return int(self.images[int(found.argmax())].InstanceNumber)

    def title(self, name: str) -> str:
        """The name of an object in the list of series, up to the caution."""
        return str(pydicom.dcmread(self.dicom / name, stop_before_pixels=True).SeriesDescription).partition(". ")[0]


def case_of(scan: Path, results: Path, side: str | None) -> Case:
    """The case in two folders.

    Raises:
        ValueError: there is no detection in an even series.
    """
    result = json.loads((results / "result.json").read_text())
    rows = result["detections"]
    if not rows or rows[0]["slice"] is None:
        raise ValueError("the result has no detection with a slice")
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(scan.iterdir())]
    images.sort(key=height)
    return Case(results / "dicom", result, images, side or rows[0]["side"])


def height(image: pydicom.Dataset) -> float:
    """Height of an image along its normal, mm."""
    across, down = np.split(np.array(image.ImageOrientationPatient, dtype=float), 2)
    return float(np.cross(across, down) @ np.array(image.ImagePositionPatient, dtype=float))


def sided(viewer: Viewer, case: Case, name: str, enough: int = ENOUGH) -> str:
    """A sentence on what a picture shows of the detection.

    Raises:
        AssertionError: it shows nothing on its side, or something on the other one.
    """
    number, (right, left) = viewer.slice, viewer.coloured(name)
    here, there = (right, left) if case.side == "right" else (left, right)
    assert here > enough, f"{name}: {here} coloured pixels on the {case.side} in slice {number}"
    assert there < STRAY, f"{name}: {there} coloured pixels on the side without a detection, in slice {number}"
    return f"{name}: {here} coloured pixels on the {case.side}, {there} on the other side, in slice {number}"


def map_check(viewer: Viewer, case: Case) -> str:
    """The map."""
    count = len(case.images)
    viewer.do(open=case.title("parametric_map.dcm"))

    def shown() -> bool:
        with suppress(AssertionError):  # until it is loaded, slices are counted the other way round
            viewer.go_to(count + 1 - case.slice)  # OHIF counts the slices of a volume from its upper end
            return sum(viewer.coloured("map")) > ENOUGH
        return False

    viewer.tell(shown, "the map")
    told = sided(viewer, case, "map")
    viewer.go_to(count + 1 - case.clear)
    right, left = viewer.coloured("map clear")
    assert right + left < STRAY, f"the map: {right + left} coloured pixels in image {case.clear}, where it is 0"
    return f"{told}; nothing in image {case.clear}"


def segments_check(viewer: Viewer, case: Case) -> str:
    """The segmentation."""
    viewer.do(open=case.title("segmentation.dcm"))
    viewer.tell(lambda: sum(viewer.coloured("segments")) > STRAY, "the segments")
    viewer.go_to(case.slice)
    return sided(viewer, case, "segments")


def open_report(viewer: Viewer, case: Case) -> int:
    """Open the report, and wait for what OHIF asks then; number of the image at which it opens."""
    viewer.do(open=case.title("report.dcm"))
    viewer.tell(lambda: QUESTION in viewer.do(ask="text"), f'the question "{QUESTION}"')
    return viewer.slice


def report_check(viewer: Viewer, case: Case) -> str:
    """The report: it opens at the detection, draws and measures it; its arrows lead to another place and back."""
    volume, first = f"Volume: {round(case.result['detections'][0]['volume_ml'], 1):.2f} ml", open_report(viewer, case)
    viewer.draw_anew()  # OHIF sets what to draw after the first picture, and draws no second one by itself
    viewer.tell(lambda: volume in viewer.do(ask="lines"), f"the report's {volume}", 20)
    told = sided(viewer, case, "report")

    def led_on() -> bool:
        viewer.do(beside=["SR", NEXT])
        return viewer.slice != first

    viewer.tell(led_on, "a place of the report in another slice", 20)
    viewer.picture("report next")
    return f"{told}, with {volume}; its arrows lead to slice {viewer.slice}"


def list_check(viewer: Viewer, case: Case) -> str:
    """The list of measurements: it names the detection, and a click on it leads to its slice from another one."""
    first = open_report(viewer, case)
    viewer.do(click="Yes")
    viewer.tell(lambda: any("Anomaly 1" in line for line in viewer.do(ask="lines")), "the name at its arrow", 40)
    told = sided(viewer, case, "arrow", 2 * STRAY)  # a thin line
    viewer.go_to(first - AWAY)
    viewer.do(push=LIST)
    name = listed_name(case.dicom / "report.dcm")
    viewer.tell(lambda: name in viewer.do(ask="text"), f'"{name}" in the list', 20)
    assert viewer.slice == first - AWAY, f"OHIF shows slice {viewer.slice} before the click"
    viewer.do(click=name)
    viewer.tell(lambda: viewer.slice == first, f"slice {first} after a click on the list", 20)
    viewer.picture("list")
    return f'{told}; the list says "{name}", and a click on it leads from slice {first - AWAY} to {first}'


def listed_name(report: Path) -> str:
    """The comment of the first group of measurements of a report."""
    (groups,) = (one for one in pydicom.dcmread(report).ContentSequence if concept(one) == "126010")
    items = next(one for one in groups.ContentSequence if one.ValueType == "CONTAINER").ContentSequence
    return next(str(item.TextValue) for item in items if concept(item) == "121106")


def concept(item: pydicom.Dataset) -> str:
    """The code of the name of an item."""
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def slices_check(viewer: Viewer, case: Case) -> str:
    """The marked slices."""
    title = case.title("slice_001.dcm")
    viewer.do(open=title)
    viewer.tell(lambda: viewer.do(ask="text").count(title) > 1, "the marked slices")  # also over the image then
    ordered = [int(image.InstanceNumber) for image in case.images]
    viewer.go_to(1 + ordered.index(case.slice))
    return sided(viewer, case, "marked slices")


CHECKS: tuple[Callable[[Viewer, Case], str], ...] = (map_check, segments_check, report_check, list_check, slices_check)


def viewer_checks(tools: Path, scan: Path, case: Case, folder: Path) -> Iterator[str]:
    """A sentence on what OHIF shows, or what is wrong with it after "WRONG:"."""
    with serving(tools, folder) as servers, opened(tools, folder / "pictures") as viewer:
        servers.store([*sorted(scan.iterdir()), *sorted(case.dicom.glob("*.dcm"))])
        for check in CHECKS:
            viewer.study(servers.viewer, str(case.images[0].StudyInstanceUID))
            viewer.picture("series")
            try:
                yield check(viewer, case)
            except (AssertionError, RuntimeError) as error:
                yield f"WRONG: {error}"


def main() -> int:
    """Check and tell."""
    parser = argparse.ArgumentParser(description="See what OHIF and dcmqi make of a result's DICOM objects.")
    for name in ("scan", "results", "tools"):
        parser.add_argument(name, type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/viewers"))
    parser.add_argument("--side", choices=("left", "right"))
    words = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end as well
    case, wrong = case_of(words.scan, words.results, words.side), 0
    words.output.mkdir(parents=True, exist_ok=True)
    try:
        for told in reader_checks(words.tools, case.dicom, words.output / "dcmqi"):
            print(told, flush=True)
    except AssertionError as error:
        print(f"WRONG: {error}", flush=True)
        wrong += 1
    for told in viewer_checks(words.tools, words.scan, case, words.output.resolve()):
        print(told, flush=True)
        wrong += told.startswith("WRONG")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
