"""One series for each case of CQ500: the candidates in its folders, their objections, and the best one.

A *candidate* is the images of one series in one folder. Its *code* says why it can't serve: what its name says
(`cq500_names`), a finding of the reader, or, of the rule, `wrong_anatomy` (another body part in the header) and spacing
that is not uniform. The *slice size* is thickness or spacing, whichever is larger. The rule: without contrast agent, no
bone kernel, uniform spacing; then, of these, the best *tier*

    thin    slices of 0.5 to 1.5 mm, 100 of them or more, which cover 120 to 260 mm
    thick   larger slices, which cover as much
    other   anything else that the reader takes

then the smallest slices, then the most, then the folder without a suffix. What the pixels show (damaged ones, two
images at one place that differ) is looked at in the best candidate only; if it is refused, the next is the best one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.findings import InputRefused
from scripts.reading.headers import read_headers
from scripts.reading.image_kinds import is_of_head
from scripts.reading.series import Stack, choose, stacks_of
from scripts.reading.stacks import stack_grid, stack_volume

from .names import objection, series_name

THIN_MM = (0.5, 1.5)
"""Slices of a thin series."""

THIN_SLICES = 100
"""Fewest slices of a thin series."""

COVERAGE_MM = (120.0, 260.0)
"""Height that a head scan covers: from the skull base to the vertex, and not the neck too."""

TIERS = ("thin", "thick", "other")
"""Kinds of candidates, the best first."""


@dataclass(frozen=True)
class Candidate:
    """A series in a folder; `code` is "" where nothing speaks against it, and then `stack` is there."""

    folder: Path
    series_uid: str | None = None
    code: str = ""
    stack: Stack | None = None
    repeated: bool = False
    """True if several images lie at one place."""

    @property
    def slice_mm(self) -> float:
        """Thickness or spacing of the slices, whichever is larger, to a hundredth."""
        assert self.stack is not None
        thickness = max(image.thickness_mm or 0.0 for image in self.stack.images)
        return round(max(self.stack.spacing_mm or 0.0, thickness), 2)

    @property
    def tier(self) -> str:
        """One of `TIERS`."""
        assert self.stack is not None
        if not COVERAGE_MM[0] <= self.stack.coverage_mm <= COVERAGE_MM[1] or self.slice_mm < THIN_MM[0]:
            return "other"
        if self.slice_mm > THIN_MM[1]:
            return "thick"
        return "thin" if self.stack.slices >= THIN_SLICES else "other"

    def words(self) -> str:
        """Its kind, or the reason why it can't serve."""
        if self.code or self.stack is None:
            return self.code
        return f"{self.tier}, {self.stack.slices} x {self.slice_mm:.2f} mm over {self.stack.coverage_mm:.0f} mm"


def candidates_in(case: Path) -> list[Candidate]:
    """Every series below a case's folder, in the order of the folders' names. Headers only."""
    return [candidate for folder in series_folders(case) for candidate in _candidates(folder)]


def series_folders(case: Path) -> list[Path]:
    """The folders below a case's folder that hold files, by name; links to folders are not followed."""
    found = [Path(folder) for folder, _, names in os.walk(case) if any(not name.startswith(".") for name in names)]
    return sorted(found)


def choose_candidate(
    candidates: list[Candidate], headers_only: bool = False
) -> tuple[Candidate | None, list[Candidate]]:
    """The best candidate, None if none can serve, and all candidates with the codes found on the way.

    Args:
        candidates: in any order.
        headers_only: do not read the pixels of the best one, unless several of its images lie at one place.
    """
    found = list(candidates)
    for best in sorted((candidate for candidate in candidates if not candidate.code), key=_rank):
        assert best.stack is not None
        try:
            if best.repeated or not headers_only:
                stack_volume(best.stack)
            return best, found
        except InputRefused as refused:
            refused_one = replace(best, code=refused.findings[0].code, stack=None)
            found = [refused_one if candidate is best else candidate for candidate in found]
    return None, found


def _rank(candidate: Candidate) -> tuple[object, ...]:
    """Sorting key: the best first."""
    assert candidate.stack is not None
    name = series_name(candidate.folder.name)
    tier = TIERS.index(candidate.tier)
    return tier, candidate.slice_mm, -candidate.stack.slices, name.suffix, str(candidate.folder)


def _candidates(folder: Path) -> list[Candidate]:
    """The series of one folder; where the name speaks against it, or a header can't be read, one for all of them."""
    code = objection(series_name(folder.name).description)
    if code:
        return [Candidate(folder, None, code)]
    try:
        headers = read_headers(folder)
    except InputRefused as refused:
        return [Candidate(folder, None, refused.findings[0].code)]
    headers.images = [image for image in headers.images if image.path.parent == folder]
    if not headers.images:
        return [Candidate(folder, None, "no_dicom")]
    stacks = stacks_of(headers)
    return [_candidate(folder, uid, stacks) for uid in sorted({image.series_uid for image in headers.images})]


def _candidate(folder: Path, series_uid: str, stacks: list[Stack]) -> Candidate:
    """One series of a folder, judged by its headers."""
    try:
        stack = choose(stacks, series_uid)
        code = _objection(stack)
        if code:
            return Candidate(folder, series_uid, code)
        grid, _, groups = stack_grid(stack)
    except InputRefused as refused:
        return Candidate(folder, series_uid, refused.findings[0].code)
    if grid.resample:
        uneven = next(found.code for found in grid.findings if found.code in ("two_spacings", "uneven_spacing"))
        return Candidate(folder, series_uid, uneven)
    return Candidate(folder, series_uid, "", stack, bool(groups))


def _objection(stack: Stack) -> str | None:
    """The objection of its headers against a stack, in a word."""
    if not is_of_head(stack.first) or objection(stack.first.description) == "wrong_anatomy":
        return "wrong_anatomy"
    return next(iter(stack.objections), None) or ("contrast_suspected" if stack.contrast else None)
