"""Selection of the head CT among the images of a folder: stacks, and the choice between them. Headers only.

A *stack* is the images of one series that share patient, study, rows, columns, kind and orientation. It may have
*objections*, for which it is only used when its series is named: not an original, not axial, a bone kernel. A bone
kernel may serve the skull beside a soft one (see `bone_series`), or where there is no other.

The choice: CT, original, axial, no bone kernel; then one in HU, by its header, before material maps and captures; then
a head before other body parts; then no *dynamic* one, which shows each place many times (perfusion); then without
contrast agent; then the largest coverage (a head needs no more than `ENOUGH_MM`); then the finest spacing. A tie is
refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from ..files.names import shown
from ..findings import InputRefused, refusal
from ..volume import MIN_COVERAGE_MM, MIN_SLICES
from ..words import counted
from .headers import Headers, ImageHeader
from .image_kinds import counted_kinds, has_bone_kernel, is_of_head, kind_of, suggests_contrast
from .pixels import check_rescale
from .slices import SAME_HEIGHT_MM, heights, normal_of

SAME_DIRECTION = 1e-3
"""Largest difference of direction cosines in one stack: rounding of text values."""

AXIAL_COSINE = 0.7
"""A stack is axial when its normal is within 45 degrees of the body's axis: gantries tilt by up to 30."""

ENOUGH_MM = 250.0
"""Height of a head; coverage beyond it does not count in the choice."""

DYNAMIC_IMAGES = 5
"""From so many images a place on, a stack is dynamic; fewer are repeats, or a series that is there twice."""

BONE_KERNEL = "bone_kernel"
"""The objection to a bone kernel, and the code of the flag that it gets where it is the scan."""


@dataclass(frozen=True)
class Stack:
    """The images of a stack, sorted by height, and the criteria of the choice."""

    images: tuple[ImageHeader, ...]
    kind: str
    slices: int
    spacing_mm: float | None
    coverage_mm: float
    objections: tuple[str, ...]

    @property
    def first(self) -> ImageHeader:
        """An image to read the attributes from that all share."""
        return self.images[0]

    @property
    def contrast(self) -> bool:
        """True if the headers suggest contrast agent."""
        return any(suggests_contrast(image) for image in self.images)

    @property
    def whole(self) -> bool:
        """True if slices and coverage are enough to show a head."""
        return self.slices >= MIN_SLICES and self.coverage_mm >= MIN_COVERAGE_MM

    @property
    def dynamic(self) -> bool:
        """True if it shows the same places again and again."""
        return len(self.images) >= DYNAMIC_IMAGES * self.slices

    def sizes(self) -> str:
        """Slices and spacing in words."""
        spacing = "unknown spacing" if self.spacing_mm is None else f"{self.spacing_mm:.2f} mm"
        return f"{self.slices} x {spacing}"


def stacks_of(headers: Headers) -> list[Stack]:
    """All stacks of a folder; their order, and the order of their images, does not depend on file names.

    A series is divided by its own directions only: nearly the same one of another series must not divide it.
    """
    groups: dict[tuple[object, ...], list[ImageHeader]] = {}
    directions: defaultdict[tuple[object, ...], list[tuple[float, ...]]] = defaultdict(list)
    for image in sorted(headers.images, key=_order):
        where = (image.patient, image.study_uid, image.series_uid, image.rows, image.columns, kind_of(image))
        groups.setdefault((*where, _direction(image, directions[where])), []).append(image)
    return [_stack(images) for images in groups.values()]


def _order(image: ImageHeader) -> tuple[object, ...]:
    """Sorting key that depends on an image's header, and on its file's name only if all else is equal."""
    return (
        image.series_uid,
        image.patient,
        image.study_uid,
        image.orientation or (),
        image.position_mm or (),
        image.frame or 0,
        str(image.path),
    )


def _direction(image: ImageHeader, known: list[tuple[float, ...]]) -> int | None:
    """Index of the image's orientation among the `known` ones, to which a new one is added."""
    if image.orientation is None:
        return None
    for index, other in enumerate(known):
        if max(abs(a - b) for a, b in zip(image.orientation, other, strict=True)) <= SAME_DIRECTION:
            return index
    known.append(image.orientation)
    return len(known) - 1


