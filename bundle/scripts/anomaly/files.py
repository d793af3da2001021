"""Reads the two files of a calibration, `normative.nii.gz` and `thresholds.json`, and checks that they fit the weights.

`calibration.files` writes them and describes their contents.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..assets import sha256
from ..geometry.coordinates import grid_affine
from .normative import FEATURES, GRID_SIZE, GRID_STEP, Normative, channels_of
from .scores import Thresholds

NORMATIVE_NAME, THRESHOLDS_NAME = "normative.nii.gz", "thresholds.json"


THRESHOLDS_FORMAT = "head_ct_position_anomaly thresholds 1"
"""Value of `format` in `thresholds.json`."""


REMEDY = "Run `head-ct-anomaly calibrate` for these weights."


class NotCalibrated(ValueError):
    """There is no calibration that is true of these weights; the message says why."""


def normative_of(volume: NDArray[np.floating], affine: NDArray[np.floating]) -> Normative:
    """The normative in the volumes (64, 64, 64, 12) and the affine of a file.

    Raises:
        NotCalibrated: it is of another form.
    """
    shape = (*[GRID_SIZE] * 3, channels_of(FEATURES))
    if volume.shape != shape or not np.allclose(affine, grid_affine(GRID_STEP), atol=1e-4):
        raise NotCalibrated(
            f"{NORMATIVE_NAME} does not hold {shape[-1]} volumes on every 4th voxel of the reference. {REMEDY}"
        )
    channels = np.ascontiguousarray(np.moveaxis(volume, -1, 0), dtype=np.float32)
    return Normative(channels[:FEATURES], channels[FEATURES:-1], channels[-1])


def read_thresholds(path: str | Path) -> Thresholds:
    """The thresholds in a file.

    Raises:
        NotCalibrated: there is no such file, or it holds something else.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        healthy = {
            name: {score: tuple(map(float, values)) for score, values in inner.items()}
            for name, inner in content["healthy_scores"].items()
        }
        ours = content["format"] == THRESHOLDS_FORMAT
    except FileNotFoundError as error:
        raise NotCalibrated(f"There is no {path.name}. {REMEDY}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotCalibrated(f"{path.name} can't be read. {REMEDY}") from error
    if not ours:
        raise NotCalibrated(f"{path.name} is of another format than {THRESHOLDS_FORMAT!r}. {REMEDY}")
    return Thresholds(healthy, {k: v for k, v in content.items() if k not in ("format", "healthy_scores")})


def checked_thresholds(
    thresholds: str | Path, normative: str | Path, weights: str | Path, reference: str | Path
) -> Thresholds:
    """The thresholds in a file, seen to belong to the other three files.

    Raises:
        NotCalibrated: a file is missing, or the thresholds were made with another one.
    """
    found = read_thresholds(thresholds)
    for what, path in (("normative", normative), ("weights", weights), ("reference", reference)):
        if not Path(path).is_file():
            raise NotCalibrated(f"There is no {Path(path).name}. {REMEDY}")
        if found.facts.get(f"{what}_sha256") != sha256(path):
            raise NotCalibrated(f"The calibration was made with another file than this {Path(path).name}. {REMEDY}")
    return found
