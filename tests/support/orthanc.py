"""An Orthanc of the tests' own, on free ports of this machine: `apt-get install orthanc orthanc-dicomweb`."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pacs_nodes import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Orthanc:
    """Its ports."""

    dicom: int
    http: int

    @property
    def dicomweb(self) -> str:
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def store(self, title: str, port: int) -> Any:
        """Let Orthanc send all that it holds to a node on this machine; its answer. Raises an HTTPError if it fails."""
        node = {"AET": title, "Host": "127.0.0.1", "Port": port}
        self.request("PUT", "modalities/node", json.dumps(node).encode())
        return self.request("POST", "modalities/node/store", json.dumps(self.request("GET", "studies")).encode())

    def request(self, method: str, path: str, content: bytes | None = None) -> Any:
        """The answer to a request of the REST interface."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/{path}", content, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def running(folder: Path) -> Iterator[Orthanc]:
    """An empty Orthanc; skips the test where there is none."""
    program = shutil.which("Orthanc")
    if program is None or not PLUGIN.exists():
        pytest.skip("Orthanc is not here: apt-get install orthanc orthanc-dicomweb dcmtk")
    folder.mkdir(parents=True)
    ports = Orthanc(free_port(), free_port())
    settings = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "DicomAet": "PACS",
        "DicomPort": ports.dicom,
        "HttpPort": ports.http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True,
        "DicomCheckCalledAet": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            wait(f"http://127.0.0.1:{ports.http}/system", folder / "log.txt")
            yield ports
        finally:
            process.terminate()
            process.wait(30)


def wait(url: str, log: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