def _stack(images: list[ImageHeader]) -> Stack:
    """A stack of images, sorted by height where that is known."""
    first, spacing, coverage, count = images[0], None, 0.0, len(images)
    positions = [image.position_mm for image in images if image.position_mm is not None]
    if first.orientation is not None and len(positions) == len(images):
        try:
            height = heights(np.array(positions), first.orientation)
        except InputRefused:
            return Stack(tuple(images), kind_of(first), count, None, 0.0, _objections(images))
        images = [images[k] for k in np.argsort(height, kind="stable")]
        gaps = np.diff(np.sort(height))
        gaps = gaps[gaps > SAME_HEIGHT_MM]
        count = len(gaps) + 1
        if len(gaps):
            spacing = float(np.median(gaps))
            coverage = float(height.max() - height.min()) + spacing
    return Stack(tuple(images), kind_of(first), count, spacing, coverage, _objections(images))


def _objections(images: list[ImageHeader]) -> tuple[str, ...]:
    """Codes of the flags that a stack gets when it is used because it was named."""
    found = {
        "derived_series": any(image.image_type[:1] == ("DERIVED",) for image in images),
        "not_axial": not _is_axial(images[0]),
        BONE_KERNEL: any(has_bone_kernel(image) for image in images),
    }
    return tuple(code for code, holds in found.items() if holds)


def _is_axial(image: ImageHeader) -> bool:
    """True if the slices are axial, as far as the header says."""
    try:
        return image.orientation is None or abs(normal_of(image.orientation)[2]) >= AXIAL_COSINE
    except InputRefused:
        return True


def choose(stacks: list[Stack], series_uid: str | None = None, bone_alone: bool = False) -> Stack:
    """The stack to use; with `series_uid`, the one of that series.

    Args:
        stacks: of a folder.
        series_uid: the series that was named, if any.
        bone_alone: whether a bone kernel may be chosen where no other series suits: no brain can be judged by it.

    Raises:
        InputRefused: nothing to choose from, more than one patient, several equally good series, or no such series.
    """
    pool = stacks if series_uid is None else [s for s in stacks if s.first.series_uid == series_uid]
    if not pool:
        raise refusal(
            "series_not_found",
            f"No image has the series UID that was named ({counted(len(stacks), 'stack')} of images).",
        )
    _check_patients(pool)
    pool = _usable(pool)
    _check_split(stacks, pool)
    if series_uid is None:
        pool = _unobjectionable(pool, bone_alone)
    best = _best(pool)
    for other in stacks:
        if other is not best and other.kind == "image" and other.first.series_uid == best.first.series_uid:
            _check_sibling(best, other)
    return best


def _check_patients(pool: list[Stack]) -> None:
    """Refuse CT images of more than one patient: another ID, or the same one (some clinic's) but another birth date."""
    patients = {stack.first.patient for stack in pool if stack.kind != "not CT"}
    born = {image.birth_date for stack in pool if stack.kind != "not CT" for image in stack.images} - {""}
    if max(len(patients), len(born)) > 1:
        raise refusal("several_patients", f"The images belong to {max(len(patients), len(born))} patients.")


def _check_split(stacks: list[Stack], pool: list[Stack]) -> None:
    """Refuse a scan whose images have a series UID each: neither can be chosen between them, nor would one do."""
    single = sum(stack.kind == "image" and len(stack.images) == 1 and stack.images[0].frame is None for stack in stacks)
    if single >= MIN_SLICES and all(len(stack.images) == 1 for stack in pool):
        raise refusal("series_split", f"{single} images have {single} different SeriesInstanceUIDs.")


def _usable(pool: list[Stack]) -> list[Stack]:
    """The stacks of kind "image"; refuses if there is none, with a code for the kinds present."""
    usable = [stack for stack in pool if stack.kind == "image"]
    if usable:
        return usable
    kinds = Counter(stack.kind for stack in pool for _ in stack.images)
    text = f"There is no CT image, only {counted_kinds(kinds.elements())}."
    if kinds.get("localizer"):
        raise refusal("localizer_only", text)
    if kinds.get("colour") or kinds.get("capture"):
        raise refusal("colour_images", text)
    raise refusal("not_ct", text)


