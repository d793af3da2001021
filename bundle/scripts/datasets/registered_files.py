"""A registered scan in one small file, so that several networks can score it and it is registered once.

What is kept is all that the preprocessing knows before the intensities: HU and regions inside the head, which is all of
them, since both are air or 0 outside it; the field of view; and what was found. Nothing is rounded: a scan that is read
again gives the same scores and the same heatmap, byte for byte. A refused scan is a file too, with its findings.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.atomic import replace_file
from ..findings import Finding, InputRefused
from ..geometry.coordinates import REFERENCE_SIZE
from ..volume import AIR_HU

SHAPE = (REFERENCE_SIZE, REFERENCE_SIZE, REFERENCE_SIZE)

DAMAGED = (EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
"""Exceptions raised by reading a file that is incomplete, or of another form."""


@dataclass(frozen=True, eq=False)
class RegisteredScan:
    """A scan in reference space; arrays are (256, 256, 256).

    Attributes:
        hu: float32, -1024 outside the head.
        head: bool, the head inside the field of view.
        valid: bool, the field of view.
        regions: uint8, labels of the scan's own regions, 0 outside the head.
        coverage: share of each region in the field of view.
        meta: "registration" and "findings", JSON values.
    """

    hu: NDArray[np.float32]
    head: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    regions: NDArray[np.uint8]
    coverage: Mapping[str, float]
    meta: Mapping[str, Any]


def save_registered(path: Path, scan: RegisteredScan | InputRefused) -> None:
    """Keep a scan, or why it was refused, in a file that appears whole or not at all.

    Raises:
        OSError: it can't be written.
        ValueError: a HU or a region outside the head would be lost.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    if isinstance(scan, InputRefused):
        refused = [asdict(finding) | {"series_uid": None} for finding in scan.findings]
        np.savez_compressed(content, facts=np.array(json.dumps({"refused": refused})))
    else:
        outside = ~scan.head
        if (scan.hu[outside] != AIR_HU).any() or scan.regions[outside].any():
            raise ValueError("a registered scan must be air, and of no region, outside the head")
        facts = {"coverage": dict(scan.coverage), "meta": dict(scan.meta)}
        np.savez_compressed(
            content,
            facts=np.array(json.dumps(facts)),
            head=np.packbits(scan.head),
            valid=np.packbits(scan.valid),
            hu=scan.hu[scan.head],
            regions=scan.regions[scan.head],
        )
    replace_file(path, content.getvalue())


def load_registered(path: Path) -> RegisteredScan | InputRefused | None:
    """The scan or refusal cached in a file; None if there is none, or the file is incomplete."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            facts = json.loads(str(arrays["facts"]))
            if "refused" in facts:
                return InputRefused(Finding(**finding) for finding in facts["refused"])
            head, valid = (_mask(arrays[name]) for name in ("head", "valid"))
            hu, regions = np.full(SHAPE, AIR_HU, np.float32), np.zeros(SHAPE, np.uint8)
            hu[head], regions[head] = arrays["hu"], arrays["regions"]
            return RegisteredScan(hu, head, valid, regions, facts["coverage"], facts["meta"])
    except DAMAGED:
        return None


def _mask(bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.unpackbits(bits).reshape(SHAPE).astype(bool)
