"""UIDs follow from the result, dates from the source."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from scripts.errors import WrongUsage
from scripts.results.dicom.identity import (
    EPOCH,
    NO_DATE,
    NO_TIME,
    RESEARCH,
    UNCONFIRMED,
    Identity,
    body_part,
    date_and_time,
    identity_of,
    settle,
    time_made,
)


def test_uids_are_valid_and_differ_by_role() -> None:
    identity = Identity("a" * 64, "0.2.0", "b" * 64)
    uids = [identity.uid("series", "report"), identity.uid("instance", "report"), identity.device_uid]
    assert all(UID(uid).is_valid for uid in uids)
    assert len(set(uids)) == 3
    assert identity.uid("series", "report") == Identity("a" * 64, "0.2.0", "b" * 64).uid("series", "report")
    assert Identity("c" * 64, "0.2.0", "b" * 64).device_uid == identity.device_uid


def test_what_every_object_is_told() -> None:
    told = Identity("a" * 64, "0.2.0", "b" * 64).object("report", 2, "Anomaly scores")
    assert told["series_number"] == 9003
    assert told["series_description"] == "Anomaly scores. For research use only v0.2.0"
    assert Identity("a" * 64, "0.2.0", "b" * 64).described("Map") == f"Map. {RESEARCH} v0.2.0"
    assert len(told["series_description"]) <= 64


def test_the_objects_of_a_series_have_uids_of_their_own() -> None:
    identity = Identity("a" * 64, "0.2.0", "b" * 64)
    first, second = identity.object("slice", 5, "Slices"), identity.object("slice", 5, "Slices", 2)
    assert first["series_instance_uid"] == second["series_instance_uid"]
    assert first["sop_instance_uid"] != second["sop_instance_uid"]
    assert (first["instance_number"], second["instance_number"]) == (1, 2)


def test_every_object_says_that_the_pose_is_unconfirmed() -> None:
    marked = Identity("a" * 64, "0.2.0", "b" * 64, UNCONFIRMED)
    assert marked.statement == "UNCONFIRMED POSE: For research use only, not a medical device"
    assert len(marked.statement) <= 64
    told = marked.object("report", 2, "Anomaly scores")["series_description"]
    assert told == "UNCONFIRMED POSE: Anomaly scores. For research use only v0.2.0"
    assert len(marked.described("Scores R 120.9, L 110.3 of it")) <= 64
    assert marked.described("Scores R 120.9, L 110.3 of it").endswith(". Research only")
    assert len(marked.described("x" * 70)) == 64


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ContentDate": "20240101", "ContentTime": "010203", "StudyDate": "20230101"}, ("20240101", "010203")),
        ({"StudyDate": "20230101", "StudyTime": "010203.5"}, ("20230101", "010203.5")),
        ({"StudyDate": "20230101"}, ("20230101", NO_TIME)),
        ({"ContentDate": "", "StudyDate": "20230101"}, ("20230101", NO_TIME)),
        ({"ContentDate": "00000000", "StudyDate": "20230101", "StudyTime": "0102"}, ("20230101", "0102")),
        ({}, (NO_DATE, NO_TIME)),
    ],
)
def test_the_date_is_that_of_the_source(values: dict[str, str], expected: tuple[str, str]) -> None:
    image = Dataset()
    for name, value in values.items():
        setattr(image, name, value)
    assert date_and_time(image) == expected


def test_what_would_differ_from_run_to_run_is_settled() -> None:
    data, inner = Dataset(), Dataset()
    inner.ContributionDateTime, data.InstanceCreationDate = "20240101", "20240101"
    inner.DimensionOrganizationUID, data.StudyDate = "1.2.3", "20240101"
    data.ContributingEquipmentSequence = [inner]
    data.walk(lambda level, element: settle(level, element.tag, "2.25.7"))
    assert "InstanceCreationDate" not in data
    assert "ContributionDateTime" not in inner
    assert inner.DimensionOrganizationUID == "2.25.7"
    assert data.StudyDate == "20240101"


def test_the_time_that_a_user_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EPOCH, raising=False)
    assert time_made() is None
    monkeypatch.setenv(EPOCH, "1767225600")
    made = time_made()
    assert made is not None
    assert made.isoformat() == "2026-01-01T00:00:00+00:00"
    monkeypatch.setenv(EPOCH, "today")
    with pytest.raises(WrongUsage, match=r"SOURCE_DATE_EPOCH is 'today'\. It must be whole seconds since 1970"):
        time_made()


def test_other_studies_and_places_have_other_uids() -> None:
    """An archive may correct them, and keep the UIDs of its images."""

    def identity(**changed: Any) -> str:
        image = Dataset()
        image.SOPInstanceUID, image.StudyInstanceUID = "1.2.3", "1.2"
        image.ImagePositionPatient = [0, 0, 0]
        for name, value in changed.items():
            setattr(image, name, value)
        source = SimpleNamespace(images=(image,), first=image)
        return identity_of(source, [np.zeros(3)], {}, "w", "1").uid("report")  # type: ignore[arg-type]

    others = [
        {"StudyInstanceUID": "1.9"},
        {"ImagePositionPatient": [0, 0, 5]},
        {"SliceThickness": "5"},
        {"LossyImageCompression": "01"},
    ]
    assert len({identity(), *(identity(**other) for other in others)}) == 1 + len(others)
    assert identity() == identity()


@pytest.mark.parametrize(
    ("named", "told"),
    [(["HEAD", "NECK"], "HEAD"), (["", "NECK"], "HEAD"), ("head 1", "HEAD"), ("X" * 17, "HEAD"), ("SKULL", "SKULL")],
)
def test_a_body_part_that_is_no_code_is_a_head(named: Any, told: str) -> None:
    image = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.BodyPartExamined = named
    assert body_part(image) == told


def test_what_was_aligned_with_a_head_is_a_head() -> None:
    image = Dataset()
    assert body_part(image) == "HEAD"
    image.BodyPartExamined = "BRAIN"
    assert body_part(image) == "BRAIN"