def _unobjectionable(pool: list[Stack], bone_alone: bool) -> list[Stack]:
    """The stacks without objections; if none of these shows a head, those with a bone kernel that do, if they may be
    chosen; refuses when there is none."""
    good = [stack for stack in pool if not stack.objections]
    if bone_alone and not any(stack.whole for stack in good):
        good = [stack for stack in pool if stack.objections == (BONE_KERNEL,) and (stack.whole or not good)] or good
    if not good:
        codes = sorted({code for stack in pool for code in stack.objections})
        raise refusal("no_suitable_series", f"No series suits ({', '.join(codes)}).")
    return good


def _best(pool: list[Stack]) -> Stack:
    """The best of the stacks, by the rules in this module's docstring."""
    pool = best_of(pool)
    by_series = {stack.first.series_uid: stack for stack in sorted(pool, key=lambda s: s.slices)}
    if len(by_series) > 1:
        listed = "; ".join(f"{uid} ({stack.sizes()})" for uid, stack in sorted(by_series.items())[:3])
        raise refusal("several_series", f"{len(by_series)} series are equally good: {listed}.")
    return next(iter(by_series.values()))


def best_of(pool: list[Stack]) -> list[Stack]:
    """The best of the stacks, all that are equally good, by the rules in this module's docstring."""
    pool = _prefer(pool, [s.whole for s in pool])
    pool = _prefer(pool, [any(map(_is_in_hu, s.images)) for s in pool])
    pool = _prefer(pool, [is_of_head(s.first) for s in pool])
    pool = _prefer(pool, [not s.dynamic for s in pool])
    pool = _prefer(pool, [not s.contrast for s in pool])
    if len({s.first.study_uid for s in pool}) == 1:
        covered = [min(s.coverage_mm, ENOUGH_MM) for s in pool]
        pool = _prefer(pool, [c >= max(covered) - 10.0 for c in covered])
        spacings = [s.spacing_mm or np.inf for s in pool]
        pool = _prefer(pool, [s <= 1.1 * min(spacings) for s in spacings])
    return pool


def _is_in_hu(image: ImageHeader) -> bool:
    """True if the header says how the values become HU, and how large the pixels are."""
    try:
        check_rescale(image)
    except InputRefused:
        return False
    return image.pixel_spacing_mm is not None


def _prefer(pool: list[Stack], merits: list[bool]) -> list[Stack]:
    """The stacks that have the merit, or all of them when none has."""
    return [stack for stack, merit in zip(pool, merits, strict=True) if merit] or pool


def _check_sibling(best: Stack, other: Stack) -> None:
    """Refuse a series of which another part lies along the same direction; a reformat across it is only set aside."""
    if best.first.orientation is None or other.first.orientation is None:
        lost = best if best.first.orientation is None else other
        all_of_it = len(best.images) + len(other.images)
        text = f"{counted(len(lost.images), 'image')} of {all_of_it} in the series without orientation"
        raise refusal("geometry_missing", f"{text}, such as {shown(lost.first.path)}.")
    cosine = abs(normal_of(best.first.orientation) @ normal_of(other.first.orientation))
    if cosine >= AXIAL_COSINE:
        text = f"The series has {best.slices} and {other.slices} slices of different geometry"
        raise refusal("mixed_geometry", f"{text} ({_difference(best.first, other.first)}).")


def _difference(one: ImageHeader, other: ImageHeader) -> str:
    """The difference between images of two stacks of a series, with the values."""
    if (one.columns, one.rows) != (other.columns, other.rows):
        return f"{one.columns} x {one.rows} and {other.columns} x {other.rows} pixels"
    if one.study_uid != other.study_uid:
        return "two StudyInstanceUIDs"
    axes = np.reshape([one.orientation, other.orientation], (2, 2, 3))
    between = np.linalg.norm(axes[0] - axes[1], axis=-1) / 2
    return f"their orientations differ by {2 * np.degrees(np.arcsin(np.clip(between, 0, 1))).max():.2f} degrees"
