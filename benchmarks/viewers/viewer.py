"""OHIF in a browser: opens series, goes to slices, and tells where a picture of it is coloured."""

from __future__ import annotations

import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURFUL = 60
"""Difference of the channels of a pixel from which on it is a colour; CT is grey."""

IMAGE = (slice(220, 900), slice(560, 1330))
"""Rows and columns of the browser's window in which there are pixels of a scan and no words of OHIF's."""

EDGE = 4
"""Pixels around words that may have their colour."""

SETTLED_S = 10.0
"""Time for the first image."""

LOADED_S, SCROLLED_S = 120.0, 4.0
"""Longest time until something is loaded, and until a key is followed."""


class Viewer:
    """A page of OHIF; `folder` takes the pictures."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process, self.folder = process, folder
        self.url = self.uid = ""

    def do(self, **command: Any) -> Any:
        """Give the browser a command (see `browser.js`) and return its answer.

        Raises:
            RuntimeError: it did not do it.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline() or '{"error": "the browser ended"}')
        if reply.get("error") or reply["done"] is False:
            raise RuntimeError(f"{command}: {reply.get('error', 'it is not on the page')}")
        return reply["done"]

    def tell(self, condition: Callable[[], bool], what: str, within_s: float = LOADED_S) -> None:
        """Wait until something holds.

        Raises:
            AssertionError: it does not, in time; a picture of that is kept.
        """
        end = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > end:
                self.picture(f"not {what}")
                raise AssertionError(f"OHIF does not show {what} after {within_s:.0f} s")
            time.sleep(1)

    def study(self, url: str, uid: str) -> None:
        """Open a study anew and wait for its list of series."""
        self.url, self.uid = url, uid
        self.do(goto=f"{url}/viewer?StudyInstanceUIDs={uid}")
        self.tell(lambda: "research" in self.do(ask="text").lower(), "the list of series")
        self.tell(lambda: bool(self.do(ask="slice")), "a slice")
        time.sleep(SETTLED_S)
        if "Skip all" in self.do(ask="text"):
            self.do(click="Skip all")

    @property
    def slice(self) -> int:
        """Number of the image that is shown."""
        found = self.do(ask="slice")
        return int(found[0]) if found else 0

    def go_to(self, number: int) -> None:
        """Scroll to the image of a number, as OHIF shows it.

        Raises:
            AssertionError: it is not reached.
        """
        self.press()
        for key in ("ArrowUp", "ArrowDown"):
            for _ in range(400):
                before = self.slice
                if before == number:
                    return
                self.do(key=key)
                after = self.other_than(before)
                if after == before or abs(after - number) > abs(before - number):
                    break
        assert self.slice == number, f"OHIF shows slice {self.slice}, not {number}"

    def draw_anew(self) -> None:
        """Go to the next slice and back.

        Raises:
            AssertionError: the slice is not reached again.
        """
        self.press()
        number = self.slice
        self.do(key="ArrowDown")
        self.other_than(number)
        self.go_to(number)

    def press(self) -> None:
        """Click in the middle of the image."""
        self.do(press=[(part.start + part.stop) // 2 for part in reversed(IMAGE)])

    def other_than(self, number: int) -> int:
        """Number of the image that is shown once it is another one; the same if none comes within `SCROLLED_S`."""
        end = time.monotonic() + SCROLLED_S
        while self.slice == number and time.monotonic() < end:
            time.sleep(0.05)
        return self.slice

    def picture(self, name: str) -> NDArray[np.int16]:
        """A picture of the page (rows, columns, 3), kept in the folder under its name."""
        path = self.folder / f"{name}.png"
        self.do(shot=str(path))
        return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"), dtype=np.int16)

    def coloured(self, name: str) -> tuple[int, int]:
        """Pixels of a colour, but for words, on the left half of the head, the patient's right, and on the other."""
        time.sleep(2)  # for what is drawn in a moment
        page = self.picture(name)
        for left, top, right, bottom in self.do(ask="words"):
            page[int(top) - EDGE : int(bottom) + EDGE, int(left) - EDGE : int(right) + EDGE] = 0
        pixels = page[IMAGE]
        colour = np.ptp(pixels, axis=-1) > COLOURFUL
        columns = np.flatnonzero((pixels.min(axis=-1) > 230).any(axis=0))  # those of bone, which is white
        if not columns.size:  # no scan is shown yet
            return 0, 0
        middle = int(columns.min() + columns.max()) // 2
        return int(colour[:, :middle].sum()), int(colour[:, middle:].sum())


@contextmanager
def opened(tools: Path, folder: Path) -> Iterator[Viewer]:
    """A browser, as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("browser.js")
    process = subprocess.Popen(
        ["node", str(script), str(tools.resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Viewer(process, folder)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=60)
