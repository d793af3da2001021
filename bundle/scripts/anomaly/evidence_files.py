"""The normatives of evidence and density in a file, `evidence_normative.npz`.

Means are kept at the places of the right half of the box, covariances at every second one (`evidence_normative`), all
as 16 bit floats, and 0 at places of which too few healthy scans say something. The file takes about 5 MB.
"""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..assets import sha256
from .evidence_normative import COARSE, EvidenceNormative, half_shape, mirror_signs, pairs
from .files import REMEDY, NotCalibrated
from .parts import FIELDS_AND_KINDS, EvidenceNormal

NAME = "evidence_normative.npz"

FORMAT = "head_ct_position_anomaly evidence 1"
"""Value of `format` in the file."""

LARGEST = float(np.finfo(np.float16).max)
"""Larger numbers become this: no covariance is near it."""


def evidence_bytes(normal: EvidenceNormal) -> bytes:
    """The file; the same normatives give the same bytes."""
    arrays: dict[str, Any] = {"format": np.array(FORMAT)}
    for name, normative in (("position", normal.position), ("density", normal.density)):
        near = ndimage.binary_dilation(normative.known, np.ones((3, 3, 3)))
        coarse = ndimage.maximum_filter(near, 2 * COARSE + 1)[::COARSE, ::COARSE, ::COARSE]
        arrays[f"{name}.mean"] = _half(np.where(near, normative.mean, 0))
        arrays[f"{name}.covariance"] = _half(np.where(coarse, normative.covariance, 0))
        arrays[f"{name}.count"] = _half(np.floor(8 * normative.count) / 8)  # never up: what is unknown stays so
        arrays[f"{name}.ridge"] = np.array(normative.ridge)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _half(values: NDArray[np.floating]) -> NDArray[np.float16]:
    return np.asarray(np.clip(values, -LARGEST, LARGEST), dtype=np.float16)


def read_evidence(path: str | Path) -> EvidenceNormal:
    """The normatives in a file, read once a process and anew when its content changes.

    Raises:
        NotCalibrated: it is missing, damaged or of another form.
    """
    name = Path(path).name
    if not Path(path).is_file():
        raise NotCalibrated(f"There is no {name}. {REMEDY}")
    try:
        return _read(str(path), sha256(path))
    except (KeyError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, NotCalibrated):
            raise
        raise NotCalibrated(f"{name} can't be read. {REMEDY}") from error


@lru_cache(maxsize=2)
def _read(path: str, digest: str) -> EvidenceNormal:
    """The normatives in a file whose sha256 is `digest`.

    Raises:
        NotCalibrated: it is of another format.
        KeyError, EOFError, OSError, ValueError, zipfile.BadZipFile: it is damaged or of another form.
    """
    with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        if str(archive["format"]) != FORMAT:
            raise NotCalibrated(f"{Path(path).name} is of another format than {FORMAT!r}. {REMEDY}")
        position = _normative(archive, "position", mirror_signs(range(FIELDS_AND_KINDS)))
        density = _normative(archive, "density", np.ones(1))
    return EvidenceNormal(position, density)


def _normative(archive: Any, name: str, signs: NDArray[np.float64]) -> EvidenceNormative:
    """One of the two.

    Raises:
        ValueError: it has other places or features.
    """
    mean, covariance, count = (archive[f"{name}.{part}"].astype(np.float32) for part in ("mean", "covariance", "count"))
    shape = half_shape()
    coarse = tuple(-(-side // COARSE) for side in shape)
    wanted = [(len(signs), *shape), (len(pairs(len(signs))), *coarse), shape]
    found = [mean.shape, covariance.shape, count.shape]
    if found != wanted:
        raise ValueError(f"{name} has places or features {found}, not {wanted}")
    return EvidenceNormative(mean, covariance, count, signs, float(archive[f"{name}.ridge"]))
