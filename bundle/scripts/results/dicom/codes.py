"""The codes in DICOM results: of regions, of units, and of concepts without a standard code.

Coded meanings come from SNOMED CT ("SCT"), DICOM ("DCM"), LOINC ("LN"), UMLS and UCUM; `SCHEME` is this project's own,
for what they lack, and every object that uses it says so. A hemisphere is everything inside the skull on one side,
with the cerebellum: "Brain" with a laterality.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

from ...anomaly.scores import PARTS
from .identity import MANUFACTURER

SCHEME, SCHEME_NAME = "99HCTPA", "head_ct_position_anomaly"
"""Designator and name of this project's coding scheme."""


def schemes() -> list[CodingSchemeIdentificationItem]:
    """The coding scheme identification of an object that uses the project's own scheme."""
    return [CodingSchemeIdentificationItem(SCHEME, name=SCHEME_NAME, responsible_organization=MANUFACTURER)]


BRAIN, SKULL = CodedConcept("12738006", "SCT", "Brain"), CodedConcept("89546000", "SCT", "Skull")
LEFT, RIGHT = CodedConcept("7771000", "SCT", "Left"), CodedConcept("24028007", "SCT", "Right")

SITES: dict[str, tuple[CodedConcept, CodedConcept | None]] = {
    "left_hemisphere": (BRAIN, LEFT),
    "right_hemisphere": (BRAIN, RIGHT),
    "skull": (SKULL, None),
}
"""Anatomy and laterality of each region."""

NAMED = {
    "frontal lobe": CodedConcept("83251001", "SCT", "Frontal lobe"),
    "parietal lobe": CodedConcept("16630005", "SCT", "Parietal lobe"),
    "temporal lobe": CodedConcept("78277001", "SCT", "Temporal lobe"),
    "occipital lobe": CodedConcept("31065004", "SCT", "Occipital lobe"),
    "lateral ventricle": CodedConcept("66720007", "SCT", "Lateral Ventricle"),
    "third ventricle": CodedConcept("49841001", "SCT", "Third ventricle"),
    "fourth ventricle": CodedConcept("35918002", "SCT", "Fourth Ventricle"),
    "cerebellum": CodedConcept("113305005", "SCT", "Cerebellum"),
    "brain stem": CodedConcept("119238007", "SCT", "Brain Stem"),
    "frontal bone": CodedConcept("74872008", "SCT", "Frontal bone"),
    "parietal bone": CodedConcept("24924006", "SCT", "Parietal bone"),
    "temporal bone": CodedConcept("60911003", "SCT", "Temporal Bone"),
    "occipital bone": CodedConcept("31640002", "SCT", "Occipital bone"),
}
"""Anatomy of the names in detections that have a code; the others are of the brain or the skull as a whole."""

SIDES = {"left": LEFT, "right": RIGHT, "both": CodedConcept("51440002", "SCT", "Right and left")}
"""Laterality of the sides of detections; the midline has none."""

HEAD = CodedConcept("69536005", "SCT", "Head")

ABNORMAL = CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure")
AI = CodedConcept("123109", "DCM", "Artificial Intelligence")
VOLUME = CodedConcept("118565006", "SCT", "Volume")
EXTENT = CodedConcept("103339001", "SCT", "Long axis")
LENGTH = CodedConcept("410668003", "SCT", "Length")
WIDTH = CodedConcept("103355008", "SCT", "Width")
DEPTH = CodedConcept("131197000", "SCT", "Depth")
ATTENUATION = CodedConcept("112031", "DCM", "Attenuation Coefficient")
MEAN, MAXIMUM = CodedConcept("373098007", "SCT", "Mean"), CodedConcept("56851009", "SCT", "Maximum")
PERCENTILE = CodedConcept("121415", "DCM", "Percentile Ranking of measurement")
SUMMARY, COMMENT = CodedConcept("121111", "DCM", "Summary"), CodedConcept("121106", "DCM", "Comment")
IMAGING_REPORT = CodedConcept("126000", "DCM", "Imaging Measurement Report")
EVALUATIONS = CodedConcept("C0034375", "UMLS", "Qualitative Evaluations")
CT_OF_HEAD = CodedConcept("24725-4", "LN", "CT Head")

