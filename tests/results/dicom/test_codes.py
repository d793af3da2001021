"""Every region and every unit of a map has a code, and the project's own codes are of a declared scheme."""

from __future__ import annotations

import pytest

pytest.importorskip("highdicom")

from scripts.anomaly.scores import UNITS
from scripts.preprocessing.regions import REGIONS
from scripts.results.dicom import codes as dicom_codes


def test_regions_and_units_have_codes() -> None:
    assert list(dicom_codes.SITES) == list(REGIONS)
    assert dicom_codes.UNITS.keys() == UNITS.keys() == dicom_codes.SCORES.keys() == dicom_codes.TITLES.keys()
    assert dicom_codes.SITES["left_hemisphere"][1] is dicom_codes.LEFT
    assert dicom_codes.SITES["right_hemisphere"][1] is dicom_codes.RIGHT
    assert dicom_codes.VERDICTS.keys() == {"pass", "review", "unconfirmed"}


def test_every_name_of_the_atlas_and_the_skull_has_anatomy() -> None:
    row = {"side": "right", "name": "temporal lobe, extra-axial space"}
    ((site, side),) = dicom_codes.sites_of("brain", row)
    assert (site.meaning, side) == ("Temporal lobe", dicom_codes.RIGHT)
    assert dicom_codes.sites_of("brain", {"side": "both", "name": "deep grey matter"}) == [
        (dicom_codes.BRAIN, dicom_codes.SIDES["both"])
    ]
    assert dicom_codes.sites_of("skull", {"side": "midline", "name": "?"}) == [(dicom_codes.SKULL, None)]
    assert dicom_codes.sites_of("left_hemisphere", None) == [(dicom_codes.BRAIN, dicom_codes.LEFT)]


def test_the_scheme_of_own_codes_is_declared() -> None:
    (scheme,) = dicom_codes.schemes()
    assert scheme.CodingSchemeDesignator == dicom_codes.THRESHOLD.CodingSchemeDesignator == "99HCTPA"
    named = [*vars(dicom_codes).values(), *dicom_codes.SCORES.values(), *dicom_codes.VERDICTS.values()]
    own = [value for value in named if getattr(value, "scheme_designator", "") == "99HCTPA"]
    assert len({code.value for code in own}) == len(own) > 0
    assert all(len(code.value) <= 16 for code in own)
