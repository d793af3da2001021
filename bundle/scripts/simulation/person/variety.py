"""Populations of simulated heads, by the variety of their anatomy.

*Plain* heads have a shape and a look (`shape.py`, `look.py`). *Widened* heads are healthy, too, but vary more and are
less symmetric, like those of patients and of other simulators: see `Build`. *Unusual* heads are widened heads after
surgery, or of a child; calibrations should exclude them. Every part of a build has its own random numbers: one seed
gives one head.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..anatomy.shell import Shell, changed, growth_mm, no_change, remodelled, shell_of
from .atrophy import widened_sides
from .carving import Cloud, carve
from .child import BONE as CHILD_BONE
from .child import Child, child_look, child_shape, draw_child
from .drift import Drift, add_drift, draw_drift
from .fluid import Fluid, draw_fluid, fluid_change
from .grooves import Grooves, draw_grooves, pit_clouds, vessel_clouds
from .look import Look
from .scalp import Scalp, draw_scalp, paint_swelling, scalp_change
from .shape import Shape
from .skew import Skew, draw_skew, skewed
from .surgery import Surgery, draw_burr_holes, draw_craniectomy, surgery_change
from .sutures import CHILD_CLOSED, CHILD_WIDER, Sutures, draw_sutures, suture_clouds, suture_lines
from .thickness import Thickness, draw_thickness, thickness_change
from .varieties import PLAIN, VARIETIES, WIDENED

Labels = NDArray[np.int16]

LARGEST_SCALE = 0.15
"""Bound of the scales of widened heads, see `shape.draw_shape`; plain ones have .1."""

SPARE_MM = 4
"""Largest growth of the scalp that fits the grid without padding."""

UNUSUAL_SHARES = {"craniectomy": 0.35, "burr holes": 0.25, "child": 0.4}
"""Kinds of unusual heads, and their shares."""


@dataclass(frozen=True)
class Build:
    """The random parts of a head beside its shape and its look; see the class of each part."""

    skew: Skew = field(default_factory=Skew)
    scalp: Scalp = field(default_factory=Scalp)
    thickness: Thickness = field(default_factory=Thickness)
    fluid: Fluid = field(default_factory=Fluid)
    drift: Drift = field(default_factory=Drift)
    sutures: Sutures = field(default_factory=Sutures)
    grooves: Grooves = field(default_factory=Grooves)
    surgery: Surgery | None = None
    child: Child | None = None


def draw_build(variety: str, rng: np.random.Generator) -> Build | None:
    """A random build of a population; None for a plain head.

    Raises:
        ValueError: there is no such population.
    """
    if variety not in VARIETIES:
        raise ValueError(f"there is no variety of heads {variety!r}; there are {', '.join(VARIETIES)}")
    if variety == PLAIN:
        return None
    skew, scalp, thickness, fluid, drift, sutures, grooves, unusual = rng.spawn(8)
    build = Build(
        draw_skew(skew),
        draw_scalp(scalp),
        draw_thickness(thickness),
        draw_fluid(fluid),
        draw_drift(drift),
        draw_sutures(sutures),
        draw_grooves(grooves),
    )
    return build if variety == WIDENED else _unusual(build, unusual)


def _unusual(build: Build, rng: np.random.Generator) -> Build:
    """A build with surgery, or a child's."""
    kind = rng.choice(list(UNUSUAL_SHARES), p=list(UNUSUAL_SHARES.values()))
    if kind == "child":
        child = draw_child(rng)
        thickness = replace(build.thickness, mean=child.at_this_age(CHILD_BONE) * build.thickness.mean**0.5)
        width, closed = CHILD_WIDER * build.sutures.width_mm, CHILD_CLOSED * build.sutures.closed
        sutures = replace(build.sutures, width_mm=width, closed=closed)
        young = replace(build, child=child, thickness=thickness, sutures=sutures)
        return replace(young, fluid=Fluid(), drift=replace(build.drift, halo_hu=0.0))
    surgery = draw_craniectomy(rng) if kind == "craniectomy" else draw_burr_holes(rng)
    return replace(build, surgery=surgery)


def built_shape(shape: Shape, build: Build, rng: np.random.Generator) -> Shape:
    """The shape of a head of a build."""
    grown = shape if build.child is None else child_shape(shape, build.child)
    return skewed(grown, build.skew, rng)


def built_look(look: Look, build: Build) -> Look:
    """The look of a head of a build."""
    return look if build.child is None else child_look(look, build.child)


class Built(NamedTuple):
    """Labels (I, J, K) of a head of a build, the reference voxel (3,) of their first corner, and the skull's shell."""

    labels: Labels
    start: NDArray[np.int64]
    shell: Shell


def built_labels(labels: Labels, start: NDArray[np.int64], build: Build, rng: np.random.Generator) -> Built:
    """The labels (I, J, K) of a head, whose first voxel is a reference voxel (3,), after the changes of its build.

    The grid grows with the scalp.
    """
    shell, (bone, scalp, surgery) = shell_of(labels), rng.spawn(3)
    change = scalp_change(thickness_change(no_change(), build.thickness, bone), build.scalp, scalp)
    change = fluid_change(change, build.fluid)
    if build.surgery is not None:
        change = surgery_change(change, build.surgery, shell, surgery)
    grown = max(int(np.ceil(growth_mm(shell, change))) - SPARE_MM, 0)
    corner = np.array([grown, grown, 0])
    shell = replace(shell, middle=shell.middle + corner)
    wide = np.pad(labels, ((grown, grown), (grown, grown), (0, grown)), mode="edge")
    moved = widened_sides(remodelled(wide, shell, change), build.fluid.ventricles)
    return Built(moved, start - corner, changed(shell, change))


def add_build(
    hu: NDArray[np.float32], labels: Labels, shell: Shell, build: Build, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Add swelling, drift, sutures, vessels and pits of a build to the HU (I, J, K) of a head, in place.

    Returns the lines of the sutures, see `sutures.suture_lines`.
    """
    swelling, drift, sutures, vessels, pits = rng.spawn(5)
    paint_swelling(hu, labels, build.scalp.swelling_hu, swelling)
    add_drift(hu, labels, build.drift, drift)
    lines = suture_lines(shell, build.sutures, deepcopy(sutures))
    _carve(hu, labels, suture_clouds(shell, build.sutures, sutures), build.sutures.hu)
    _carve(hu, labels, vessel_clouds(shell, build.grooves, vessels), build.grooves.vessel_hu)
    _carve(hu, labels, pit_clouds(shell, build.grooves, pits), build.grooves.pit_hu)
    return lines


def _carve(hu: NDArray[np.float32], labels: Labels, clouds: list[Cloud], fill_hu: float) -> None:
    """Carve all clouds at once, so that overlapping ones do not fill a voxel twice."""
    if clouds:
        points, volumes = zip(*clouds, strict=True)
        carve(hu, labels, Cloud(np.concatenate(points), np.concatenate(volumes)), fill_hu)
