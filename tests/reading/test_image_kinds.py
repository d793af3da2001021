"""Vendors' words: kernels, contrast agent, localizers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dicom_series import write_series

from scripts.reading.headers import ImageHeader, read_headers
from scripts.reading.image_kinds import counted_kinds, has_bone_kernel, is_of_head, kind_of, suggests_contrast


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ImageHeader:
    """Header of an axial CT image."""
    return read_headers(write_series(tmp_path_factory.mktemp("plain"), at=range(1))[0]).images[0]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "image"),
        ({"modality": "MR"}, "not CT"),
        ({"modality": ""}, "not CT"),
        ({"photometric": "RGB", "samples": 3}, "colour"),
        ({"photometric": "PALETTE COLOR"}, "colour"),
        ({"photometric": "RGB", "samples": 3, "image_type": ("DERIVED", "SECONDARY", "DOSE_INFO")}, "capture"),
        ({"sop_class": "1.2.840.10008.5.1.4.1.1.7"}, "capture"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "localizer"),
        ({"image_type": ("DERIVED", "SECONDARY", "REF_SURVIEW")}, "localizer"),
        ({"image_type": ()}, "image"),
        ({"photometric": "MONOCHROME1"}, "image"),
    ],
)
def test_kinds(plain: ImageHeader, changes: dict[str, object], kind: str) -> None:
    assert kind_of(replace(plain, **changes)) == kind


@pytest.mark.parametrize(
    "kernel", ["BONE", "BONEPLUS", "EDGE", "LUNG", "YD", "D", "E", "FC30", "FC81", "H60S", "HR64", "B70F", "J70H 2"]
)
def test_bone_kernels(plain: ImageHeader, kernel: str) -> None:
    assert has_bone_kernel(replace(plain, kernel=kernel))


@pytest.mark.parametrize(
    "kernel",
    ["", "STANDARD", "STD+", "SOFT", "DETAIL", "UB", "A", "FC21", "FC68", "H31S", "HR40F 3", "J40S", "B30F", "HC40"],
)
def test_other_kernels(plain: ImageHeader, kernel: str) -> None:
    assert not has_bone_kernel(replace(plain, kernel=kernel))


def test_bone_in_the_description(plain: ImageHeader) -> None:
    without = replace(plain, kernel="")
    assert has_bone_kernel(replace(without, series_description="HEAD 1MM BONE"))
    assert has_bone_kernel(replace(without, series_description="HEAD_BONE_1MM"))
    assert not has_bone_kernel(replace(without, series_description="STD BRAIN 5MM"))
    for kernel, is_bone in (
        ("B_SHARP_C", True),
        ("UNKNOWN", True),
        ("UB", False),
        ("STANDARD", False),
        ("J40S", False),
    ):
        assert has_bone_kernel(replace(plain, kernel=kernel, series_description="HEAD_BONE_1MM")) is is_bone


def test_a_protocol_of_soft_and_bone_series_makes_no_bone_series(plain: ImageHeader) -> None:
    soft = replace(plain, series_description="HEAD 5MM", description="HEAD 5MM HEAD BRAIN/BONE")
    assert not has_bone_kernel(soft)
    assert not has_bone_kernel(replace(soft, kernel=""))
    assert not has_bone_kernel(replace(plain, kernel="H31S", series_description="BRAIN AND BONE"))


@pytest.mark.parametrize(
    "description",
    ["HEAD +C", "CTA CAROTIDS", "BRAIN WITH CONTRAST", "CT ANGIO", "POST CON HEAD", "PRE AND POST CONTRAST"],
)
def test_contrast(plain: ImageHeader, description: str) -> None:
    assert suggests_contrast(replace(plain, description=description))


@pytest.mark.parametrize(
    "description",
    [
        "STD BRAIN 5MM",
        "HEAD WITHOUT CONTRAST",
        "NON-CONTRAST HEAD",
        "HEAD W/O CONTRAST",
        "POST FOSSA",
        "PLAIN",
        "PRE CONTRAST 5MM",
    ],
)
def test_no_contrast(plain: ImageHeader, description: str) -> None:
    assert not suggests_contrast(replace(plain, description=description))


@pytest.mark.parametrize(
    ("agent", "suggested"),
    [("OMNIPAQUE 350", True), ("NONE", False), ("N", False), ("NO", False), ("ANONYMIZED", True)],
)
def test_agent(plain: ImageHeader, agent: str, suggested: bool) -> None:
    assert suggests_contrast(replace(plain, contrast=agent)) is suggested


def test_body_part(plain: ImageHeader) -> None:
    assert all(is_of_head(replace(plain, body_part=part)) for part in ("", "HEAD", "BRAIN", "SKULL"))
    assert all(is_of_head(replace(plain, body_part=part)) for part in ("CABEZA", "HOOFD", "SCHÄDEL", "GLOWA"))
    assert not any(is_of_head(replace(plain, body_part=part)) for part in ("CHEST", "COLUMNA", "HALS"))


@pytest.mark.parametrize("part", ["", "HEAD"])
def test_another_body_part_in_the_description(plain: ImageHeader, part: str) -> None:
    one = replace(plain, body_part=part)
    spines = (
        "C-SPINE SOFT TISSUE",
        "CSPINE_1.25",
        "Cervical 2mm",
        "HWS axial",
        "Halswirbelsäule",
        "Rachis",
        "Colonne cervicale",
    )
    others = ("Cuello 1.5", "Columna 1mm", "Tórax", "Pescoço", "Collo", "Addome", "Cou", "Nek", "Halsrygg", "Szyja")
    for text in (*spines, *others, "NECK", "Hals", "CHEST 1MM", "THORAX", "ABDOMEN/PELVIS"):
        assert not is_of_head(replace(one, series_description=text))
    for text in (
        "HEAD 5MM",
        "HEAD AND C-SPINE",
        "CTA HEAD_NECK",
        "SCHÄDEL THORAX",
        "Craniocervical",
        "BOTTLENECK",
        "Columna y cabeza",
        "",
    ):
        assert is_of_head(replace(one, series_description=text))
    assert not is_of_head(replace(plain, body_part="CHEST", series_description="HEAD"))


def test_kinds_are_counted_in_words() -> None:
    kinds = ["not CT"] * 4 + ["localizer"]
    assert counted_kinds(kinds) == "1 localizer, 4 images that are not CT"
    assert counted_kinds(["capture", "capture", "colour"]) == "2 screen captures, 1 colour image"
