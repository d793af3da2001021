"""One entry point for every input: a folder of DICOM files, an enhanced CT file, or a NIfTI file.

A folder may hold a series or a whole study. A single file of a series stands for itself alone (and is refused, as too
few slices). A folder with one NIfTI file, and nothing else but JSON, stands for that file. `inspect_input` returns the
findings; `read_scans` also returns the voxels. Both run the same checks, so both accept the same inputs. `read_volume`
is for what needs a brain: it reads one series, and refuses a bone kernel that was not named.

The *scan* is the volume that is registered, and on whose grid results lie. It *serves* the brain unless it has a bone
kernel, and the skull unless a bone series does (see `bone_series`). A series that is named serves alone.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ..files.inputs import named_path
from ..files.names import is_nifti, only_nifti
from ..files.zipped import is_zip
from ..findings import SLICES_SET_ASIDE, Finding, InputRefused, finding, refusal
from ..volume import MIN_SLICES, Volume
from ..words import counted
from .bone_series import bone_beside, bone_volume
from .headers import IMAGE_STORAGE, Headers, read_headers
from .lookalikes import lookalikes
from .nifti import check_nifti, read_nifti
from .references import sharing_uid
from .series import BONE_KERNEL, Stack, choose, stacks_of
from .stacks import stack_volume


@dataclass(frozen=True)
class SeriesRow:
    """One stack of images as `inspect` lists it."""

    series_uid: str
    series_number: int | None
    kind: str
    images: int
    slices: int
    spacing_mm: float | None
    coverage_mm: float
    kernel: str
    contrast: bool
    objections: tuple[str, ...]
    chosen: bool
    serves: tuple[str, ...]


@dataclass(frozen=True)
class Scans:
    """The scans of an input.

    Attributes:
        volume: the scan, with all findings.
        bone: the bone series that serves the skull beside it, on its own grid; None if the scan does.
        serves: by "brain" and "skull" the place, from 1, of the series in the list of `inspect`, None of a NIfTI file;
            without "brain" if no series serves it.
    """

    volume: Volume
    bone: Volume | None
    serves: dict[str, int | None]


@dataclass(frozen=True)
class Inspection:
    """The input at a path: its series, the findings, and the volume if it was accepted."""

    source: str
    series: tuple[SeriesRow, ...]
    findings: tuple[Finding, ...]
    volume: Volume | None

    @property
    def accepted(self) -> bool:
        """True if a heatmap can be made of it."""
        return self.volume is not None


def read_volume(path: str | Path, series_uid: str | None = None) -> Volume:
    """The head CT at `path`, of the series that is chosen or named, with all findings; other series are set aside.

    Raises:
        InputRefused: with the finding that says why.
    """
    path = scan_at(path)
    if _source_of(path) == "nifti":
        return read_nifti(path)
    headers, stacks = _preflight(path)
    best = choose(stacks, series_uid)
    return _with_flags(stack_volume(best), choice_flags(headers, stacks, (best,)))


def read_scans(path: str | Path, series_uid: str | None = None, bone_alone: bool = True) -> Scans:
    """The scan at `path`, and the bone series beside it where there is one; of the series that is named, if one is.

    With `bone_alone`, a bone series serves alone where no other series suits.

    Raises:
        InputRefused: with the finding that says why there is no scan. A bone series that can't serve is a flag.
    """
    path = scan_at(path)
    if _source_of(path) == "nifti":
        return Scans(read_nifti(path), None, {"brain": None, "skull": None})
    headers, stacks = _preflight(path)
    return _read(headers, stacks, choose(stacks, series_uid, bone_alone), series_uid is not None)


def check_input(path: str | Path, series_uid: str | None = None) -> None:
    """See by headers alone that `path` holds a scan: a path, a series, or a header that can't be used ends here.

    Raises:
        InputRefused: with the finding that says why. What only the voxels show, `read_scans` refuses.
    """
    path = scan_at(path)
    if _source_of(path) == "nifti":
        check_nifti(path)
    else:
        choose(_preflight(path)[1], series_uid, bone_alone=True)


def inspect_input(path: str | Path, series_uid: str | None = None) -> Inspection:
    """The inspection of `path`: the series that would be used and every finding; refusals are not raised here."""
    source = "none"
    rows: tuple[SeriesRow, ...] = ()
    try:
        path = scan_at(path)
        source = _source_of(path)
        if source == "nifti":
            volume = read_nifti(path)
        else:
            headers, stacks = _preflight(path)
            rows = tuple(_row(stack, False) for stack in stacks)
            best = choose(stacks, series_uid, bone_alone=True)
            rows = tuple(_row(stack, stack is best) for stack in stacks)
            scans = _read(headers, stacks, best, series_uid is not None)
            volume = scans.volume
            rows = tuple(replace(row, serves=_served(scans, place)) for place, row in enumerate(rows, 1))
    except InputRefused as refused:
        return Inspection(source, rows, refused.findings, None)
    return Inspection(source, rows, volume.findings, volume)


def _served(scans: Scans, place: int) -> tuple[str, ...]:
    """The use of the series at a place of the list: "brain", "skull", both or none."""
    return tuple(what for what, number in scans.serves.items() if number == place)


def scan_at(path: str | Path) -> Path:
    """The path of a scan: the only NIfTI of a folder (see `only_nifti`), else the path itself.

    Raises:
        InputRefused: `path_missing`, if it is empty; `read_failed`, if a folder can't be listed.
    """
    path = named_path(path)
    try:
        return (only_nifti(path.glob("*")) if os.path.isdir(path) else None) or path
    except OSError as error:
        raise refusal("read_failed", f"The folder can't be read ({error.strerror}).") from error


def _source_of(path: Path) -> str:
    """ "nifti" or "dicom"; refuses a path that is neither a folder nor a regular file."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise refusal("path_missing", f"{str(path)[-200:]} can't be read ({error.strerror}).") from error
    if stat.S_ISREG(mode):
        return "nifti" if is_nifti(path) else "dicom"
    if stat.S_ISDIR(mode):
        return "dicom"
    raise refusal("no_dicom", "The input is neither a folder nor a regular file.")


