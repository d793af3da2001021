"""Results of the last scans, so that heatmap, scores and mask of one scan cost one run of the bundle.

A *run* is what `head-ct-anomaly run` does. What it gives follows from the bytes of the scan's files, the settings and
the bundle, which make up its *key*: a scan that was changed, or sent again under another name, is known by its bytes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import OrderedDict
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

OBJECTS = "dicom/"
"""Beginning of the names of a run's DICOM objects."""

SEGMENTATION = f"{OBJECTS}segmentation.dcm"
"""The file of a run that is the answer to `output=dicom_seg`."""

PAGES = {".html": "report.html", ".pdf": "report.pdf", ".png": "overview.png"}
"""Files of a run that show it, by their extension."""

KEPT = ("heatmap.nii.gz", "regions.nii.gz", *PAGES.values())
"""The files of a run that answers are made of, beside the DICOM objects."""

MOST = 8
"""Runs whose results are kept in memory: 10 to 30 MB each, as their files are compressed."""


class KeptResults:
    """Runs of a bundle, and the results of the last of them."""

    def __init__(self, bundle: Path, most: int = MOST) -> None:
        """Run the bundle in the folder `bundle`; keep the results of `most` runs."""
        sys.path.insert(0, str(bundle))  # its configs name `scripts`, and so does this application
        self.bundle, self.most = bundle, most
        self.results: OrderedDict[str, Any] = OrderedDict()
        self.lock = Lock()

    def of(self, scan: Path, values: Mapping[str, Any]) -> Any:
        """The `scripts.results.result.Result` of a scan with values of `inference.json` by id.

        It has the record, and of the files the heatmap, the regions, the report and, of a DICOM series, the objects.

        Raises:
            InputRefused: of the bundle: the scan can't be judged.
        """
        with self.lock:
            name = self.key(scan, values)
            if name not in self.results:
                self.results[name] = self.run(scan, values)
            self.results.move_to_end(name)
            while len(self.results) > self.most:
                self.results.popitem(last=False)
            return copy(self.results[name])  # so that arrays that are decoded of it are not kept

    def key(self, scan: Path, values: Mapping[str, Any]) -> str:
        """The key of a run: a sha256."""
        files = sorted(path for path in scan.rglob("*") if path.is_file()) if scan.is_dir() else [scan]
        known_by = [[str(path.relative_to(scan)) if scan.is_dir() else suffix(path), digest(path)] for path in files]
        text = json.dumps([known_by, dict(values), digest(self.bundle / "manifest.sha256")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def run(self, scan: Path, values: Mapping[str, Any]) -> Any:
        """As `of`, by a new run."""
        judging, result = import_module("scripts.results.judging"), import_module("scripts.results.result")
        objects = why_no_objects(scan) == ""
        with TemporaryDirectory(prefix="head_ct_anomaly_") as folder:
            output = Path(folder) / "results"
            judging.judge(scan, output, {**values, "dicom": objects})
            made = result.Result.read(output)
        kept = {name: content for name, content in made.files.items() if name in KEPT or name.startswith(OBJECTS)}
        return replace(made, files=kept)


def digest(path: Path) -> str:
    """The sha256 of a file; of one that can't be read, why: the bundle says what that means for the scan."""
    try:
        return str(import_module("scripts.integrity").sha256(path))
    except OSError as error:
        return f"{error.strerror}"


def suffix(path: Path) -> str:
    """The extension that tells what a file is."""
    return "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def why_no_objects(scan: Path) -> str:
    """The reason why no DICOM object can belong to a scan, in a sentence; empty if one can."""
    rooms = ("reading.inputs", "reading.references", "files.names", "files.zipped", "findings")
    inputs, references, names, zipped, findings = (import_module(f"scripts.{name}") for name in rooms)
    try:
        with zipped.unpacked(scan) as place:
            if names.is_nifti(inputs.scan_at(place)):
                return "A NIfTI file has no study that a DICOM segmentation could belong to. Ask for .nii.gz instead."
            references.check_referable(place)
    except findings.InputRefused as refused:
        return str(refused)
    return ""
