"""Findings: all statements about an input, in one table from which messages, tests and docs are made.

A *finding* is one statement about the input, with a code, a severity and a message of one or two sentences. A *refusal*
means that no heatmap is made; a *flag* travels into every output; *information* does not change how a result is read.
Messages hold no patient data: no value of a DICOM attribute that identifies a person, and no file name but plain ones
(see `file_names`). They are one line of printable characters, `MAX_MESSAGE` at most, whatever a header holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from .words import printable, shortened

REFUSAL, FLAG, INFORMATION = "refusal", "flag", "information"

MAX_MESSAGE = 400
"""Characters of the longest message; what is longer is cut before the remedy."""


@dataclass(frozen=True)
class FindingKind:
    """A row of the table: when a finding is made and what the user can do about it."""

    code: str
    severity: str
    condition: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One statement about one input; `series_uid` only serves `inspect` and is written into no result."""

    code: str
    severity: str
    message: str
    series_uid: str | None = None

    def as_dict(self) -> dict[str, str]:
        """The three fields that go into `result.json`."""
        return {name: value for name, value in asdict(self).items() if name != "series_uid"}


class InputRefused(ValueError):
    """The input can't be judged; `findings` says why, the first one being the reason to show."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(" ".join(f.message for f in self.findings if f.severity == REFUSAL))


TABLE: tuple[FindingKind, ...] = (
    FindingKind("path_missing", REFUSAL, "the input path does not exist", "Check the path."),
    FindingKind("empty_folder", REFUSAL, "the folder holds no file", "Give the folder that holds the DICOM series."),
    FindingKind(
        "no_dicom",
        REFUSAL,
        "no file is a DICOM image or a NIfTI volume",
        "Give a folder with a CT series, an enhanced CT file or a .nii or .nii.gz file.",
    ),
    FindingKind("corrupt_file", REFUSAL, "a DICOM file's header can't be read to its end", "Export the series again."),
    FindingKind("not_ct", REFUSAL, "no image is a CT image", "Give a head CT."),
    FindingKind("localizer_only", REFUSAL, "the only CT images are localizers", "Export the axial series too."),
    FindingKind(
        "colour_images", REFUSAL, "the images are in colour or captures of a screen", "Export the original CT images."
    ),
    FindingKind(
        "monochrome1", REFUSAL, "the grey values are stored inverted (MONOCHROME1)", "Export the series as MONOCHROME2."
    ),
    FindingKind(
        "series_not_found",
        REFUSAL,
        "no series has the UID that was named",
        "`head-ct-anomaly inspect` lists the series.",
    ),
    FindingKind("several_series", REFUSAL, "several series are equally good", "Name one with --series-uid."),
    FindingKind(
        "no_suitable_series",
        REFUSAL,
        "no series is an original, axial series without a bone kernel",
        "To use one all the same, name it with --series-uid.",
    ),
    FindingKind(
        "several_patients", REFUSAL, "the images belong to more than one patient", "Give one patient's images."
    ),
    FindingKind(
        "mixed_geometry",
        REFUSAL,
        "rows, columns, pixel spacing or orientation differ inside the series",
        "Export the series again, or give one stack of it.",
    ),
    FindingKind(
        "geometry_missing",
        REFUSAL,
        "position, orientation or pixel spacing is missing",
        "Export the series again with its geometry.",
    ),
    FindingKind(
        "geometry_invalid",
        REFUSAL,
        "position, orientation or spacing is not possible",
        "Export the series again with its geometry.",
    ),
    FindingKind("too_few_slices", REFUSAL, "fewer than 15 slices", "Give the folder that holds the whole series."),
    FindingKind(
        "short_coverage", REFUSAL, "less than 100 mm is covered in some direction", "Give a scan of the whole head."
    ),
    FindingKind(
        "missing_slices",
        REFUSAL,
        "a gap is over 1.5 times the usual one and no two-spacing protocol explains it",
        "Export the series again, with all its slices.",
    ),
    FindingKind(
        "position_conflict",
        REFUSAL,
        "two images at one position differ",
        "Remove the images that do not belong to the series.",
    ),
    FindingKind("rescale_missing", REFUSAL, "rescale slope or intercept is missing", "Export the original CT images."),
    FindingKind(
        "rescale_invalid", REFUSAL, "the rescaled values are not Hounsfield units", "Export the original CT images."
    ),
    FindingKind(
        "corrupt_pixels",
        REFUSAL,
        "pixel data are missing, truncated, corrupt or not what the header says",
        "Export the series again.",
    ),
    FindingKind(
        "too_large",
        REFUSAL,
        "reading what the header announces would take more memory than the budget, or than is free",
        "Crop the scan or reconstruct it with thicker slices, or give the process more memory if it lacks that.",
    ),
    FindingKind(
        "implausible_hu",
        REFUSAL,
        "no air peak near -1000 HU, no soft tissue, or its peak is not near 30 HU",
        "Check that the values are Hounsfield units and that the scan shows a head.",
    ),
    FindingKind("zero_variance", REFUSAL, "all voxels have the same value", "Export the scan again."),
    FindingKind(
        "not_finite", REFUSAL, "voxels are NaN or infinite", "Replace them by -1024 (air) or export the scan again."
    ),
    FindingKind(
        "nifti_corrupt", REFUSAL, "the NIfTI file is truncated or fails its checksum", "Copy or convert the file again."
    ),
    FindingKind("nifti_not_3d", REFUSAL, "the NIfTI file is not one 3-D volume", "Store one volume per file."),
    FindingKind(
        "nifti_data_type",
        REFUSAL,
        "the data type can't hold Hounsfield units",
        "Store int16 or float32 Hounsfield units.",
    ),
    FindingKind(
        "nifti_no_affine",
        REFUSAL,
        "neither sform nor qform is set, or the affine is singular",
        "Convert from DICOM again, keeping the affine.",
    ),
    FindingKind(
        "region_cut",
        FLAG,
        "the field of view holds less than 95 % of a region",
        "The other regions are scored as usual.",
    ),
    FindingKind(
        "region_missing",
        FLAG,
        "not a voxel of a region was found, though the field of view holds it",
        "Look at regions.nii.gz: it shows what was taken for bone and brain.",
    ),
    FindingKind(
        "registration_failed",
        REFUSAL,
        "the pose can't be confirmed, since the brain there matches the reference head too little, or better some 8 mm "
        "away; or what lies there is upside down, half a head, of no adult's size or not in HU",
        "Check that it is a head CT, that most of the head is in view, and that spacing and orientation are right.",
    ),
    FindingKind(
        "registration_review",
        FLAG,
        "the match of the brain with the reference head, the angle, the size or what is in view is unusual",
        "Look at the picture before trusting the heatmap.",
    ),
    FindingKind(
        "registration_unconfirmed",
        FLAG,
        "the pose can't be confirmed, and the user asked for the heatmap all the same (`--force`)",
        "The heatmap may lie in the wrong place: for research only.",
    ),
    FindingKind(
        "not_calibrated",
        FLAG,
        "no calibration that was made with these weights",
        "Heatmap and scores are the plain error, in mm, and have no percentiles.",
    ),
    FindingKind(
        "bundle_changed",
        FLAG,
        "a file of the bundle is not the one that it was made with",
        "Install the bundle again, or, if the change is yours, run `head-ct-anomaly manifest`.",
    ),
    FindingKind(
        "normative_unknown",
        FLAG,
        "over 5 % of a region lies where no healthy scan had a head",
        "The calibrated heatmap is 0 there.",
    ),
    FindingKind(
        "orientation_doubtful",
        FLAG,
        "the head lies turned by over 65 degrees against its header",
        "Check the orientation in the header: left and right may be wrong.",
    ),
    FindingKind("gantry_tilt", FLAG, "the gantry was tilted; the shear is part of the affine", ""),
    FindingKind("two_spacings", FLAG, "two slice spacings in one series; resampled at true positions", ""),
    FindingKind("uneven_spacing", FLAG, "slice spacing varies; resampled at true positions", ""),
    FindingKind("thick_slices", FLAG, "slices or their spacing are over 3 mm", "Small findings may be missed."),
    FindingKind("contrast_suspected", FLAG, "the header suggests contrast agent", "Vessels may look abnormal."),
    FindingKind("bone_kernel", FLAG, "a bone kernel, used because the series was named", "The brain is noisy in it."),
    FindingKind("derived_series", FLAG, "not an original series, used because it was named", ""),
    FindingKind("not_axial", FLAG, "the slices are not axial; used because the series was named", ""),
    FindingKind("lossy_compression", FLAG, "the images went through lossy compression", ""),
    FindingKind("under_18", FLAG, "the header says the patient is under 18", "The model knows adult heads only."),
    FindingKind("metal", FLAG, "metal in the scan", "Streaks may look abnormal."),
    FindingKind("duplicates_dropped", FLAG, "images that are there twice were used once", ""),
    FindingKind("images_set_aside", FLAG, "localizers, captures or other series were set aside", ""),
    FindingKind("files_set_aside", FLAG, "files that are not DICOM images were set aside", ""),
    FindingKind("nifti_affines_differ", FLAG, "sform and qform disagree; the sform was used", "Check left and right."),
)
KINDS = {kind.code: kind for kind in TABLE}


def finding(code: str, detail: str, series_uid: str | None = None) -> Finding:
    """The finding `code`: `detail` (what is wrong, with the value) followed by the remedy of the table.

    Raises:
        KeyError: `code` is not in the table.
    """
    kind = KINDS[code]
    detail = shortened(printable(detail), MAX_MESSAGE - len(kind.remedy) - 1)
    return Finding(code, kind.severity, f"{detail} {kind.remedy}".strip(), series_uid)


def refusal(code: str, detail: str, series_uid: str | None = None) -> InputRefused:
    """The exception to raise for one refusing finding."""
    return InputRefused([finding(code, detail, series_uid)])


SECTIONS = (
    (REFUSAL, "Refused", "There is no heatmap, nothing is written, and the exit code is 3."),
    (
        FLAG,
        "Flagged",
        "There is a heatmap; the flag is in `result.json`, and the result is to be read with it in mind.",
    ),
    (INFORMATION, "Noted", "How a result is read does not change."),
)
"""The sections of the page: severity, heading, and what it means."""

UNNOTICED = (
    "A scan that was mirrored, left for right, before it was read: a head is nearly symmetric.",
    "Hounsfield units that are all off by the same 20 HU or less: brains differ by as much.",
    "A distance of slices that is wrong by a tenth or less: heads differ by as much.",
    "Slices that are missing at the top or the bottom: only the regions that they cut are flagged (`region_cut`).",
    "A header that is wrong but possible: another patient's name or age, contrast agent that was not entered.",
)
"""Faults of an input that nothing notices, and their consequences."""


def as_markdown() -> str:
    """The page `docs/findings.md`."""
    lines = [
        "# What is said of an input",
        "",
        "A scan is read right or refused; what is unusual about one that is read is flagged. `head-ct-anomaly inspect`",
        "says which, to programs with `--json` (schema: `bundle/docs/inspect.schema.json`). This page is made from the",
        "table in `bundle/scripts/findings.py`: `python bundle/scripts/findings.py > docs/findings.md`.",
    ]
    for severity, heading, meaning in SECTIONS:
        rows = [f"| {kind.condition} | {kind.remedy} | `{kind.code}` |" for kind in TABLE if kind.severity == severity]
        if rows:
            lines += ["", f"## {heading}", meaning, "", "| when | what to do | code |", "|---|---|---|", *rows]
    lines += ["", "## Not noticed", *(f"* {text}" for text in UNNOTICED)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
