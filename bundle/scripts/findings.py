"""Findings: all statements about an input, in one table from which messages, tests and docs are made.

A *finding* is one statement about the input, with a code, a severity and a message of one or two sentences. A *refusal*
means that no heatmap is made; a *flag* travels into every output; *information* does not change how a result is read.
Messages hold no patient data: no value of a DICOM attribute that identifies a person, and no file name but plain ones
(see `files.names`). They are one line of printable characters, `MAX_MESSAGE` at most, whatever a header holds.
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
    """A row of the table: a finding's condition, and its remedy for the user."""

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
    """Raised if the input can't be judged; `findings` has the reasons, the first one to be shown."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(" ".join(f.message for f in self.findings if f.severity == REFUSAL))

    @property
    def code(self) -> str:
        """The code of the first reason, as in the table of refusals; "" if there is none."""
        return next((found.code for found in self.findings if found.severity == REFUSAL), "")


SLICES_SET_ASIDE = "slices_set_aside"
"""The code of a flag with which no pose passes: where slices are missing, the geometry may be wrong."""

PASSING = frozenset({"path_missing", "read_failed"})
"""Codes of the refusals that are not kept: the scan may be within reach the next time."""

UNEVEN = frozenset({"two_spacings", "uneven_spacing"})
"""Codes of the flags that say that the reader brought the slices to even spacing."""

REFUSALS = {
    "path_missing": ("the input path does not exist", "Check the path."),
    "read_failed": (
        "the system does not let a file or folder be read: the disk or the network fails, or access is denied",
        "Check the disk, the network and the permissions, then try again.",
    ),
    "empty_folder": ("the folder holds no file", "Give the folder that holds the DICOM series."),
    "no_dicom": (
        "no file is a DICOM image or a NIfTI volume",
        "Give a folder with a CT series, an enhanced CT file or a .nii or .nii.gz file.",
    ),
    "zip_unusable": (
        "the zip archive is damaged, encrypted, over 16 GB or of over 100,000 files",
        "Unpack it and give the folder.",
    ),
    "corrupt_file": ("a DICOM file's header can't be read to its end", "Export the series again."),
    "not_ct": ("no image is a CT image", "Give a head CT."),
    "localizer_only": ("the only CT images are localizers", "Export the axial series too."),
    "colour_images": ("the images are in colour or captures of a screen", "Export the original CT images."),
    "monochrome1": ("the grey values are stored inverted (MONOCHROME1)", "Export the series as MONOCHROME2."),
    "series_not_found": ("no series has the UID that was named", "`head-ct-anomaly inspect` lists the series."),
    "several_series": ("several series are equally good", "Name one with --series-uid."),
    "series_split": (
        "each image has a SeriesInstanceUID of its own",
        "Write one SeriesInstanceUID into all images of the scan: an anonymiser may have changed it image by image.",
    ),
    "no_suitable_series": ("no series is original and axial", "Name one with --series-uid to use it anyway."),
    "several_patients": ("the images belong to more than one patient", "Give one patient's images."),
    "mixed_geometry": (
        "rows, columns, pixel spacing or orientation differ inside the series",
        "Export the series again, or give one stack of it.",
    ),
    "geometry_missing": (
        "position, orientation or pixel spacing is missing",
        "Export the series again with its geometry, or remove the images that have none, such as captures.",
    ),
    "geometry_invalid": (
        "position, orientation, spacing or extent is not possible",
        "Export the series again with its geometry, or give another series.",
    ),
    "uids_not_unique": (
        "DICOM objects were asked for (`--dicom`), and images share one SOPInstanceUID, or have no StudyInstanceUID",
        "Leave out --dicom, or anonymise the series again with a UID for each image and for the study.",
    ),
    "no_study": (
        "DICOM objects were asked for (`--dicom`), and the scan is a NIfTI in a folder or archive (of a file: code 2)",
        "Give the DICOM series, or leave out --dicom.",
    ),
    "too_few_slices": ("fewer than 15 slices", "Give the folder that holds the whole series."),
    "short_coverage": ("less than 100 mm is covered in some direction", "Give a scan of the whole head."),
    "missing_slices": (
        "a gap is over 1.5 times the usual one and no two-spacing protocol explains it",
        "Export the series again, with all its slices; if it has them all, give a reconstruction with one spacing.",
    ),
    "position_conflict": (
        "two images at one position differ",
        "Remove the images that do not belong to the series; of repeated scans in one series, keep those of one.",
    ),
    "rescale_missing": ("rescale slope or intercept is missing", "Export the original CT images."),
    "rescale_invalid": ("the rescaled values are not Hounsfield units", "Export the original CT images."),
    "corrupt_pixels": (
        "pixel data are missing, truncated, corrupt or not what the header says",
        "Export the series again.",
    ),
    "pixels_unsupported": (
        "the pixels are in a form that is not read: a rare or private transfer syntax, a private element, packed bits",
        "Export the series uncompressed (Explicit VR Little Endian), or convert it: dcm2niix, or gdcmconv --raw.",
    ),
    "too_large": (
        "the scan, by its header, needs more memory to read than the budget allows, or than is free",
        "Crop the scan or reconstruct it with thicker slices, or give the process more memory if it lacks that.",
    ),
    "implausible_hu": (
        "no air peak near -1000 HU, no soft tissue, or its peak is not near 30 HU, or over 100 ml above 2900 HU",
        "Check that the values are Hounsfield units and that the scan shows a head.",
    ),
    "zero_variance": ("all voxels have the same value", "Export the scan again."),
    "not_finite": ("voxels are NaN or infinite", "Replace them by -1024 (air) or export the scan again."),
    "nifti_corrupt": ("the NIfTI file is truncated or fails its checksum", "Copy or convert the file again."),
    "nifti_not_3d": ("the NIfTI file is not one 3-D volume", "Store one volume per file."),
    "nifti_data_type": ("the data type can't hold Hounsfield units", "Store int16 or float32 Hounsfield units."),
    "nifti_no_affine": (
        "neither sform nor qform is set, or the affine is singular or gives an impossible size",
        "Convert from DICOM again, keeping the affine.",
    ),
    "registration_failed": (
        "the pose can't be confirmed: the brain there matches the reference head too little, or better some 8 mm away, "
        "or lies turned by over 65 degrees; or what lies there looks upside down, like half a head, of no adult's size "
        "or not in HU",
        "Check that it is a head CT, that most of the head is in view, and that spacing and orientation are right.",
    ),
}
"""Refusals by code: the condition, and the remedy for the user."""

FLAGS = {
    "region_cut": (
        "less than 95 % of a region is inside the field of view; below 50 % it has no score",
        "Nothing is known of the rest of it; the other regions are scored as usual.",
    ),
    "region_missing": (
        "no voxel of a region was found, although half of it or more is inside the field of view",
        "Look at regions.nii.gz: it shows which voxels count as bone and brain.",
    ),
    "skull_not_judged": (
        "less than half of the calvaria is in the field of view, bone was found in hardly any of it, slices are over "
        "8 mm apart, or the bundle has no healthy skulls to compare it with",
        "The skull has no score; the brain is scored as usual.",
    ),
    "skull_defect": (
        "no bone over 9 mm or more of the calvaria in view: a burr hole, or from 15 mm on surgery or a defect",
        "It is not part of the skull's score.",
    ),
    "skull_motion": (
        "slices are displaced in their plane against their neighbours by 0.45 mm or more, at three heights of the "
        "calvaria: the patient moved",
        "Lines of the skull along the slices may be steps between them.",
    ),
    "intracranial_unassigned": (
        "over 1.5 % of the space inside the skull, as far as it can be told, lies in no region",
        "No score knows of it: look at the outlines in the picture, and at the heatmap there.",
    ),
    "registration_review": (
        "the pose was found, but the match of the brain with the reference head, the angle, the size, the density or "
        "what is in view is unusual",
        "Look at the picture before trusting the heatmap.",
    ),
    "registration_unconfirmed": (
        "the pose can't be confirmed, and the user asked for the heatmap all the same (`--force`)",
        "The heatmap may lie in the wrong place: for research only.",
    ),
    "not_calibrated": (
        "no calibration for these weights",
        "Heatmap and scores are the plain error, in mm, and have no percentiles.",
    ),
    "bundle_changed": (
        "a file of the bundle differs from the manifest",
        "Install the bundle again, or, if the change is yours, run `python BUNDLE dev manifest` on its folder.",
    ),
    "normative_unknown": (
        "over 5 % of a region lies outside the normative: no healthy scan had a head there",
        "The calibrated heatmap is 0 there.",
    ),
    "unlike_calibration": (
        "both halves of the head are unlike all healthy scans of the calibration, by position or by density",
        "The hemispheres have no score. Calibrate on healthy scans of your own scanners and patients.",
    ),
    "median_doubtful": (
        "less than 45 % of the brain has 0 to 60 HU, or their median is over 18 HU from a brain's",
        "Much blood or contrast agent: the position map, which equalises the median, may be wrong.",
    ),
    "orientation_doubtful": (
        "the head is rotated by over 65 degrees against its header",
        "Check the orientation in the header: left and right may be wrong.",
    ),
    "gantry_tilt": ("the gantry was tilted; the shear is part of the affine", ""),
    "two_spacings": ("two slice spacings in one series; resampled at true positions", ""),
    "uneven_spacing": ("slice spacing varies; resampled at true positions", ""),
    "thick_slices": ("slices or their spacing are over 3 mm", "Small findings may be missed."),
    "contrast_suspected": ("the header suggests contrast agent", "Vessels may look abnormal."),
    "bone_kernel": (
        "the scan has a bone kernel: it was named, or no soft series suits",
        "Only the skull is judged; for the hemispheres, give or name the soft series.",
    ),
    "bone_series_unused": (
        "a bone series beside the soft one belongs to another study or frame of reference, has slices thicker than "
        "3 mm and than the soft one's, can't be read, holds less than 90 % of the skull, or shows it elsewhere",
        "The skull is judged in the soft series.",
    ),
    "derived_series": ("not an original series, used because it was named", ""),
    "not_axial": ("the slices are not axial; used because the series was named", ""),
    "lossy_compression": ("the images went through lossy compression", ""),
    "under_18": ("the header says the patient is under 18", "The model knows adult heads only."),
    "metal": ("metal in the scan", "Streaks may look abnormal."),
    "uids_repeated": (
        "images share one SOPInstanceUID: an anonymiser wrote the same for all",
        "The heatmap is as usual; no DICOM objects can refer to such images.",
    ),
    "padding_inside": (
        "voxels inside the field of view have the value that the header says is padding; they were read as values",
        "",
    ),
    "duplicates_dropped": ("duplicate images were used once", ""),
    "images_set_aside": ("localizers, captures or other series were set aside", ""),
    "files_set_aside": ("files that are not DICOM images were set aside", ""),
    SLICES_SET_ASIDE: (
        "files or images look like slices of the series, but can't be read as such; the pose is for review",
        "The scan may lack slices, and their distance be wrong: export the series again.",
    ),
    "nifti_affines_differ": ("sform and qform disagree; the sform was used", "Check left and right."),
}
"""Flags by code, likewise."""

NOTES = {
    "calibration_small": (
        "brain or skull is compared with fewer than 40 healthy scans",
        "Percentiles are rough: see their intervals.",
    ),
    "calibration_simulated": (
        "all healthy scans of the calibration are simulated",
        "Percentiles hold for simulated heads: calibrate on healthy scans of your own.",
    ),
    "alpha_unreached": (
        "`alpha` (0.05 unless set) is below 1 / (n + 1) of the n healthy scores that a threshold is taken from",
        "That threshold is the highest of them: choose a larger alpha, or calibrate on more healthy scans.",
    ),
}
"""Information by code, likewise."""

TABLE = tuple(
    FindingKind(code, severity, *texts)
    for severity, rows in ((REFUSAL, REFUSALS), (FLAG, FLAGS), (INFORMATION, NOTES))
    for code, texts in rows.items()
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
