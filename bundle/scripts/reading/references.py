"""References to the images of a scan: by `SOPInstanceUID`, which each image has to itself (PS3.3 C.12.1).

Some anonymisers write one for all. The scan can be read all the same, but no DICOM object can say which image it means.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ..files.names import is_nifti
from ..findings import refusal
from .headers import read_headers
from .series import Stack, choose, stacks_of


def sharing_uid(stack: Stack) -> int:
    """Number of files at different positions that share their SOPInstanceUID with another one, or have none."""
    places: dict[str, set[object]] = defaultdict(set)
    for image in stack.images:
        if image.frame is None:
            places[image.sop_uid].add(image.position_mm)
    return sum(len(positions) for uid, positions in places.items() if len(positions) > 1 or not uid)


def check_references(stack: Stack) -> None:
    """Refuse a stack whose images DICOM objects can't refer to.

    Raises:
        InputRefused: `uids_not_unique`.
    """
    if count := sharing_uid(stack):
        text = (
            f"{count} of {len(stack.images)} images share a SOPInstanceUID, so that DICOM objects can't refer to them."
        )
        raise refusal("uids_not_unique", text)
    if not all(image.study_uid for image in stack.images):
        text = "The images have no StudyInstanceUID, so that DICOM objects can't belong to their study."
        raise refusal("uids_not_unique", text)


def check_referable(path: str | Path, series_uid: str | None = None) -> None:
    """See by headers alone that DICOM objects can refer to the images of the series that is chosen or named.

    Raises:
        InputRefused: `no_study` of a NIfTI file, `uids_not_unique`, or with the finding that says why there is no scan.
    """
    if is_nifti(Path(path)):
        raise refusal("no_study", "A NIfTI file has no study that DICOM objects could belong to.")
    check_references(choose(stacks_of(read_headers(Path(path))), series_uid, bone_alone=True))
