"""Protocol of one head scan: slices, blur, noise, beam hardening, gantry tilt, field of view, motion, metal.

A *protocol* holds plain values, all of which can be set or drawn. Scans with *two spacings* have slices near the skull
base that are thinner than those above, and are resampled to even ones of `EVEN_MM`, as the pipeline's reader does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VERTEX_Z_MM = 104.0
"""Reference height of the vertex of the mean head."""

LOWEST_Z_MM, SKULL_BASE_Z_MM = -125.0, -45.0
"""Reference heights between which the lowest slice is put: the chin and below, or the foramen magnum."""

EVEN_MM = 1.0
"""Distance of the slices to which a scan with two spacings is resampled."""

METALS = ("fillings", "clip", "electrodes")
"""Fillings in teeth; an aneurysm clip near the skull base; electrodes on the scalp."""

THICKNESSES_MM = (0.6, 0.75, 1.0, 1.25, 2.0, 2.5, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0)
"""Slice thicknesses, each drawn equally often."""

LARGEST_NOISE_HU = 15.0
"""Above it, thin slices are made with another kernel."""

OVERLAP_SHARE, OVERLAPS = 0.12, (0.5, 0.8, 1.2)
"""Share of scans whose slices overlap or leave gaps, and distance over thickness in these."""

TWO_SPACINGS_SHARE, THICKER = 0.15, (1.5, 1.75, 2.0)
"""Share of scans with two spacings, and how much thicker the slices above are."""

THICKEST_MM = 8.0

LARGEST_RIM_HU, LARGEST_CUPPING_HU = 15.0, 8.0
"""Beam hardening is drawn evenly from 0 to these."""

BAND_SHARE, BAND_HU = 0.6, (3.0, 20.0)
"""Share of scans with a dark band between the petrous bones, and its range; it is there in principle in all of them."""

MOTION_SHARE, MOTION_MM = 0.1, (0.7, 3.0)
"""Share of scans with motion, and the range of its largest displacement."""

GHOST_SHARE, GHOST = 0.5, (0.2, 0.5)
"""Share of the scans with motion whose slices also hold a second image, and the range of its weight."""

METAL_SHARE, METAL_KINDS = 0.12, (0.75, 0.1, 0.15)
"""Share of scans with metal, and how often each of `METALS` is it."""

CUT_SHARE, TILT_SHARE, REST_SHARE = 0.12, 0.4, 0.7
"""Shares of scans that end below the vertex, whose gantry is tilted, and that show a head rest."""


@dataclass(frozen=True)
class Protocol:
    """Settings of one scan.

    Attributes:
        size: pixels along I and J.
        spacing_mm: pixel size.
        increment_mm: distance of slices along the table.
        thickness_mm: width of the slice profile (a box).
        blur_mm: standard deviation of the point spread in the slice.
        noise_hu: standard deviation of the noise.
        offset_hu: error of the calibration in soft tissue.
        rim_hu: beam hardening, brighter next to bone.
        cupping_hu: darker in the depth of the head.
        band_hu: darker between dense bones on the left and the right, as the petrous bones.
        tilt_deg: gantry tilt, positive when the anterior end of the slices is higher.
        bottom_mm: reference height, at the axis of the head, of the lowest slice.
        top_mm: the same of the highest slice.
        change_mm: reference height above which slices are thicker, or None for one spacing.
        thicker: factor on distance and thickness of the slices above.
        centre_mm: where the middle of the field of view lies beside the head's axis: right and anterior.
        rest_gap_mm: distance between head and head rest, or None without one.
        motion_mm: largest displacement of a slice in its plane, within a run of slices.
        ghost: weight of a second, displaced image in these slices.
        metal: one of `METALS`, or None.
    """

    size: tuple[int, int] = (512, 512)
    spacing_mm: float = 0.45
    increment_mm: float = 5.0
    thickness_mm: float = 5.0
    blur_mm: float = 0.6
    noise_hu: float = 4.0
    offset_hu: float = 0.0
    rim_hu: float = 0.0
    cupping_hu: float = 0.0
    band_hu: float = 0.0
    tilt_deg: float = 0.0
    bottom_mm: float = SKULL_BASE_Z_MM
    top_mm: float = VERTEX_Z_MM + 10
    change_mm: float | None = None
    thicker: float = 2.0
    centre_mm: tuple[float, float] = (0.0, 10.0)
    rest_gap_mm: float | None = 2.0
    motion_mm: float = 0.0
    ghost: float = 0.0
    metal: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where no scan can be made this way."""
        for quantity in ("spacing_mm", "increment_mm", "thickness_mm", "thicker"):
            if not getattr(self, quantity) > 0:
                raise ValueError(f"{quantity} must be positive, got {getattr(self, quantity)}")
        if not self.top_mm > self.bottom_mm:
            raise ValueError(f"the highest slice ({self.top_mm} mm) must lie above the lowest ({self.bottom_mm} mm)")
        if self.change_mm is not None and not self.bottom_mm < self.change_mm < self.top_mm:
            raise ValueError(
                f"slices must change their thickness between the lowest ({self.bottom_mm} mm) and the highest "
                f"({self.top_mm} mm), got {self.change_mm}"
            )
        if not abs(self.tilt_deg) <= 35:
            raise ValueError(f"a gantry tilts by 35 degrees at most, got {self.tilt_deg}")
        if self.metal is not None and self.metal not in METALS:
            raise ValueError(f"there is no metal {self.metal!r}; there are {', '.join(METALS)}")


