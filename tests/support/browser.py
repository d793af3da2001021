"""A headless browser without a library: Chromium's DevTools protocol over two pipes.

The browser reads commands from its descriptor 3 and writes answers and events to 4, as JSON that ends in a zero byte.
It draws WebGL in software, so that it needs no GPU.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORDS = (
    *("--headless=new", "--no-sandbox", "--hide-scrollbars", "--mute-audio", "--no-first-run"),
    *(
        "--use-gl=angle",
        "--use-angle=swiftshader",
        "--ignore-gpu-blocklist",
        "--enable-unsafe-swiftshader",
        "--disable-dev-shm-usage",
        "--remote-debugging-pipe",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
)

PATIENCE_S = 60.0
"""How long an answer is waited for."""


def chromium() -> str | None:
    """The browser that the variable CHROMIUM names; None without one."""
    return os.environ.get("CHROMIUM")


class Browser:
    """A page in a headless browser.

    Attributes:
        said: what the console said, errors that no script caught, and connections that were tried.
    """

    def __init__(self, program: str, profile: Path, words: tuple[str, ...] = (), size: tuple[int, int] = (1400, 1000)):
        """Start the program with a profile of its own."""
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        command = [
            program,
            *WORDS,
            *words,
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            "about:blank",
        ]
        moved = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", moved, "browser", *command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._session, self.said = b"", 0, "", []  # type: ignore[var-annotated]
        self.events: list[dict[str, Any]] = []
        pages = [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        self._session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(*size)

    def close(self) -> None:
        """End the program."""
        try:
            self._session = ""
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._to)
            os.close(self._from)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command.

        Raises:
            RuntimeError: the browser says that it can't, or nothing in time.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._hear(answer)

    def _message(self) -> dict[str, Any]:
        """The next answer or event."""
        until = time.monotonic() + PATIENCE_S
        while b"\0" not in self._buffer:
            if not select.select([self._from], [], [], max(0.0, until - time.monotonic()))[0]:
                raise RuntimeError(f"the browser said nothing for {PATIENCE_S:.0f} s")
            if not (more := os.read(self._from, 1 << 20)):
                raise RuntimeError("the browser ended")
            self._buffer += more
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def _hear(self, event: dict[str, Any]) -> None:
        """Keep what an event says."""
        method, params = event.get("method", ""), event.get("params", {})
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.said.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.said.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.said.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(("file:", "data:", "blob:", "about:")):
                self.said.append(f"asked for {url}")

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript; a promise is awaited.

        Raises:
            RuntimeError: it threw.
        """
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def open(self, path: Path) -> None:
        """Open a file, and wait until it is loaded."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true.

        Raises:
            RuntimeError: it was not in time.
        """
        until = time.monotonic() + PATIENCE_S
        while not self.run(expression):
            if time.monotonic() > until:
                raise RuntimeError(f"{expression} did not come true: {self.said}")
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, whole: bool = False) -> bytes:
        """What is seen, or the whole page, as a PNG."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def key(self, name: str, code: str = "", shift: bool = False) -> None:
        """Press and let go a key."""
        words = {"key": name, "code": code or name, "modifiers": 8 if shift else 0}
        if len(name) == 1:
            words["text"] = name
        codes = {
            "Tab": 9,
            "Enter": 13,
            " ": 32,
            "PageUp": 33,
            "PageDown": 34,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
        }
        words["windowsVirtualKeyCode"] = codes.get(name, ord(name.upper()[0]))
        if name == "Enter":
            words["text"] = "\r"
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, **words)

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@contextmanager
def browser(profile: Path, words: tuple[str, ...] = ()) -> Iterator[Browser]:
    """A browser, which ends after use.

    Raises:
        FileNotFoundError: there is none.
    """
    program = chromium()
    if program is None:
        raise FileNotFoundError("There is no Chromium: name one by the variable CHROMIUM.")
    one = Browser(program, profile, words)
    try:
        yield one
    finally:
        one.close()
