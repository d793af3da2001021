"""Reads the two files of a calibration, `normative.nii.gz` and `thresholds.json`, and checks that they fit a run.

A calibration is valid only for the weights, the reference head, and the brain and bone window that it was made with.
The *same weights* are the same file or, as `networks.weights` compares them, the same tensors in another file.
`calibration.files` writes both files and describes their contents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..assets import sha256
from ..geometry.coordinates import grid_affine
from .chosen_calibration import SKULL_NAME
from .covariances import FEATURES
from .normative import GRID_SIZE, GRID_STEP, Normative, channels_of
from .scores import Thresholds

NORMATIVE_NAME, THRESHOLDS_NAME = "normative.nii.gz", "thresholds.json"


THRESHOLDS_FORMAT = "head_ct_position_anomaly thresholds 1"
"""Value of `format` in `thresholds.json`."""


WINDOWS = ("brain_window_hu", "bone_window_hu")
"""Ids in the config, and names in the settings of a calibration, of the windows."""

EVIDENCE_INPUTS = ("evidence_windows_hu", "evidence_median_hu")
"""The same of what the density network sees: its windows, and the median of every brain."""

UNNAMED_MEDIAN_HU = 33.0
"""The median of calibrations that do not name theirs."""

UNNAMED_WINDOWS_HU = ((-20.0, 100.0), (0.0, 1500.0))
"""The windows of calibrations that do not name theirs: those made before version 0.3."""


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
        ours, digest = content["format"] == THRESHOLDS_FORMAT, sha256(path)
    except FileNotFoundError as error:
        raise NotCalibrated(f"There is no {path.name}. {REMEDY}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotCalibrated(f"{path.name} can't be read. {REMEDY}") from error
    if not ours:
        raise NotCalibrated(f"{path.name} is of another format than {THRESHOLDS_FORMAT!r}. {REMEDY}")
    facts = {k: v for k, v in content.items() if k not in ("format", "healthy_scores")}
    return Thresholds(healthy, facts, sha256=digest)


def checked_thresholds(
    thresholds: str | Path,
    normative: str | Path,
    weights: str | Path,
    reference: str | Path,
    windows_hu: Sequence[Sequence[float]],
    evidence: Mapping[str, str | Path] | None = None,
    evidence_inputs: Mapping[str, Any] | None = None,
) -> Thresholds:
    """The thresholds in a file, seen to belong to the other files and to the windows in HU.

    Args:
        thresholds: the file.
        normative: of residual and asymmetry.
        weights: of the position network.
        reference: the reference head.
        windows_hu: the brain and the bone window.
        evidence: "evidence_normative" and "evidence_weights", where there are any; seen to only if the calibration was
            made with some.
        evidence_inputs: by the names of `EVIDENCE_INPUTS`, what the density network sees.

    Raises:
        NotCalibrated: a file is missing, or the thresholds were made with another one or with other inputs; or they
            name another `skull_normative.npz` than the one beside them.
    """
    found = read_thresholds(thresholds)
    files = {"normative": normative, "weights": weights, "reference": reference}
    files |= (evidence or {}) if has_evidence(found) else {}
    for what, path in files.items():
        if not Path(path).is_file():
            raise NotCalibrated(f"There is no {Path(path).name}. {REMEDY}")
        if found.facts.get(f"{what}_sha256") != sha256(path) and not (what == "weights" and same_tensors(path, found)):
            raise NotCalibrated(f"The calibration was made with another file than this {Path(path).name}. {REMEDY}")
    check_skull(found.facts, Path(thresholds).with_name(SKULL_NAME))
    check_windows(found.facts, windows_hu)
    if evidence and has_evidence(found):
        check_evidence_inputs(found.facts, evidence_inputs or {})
    return found


def check_skull(facts: Mapping[str, Any], path: Path) -> None:
    """See that the skull's calibration is the one that belongs to these facts, where they name one and it is there.

    Raises:
        NotCalibrated: it is another one.
    """
    wanted = facts.get("skull_normative_sha256")
    if wanted is not None and path.is_file() and sha256(path) != wanted:
        raise NotCalibrated(f"The calibration was made with another file than this {path.name}. {REMEDY}")


def has_evidence(thresholds: Thresholds) -> bool:
    """True if the calibration knows what is normal for the evidence of a density network."""
    return "evidence_normative_sha256" in thresholds.facts


def check_evidence_inputs(facts: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """See that a calibration was made with these inputs of the density network.

    Raises:
        NotCalibrated: it was not.
    """
    windows, median = EVIDENCE_INPUTS
    made_with = {median: UNNAMED_MEDIAN_HU, **facts.get("settings", {})}
    wanted = {windows: [list(map(float, window)) for window in inputs[windows]], median: float(inputs[median])}
    for name, value in wanted.items():
        if made_with.get(name) != value:
            raise NotCalibrated(f"The calibration was made with other {name}, {made_with.get(name)}. {REMEDY}")


def same_tensors(weights: str | Path, thresholds: Thresholds) -> bool:
    """True if the file's tensors are those that the thresholds were made with; loads PyTorch."""
    if not (wanted := thresholds.facts.get("tensors_sha256")):
        return False
    from ..networks.weights import UNREADABLE, tensors_sha256

    try:
        found = tensors_sha256(weights)
    except UNREADABLE:
        return False
    return found == str(wanted)


def check_windows(facts: Mapping[str, Any], windows_hu: Sequence[Sequence[float]]) -> None:
    """See that a calibration was made in these windows.

    Raises:
        NotCalibrated: it was not.
    """
    settings = facts.get("settings", {})
    for name, unnamed, window in zip(WINDOWS, UNNAMED_WINDOWS_HU, windows_hu, strict=True):
        made_in = settings.get(name, list(unnamed))
        if made_in != [float(limit) for limit in window]:
            raise NotCalibrated(
                f"The calibration was made with {name} {made_in}, not {list(window)}. "
                "Leave the window as it was, or change it in inference.json and run `head-ct-anomaly calibrate`."
            )
