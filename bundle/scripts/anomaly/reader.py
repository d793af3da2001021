"""Reads the volumes that the anomaly map is made with: the normative, and the densities of the reference head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from monai.transforms import LoadImage
from numpy.typing import NDArray

from ..assets import beside
from ..files.derived import read_derived
from ..preprocessing.intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, windows
from ..preprocessing.transforms import load_regions
from .asymmetry import densities
from .files import REMEDY, NotCalibrated, normative_of
from .normative import Normative

SHIPPED_WINDOWS_HU = (BRAIN_WINDOW_HU, BONE_WINDOW_HU)
"""The windows that `DENSITIES_NAME` was made with."""

DENSITIES_NAME = "reference_densities.npz"
"""The derived file (see `files.derived`) with the densities of the reference head and its regions."""


def load_normative(path: str | Path) -> Normative:
    """The normative in a file.

    Raises:
        NotCalibrated: the file is missing or of another form.
    """
    if not Path(path).is_file():
        raise NotCalibrated(f"There is no {Path(path).name}. {REMEDY}")
    image = LoadImage(image_only=True, dtype=np.float32, reader="NibabelReader")(path)
    return normative_of(image.numpy(), image.affine.numpy())


@dataclass(frozen=True)
class UsualDensities:
    """Densities (2, 128, 128, 128) of the reference head in steps, see `asymmetry`."""

    steps: NDArray[np.float32]


@lru_cache(maxsize=2)
def reference_densities(
    reference: str, regions: str, windows_hu: tuple[tuple[float, float], ...] = SHIPPED_WINDOWS_HU
) -> NDArray[np.float32]:
    """Densities (2, 128, 128, 128) of the reference head in a file, with its regions in another, in both windows.

    They are read once a process from `DENSITIES_NAME` beside the reference, or made where that is of other files or the
    windows are not those that ship.

    Raises:
        BundleChanged: the file is not the one that the bundle was made with.
    """
    kept = None
    if windows_hu == SHIPPED_WINDOWS_HU:
        kept = read_derived(beside(reference, DENSITIES_NAME), UsualDensities, (reference, regions))
    return (make_densities(reference, regions, windows_hu) if kept is None else kept).steps


def make_densities(
    reference: str, regions: str, windows_hu: tuple[tuple[float, float], ...] = SHIPPED_WINDOWS_HU
) -> UsualDensities:
    """Densities of the reference head in a file, with its regions in another, computed."""
    head = LoadImage(image_only=True, dtype=np.float32, reader="NibabelReader", ensure_channel_first=True)(reference)
    return UsualDensities(
        densities(windows(head.as_tensor(), windows_hu).numpy(), load_regions(regions), windows_hu)[0]
    )
