"""Stage 1, too: whole skulls from the folders that `benchmarks/detection.py draw` leaves, for the calibration."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np

from scripts.files.atomic import staged
from scripts.skull.staircase import THICK_MM

from .draw import pose_error


def take_scans(folder: Path, cases: Path) -> int:
    """Make a healthy case of each scan of a folder that is none yet and has no fracture; returns their number.

    A lesion of the brain leaves the skull whole. The alignment is the true one with an error, as of the drawn pairs.
    """
    count = 0
    for scan in sorted(folder.glob("*/scan.nii.gz")):
        path = cases / f"{scan.parent.name}.npz"
        truth = json.loads((scan.parent / "truth.json").read_text(encoding="utf-8"))
        if path.is_file() or "fracture" in str(truth["lesion"]):
            continue
        protocol = truth["protocol"]
        facts = {"anatomy": truth["anatomy"], "seed": truth["seed"], "kind": None, "side": None}
        facts |= {name: protocol[name] for name in ("thickness_mm", "increment_mm")}
        facts["slices"] = "thick" if protocol["increment_mm"] >= THICK_MM else "middle"
        image = nib.load(scan)
        matrix = pose_error(np.random.default_rng(truth["seed"])) @ np.array(truth["to_reference"])
        cases.mkdir(parents=True, exist_ok=True)
        with staged(path) as partial, partial.open("wb") as file:
            np.savez(
                file,
                hu=np.asarray(image.dataobj).astype(np.int16),  # type: ignore[attr-defined]
                affine=image.affine,  # type: ignore[attr-defined]
                matrix=matrix,
                lesion_mm=np.zeros((0, 3)),
                truth=np.array(json.dumps(facts)),
            )
        count += 1
    return count
