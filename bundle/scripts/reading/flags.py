"""Flags that headers give rise to: why a named series would not have been chosen, contrast, age, what was set aside."""

from __future__ import annotations

from collections import Counter

from ..findings import Finding, finding
from ..words import counted
from .headers import Headers
from .series import Stack

ADULT_YEARS = 18
"""The reference head and the training heads are adults'."""

OBJECTION_TEXTS = {
    "derived_series": "The series is derived, not original; it was used because it was named.",
    "not_axial": "The slices are not axial; the series was used because it was named.",
    "bone_kernel": "The series has a bone kernel; it was used because it was named.",
}
"""Objections to a named series that would not have been chosen."""

ASIDE_WORDS = {
    "image": "CT images of other series",
    "localizer": "localizer images",
    "capture": "screen captures",
    "colour": "colour images",
    "not CT": "images that are not CT",
}
"""Kinds in words."""


def choice_flags(headers: Headers, stacks: list[Stack], best: Stack) -> tuple[Finding, ...]:
    """Flags of the chosen series: objections, contrast, age, compression, and other data that was set aside."""
    found = [finding(code, OBJECTION_TEXTS[code]) for code in best.objections]
    if best.contrast:
        found.append(finding("contrast_suspected", "The header suggests contrast agent."))
    if best.first.age_years is not None and best.first.age_years < ADULT_YEARS:
        found.append(finding("under_18", "The header says that the patient is under 18."))
    if any(image.lossy for image in best.images):
        found.append(finding("lossy_compression", "The images went through lossy compression."))
    aside = Counter(stack.kind for stack in stacks if stack is not best for _ in stack.images)
    if aside:
        listed = ", ".join(f"{ASIDE_WORDS[kind]} ({count})" for kind, count in sorted(aside.items()))
        found.append(finding("images_set_aside", f"Set aside: {listed}."))
    listed = _other_things(headers)
    if listed:
        found.append(finding("files_set_aside", f"Set aside: {listed}."))
    return tuple(found)


def _other_things(headers: Headers) -> str:
    """The other contents of the folder, counted; "" if there are none."""
    things = {
        ("file that is not DICOM", "files that are not DICOM"): headers.foreign,
        ("DICOM file without an image", "DICOM files without an image"): headers.other_objects,
        ("link to a folder, not followed", "links to folders, not followed"): headers.linked_folders,
    }
    return ", ".join(counted(count, *words) for words, count in things.items() if count)
