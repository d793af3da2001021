"""Stage 2: the cohort's scans in reference space, as the pipeline sees them, in small files.

Each scan goes through the `preprocessing` of `inference.json` up to the intensities: it is read, registered, masked,
and gets regions of its own. No pose, mask or label of the simulator is used. The lesion's mask goes the way that the
scan went, by the registration that was found. A scan that the pipeline refuses is kept as refused, with the reason.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from scripts.files.atomic import staged
from scripts.findings import InputRefused
from scripts.geometry.coordinates import grid_affine
from scripts.geometry.resampling import resample
from scripts.registration.spaces import REFERENCE_SHAPE
from scripts.workflow import parsed_configs

LEVEL = 1
"""Of zlib: background compresses well at any level, and noise at none."""


@dataclass(frozen=True, eq=False)
class Registered:
    """A scan in reference space.

    Attributes:
        name: of its folder in the cohort.
        truth: of the planted lesion.
        hu: (256, 256, 256), int16, -1024 in the background and only there.
        regions: (256, 256, 256), uint8, the scan's own.
        lesion: (256, 256, 256), uint8: 1 lesion, 2 swelling.
        validity: (256, 256, 256), uint8: 1 in the field of view.
        coverage: share of each region in the field of view.
    """

    name: str
    truth: dict[str, Any]
    hu: NDArray[np.int16]
    regions: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    validity: NDArray[np.uint8]
    coverage: dict[str, float]


def preprocessing() -> list[Any]:
    """The transforms of inference.json before those that make the networks' inputs.

    Raises:
        ValueError: these are not the last of them any more.
    """
    parser = parsed_configs(["inference.json"])
    *before, blocks, last = parser["preprocessing"]["transforms"]
    if (blocks, last) != ("@to_blocks", "@intensity"):
        raise ValueError(f"preprocessing must end with @to_blocks and @intensity, got {blocks}, {last}")
    parser["preprocessing"]["transforms"] = before
    return list(parser.get_parsed_content("preprocessing").transforms)


def register(scan: Path, target: Path, transforms: Sequence[Any]) -> str:
    """Register the scan in a folder into the file `target`, unless it exists; returns a sentence on the outcome."""
    if target.is_file():
        return "kept"
    truth = json.loads((scan / "truth.json").read_text())
    facts: dict[str, Any] = {"name": scan.name, "truth": truth, "refused": None, "coverage": {}}
    arrays: dict[str, NDArray[Any]] = {}
    try:
        data: Any = {"image": str(scan / "scan.nii.gz")}
        for transform in transforms:  # one by one: MONAI's Compose would hide a refusal in an error of its own
            data = transform(data)
    except InputRefused as refusal:
        facts["refused"] = str(refusal)
    else:
        found = data["image"].meta["registration"]
        facts |= {"coverage": data["coverage"], "registration": found}
        arrays = {
            "hu": np.rint(np.asarray(data["image"][0])).astype(np.int16),
            "regions": np.asarray(data["regions"][0]).astype(np.uint8),
            "validity": np.asarray(data["validity"][0]).astype(np.uint8),
            "lesion": carried(scan / "lesion.nii.gz", np.array(found["matrix"])),
        }
    write(target, arrays, facts)
    return facts["refused"] or found["verdict"]


def carried(path: Path, matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A lesion's mask (256, 256, 256) in reference space, by a registration (4, 4) from scan mm to reference mm."""
    image = nib.load(path)
    mask = torch.from_numpy(np.asarray(image.dataobj).astype(np.float32))[None]
    moved = resample(mask, matrix @ image.affine, REFERENCE_SHAPE, grid_affine(), "nearest")
    return np.asarray(moved[0].numpy().astype(np.uint8))


def write(target: Path, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
    """Write arrays and facts to one compressed file, which appears whole or not at all."""
    with staged(target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as file:
        for name, values in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, values)
        file.writestr("facts.json", json.dumps(facts))


def facts_of(path: Path) -> dict[str, Any]:
    """The facts in a file of `write`."""
    with zipfile.ZipFile(path) as file:
        facts: dict[str, Any] = json.loads(file.read("facts.json"))
    return facts


def load(path: Path) -> Registered:
    """A registered scan.

    Raises:
        ValueError: the pipeline refused it.
    """
    facts = facts_of(path)
    if facts["refused"]:
        raise ValueError(f"{path.name} was refused: {facts['refused']}")
    arrays = {}
    with zipfile.ZipFile(path) as file:
        for name in ("hu", "regions", "lesion", "validity"):
            with file.open(f"{name}.npy") as stream:
                arrays[name] = np.lib.format.read_array(stream)
    return Registered(facts["name"], facts["truth"], **arrays, coverage=facts["coverage"])
