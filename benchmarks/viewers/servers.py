"""An archive and a viewer on this machine: Orthanc, and OHIF's own build with Orthanc's DICOMweb at the same origin.

OHIF's workers need one origin and the two headers of cross-origin isolation, which Orthanc does not send.
"""

from __future__ import annotations

import http.client
import json
import mimetypes
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DICOMWEB = "/dicom-web"
PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
UP_S = 60.0


@dataclass(frozen=True)
class Servers:
    """Addresses of the archive and of the viewer."""

    archive: str
    viewer: str

    def store(self, files: Iterable[Path]) -> None:
        """Store DICOM files.

        Raises:
            urllib.error.HTTPError: the archive does not take one.
        """
        for file in files:
            request = urllib.request.Request(f"{self.archive}/instances", data=file.read_bytes(), method="POST")
            urllib.request.urlopen(request, timeout=60).close()


@contextmanager
def serving(tools: Path, work: Path) -> Iterator[Servers]:
    """Both, with an empty archive in the folder `work`, for a while; `tools` are those of `set_up.sh`."""
    store = work / "archive"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    archive_port, viewer_port = free_port(), free_port()
    config = work / "orthanc.json"
    config.write_text(json.dumps(orthanc_config(store, archive_port)))
    with (work / "orthanc.log").open("w") as log:
        orthanc = subprocess.Popen(["Orthanc", str(config)], stdout=log, stderr=subprocess.STDOUT)
        viewer = ThreadingHTTPServer(("127.0.0.1", viewer_port), handler(tools / "ohif", archive_port))
        threading.Thread(target=viewer.serve_forever, daemon=True).start()
        try:
            wait_until_up(archive_port)
            yield Servers(f"http://127.0.0.1:{archive_port}", f"http://127.0.0.1:{viewer_port}")
        finally:
            viewer.shutdown()
            orthanc.terminate()
            orthanc.wait(timeout=30)


def orthanc_config(store: Path, port: int) -> dict[str, object]:
    """Orthanc for HTTP on this machine alone."""
    return {
        "StorageDirectory": str(store),
        "IndexDirectory": str(store),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [PLUGIN],
        "DicomWeb": {"Enable": True, "Root": f"{DICOMWEB}/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }


def ohif_config() -> str:
    """OHIF's `app-config.js`: one source of data, at its own origin."""
    source = {
        **{"friendlyName": "archive", "name": "archive", "imageRendering": "wadors", "thumbnailRendering": "wadors"},
        **dict.fromkeys(("wadoUriRoot", "qidoRoot", "wadoRoot"), DICOMWEB),
        **{"enableStudyLazyLoad": True, "supportsWildcard": True, "omitQuotationForMultipartRequest": True},
        "singlepart": "bulkdata,video,pdf",
    }
    namespace = "@ohif/extension-default.dataSourcesModule.dicomweb"
    config = {
        **{"routerBasename": "/", "extensions": [], "modes": [], "showStudyList": True, "maxNumberOfWebWorkers": 2},
        "investigationalUseDialog": {"option": "never"},
        "showCPUFallbackMessage": False,
        "defaultDataSourceName": "dicomweb",
        "dataSources": [{"namespace": namespace, "sourceName": "dicomweb", "configuration": source}],
    }
    return f"window.config = {json.dumps(config)}"


def handler(root: Path, archive_port: int) -> type[BaseHTTPRequestHandler]:
    """A handler of OHIF's files in a folder, its configuration, and of DICOMweb, which it passes on."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

        def do_GET(self) -> None:
            """Answer."""
            path = self.path.partition("?")[0]
            if path.startswith(DICOMWEB):
                self.pass_on()
            elif path == "/app-config.js":
                self.answer(200, "text/javascript", ohif_config().encode())
            else:
                file = (root / path.lstrip("/")).resolve()
                file = file if file.is_file() and root.resolve() in file.parents else root / "index.html"
                kind = "application/wasm" if file.suffix == ".wasm" else mimetypes.guess_type(file.name)[0]
                self.answer(200, kind or "application/octet-stream", file.read_bytes())

        do_POST = do_GET

        def pass_on(self) -> None:
            """Ask the archive."""
            length = int(self.headers.get("Content-Length") or 0)
            told = {name: value for name, value in self.headers.items() if name.lower() in ("accept", "content-type")}
            archive = http.client.HTTPConnection("127.0.0.1", archive_port, timeout=120)
            archive.request(self.command, self.path, self.rfile.read(length) or None, told)
            reply = archive.getresponse()
            self.answer(reply.status, reply.headers.get("Content-Type") or "", reply.read())
            archive.close()

        def answer(self, status: int, kind: str, body: bytes) -> None:
            """Send a reply; a browser that went away in the meantime does not get it."""
            with suppress(ConnectionError):
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **ISOLATION}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

    return Handler


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until_up(port: int) -> None:
    """Wait until something listens on a port.

    Raises:
        TimeoutError: nothing does after `UP_S`.
    """
    end = time.monotonic() + UP_S
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port} after {UP_S:.0f} s")
