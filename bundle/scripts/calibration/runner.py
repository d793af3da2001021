"""One healthy scan of a calibration, in any process: through the configs, into the work folder.

The outcome is on the disk when the function returns: the residual, or the reason for the refusal. A scan that failed
leaves no file, so that it is tried again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..anomaly.files import WINDOWS
from ..assets import manifest_sha256
from ..errors import described, origin, see_output
from ..files.fingerprints import Source
from ..findings import PASSING, InputRefused
from ..processes.memory import give_back_free_memory
from ..skull.files import read_calibration
from ..workflow import device_values, parsed_configs, quiet
from .files import save_scan
from .skulls import HealthySkull


@dataclass(frozen=True)
class Recipe:
    """Settings by which residuals are made; it can be pickled.

    Attributes:
        weights: of the network.
        evidence_weights: of the density network; None for those that ship.
        stride: voxels between predictions.
        device: auto, cpu, cuda or cuda:N.
    """

    weights: Path
    stride: int
    device: str = "auto"
    evidence_weights: Path | None = None


@dataclass(frozen=True)
class Job:
    """A scan, the file in which its residual and its skull are cached, and whether only the skull has a part."""

    source: Source
    path: Path
    skull_only: bool = False


@dataclass(frozen=True)
class Outcome:
    """The outcome of a scan, in words, and whether it failed: neither cached nor refused."""

    text: str
    failed: bool = False


def measure_scan(recipe: Recipe, job: Job) -> Outcome:
    """Keep the residual of a scan, or why it was refused.

    Raises:
        OutputFailed: it can't be written, as with a full disk, so that no scan can.
    """
    began = time.process_time()
    notes = {"group": job.source.group}
    try:
        with quiet():
            scan, skull, found = maker_of(recipe)(job.source, job.skull_only)
    except InputRefused as refused:
        if refused.code in PASSING:  # it may be within reach the next time
            return Outcome(f"failed. {refused}", failed=True)
        save_scan(job.path, None, notes | {"refused": str(refused), "bundle": manifest_sha256()})
        return Outcome(f"refused. {refused}")
    except Exception as error:
        see_output(error, job.path)
        return Outcome(f"failed. {described(origin(error))}", failed=True)
    finally:
        give_back_free_memory()  # a process that measures many scans holds as much after each as after the first
    save_scan(job.path, scan, notes | found, skull)
    return Outcome(f"{time.process_time() - began:.0f} CPU-seconds, registration {found['verdict']}")


def parsed_config(recipe: Recipe) -> Any:
    """inference.json with the stride and the device that were asked for; a bone series alone, which shows no brain, is
    no healthy scan."""
    from ..networks.weights import sizes_of

    parser = parsed_configs(["inference.json"])
    parser["stride"], parser["bone_alone"] = recipe.stride, False
    if recipe.evidence_weights is not None:
        parser["evidence_weights"] = recipe.evidence_weights
    parser.update({**device_values(recipe.device), **sizes_of(recipe.weights)})
    return parser


class Maker:
    """Makes residuals: the parts of `inference.json` that this takes, with the weights."""

    def __init__(self, recipe: Recipe) -> None:
        import torch

        from ..anomaly.reader import reference_densities

        parser = parsed_config(recipe)
        self.device = parser.get_parsed_content("device")
        self.transforms = parser.get_parsed_content("preprocessing").transforms
        self.inferer = parser.get_parsed_content("inferer")
        places = (parser.get_parsed_content(name) for name in ("reference", "reference_regions"))
        self.windows_hu = tuple((float(lower), float(upper)) for lower, upper in (parser[name] for name in WINDOWS))
        self.usual = reference_densities(*places, self.windows_hu)
        self.network = parser.get_parsed_content("network_def").to(self.device)
        self.network.load_state_dict(torch.load(recipe.weights, map_location=self.device, weights_only=True))
        self.evidence = parser.get_parsed_content("evidence")
        self.usual_mm = read_calibration(parser.get_parsed_content("skull_normative")).usual_mm

    def __call__(self, source: Source, skull_only: bool = False) -> tuple[Any, HealthySkull | None, dict[str, Any]]:
        """The cached scan, None if its skull alone is asked for, its skull, and notes about it.

        Raises:
            InputRefused: the scan can't be judged.
        """
        from .scans import healthy_scan, prepared, skull_of

        data = prepared(source, self.transforms)
        notes = {"verdict": data["image"].meta["registration"]["verdict"]}
        skull = skull_of(data, self.usual_mm)
        if skull_only:
            return None, skull, notes
        parts = (self.inferer, self.network, self.device, self.usual, self.windows_hu, self.evidence)
        return healthy_scan(data, *parts), skull, notes


@lru_cache(maxsize=1)
def maker_of(recipe: Recipe) -> Maker:
    """The one of this process."""
    return Maker(recipe)
