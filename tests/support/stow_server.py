"""A DICOMweb server that stores what is posted to it, but for classes that it refuses in the way it is told to."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pydicom
from pydicom.uid import ExplicitVRLittleEndian

JSON = "application/dicom+json"


@dataclass
class Answer:
    """An answer to what is posted: status, body and its type, and further headers."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def failed(status: int, reason: int | None, kind: str = JSON) -> Answer:
    """The answer that an object failed."""
    item = {} if reason is None else {"00081197": {"vr": "US", "Value": [reason]}}
    return Answer(status, json.dumps({"00081198": {"vr": "SQ", "Value": [item]}}).encode(), kind)


@dataclass
class StowServer:
    """The server: `answers` by class, or by "" for all, and `compressed` to what is not without compression.

    `posted` are the classes that came, `stored` the UIDs of what was taken, `asked` the paths of questions, `logins`
    the headers by which senders logged in.
    """

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    compressed: Answer | None = None
    posted: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def take(self, kind: str, body: bytes) -> Answer:
        """Store an object, unless there is another answer for its class."""
        boundary = kind.partition("boundary=")[2].encode()
        _, part, end = body.split(b"--" + boundary)
        head, _, content = part.partition(b"\r\n\r\n")
        assert (head, end) == (b"\r\nContent-Type: application/dicom", b"--\r\n")
        data = pydicom.dcmread(io.BytesIO(content[:-2]))
        self.posted.append(str(data.SOPClassUID))
        if self.compressed and data.file_meta.TransferSyntaxUID != ExplicitVRLittleEndian:
            return self.compressed
        if answer := self.answers.get(str(data.SOPClassUID)) or self.answers.get(""):
            return answer
        self.stored.add(str(data.SOPInstanceUID))
        return Answer()

    @contextmanager
    def open(self) -> Iterator[StowServer]:
        """Serve while the context lasts."""
        own = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in {"Content-Type": answer.kind, **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def do_POST(self) -> None:
                assert self.path == "/dicom-web/studies"
                assert self.headers["Accept"] == JSON
                own.logins += self.headers.get_all("Authorization", [])
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(own.take(self.headers["Content-Type"], body))

            def do_GET(self) -> None:
                own.asked.append(self.path)
                uid = self.path.split("/")[-2]
                there = uid in own.stored
                body = json.dumps([{"00080018": {"vr": "UI", "Value": [uid]}}] if there else []).encode()
                self.answer(Answer(200 if there else 404, body))

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/dicom-web"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
