"""The weights and the calibration that a user names, instead of those that ship: values of ids of inference.json, and
whether the calibration is valid for the weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..assets import config_values, place
from ..statistics.alpha import ALPHA, reached, smallest_in_words

SKULL_NAME = "skull_normative.npz"
"""Name of the skull's file, as `skull.files.NAME`: no room imports its neighbour."""


@dataclass(frozen=True)
class Chosen:
    """The files that a user chose; None stands for what ships. It can be pickled.

    Attributes:
        calibration: folder of a calibration.
        weights: of the position network.
        evidence_weights: of the density network.
    """

    calibration: Path | None = None
    weights: Path | None = None
    evidence_weights: Path | None = None

    def values(self) -> dict[str, Any]:
        """Values by id of inference.json for what was chosen, and for the size of the network that the weights are of.

        Paths stay paths, see `workflow`.
        """
        named = {"weights": self.weights, "evidence_weights": self.evidence_weights}
        values: dict[str, Any] = {name: path.absolute() for name, path in named.items() if path}
        if self.weights:
            from ..networks.weights import sizes_of

            values |= sizes_of(self.weights)
        return values | (calibration_values(self.calibration) if self.calibration else {})


SHIPPED = Chosen()
"""Nothing was chosen."""


def calibration_values(folder: Path) -> dict[str, Path]:
    """Values by id of inference.json for the calibration in a folder; they stay paths, see `workflow`."""
    from .evidence_files import NAME
    from .files import NORMATIVE_NAME, THRESHOLDS_NAME

    folder = folder.absolute()
    names = {"normative": NORMATIVE_NAME, "thresholds": THRESHOLDS_NAME, "evidence_normative": NAME}
    names["skull_normative"] = SKULL_NAME
    return {name: folder / file for name, file in names.items()}


def why_not_valid(chosen: Chosen = SHIPPED) -> str:
    """A sentence on why the calibration is not valid for the weights; "" if it is."""
    from .evidence_files import NAME
    from .files import EVIDENCE_INPUTS, NORMATIVE_NAME, THRESHOLDS_NAME, WINDOWS, NotCalibrated, checked_thresholds

    folder = chosen.calibration or Path(place("models"))
    network = chosen.weights or place("models/model.pt")
    try:
        files = (folder / THRESHOLDS_NAME, folder / NORMATIVE_NAME, network, place("models/reference.nii.gz"))
        values = config_values("inference.json")
        said: dict[str, str | Path] = {"evidence_normative": folder / NAME}
        said["evidence_weights"] = chosen.evidence_weights or place("models/evidence.pt")
        windows_hu = [values[name] for name in WINDOWS]
        inputs = {name: values[name] for name in EVIDENCE_INPUTS}
        checked_thresholds(*files, windows_hu=windows_hu, evidence=said, evidence_inputs=inputs)
    except NotCalibrated as reason:
        return str(reason)
    return ""


def why_no_alpha(alpha: float | None, chosen: Chosen = SHIPPED) -> str:
    """A sentence on why thresholds of an alpha can't be had of a calibration; "" if they can, or none is asked for.

    It is about the scores of the hemispheres; a result says of the other thresholds whether alpha is reached.
    """
    if alpha is None or alpha == ALPHA:
        return ""
    from .files import THRESHOLDS_NAME, read_thresholds
    from .scores import TOP, score_name

    if reason := why_not_valid(chosen):
        return f"Thresholds of alpha {alpha:g} need healthy scores. {reason}"
    folder = chosen.calibration or Path(place("models"))
    healthy = len(read_thresholds(folder / THRESHOLDS_NAME).scores_of("left_hemisphere", score_name("calibrated", TOP)))
    if not healthy or reached(alpha, healthy):
        return ""
    return (
        f"alpha {alpha:g} is too small for {healthy} healthy hemispheres: they tell {smallest_in_words(healthy)} at "
        "least. Use a larger alpha, or calibrate on more healthy scans."
    )
