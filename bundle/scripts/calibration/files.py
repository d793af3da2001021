"""The files of a calibration: the cache of each scan, and the files that ship.

`normative.nii.gz` lies on every 4th voxel of the reference grid; its fourth axis holds 12 volumes: the mean of the four
features (residual x, y, z in mm, asymmetry in steps), the covariance of the residual (xx, xy, xz, yy, yz, zz), the
variance of the asymmetry, and the count of healthy scans and their mirror images (see `normative`), each rounded to
multiples of `QUANTUM` and 0 beyond the places that can be used. `thresholds.json` holds the healthy scores, the number
of scans, the windows, and the sha256 of the normative, the reference head, and the weights: `weights_sha256` of their
file, `tensors_sha256` of its tensors. The calibration is valid for these alone. `evidence_normative.npz` is described
in `anomaly.evidence_files`, `skull_normative.npz` in `skull.files`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anomaly.evidence_files import NAME as EVIDENCE_NAME
from ..anomaly.evidence_files import evidence_bytes
from ..anomaly.files import NORMATIVE_NAME, THRESHOLDS_FORMAT, THRESHOLDS_NAME
from ..anomaly.normative import GRID_STEP, Normative
from ..anomaly.parts import Evidence
from ..anomaly.scores import Thresholds
from ..assets import sha256
from ..files.atomic import replace_file, write_output
from ..files.json_text import json_text, on_one_line
from ..files.nifti import nifti_bytes
from ..geometry.coordinates import grid_affine
from ..skull.files import NAME as SKULL_NAME
from ..skull.files import Calibration as SkullCalibration
from ..skull.files import calibration_bytes
from ..skull.measure import MAPS
from .folds import HealthyScan, Normal
from .skulls import HealthySkull

QUANTUM = 1 / 32
"""Quantisation step, in the unit of each volume: far below its accuracy, and it compresses well."""

DECIMALS = 4
"""Of the healthy scores."""


def normative_volume(normative: Normative) -> NDArray[np.float32]:
    """The volumes (64, 64, 64, 12) of the file."""
    count = np.floor(normative.count[None] / QUANTUM)  # never up: what is unknown stays so
    rounded = [np.round(normative.mean / QUANTUM), np.round(normative.covariance / QUANTUM), count]
    used = ndimage.binary_dilation(normative.known, np.ones((3, 3, 3)))
    channels = np.where(used, np.concatenate(rounded) * QUANTUM, 0)
    return np.ascontiguousarray(np.moveaxis(channels, 0, -1), dtype=np.float32)


def write_calibration(
    folder: Path, normal: Normal, thresholds: Thresholds, skull: SkullCalibration | None = None
) -> None:
    """Write the files; `thresholds.json`, which names the sha256 of the others, comes last.

    Raises:
        OSError: they can't be written.
    """
    replace_file(folder / NORMATIVE_NAME, nifti_bytes(normative_volume(normal.normative), grid_affine(GRID_STEP)))
    facts = {**thresholds.facts, "normative_sha256": sha256(folder / NORMATIVE_NAME)}
    if normal.evidence is not None:
        replace_file(folder / EVIDENCE_NAME, evidence_bytes(normal.evidence))
        facts["evidence_normative_sha256"] = sha256(folder / EVIDENCE_NAME)
    if skull is not None:
        replace_file(folder / SKULL_NAME, calibration_bytes(skull))
        facts["skull_normative_sha256"] = sha256(folder / SKULL_NAME)
    replace_file(folder / THRESHOLDS_NAME, thresholds_text(thresholds.healthy, facts).encode())


def thresholds_text(healthy: Mapping[str, Mapping[str, Sequence[float]]], facts: Mapping[str, Any]) -> str:
    """The content of `thresholds.json`: the format, the facts, and the healthy scores, rounded to `DECIMALS`."""
    rounded = {
        name: {score: [round(value, DECIMALS) for value in values] for score, values in inner.items()}
        for name, inner in healthy.items()
    }
    return on_one_line(json_text({"format": THRESHOLDS_FORMAT, **facts, "healthy_scores": rounded}))


def save_scan(
    path: Path, scan: HealthyScan | None, notes: Mapping[str, Any], skull: HealthySkull | None = None
) -> None:
    """Cache a scan and its skull for the calibration, or only the notes (plain JSON values) if it was refused.

    Raises:
        OutputFailed: the file can't be written; an earlier file stays.
    """
    arrays: dict[str, Any] = {"notes": np.array(json.dumps(dict(notes)))}
    if scan is not None:
        arrays |= {
            "residual_mm": scan.residual_mm[:, scan.inside].astype(np.float16),
            "asymmetry": scan.asymmetry[scan.inside].astype(np.float16),
            "inside": scan.inside,
            "regions": scan.regions,
            "coverage": np.array(json.dumps(scan.coverage)),
            "stride": np.array(scan.stride),
        }
        if scan.evidence is not None:
            known = np.isfinite(scan.evidence.features[0])
            arrays |= {
                "known": known,
                "evidence": scan.evidence.features[:, known].astype(np.float16),
                "density": scan.evidence.density.astype(np.float16),
            }
    if skull is not None:
        arrays |= {f"skull.{name}": skull.maps[name] for name in MAPS}
        arrays |= {"skull.known": skull.known, "skull.thick": np.array(skull.thick)}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_output(path, content.getvalue())


def load_scan(path: Path) -> tuple[HealthyScan | None, dict[str, Any]]:
    """The cached scan (None if it was refused) and its notes.

    Raises:
        OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error: the file is damaged, or of other form.
    """
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        notes: dict[str, Any] = json.loads(str(arrays["notes"]))
        if "inside" not in arrays:
            return None, notes
        inside = arrays["inside"]
        residual_mm = np.zeros((3, *inside.shape), dtype=np.float16)
        residual_mm[:, inside] = arrays["residual_mm"]
        asymmetry = np.zeros(inside.shape, dtype=np.float16)
        asymmetry[inside] = arrays["asymmetry"]
        coverage = {name: float(share) for name, share in json.loads(str(arrays["coverage"])).items()}
        parts = (residual_mm, asymmetry, inside, arrays["regions"], coverage, int(arrays["stride"]))
        return HealthyScan(*parts, _evidence(arrays)), notes


def load_skull(path: Path) -> HealthySkull | None:
    """The skull in the cache of a scan; None if it could not be judged.

    Raises:
        OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error: the file is damaged, or of other form.
    """
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        if "skull.known" not in arrays:
            return None
        maps = {name: arrays[f"skull.{name}"] for name in MAPS}
        return HealthySkull(maps, arrays["skull.known"], bool(arrays["skull.thick"]))


def _evidence(arrays: Any) -> Evidence | None:
    """The evidence in a cached scan; None if it has none."""
    if "evidence" not in arrays:
        return None
    known, values = arrays["known"], arrays["evidence"]
    features = np.full((len(values), *known.shape), np.nan, np.float16)
    features[:, known] = values
    return Evidence(features, arrays["density"])
