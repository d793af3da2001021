"""What the tests of the node talk to it with: a sender, an archive that counts, and the node as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any

import numpy as np
import pydicom
from dicom_series import common, write_series
from geometries import geometry
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, build_context, evt

HERE = Path(__file__).resolve().parent
SMALL = geometry("small", np.diag([-1.0, -1, 1]), (8.8, 9.2, 7.0), (24, 22, 20))
NAME = "Invented^Patient"


def write_study(folder: Path, number: int, count: int = 20) -> list[Path]:
    """The files of a small study of its own."""

    def edit(data: Dataset, k: int) -> None:
        data.StudyInstanceUID = f"1.2.3.{number + 1}"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}.1.{k + 1}"

    return write_series(folder, SMALL, list(range(count)), edit, series_uid=f"1.2.3.{number + 1}.1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_object(folder: Path, name: str, number: int, sop_class: str) -> Path:
    """The file of an object of any class in the study of a number, without an image."""
    data = common(sop_class, f"1.2.3.{number + 1}.{name}", f"1.2.3.{number + 1}.9")
    data.StudyInstanceUID = f"1.2.3.{number + 1}"
    path = folder / f"object_{name}.dcm"
    data.save_as(path, enforce_file_format=True)
    return path


def send(
    port: int,
    files: Sequence[Path],
    title: str = "SCANNER",
    called: str = "HEADCTANOMALY",
    abort: bool = False,
    tls: SSLContext | None = None,
) -> list[int]:
    """Send files to a node; the status of each, -1 where there is none. Nothing at all where it can't be reached."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)):
            return []
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    metas = [read_file_meta_info(file) for file in files]
    kinds = sorted({(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas})
    contexts = [build_context(*kind) for kind in kinds]
    tls_args = None if tls is None else (tls, "localhost")
    association = ae.associate("127.0.0.1", port, contexts, ae_title=called, tls_args=tls_args)
    if not association.is_established:
        return []
    try:
        return [int(association.send_c_store(pydicom.dcmread(file)).get("Status", -1)) for file in files]
    except (RuntimeError, ValueError):
        return [-1]
    finally:
        if abort:
            association.abort()
        else:
            association.release()


def send_until_taken(port: int, files: Sequence[Path], tls: SSLContext | None = None) -> None:
    """Send a study as scanners do: again as long as any of it was not taken."""
    deadline = time.monotonic() + 300
    while (answers := send(port, files, tls=tls)) != [0] * len(files):
        assert time.monotonic() < deadline, answers
        time.sleep(0.2)


class Archive:
    """A node that takes everything: how often each instance came, by study and class."""

    def __init__(self) -> None:
        self.instances: dict[str, Counter[str]] = {}
        self.data: dict[str, Dataset] = {}
        self.lock = threading.Lock()
        self.status = 0

    def store(self, event: Any) -> int:
        data = event.dataset
        data.file_meta = event.file_meta
        with self.lock:
            if self.status == 0:
                self.instances.setdefault(str(data.StudyInstanceUID), Counter())[str(data.SOPInstanceUID)] += 1
                self.data[str(data.SOPInstanceUID)] = data
        return self.status

    @contextmanager
    def open(self, port: int, tls: SSLContext | None = None) -> Iterator[Archive]:
        ae = AE(ae_title="PACS")
        for storage in ("30", "66.4", "88.34", "7", "104.1"):
            ae.add_supported_context(f"1.2.840.10008.5.1.4.1.1.{storage}")
        ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, self.store)], ssl_context=tls)
        try:
            yield self
        finally:
            ae.shutdown()


class Process:
    """`head-ct-anomaly listen` with the stand-in, as a process that can be killed."""

    def __init__(self, folder: Path, port: int, *words: str) -> None:
        self.folder, self.port = folder, port
        self.done, self.log = folder / "done.txt", folder / "log.txt"
        self.words = (str(folder / "spool"), "--port", str(port), "--min-free-mib", "1", *words)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(HERE / "pacs_stand_in.py"), str(self.done), *self.words]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def end(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def wait(self, condition: Callable[[], bool], timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process is None or self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)

    def wait_until_up(self) -> None:
        def up() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        self.wait(up)

    def count(self, state: str) -> int:
        return len(list((self.folder / "spool" / state).iterdir()))
