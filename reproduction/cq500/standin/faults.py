"""Faulty series, which must not be used: missing slices, repeats that end early, copies, wrong anatomy, uneven spacing.

Each is made from a study's thin scan, see `study`, or, of the spine, from a drawing of a neck.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scripts.simulation.scanner.scan import HIGHEST_HU, PADDING_HU

from .studies import FIELD_MM, THICK_OF, THIN_MM, Series, Study, averaged, thick

LOST_SLICES = 6
"""Slices that a series with a gap lacks."""

SHORT_SHARES = (0.45, 0.75)
"""Share of the slices in a repeat that ends early."""


NECK: tuple[tuple[float, float, float, float], ...] = (
    (68, 58, 0, -60),
    (64, 54, 0, 50),
    (17, 13, -8, 600),
    (8, 8, -27, 30),
    (9, 9, 22, -1000),
)
"""Radii across and from back to front (mm), how far in front of the middle (mm), and HU: skin, muscle, vertebra, canal
and windpipe."""

VERTEBRA_MM, DISC_MM, DISC_HU = 20.0, 5.0, 90.0
"""Distance of the vertebrae, and what lies between them."""

NECK_SLICES, NECK_SLICE_MM, NECK_Z_MM, NECK_NOISE_HU = 60, 2.5, -300.0, 10.0
"""Scan of the neck: number, thickness and lowest position of its slices, and noise."""


def with_gap(study: Study) -> Series:
    """The thin scan without some slices in the middle."""
    slices = study.thin.hu.shape[2]
    first = int(study.rng(2).integers(slices // 4, slices // 2))
    kept = [k for k in range(slices) if not first <= k < first + LOST_SLICES]
    return Series(study.thin.hu[:, :, kept], study.thin.affine, THIN_MM, at=tuple(kept))


def with_conflict(study: Study) -> Series:
    """The thin scan with two images at one place that differ."""
    slices = study.thin.hu.shape[2]
    place = int(study.rng(3).integers(slices // 4, slices // 2))
    order = [*range(place + 1), place + slices // 4, *range(place + 1, slices)]
    at = (*range(place + 1), place, *range(place + 1, slices))
    return Series(study.thin.hu[:, :, order], study.thin.affine, THIN_MM, at=at)


def repeated(study: Study) -> Series:
    """The thin scan once more, as a series of its own that ends early."""
    share = SHORT_SHARES[int(study.rng(4).integers(len(SHORT_SHARES)))]
    first = int((1 - share) * study.thin.hu.shape[2])
    affine = study.thin.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    return Series(study.thin.hu[:, :, first:], affine, THIN_MM)


def copied(study: Study) -> Series:
    """The thick series once more, the very same images."""
    return replace(thick(study), copied=True)


def two_spacings(study: Study) -> Series:
    """Slices of 2.5 mm below and of 5 mm above."""
    scan, half = study.thin, study.thin.hu.shape[2] // 2 // THICK_OF * THICK_OF
    below, _ = averaged(scan.hu[:, :, :half], scan.affine, 2)
    above, _ = averaged(scan.hu[:, :, half:], scan.affine, THICK_OF)
    at = [*(2 * k + 0.5 for k in range(below.shape[2])), *(half + THICK_OF * k + 1.5 for k in range(above.shape[2]))]
    return Series(np.concatenate([below, above], axis=2), scan.affine, THICK_OF * THIN_MM, at=tuple(at))


def spine(study: Study) -> Series:
    """A neck without a head: see `NECK`."""
    axis = (np.arange(study.pixels) - (study.pixels - 1) / 2) * FIELD_MM / study.pixels
    x, y, z = np.meshgrid(axis, axis, NECK_SLICE_MM * np.arange(NECK_SLICES), indexing="ij", sparse=True)
    hu = np.full((study.pixels, study.pixels, NECK_SLICES), -1000.0, dtype=np.float32)
    for across, along, middle, value in NECK:
        hu[np.broadcast_to((x / across) ** 2 + ((y - middle) / along) ** 2 < 1, hu.shape)] = value
    hu[(hu == NECK[2][3]) & (z % VERTEBRA_MM >= VERTEBRA_MM - DISC_MM)] = DISC_HU
    hu += study.rng(5).normal(0, NECK_NOISE_HU, hu.shape)
    affine = np.diag([FIELD_MM / study.pixels, FIELD_MM / study.pixels, NECK_SLICE_MM, 1.0])
    affine[:3, 3] = axis[0], axis[0], NECK_Z_MM
    stored = np.clip(np.rint(hu), PADDING_HU + 1, HIGHEST_HU).astype(np.int16)
    return Series(stored, affine, NECK_SLICE_MM, body_part="SPINE")
