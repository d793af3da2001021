"""The calibration of the skull in a file, `skull_normative.npz`.

For thin and for thick slices (`CLASSES`), or one of them, it holds the mean and sd of each map, the mean and sd of the
peaks of healthy scans, and their scores; beside them the mean surface. Values are symmetric, so the right half is kept,
in 255 steps of their largest; the last code means unknown.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import Class, Normative, mirrored_map
from .directions import Array
from .measure import MAPS

NAME = "skull_normative.npz"
FORMAT = "head_ct_position_anomaly skull 1"
CLASSES = ("thin", "thick")

UNKNOWN, STEPS = 255, 254
"""Code of an infinite value, and number of steps of the largest finite one."""

SURFACE_STEP_MM = 0.01
REMEDY = "Make it again with `head-ct-anomaly calibrate`, or take it from the bundle that the scripts came with."


@dataclass(frozen=True, eq=False)
class Calibration:
    """The mean surface (m,), mm, and by class of slices the calibration and the scores of healthy scans.

    A class of which too few healthy scans are known is left out.
    """

    usual_mm: Array
    classes: dict[str, Class]
    healthy: dict[str, Array]


def calibration_bytes(calibration: Calibration) -> bytes:
    """The file of a calibration; the same one gives the same bytes."""
    half = len(calibration.usual_mm) // 2
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "surface": np.rint(calibration.usual_mm[:half] / SURFACE_STEP_MM).astype(np.uint16),
    }
    for name, found in calibration.classes.items():
        arrays[f"{name}.healthy"] = np.sort(calibration.healthy[name]).astype(np.float32)
        for key in MAPS:
            arrays[f"{name}.{key}.peaks"] = found.peaks[key].astype(np.float32)
            for part, values in (("mean", found.usual.mean[key]), ("sd", found.usual.sd[key])):
                arrays[f"{name}.{key}.{part}"], arrays[f"{name}.{key}.{part}.step"] = _coded(values)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def read_calibration(path: str | Path) -> Calibration:
    """The calibration in a file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is of another format, or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if str(arrays["format"]) != FORMAT:
            raise ValueError(f"{Path(path).name} is of another format than {FORMAT!r}. {REMEDY}")
        names = [name for name in CLASSES if f"{name}.healthy" in arrays]
        classes = {name: _class(arrays, name) for name in names}
        surface = arrays["surface"].astype(np.float64) * SURFACE_STEP_MM
        healthy = {name: arrays[f"{name}.healthy"].astype(np.float64) for name in names}
    except (KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{Path(path).name} can't be read. {REMEDY}") from error
    return Calibration(np.concatenate([surface, surface]), classes, healthy)


def _coded(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Codes (rows, m / 2) of the right half of values (rows, m), and the value of a step."""
    right = values[:, : values.shape[1] // 2]
    finite = np.isfinite(right)
    step = np.float32(max(float(right[finite].max(initial=0)), 1e-6) / STEPS)
    codes = np.where(finite, np.rint(np.where(finite, right, 0) / step), UNKNOWN)
    return codes.astype(np.uint8), np.asarray(step)


def _class(arrays: dict[str, NDArray[Any]], name: str) -> Class:
    """The class of a name from the arrays of the file."""
    parts: dict[str, dict[str, NDArray[np.float32]]] = {"mean": {}, "sd": {}}
    for part, of in parts.items():
        for key in MAPS:
            codes, step = arrays[f"{name}.{key}.{part}"], arrays[f"{name}.{key}.{part}.step"]
            right = np.where(codes == UNKNOWN, np.inf, codes * step).astype(np.float32)
            both = np.concatenate([right, right], axis=1)
            both[:, right.shape[1] :] = mirrored_map(both)[:, right.shape[1] :]
            of[key] = both
    peaks = {key: arrays[f"{name}.{key}.peaks"].astype(np.float64) for key in MAPS}
    return Class(Normative(parts["mean"], parts["sd"]), peaks)
