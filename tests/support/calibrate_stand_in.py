"""A calibration whose scans take no time: the pipeline is replaced, also in processes that know nothing of the test.

Residuals are random, in a box, by the name of the scan. What is called `bad` is refused, what is called `broken` fails,
and what is called `slow` takes its time. Each scan that is begun, and its process, is a line in the file that the
environment names.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from scripts.calibration import runner as healthy_runner
from scripts.calibration.folds import HealthyScan
from scripts.calibration.runner import Job, Outcome, Recipe, measure_scan
from scripts.calibration.skulls import HealthySkull
from scripts.commands import calibrate
from scripts.commands.main import main
from scripts.files.fingerprints import Source
from scripts.findings import refusal
from scripts.skull.atlas import atlas
from scripts.skull.directions import LINES
from scripts.skull.measure import MAPS

N = 12
"""Places along a side of the normative's grid, here."""

LOG = "CALIBRATE_STAND_IN_LOG"
"""The environment variable that names the file."""


class Pretend:
    """Stands for the pipeline."""

    def __init__(self, recipe: Recipe) -> None:
        pass

    def __call__(
        self, source: Source, skull_only: bool = False
    ) -> tuple[HealthyScan | None, HealthySkull | None, dict[str, str]]:
        """A residual by the name of the scan; those that are drawn have a skull, too."""
        with Path(os.environ[LOG]).open("a") as file:
            file.write(f"{source.name} {os.getpid()}\n")
        if source.name.startswith("bad"):
            raise refusal("not_ct", "There is no CT image.")
        if source.name.startswith("broken"):
            raise RuntimeError("It broke.")
        if source.name.startswith("slow"):
            time.sleep(100)
        inside, regions = np.zeros((N, N, N), bool), np.zeros((N, N, N), np.uint8)
        inside[1:, 2:10, 3:10] = True
        regions[: N // 2], regions[N // 2 :], regions[:, :, 8:] = 1, 2, 3
        rng = np.random.default_rng(sum(source.name.encode()))
        residual, asymmetry = rng.normal(1, 6, (3, N, N, N)), rng.normal(0, 2, (N, N, N))
        shares = dict.fromkeys(("left_hemisphere", "right_hemisphere", "skull"), 1.0)
        notes = {"verdict": "review" if source.name == "scan_02.nii.gz" else "pass"}
        scan = HealthyScan(residual, asymmetry, inside, np.where(inside, regions, 0), shares, 4)
        return None if skull_only else scan, None if source.seed is None else skull(source.seed), notes


def skull(seed: int) -> HealthySkull:
    """A random skull in slices of 1 mm."""
    rng, count = np.random.default_rng(seed), len(atlas().pooled)
    rows = {"lines": LINES, "wide": LINES, "dents": 1}
    maps = {name: rng.uniform(0, 1, (rows[name], count)).astype(np.float16) for name in MAPS}
    return HealthySkull(maps, np.ones(count, bool), thick=False)


def stand_in_scan(recipe: Recipe, job: Job) -> Outcome:
    """`measure_scan` with the pipeline replaced."""
    healthy_runner.maker_of = Pretend
    return measure_scan(recipe, job)


def made() -> list[str]:
    """The scans in the order in which they were begun, which are forgotten then."""
    log = Path(os.environ[LOG])
    names = [line.rpartition(" ")[0] for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return names


if __name__ == "__main__":
    import calibrate_stand_in

    calibrate.measure_scan = calibrate_stand_in.stand_in_scan
    calibrate.pipeline_settings = lambda args: {}  # they need MONAI and the network, which take seconds
    sys.exit(main(sys.argv[1:]))
