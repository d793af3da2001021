"""A study as scanners make it: the reference head in soft, thick slices, and in thin ones with a bone kernel.

Only the bone series shows the *fracture*, a gap of about 1 mm in the right parietal bone: in the slices of 2 mm of the
soft one it is not drawn. So a skull score that sees it comes from the bone series.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from planted import planted

from scripts.assets import asset
from scripts.geometry.coordinates import CENTRE_MM
from scripts.simulation.scanner.series import SeriesText, write_series

MIDDLE, ALONG = np.array([0.72, -0.1, 0.68]), np.array([0.1, 1.0, 0.05])
"""Direction of the fracture's middle from the centre of the head, and about the direction of its course."""

LENGTH_MM, WIDTH_MM = 70.0, 1.2
NOISE_HU = 40.0
TEXTS = {
    "soft": SeriesText(SeriesNumber=2, SeriesDescription="Head 2.0 soft", ConvolutionKernel="H30s"),
    "bone": SeriesText(SeriesNumber=3, SeriesDescription="Head 1.0 bone", ConvolutionKernel="H70h"),
}


@cache
def sharp_head(fractured: bool = True) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """The reference head (I, J, K) at 1 mm with the noise of a bone kernel, and its affine; not to be written to."""
    image: Any = nib.load(asset("models/reference.nii.gz"))
    whole = np.rint(np.asarray(image.dataobj)).astype(np.float32)
    box = tuple(slice(max(0, n.min() - 4), n.max() + 5) for n in np.nonzero(whole > -500))
    affine = np.array(image.affine)
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    hu = whole[box].copy()
    if fractured:
        points = np.stack(np.indices(hu.shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3] - np.array(CENTRE_MM)
        out = MIDDLE / np.linalg.norm(MIDDLE)
        course = ALONG - out * (ALONG @ out)
        course /= np.linalg.norm(course)
        beside, along = points @ np.cross(out, course), points @ course
        gap = (np.abs(beside) < WIDTH_MM / 2) & (np.abs(along) < LENGTH_MM / 2) & (points @ out > 40) & (hu > 300)
        hu[gap] = 50
    hu += np.random.default_rng(0).normal(0, NOISE_HU, hu.shape).astype(np.float32)
    stored = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
    stored.flags.writeable = affine.flags.writeable = False
    return stored, affine


def write_soft(folder: Path, side: str = "left") -> Path:
    """Write the soft series, with a bleed on a side, into a folder; the folder."""
    write_series(folder, *planted(side), text=TEXTS["soft"])
    return folder


def write_bone(folder: Path, fractured: bool = True, **attributes: Any) -> Path:
    """Write the bone series of the same patient, study and frame of reference likewise."""
    write_series(folder, *sharp_head(fractured), text=TEXTS["bone"], attributes=attributes)
    return folder
