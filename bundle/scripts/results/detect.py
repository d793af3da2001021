"""The door for Python programs: one scan in, its results in memory out, by the same chain as `head-ct-anomaly run`.

from head_ct_position_anomaly import detect
result = detect("scan_folder")
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..anomaly.chosen_calibration import Chosen, why_no_alpha, why_not_valid
from ..anomaly.scores import MAPS
from ..errors import WrongUsage
from ..files.inputs import named_path
from ..files.temporary import temporary_folder
from ..networks.devices import DEVICE, check_device
from ..networks.strides import STRIDES
from ..statistics.alpha import checked_alpha
from ..workflow import device_values, prepare_process
from .judging import judge
from .result import Result

UID = re.compile(r"[0-9.]{1,64}")
"""Form of a series' UID."""


def detect(
    scan: str | Path,
    *,
    device: str | None = None,
    stride: int | None = None,
    series_uid: str | None = None,
    map: str | None = None,
    calibration: str | Path | None = None,
    alpha: float | None = None,
) -> Result:
    """The results of one scan: what `head-ct-anomaly run` writes, in memory.

    Args:
        scan: a folder (series or study), a DICOM file, a NIfTI, or a zip archive of one of these.
        device: "cpu", "cuda" or "cuda:N"; None takes a GPU if there is one.
        stride: mm between predictions, 1, 2 or 4; None is 2.
        series_uid: the series to use, when a study holds several.
        map: what the heatmap shows: "calibrated" (None), "error", or a part: "position", "asymmetry",
            "density" or "density_one_sided".
        calibration: folder of a calibration other than the one that ships.
        alpha: share of the calibration's healthy scores above the thresholds; None is 0.05.

    Raises:
        InputRefused: the scan can't be judged; `code` and the text say why.
        WrongUsage: there is no such device, the calibration is not valid for the weights or has too few healthy scores
            for alpha, or the working directory was removed.
        OutputFailed: there is no folder for temporary files.
        ValueError: an argument has none of its values.
    """
    prepare_process()
    values = {**chosen_values(device, stride, series_uid, map, calibration, alpha)}
    values["report"] = False  # made when it is saved
    with temporary_folder() as folder:
        judge(named_path(scan), folder / "results", values)
        return Result.read(folder / "results")


def chosen_values(
    device: str | None,
    stride: int | None,
    series_uid: str | None,
    map: str | None,
    calibration: str | Path | None,
    alpha: float | None = None,
) -> dict[str, Any]:
    """Values by id of inference.json for the arguments of `detect`, each checked, since it becomes part of a config.

    Raises:
        WrongUsage, ValueError: as of `detect`.
    """
    if stride not in (None, *STRIDES):
        raise ValueError(f"stride must be 1, 2 or 4 (mm), got {stride!r}.")
    if map not in (None, *MAPS):
        raise ValueError(f"map must be one of {', '.join(MAPS)}, got {map!r}.")
    if series_uid is not None and not UID.fullmatch(str(series_uid)):
        raise ValueError("series_uid must be digits and dots, at most 64 of them.")
    name = "auto" if device is None else str(device)
    if not DEVICE.fullmatch(name):
        raise ValueError(f"device must be cpu, cuda or cuda:N, got {name!r}.")
    check_device(name)
    chosen = Chosen(None if calibration is None else Path(calibration))
    if (chosen.calibration or map not in (None, "error")) and (reason := why_not_valid(chosen)):
        raise WrongUsage(f"A calibrated map was asked for. {reason}")
    if alpha is not None and (reason := why_no_alpha(checked_alpha(alpha), chosen)):
        raise WrongUsage(reason)
    asked = {"stride": stride, "series_uid": series_uid, "map": map, "alpha": alpha}
    values: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    return {**values, **chosen.values(), **device_values(name)}
