"""Every region and every unit of a map has a code, and the project's own codes are of a declared scheme."""

from __future__ import annotations

import pytest

pytest.importorskip("highdicom")

from scripts.anomaly.scores import UNITS
from scripts.preprocessing.regions import REGIONS
from scripts.results.dicom import codes as dicom_codes


def test_regions_and_units_have_codes() -> None:
    assert list(dicom_codes.SITES) == list(REGIONS)
    assert dicom_codes.UNITS.keys() == UNITS.keys()
    assert dicom_codes.SITES["left_hemisphere"][1] is dicom_codes.LEFT
    assert dicom_codes.SITES["right_hemisphere"][1] is dicom_codes.RIGHT
    assert dicom_codes.VERDICTS.keys() == {"pass", "review", "unconfirmed"}


def test_the_scheme_of_own_codes_is_declared() -> None:
    (scheme,) = dicom_codes.schemes()
    assert scheme.CodingSchemeDesignator == dicom_codes.SCORE.CodingSchemeDesignator == "99HCTPA"
    own = [value for value in vars(dicom_codes).values() if getattr(value, "scheme_designator", "") == "99HCTPA"]
    assert len({code.value for code in own}) == len(own) > 0
    assert all(len(code.value) <= 16 for code in own)