def draw_protocol(rng: np.random.Generator, thickness_mm: float | None = None) -> Protocol:
    """A protocol as found in clinical routine: thick or thin slices, soft or sharp kernel, sometimes tilted or cut.

    The first argument's own numbers draw what every scan has; what only some have comes from generators of its own.
    """
    slices, artefacts = rng.spawn(2)
    thickness = float(thickness_mm or rng.choice(THICKNESSES_MM))
    blur = float(rng.uniform(0.45, 0.9))
    noise = float(rng.uniform(2.5, 5.0) * np.sqrt(5 / thickness) * np.sqrt(0.65 / blur))
    cut_at_vertex = rng.random() < CUT_SHARE
    top = float(VERTEX_Z_MM + (rng.uniform(-20, -2) if cut_at_vertex else rng.uniform(5, 22)))
    offset = float(np.clip(rng.normal(0, 4), -10, 10))
    tilt = float(rng.uniform(-20, 20)) if rng.random() < TILT_SHARE else 0.0
    overlap = float(slices.choice(OVERLAPS)) if slices.random() < OVERLAP_SHARE else 1.0
    change, thicker = _two_spacings(slices, thickness)
    motion, ghost, metal = _disturbances(artefacts)
    return Protocol(
        spacing_mm=float(rng.uniform(0.43, 0.52)),
        increment_mm=thickness * overlap,
        thickness_mm=thickness,
        blur_mm=blur,
        noise_hu=min(noise, LARGEST_NOISE_HU),
        offset_hu=offset,
        rim_hu=float(rng.uniform(0, LARGEST_RIM_HU)),
        cupping_hu=float(rng.uniform(0, LARGEST_CUPPING_HU)),
        band_hu=float(artefacts.uniform(*BAND_HU)) if artefacts.random() < BAND_SHARE else 0.0,
        tilt_deg=tilt,
        bottom_mm=float(rng.uniform(LOWEST_Z_MM, SKULL_BASE_Z_MM)),
        top_mm=top,
        change_mm=change,
        thicker=thicker,
        centre_mm=(float(rng.uniform(-8, 8)), 10 + float(rng.uniform(-8, 8))),
        rest_gap_mm=float(rng.uniform(0, 4)) if rng.random() < REST_SHARE else None,
        motion_mm=motion,
        ghost=ghost,
        metal=metal,
    )


def _two_spacings(rng: np.random.Generator, thickness_mm: float) -> tuple[float | None, float]:
    """Height where the slices change, or None, and by how much they get thicker."""
    change, thicker = float(rng.uniform(-20, 25)), float(rng.choice(THICKER))
    chosen = rng.random() < TWO_SPACINGS_SHARE and 2 <= thickness_mm <= THICKEST_MM / thicker
    return (change if chosen else None), thicker


def _disturbances(rng: np.random.Generator) -> tuple[float, float, str | None]:
    """Motion in mm, the weight of a ghost, and the metal."""
    motion = float(rng.uniform(*MOTION_MM)) if rng.random() < MOTION_SHARE else 0.0
    ghost = float(rng.uniform(*GHOST)) if motion and rng.random() < GHOST_SHARE else 0.0
    metal = str(rng.choice(METALS, p=METAL_KINDS)) if rng.random() < METAL_SHARE else None
    return motion, ghost, metal
