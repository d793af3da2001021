"""Certificates for the tests of TLS, made by the program `openssl`; they last for two days."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.service.tls import TlsFiles


class Authority:
    """An authority that signs certificates, and its files in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not here: apt-get install openssl")
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = self._make(name, "basicConstraints=critical,CA:TRUE")

    def sign(self, name: str, host: str = "localhost") -> TlsFiles:
        """A certificate of a node on a host, its key, and this authority."""
        words = ["-CA", str(self.certificate), "-CAkey", str(self.key)]
        certificate, key = self._make(name, f"subjectAltName=DNS:{host}", *words)
        return TlsFiles(certificate, key, self.certificate)

    def _make(self, name: str, extension: str, *words: str) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", extension]
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command, *curve, *files, *words], check=True, capture_output=True)
        return certificate, key
