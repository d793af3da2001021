"""Flags of the headers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from dicom_series import write_series

from scripts.reading.flags import choice_flags
from scripts.reading.headers import Headers, ImageHeader, read_headers
from scripts.reading.series import stacks_of


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[ImageHeader]:
    """Headers of three slices."""
    return read_headers(write_series(tmp_path_factory.mktemp("s"), at=range(3))[0].parent).images


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"kernel": "BONE"}, ["bone_kernel"]),
        ({"image_type": ("DERIVED", "PRIMARY")}, ["derived_series"]),
        ({"orientation": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)}, ["not_axial"]),
        ({"contrast": "OMNIPAQUE"}, ["contrast_suspected"]),
        ({"age_years": 17.9}, ["under_18"]),
        ({"age_years": 18.0}, []),
        ({"lossy": True}, ["lossy_compression"]),
    ],
)
def test_flags_of_the_images(images: list[ImageHeader], changes: dict[str, Any], codes: list[str]) -> None:
    headers = Headers([replace(image, **changes) for image in images])
    stacks = stacks_of(headers)
    assert [found.code for found in choice_flags(headers, stacks, stacks[0])] == codes


def test_what_was_set_aside_is_counted(images: list[ImageHeader]) -> None:
    scout = replace(images[0], series_uid="1", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    mr = replace(images[0], series_uid="2", modality="MR")
    headers = Headers([*images, scout, mr, mr], foreign=4, other_objects=2, linked_folders=1)
    stacks = stacks_of(headers)
    best = next(stack for stack in stacks if len(stack.images) == 3)
    assert [found.message for found in choice_flags(headers, stacks, best)] == [
        "Set aside: localizer images (1), images that are not CT (2).",
        "Set aside: 4 files that are not DICOM, 2 DICOM files without an image, 1 link to a folder, not followed.",
    ]
