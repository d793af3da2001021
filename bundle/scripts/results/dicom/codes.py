"""The codes in DICOM results: of regions, of units, and of concepts without a standard code.

Coded meanings come from SNOMED CT ("SCT"), DICOM ("DCM"), LOINC ("LN") and UCUM; `SCHEME` is this project's own, for
what they lack, and every object that uses it says so. A hemisphere is everything inside the skull on one side, with
the cerebellum: "Brain" with a laterality.
"""

from __future__ import annotations

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

ABNORMAL = CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure")
AI = CodedConcept("123109", "DCM", "Artificial Intelligence")
VOLUME = CodedConcept("118565006", "SCT", "Volume")
PERCENTILE = CodedConcept("121415", "DCM", "Percentile Ranking of measurement")
COMMENT = CodedConcept("121106", "DCM", "Comment")
CT_PROCEDURE = CodedConcept("25045-6", "LN", "CT unspecified body region")

SCORE = CodedConcept("anomaly-score", SCHEME, "Anomaly score of a region")
COVERAGE = CodedConcept("coverage", SCHEME, "Share of a region in the field of view")
THRESHOLD = CodedConcept("threshold", SCHEME, "Score that 95 % of healthy scans do not exceed")
ANOMALY = CodedConcept("anomaly", SCHEME, "Anomaly of position")
SCORING = CodedConcept("scoring", SCHEME, "Whether a region was scored")
NOT_SCORED = CodedConcept("not-scored", SCHEME, "No score: the region was cut or not found")
VERDICT = CodedConcept("verdict", SCHEME, "Verdict on the alignment with the reference head")
VERDICTS = {
    "pass": CodedConcept("pass", SCHEME, "Aligned"),
    "review": CodedConcept("review", SCHEME, "Doubtful: look at the picture before trusting the result"),
    "unconfirmed": CodedConcept("unconfirmed", SCHEME, "Unconfirmed: it was refused, and a user forced a result"),
}

PERCENT = CodedConcept("%", "UCUM", "percent")
MILLILITER = CodedConcept("ml", "UCUM", "milliliter")
UNITS = {
    "calibrated": CodedConcept("1", "UCUM", "no units"),
    "error": CodedConcept("mm", "UCUM", "millimeter"),
    "reconstruction": PERCENT,
    **dict.fromkeys(PARTS, CodedConcept("{SD}", "UCUM", "standard deviations")),
}
"""Unit of the values of each map."""
