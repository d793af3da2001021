"""The bones of the calvaria by direction: frontal, parietal, temporal and occipital bone, and the side.

The sutures are taken as great circles between mean landmarks: the *coronal* one from bregma to pterion, the *lambdoid*
one from lambda to asterion, the *squamosal* one from pterion over its highest point to asterion. In a person they may
lie 10 mm away. The landmarks are directions as in `directions`: azimuth (0 right, 90 front) and elevation, after the
mean skull of Gray's Anatomy.
"""

from __future__ import annotations

import numpy as np

from .directions import RADIUS_MM, Array

LANDMARKS_DEG = {
    "bregma": (90.0, 66.0),
    "lambda": (270.0, 26.0),
    "pterion": (38.0, 0.0),
    "asterion": (-48.0, -14.0),
    "squama": (0.0, 14.0),
}
"""Azimuth and elevation of landmarks, on the right or in the mid-plane."""

MIDDLE_MM = 5.0
"""Distance from the mid-plane within which a place is on neither side."""


def direction(azimuth_deg: float, elevation_deg: float) -> Array:
    """The unit vector (3,) of an azimuth and an elevation."""
    azimuth, elevation = np.deg2rad([azimuth_deg, elevation_deg])
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])


AT = {name: direction(*place) for name, place in LANDMARKS_DEG.items()}

FRONT = np.cross(AT["bregma"], AT["pterion"])
BACK = np.cross(AT["asterion"], AT["lambda"])
BELOW = (np.cross(AT["squama"], AT["pterion"]), np.cross(AT["asterion"], AT["squama"]))
"""Normals of the planes of the sutures: they point to the front, to the back, and down."""


def bone_of(place: Array) -> str:
    """Name of the bone at a direction (3,), and its side: "parietal bone, left", say."""
    out = place / np.linalg.norm(place)
    right = out * (np.sign(out[0]) or 1, 1, 1)
    if right @ oriented(FRONT, (0, 1, 0)) > 0:
        bone = "frontal"
    elif right @ oriented(BACK, (0, -1, 0)) > 0:
        bone = "occipital"
    else:
        ahead = right[1] > 0
        bone = "temporal" if right @ oriented(BELOW[0 if ahead else 1], (0, 0, -1)) > 0 else "parietal"
    aside_mm = RADIUS_MM * np.arcsin(np.clip(out[0], -1, 1))
    side = "midline" if abs(aside_mm) < MIDDLE_MM else "right" if aside_mm > 0 else "left"
    return f"{bone} bone, {side}"


def oriented(normal: Array, towards: tuple[float, float, float]) -> Array:
    """A normal (3,), turned so that it points towards a direction."""
    return np.asarray(normal * np.sign(normal @ np.array(towards)))
