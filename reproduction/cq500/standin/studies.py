"""The series of one simulated patient, made from one drawn head and as few scans of it as possible.

A *study* is a head in the scanner. It is scanned once, in *thin* slices of `THIN_MM`; from these come thick ones (means
of several), the series after contrast agent (vessels and dura brighter), bone reconstructions (sharpened) and
localizers (a projection). Only a tilted series is a scan of its own. `faulty_series` makes what should not be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scripts.simulation.anatomy.labels import TABLE_SIZE
from scripts.simulation.person.contrast import BLOOD, VESSEL_HU, enhance
from scripts.simulation.person.head import SimulatedHead, stream
from scripts.simulation.registered_head import PROTOCOL_STREAM
from scripts.simulation.scanner.protocol import Protocol, draw_protocol
from scripts.simulation.scanner.sampling import sample
from scripts.simulation.scanner.scan import HIGHEST_HU, PADDING_HU, Scan, acquire

Array = NDArray[np.float64]
Hu = NDArray[np.int16]

STUDY_STREAM = 30
"""Stream of random numbers for what only studies have: tilt, contrast agent, faults."""

THIN_MM, THICK_OF, TILTED_MM = 1.25, 4, 5.0
"""Thickness of thin slices, how many of them make a thick one, and thickness of tilted ones."""

FIELD_MM = 240.0
"""Side of the field of view."""

TILT_DEG = (8.0, 20.0)
"""Range of the gantry tilt, forward or back."""

AGENT_HU = (110.0, 170.0)
"""Range of the blood after contrast agent."""

SHARPENING, SHARP_PIXELS = 1.5, 1.0
"""A bone reconstruction gains this share of what a blur of so many pixels takes away."""


@dataclass(frozen=True, eq=False)
class Series:
    """The images of one series: HU (I, J, K), `PADDING_HU` where unknown, affine to RAS mm, and words for the header.

    Attributes:
        hu: int16.
        affine: (4, 4).
        thickness_mm: of the slices.
        at: where the slices lie along the third axis, if not one after the other.
        kernel: for `ConvolutionKernel`.
        body_part: for `BodyPartExamined`.
        attributes: further ones, by DICOM's keyword.
        copied: whether it is the series before it once more, UIDs included.
    """

    hu: Hu
    affine: Array
    thickness_mm: float
    at: tuple[float, ...] | None = None
    kernel: str = "SOFT"
    body_part: str = "HEAD"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    copied: bool = False


@dataclass(frozen=True, eq=False)
class Study:
    """A head in the scanner: `pixels` a side of each image; `seed` determines the rest."""

    head: SimulatedHead
    seed: int
    pixels: int

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol of the thin scan."""
        drawn = draw_protocol(stream(self.seed, PROTOCOL_STREAM), THIN_MM)
        return replace(
            drawn,
            size=(self.pixels, self.pixels),
            spacing_mm=FIELD_MM / self.pixels,
            increment_mm=THIN_MM,
            tilt_deg=0.0,
            change_mm=None,
        )

    @cached_property
    def thin(self) -> Scan:
        """The thin scan."""
        return acquire(self.head, self.protocol, self.seed)

    def rng(self, step: int) -> np.random.Generator:
        """The random numbers of one kind of series."""
        return np.random.default_rng([self.seed, STUDY_STREAM, step])


def averaged(hu: Hu, affine: Array, count: int) -> tuple[Hu, Array]:
    """Means of `count` slices each, and their affine; unknown where one of them is. What is left over is left out."""
    slices = hu.shape[2] // count
    parts = hu[:, :, : slices * count].reshape(*hu.shape[:2], slices, count)
    mean = np.rint(parts.mean(axis=3)).astype(np.int16)
    mean[(parts == PADDING_HU).any(axis=3)] = PADDING_HU
    moved = affine.copy()
    moved[:3, 3] += (count - 1) / 2 * affine[:3, 2]
    moved[:3, 2] *= count
    return mean, moved


def thin(study: Study) -> Series:
    """The thin scan."""
    return Series(study.thin.hu, study.thin.affine, THIN_MM)


def thick(study: Study) -> Series:
    """Slices of 5 mm."""
    return Series(*averaged(study.thin.hu, study.thin.affine, THICK_OF), THICK_OF * THIN_MM)


def tilted(study: Study) -> Series:
    """A scan of its own, with tilted gantry and thick slices."""
    rng = study.rng(0)
    tilt = float(rng.uniform(*TILT_DEG) * rng.choice((-1, 1)))
    noise = study.protocol.noise_hu * np.sqrt(THIN_MM / TILTED_MM)
    own = replace(study.protocol, increment_mm=TILTED_MM, thickness_mm=TILTED_MM, noise_hu=float(noise), tilt_deg=tilt)
    scan = acquire(study.head, own, study.seed)
    return Series(scan.hu, scan.affine, TILTED_MM)


def contrast(study: Study) -> Series:
    """Slices of 2.5 mm after contrast agent."""
    rng, gained = study.rng(1), np.zeros(TABLE_SIZE, dtype=np.float32)
    gained[list(BLOOD)] = VESSEL_HU
    before = gained.copy()
    enhance(gained, float(rng.uniform(*AGENT_HU)), rng)
    scan = study.thin
    i, j, k = (np.arange(size, dtype=np.float64) for size in scan.hu.shape)
    matrix = np.linalg.inv(study.head.affine) @ scan.affine
    labels = sample(study.head.labels.astype(np.float32), matrix, (i, j, k), mode="nearest").astype(np.int16)
    brighter = np.rint(scan.hu + (gained - before)[labels])
    hu = np.where(scan.outside, PADDING_HU, np.clip(brighter, PADDING_HU + 1, HIGHEST_HU)).astype(np.int16)
    return Series(*averaged(hu, scan.affine, 2), 2 * THIN_MM)


def bone(study: Study) -> Series:
    """Slices of 2.5 mm with a sharp kernel."""
    hu, affine = averaged(study.thin.hu, study.thin.affine, 2)
    blurred = ndimage.gaussian_filter(hu.astype(np.float32), (SHARP_PIXELS, SHARP_PIXELS, 0))
    sharp = np.clip(np.rint(hu + SHARPENING * (hu - blurred)), PADDING_HU + 1, HIGHEST_HU)
    return Series(
        np.where(hu == PADDING_HU, PADDING_HU, sharp).astype(np.int16), affine, 2 * THIN_MM, kernel="BONEPLUS"
    )


def localizer(study: Study) -> Series:
    """One image: the projection from the front."""
    hu, affine = study.thin.hu, study.thin.affine[:, [0, 2, 1, 3]]
    projected = hu.astype(np.float32).mean(axis=1)[:, :, None]
    middle = affine.copy()
    middle[:3, 3] += (hu.shape[1] - 1) / 2 * affine[:3, 2]
    return Series(
        np.rint(projected).astype(np.int16),
        middle,
        THIN_MM,
        attributes={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    )
