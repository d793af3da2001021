"""TLS in both directions: who is let in, who is not and why, and that a silent connection keeps nobody waiting."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom")

from certificates import Authority
from pacs_nodes import Archive, free_port, send, write_object, write_study

from scripts.errors import WrongUsage
from scripts.service.limits import Limits
from scripts.service.node import Node, SendFailed
from scripts.service.receiver import Receiver
from scripts.service.spool import Spool
from scripts.service.tls import TlsFiles

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True)
class Secured:
    """A node that listens over TLS, and certificates of senders."""

    spool: Spool
    port: int
    known: TlsFiles
    foreign: TlsFiles


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    ours, others = Authority(folder / "ours", "hospital"), Authority(folder / "others", "stranger")
    spool, port = Spool(folder / "spool", Limits(free_bytes=0)), free_port()
    context = ours.sign("node").context(server=True)
    with Receiver(spool, "HEADCTANOMALY", ["SCANNER"], context).listening("127.0.0.1", port):
        yield Secured(spool, port, ours.sign("scanner"), replace(others.sign("scanner"), authority=ours.certificate))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "head_ct_anomaly"]


def log_line(caplog: pytest.LogCaptureFixture) -> str:
    """The line about the connection that was refused."""
    deadline = time.monotonic() + 20
    while not lines(caplog):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (line,) = lines(caplog)
    return line


def test_a_sender_with_a_certificate_of_the_authority(secured: Secured, tmp_path: Path) -> None:
    before = len(list(secured.spool.root.rglob("*.dcm")))
    context = secured.known.context(server=False)
    assert send(secured.port, write_study(tmp_path, 0, 2), tls=context) == [0, 0]
    assert len(list(secured.spool.root.rglob("*.dcm"))) == before + 2


def anonymous(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files.authority)
    return context


def outdated(files: TlsFiles) -> ssl.SSLContext:
    context = files.context(server=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    return context


def weak(files: TlsFiles) -> ssl.SSLContext:
    context = files.context(server=False)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA")
    return context


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("without a certificate", "peer did not return a certificate"),
        ("with a foreign one", "unable to get local issuer certificate"),
        ("with TLS 1.1", "unsupported protocol"),
        ("with a weak cipher", "no shared cipher"),
        ("without TLS", "wrong version number"),
    ],
)
def test_a_sender_that_is_refused(
    kind: str, reason: str, secured: Secured, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = {
        "without a certificate": anonymous(secured.known),
        "with a foreign one": secured.foreign.context(server=False),
        "with TLS 1.1": outdated(secured.known),
        "with a weak cipher": weak(secured.known),
        "without TLS": None,
    }[kind]
    before = len(list(secured.spool.root.rglob("*.dcm")))
    assert send(secured.port, write_study(tmp_path, 1, 1), tls=context) == []
    assert log_line(caplog) == f"a TLS connection from 127.0.0.1 was refused: {reason}"
    assert len(list(secured.spool.root.rglob("*.dcm"))) == before


def test_silent_connections_keep_nobody_waiting_and_probes_are_not_logged(
    secured: Secured, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "head_ct_anomaly")
    silent = [socket.create_connection(("127.0.0.1", secured.port)) for _ in range(3)]
    started = time.monotonic()
    assert send(secured.port, write_study(tmp_path, 2, 1), tls=secured.known.context(server=False)) == [0]
    assert time.monotonic() - started < 8, "a handshake may take 10 s"
    for connection in silent:
        connection.close()
    time.sleep(0.1)
    assert not lines(caplog)


def test_dcmtk_sends_over_tls(secured: Secured, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if shutil.which("storescu") is None:
        pytest.skip("storescu is not here: apt-get install dcmtk")
    (file,) = write_study(tmp_path, 3, 1)

    def storescu(files: TlsFiles) -> int:
        tls = ["+tls", str(files.key), str(files.certificate), "+cf", str(files.authority)]
        words = ["-aet", "SCANNER", "-aec", "HEADCTANOMALY", "localhost", str(secured.port), str(file)]
        return subprocess.run(["storescu", *tls, *words], capture_output=True, check=False).returncode

    before = len(list(secured.spool.root.rglob("*.dcm")))
    assert storescu(secured.foreign) != 0
    assert log_line(caplog).startswith("a TLS connection from 127.0.0.1 was refused: ")
    assert len(list(secured.spool.root.rglob("*.dcm"))) == before
    assert storescu(secured.known) == 0
    assert len(list(secured.spool.root.rglob("*.dcm"))) == before + 1


def test_results_go_over_tls_only_to_a_node_of_the_authority(secured: Secured, tmp_path: Path) -> None:
    file, port = write_object(tmp_path, "1", 4, CAPTURE), free_port()
    node = Node("localhost", port, "PACS", "HEADCTANOMALY", 5, secured.known.context(server=False))
    with Archive().open(port, secured.known.context(server=True)) as archive:
        node.send([file])
        assert len(archive.data) == 1
        with pytest.raises(SendFailed, match=r"127.0.0.1:\d+ can't be reached over TLS \(IP address mismatch"):
            replace(node, host="127.0.0.1").send([file])
    for context in (secured.foreign.context(server=True), None):
        with Archive().open(port, context), pytest.raises(SendFailed, match=r"can't be reached over TLS \(\w"):
            node.send([file])


def test_files_that_can_not_be_used(secured: Secured, tmp_path: Path) -> None:
    known, text = secured.known, tmp_path / "text.pem"
    text.write_text("no PEM")
    for files, message in {
        replace(known, authority=tmp_path / "none"): r"authority can't be used \(No such file or directory\)",
        replace(known, authority=text): r"authority can't be used \(no certificate or crl found\)",
        replace(known, certificate=text): "certificate and key can't be used .*--tls-certificate and --tls-key",
        replace(known, key=secured.foreign.key): r"can't be used \(key values mismatch\)",
    }.items():
        with pytest.raises(WrongUsage, match=message):
            files.context(server=True)
    locked = tmp_path / "locked.key"
    command = ["openssl", "ec", "-aes256", "-passout", "pass:word", "-in", str(known.key), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(WrongUsage, match="The TLS key is encrypted"):
        replace(known, key=locked).context(server=True)