COVERAGE = CodedConcept("coverage", SCHEME, "Share in the field of view")
THRESHOLD = CodedConcept("threshold", SCHEME, "Threshold: 95 % of healthy scans")
THRESHOLD_BY_ALPHA = CodedConcept("threshold-alpha", SCHEME, "Threshold: 1 - alpha of healthy scans")
ALPHA_RATE = CodedConcept("alpha", SCHEME, "Alpha: share of the healthy scores above the threshold")
EXCESS = CodedConcept("excess", SCHEME, "Score in multiples of its threshold")
SCORING = CodedConcept("scoring", SCHEME, "Whether a region was scored")
NOT_SCORED = CodedConcept("not-scored", SCHEME, "No score: the region was cut or not found")
VERDICT = CodedConcept("verdict", SCHEME, "Verdict on the alignment with the reference head")
VERDICTS = {
    "pass": CodedConcept("pass", SCHEME, "Aligned"),
    "review": CodedConcept("review", SCHEME, "Doubtful: look at the picture before trusting the result"),
    "unconfirmed": CodedConcept("unconfirmed", SCHEME, "Unconfirmed: it was refused, and a user forced a result"),
}

SCORES = {
    "calibrated": CodedConcept("anomaly-score", SCHEME, "Anomaly score"),
    "error": CodedConcept("position-error", SCHEME, "Distance between predicted and true position"),
    "reconstruction": CodedConcept("residual", SCHEME, "Residual of a reconstruction"),
    "position": CodedConcept("position-score", SCHEME, "Anomaly score of positions"),
    "asymmetry": CodedConcept("asymmetry-score", SCHEME, "Anomaly score of asymmetry"),
    "density": CodedConcept("density-score", SCHEME, "Anomaly score of density"),
    "density_one_sided": CodedConcept("one-side-score", SCHEME, "Anomaly score of density of one side"),
}
"""Names of the values of each map, and the scores of regions, which pool them."""

TITLES = {
    "calibrated": "Anomaly map",
    "error": "Position error map",
    "reconstruction": "Residual map",
    "position": "Position map",
    "asymmetry": "Asymmetry map",
    "density": "Density map",
    "density_one_sided": "Density map, one side",
}
"""Title of each map in a list of series."""

PERCENT = CodedConcept("%", "UCUM", "percent")
MILLILITER, MILLIMETER = CodedConcept("ml", "UCUM", "milliliter"), CodedConcept("mm", "UCUM", "millimeter")
HOUNSFIELD = CodedConcept("[hnsf'U]", "UCUM", "Hounsfield unit")
DEVIATIONS = CodedConcept("{SD}", "UCUM", "standard deviations")
TIMES = CodedConcept("{times}", "UCUM", "times the threshold")
UNITS = {
    "calibrated": CodedConcept("{score}", "UCUM", "anomaly score; healthy tissue is mostly below 1"),
    "error": MILLIMETER,
    "reconstruction": PERCENT,
    **dict.fromkeys(PARTS, DEVIATIONS),
}
"""Unit of the values of each map; viewers show the code, which is therefore a word where there is no unit."""


def sites_of(region: str, row: Mapping[str, Any] | None) -> list[tuple[CodedConcept, CodedConcept | None]]:
    """Anatomy and laterality of a region, or of a row of `detections`: of each name in it that has a code."""
    if row is None:
        return [SITES[region]]
    side = SIDES.get(row["side"])
    found = [NAMED[name] for name in str(row["name"]).split(", ") if name in NAMED]
    return [(site, side) for site in found] or [(SKULL if region == "skull" else BRAIN, side)]