def _preflight(path: Path) -> tuple[Headers, list[Stack]]:
    """Headers and stacks of a folder or file."""
    headers = read_headers(path)
    if not headers.images:
        raise refusal("no_dicom", _no_image(path, headers.foreign + headers.other_objects))
    stacks = stacks_of(headers)
    only = headers.images[0]
    alone = path.is_file() and len(headers.images) == 1 and only.sop_class not in IMAGE_STORAGE[1:]
    if alone and only.frame is None and stacks[0].kind == "image":
        place = str(path.absolute().parent)[-200:]
        raise refusal("too_few_slices", f"{place} may hold the rest: the file has 1 slice, fewer than {MIN_SLICES}.")
    return headers, stacks


def _no_image(path: Path, count: int) -> str:
    """That none of `count` files is a DICOM image, and, of a folder, which NIfTI files or zip archives it holds."""
    text = "The file is not a DICOM image." if count == 1 else f"None of {count} files is a DICOM image."
    volumes = [file for file in path.rglob("*") if is_nifti(file)] if path.is_dir() else []
    if len(volumes) == 1:
        return f"{text} The folder holds a NIfTI file: name that file."
    if volumes:
        return f"{text} The folder holds {len(volumes)} NIfTI files: name one of them."
    archives = sum(is_zip(file) for file in path.rglob("*")) if path.is_dir() else 0
    if archives:
        return f"{text} The folder holds {counted(archives, 'zip archive')}: name {'it' if archives == 1 else 'one'}."
    return text


def _read(headers: Headers, stacks: list[Stack], best: Stack, named: bool) -> Scans:
    """The scans of the chosen stack and, unless it was named, the bone series; findings of the choice first."""
    volume, places = stack_volume(best), {id(stack): place for place, stack in enumerate(stacks, 1)}
    if BONE_KERNEL in best.objections:
        return Scans(_with_flags(volume, choice_flags(headers, stacks, (best,))), None, {"skull": places[id(best)]})
    beside, found = (None, ()) if named else bone_beside(stacks, best)
    bone = None
    if beside is not None:
        bone, found = bone_volume(beside, volume)
    skull = best if beside is None or bone is None else beside
    flags = (*choice_flags(headers, stacks, (best, skull)), *found)
    return Scans(_with_flags(volume, flags), bone, {"brain": places[id(best)], "skull": places[id(skull)]})


def _with_flags(volume: Volume, flags: tuple[Finding, ...]) -> Volume:
    """A volume with further findings, which come first."""
    return replace(volume, findings=(*flags, *volume.findings))


def _row(stack: Stack, chosen: bool) -> SeriesRow:
    """A stack as a row for `inspect`."""
    first = stack.first
    return SeriesRow(
        series_uid=first.series_uid,
        series_number=first.series_number,
        kind=stack.kind,
        images=len(stack.images),
        slices=stack.slices,
        spacing_mm=stack.spacing_mm,
        coverage_mm=stack.coverage_mm,
        kernel=first.kernel,
        contrast=stack.contrast,
        objections=stack.objections if stack.kind == "image" else (),
        chosen=chosen,
        serves=(),
    )


ADULT_YEARS = 18
"""The reference head and the training heads are adults'."""

OBJECTION_TEXTS = {
    "derived_series": "The series is derived, not original; it was used because it was named.",
    "not_axial": "The slices are not axial; the series was used because it was named.",
    BONE_KERNEL: "The series has a bone kernel.",
}
"""Objections to a series that was named, or to a bone kernel that is alone."""

ASIDE_WORDS = {
    "image": "CT images of other series",
    "localizer": "localizer images",
    "capture": "screen captures",
    "colour": "colour images",
    "not CT": "images that are not CT",
}
"""Kinds in words."""


def choice_flags(headers: Headers, stacks: list[Stack], used: tuple[Stack, ...]) -> tuple[Finding, ...]:
    """Flags of the choice; of those used, the first is the scan: its objections, contrast agent, age, compression, and
    other data that was set aside."""
    best = used[0]
    found = [finding(code, OBJECTION_TEXTS[code]) for code in best.objections]
    if best.contrast:
        found.append(finding("contrast_suspected", "The header suggests contrast agent."))
    if best.first.age_years is not None and best.first.age_years < ADULT_YEARS:
        found.append(finding("under_18", "The header says that the patient is under 18."))
    if any(image.lossy for image in best.images):
        found.append(finding("lossy_compression", "The images went through lossy compression."))
    if count := sharing_uid(best):
        found.append(finding("uids_repeated", f"{count} of {len(best.images)} images share a SOPInstanceUID."))
    aside = Counter(stack.kind for stack in stacks if all(stack is not one for one in used) for _ in stack.images)
    if aside:
        listed = ", ".join(f"{ASIDE_WORDS[kind]} ({count})" for kind, count in sorted(aside.items()))
        found.append(finding("images_set_aside", f"Set aside: {listed}."))
    listed = _other_things(headers)
    if listed:
        found.append(finding("files_set_aside", f"Set aside: {listed}."))
    if count := lookalikes(headers, stacks, best):
        words = counted(count, "file or image looks like a slice", "files or images look like slices")
        found.append(finding(SLICES_SET_ASIDE, f"{words} of the series, but can't be read as one."))
    return tuple(found)


def _other_things(headers: Headers) -> str:
    """The other contents of the folder, counted; "" if there are none."""
    things = {
        ("file that is not DICOM", "files that are not DICOM"): headers.foreign,
        ("DICOM file without an image", "DICOM files without an image"): headers.other_objects,
        ("link to a folder, not followed", "links to folders, not followed"): headers.linked_folders,
    }
    return ", ".join(counted(count, *words) for words, count in things.items() if count)
