"""The choice of the series in a study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from dicom_series import write_series
from geometries import PLAIN, THIN, Geometry, geometry, tilted

from scripts.findings import InputRefused
from scripts.reading.headers import Headers, ImageHeader, read_headers
from scripts.reading.series import Stack, choose, stacks_of


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that gives the headers of a series in a geometry, with changed fields; files are written once."""
    cache: dict[str, list[ImageHeader]] = {}

    def headers_of(uid: str, grid: Geometry = PLAIN, **changes: Any) -> list[ImageHeader]:
        if grid.name not in cache:
            cache[grid.name] = read_headers(write_series(tmp_path_factory.mktemp("s"), grid)[0].parent).images
        return [replace(image, series_uid=uid, **changes) for image in cache[grid.name]]

    return headers_of


def chosen(*series: list[ImageHeader], uid: str | None = None) -> Stack:
    """The stack chosen from these series, put into a folder in this order and in the opposite one."""
    images = [image for one in series for image in one]
    picked = [choose(stacks_of(Headers(order)), uid) for order in (images, images[::-1])]
    assert picked[0] == picked[1], "the choice must not depend on the order of the files"
    return picked[0]


def test_one_series(make: Any) -> None:
    stack = chosen(make("1"))
    assert (stack.first.series_uid, stack.slices, stack.sizes()) == ("1", 37, "37 x 3.00 mm")
    assert stack.coverage_mm == pytest.approx(111)


@pytest.mark.parametrize(
    "worse",
    [
        {"modality": "MR"},
        {"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")},
        {"image_type": ("DERIVED", "PRIMARY", "AXIAL")},
        {"kernel": "H70S"},
        {"contrast": "OMNIPAQUE"},
        {"body_part": "CHEST"},
        {"series_description": "C-SPINE SOFT TISSUE"},
        {"photometric": "RGB", "samples": 3},
        {"photometric": "MONOCHROME1"},
        {"rescale_type": "MGML"},
        {"intercept": None},
        {"bits": (8, 8, False), "high_bit": 7},
        {"pixel_spacing_mm": None},
    ],
    ids=lambda changes: str(next(iter(changes))),
)
def test_the_better_series_is_chosen(make: Any, worse: dict[str, Any]) -> None:
    assert chosen(make("1", **worse), make("2")).first.series_uid == "2"
    assert chosen(make("2"), make("3", THIN, **worse)).first.series_uid == "2"


def test_an_axial_series_is_chosen_over_a_reformat(make: Any) -> None:
    coronal = geometry("coronal", PLAIN.affine[:3, :3][:, [0, 2, 1]] / (4.4, 3.0, 4.6), (4.4, 3.0, 4.6), (48, 40, 44))
    assert chosen(make("1", coronal), make("2")).first.series_uid == "2"


def test_a_series_of_the_neck_is_used_if_it_is_named_or_alone(make: Any) -> None:
    neck = make("1", THIN, series_description="NECK", body_part="HEAD")
    assert chosen(neck, make("2")).first.series_uid == "2"
    assert chosen(neck, make("2"), uid="1").first.series_uid == "1"
    assert chosen(neck).objections == ()


@pytest.mark.parametrize(
    "spine", [{"series_description": "C-SPINE"}, {"series_description": "HWS"}, {"body_part": "CSPINE"}], ids=str
)
def test_a_head_with_contrast_is_chosen_over_a_plain_cervical_spine(make: Any, spine: dict[str, Any]) -> None:
    head = make("1", contrast="OMNIPAQUE", series_description="HEAD", body_part="HEAD")
    spine = {"body_part": "HEAD", **spine}
    assert chosen(head, make("2", THIN, **spine)).first.series_uid == "1"
    assert chosen(head, make("2", THIN, **spine), make("3")).first.series_uid == "3"


def test_a_plain_scan_is_chosen_over_a_perfusion_of_thinner_slices(make: Any) -> None:
    stack = chosen(make("1"), make("2", THIN) * 20)
    assert stack.first.series_uid == "1"
    assert chosen(make("2", THIN) * 20).dynamic
    assert not chosen(make("2", THIN) * 3).dynamic


def test_thinner_slices_are_better_and_coverage_comes_first(make: Any) -> None:
    assert chosen(make("1"), make("2", THIN)).first.series_uid == "2"
    assert chosen(make("1"), make("2", THIN)[:60]).first.series_uid == "1"


def test_equally_good_series_are_refused_and_listed(make: Any) -> None:
    with pytest.raises(
        InputRefused, match=r"2 series are equally good: 1 \(37 x 3\.00 mm\); 2 \(37 .*--series-uid"
    ) as e:
        chosen(make("1"), make("2"))
    assert e.value.findings[0].code == "several_series"
    assert chosen(make("1"), make("2"), uid="2").first.series_uid == "2"


def test_series_of_two_studies_are_not_chosen_between(make: Any) -> None:
    with pytest.raises(InputRefused, match="equally good"):
        chosen(make("1"), make("2", THIN, study_uid="other"))


def test_a_named_series_is_used_with_its_objections(make: Any) -> None:
    stack = chosen(make("1", kernel="BONE", image_type=("DERIVED",)), make("2"), uid="1")
    assert stack.objections == ("derived_series", "bone_kernel")


def test_a_named_series_that_is_not_there(make: Any) -> None:
    with pytest.raises(InputRefused, match=r"No image has the series UID that was named .1 stack of images"):
        chosen(make("1"), uid="9")


def test_a_bone_kernel_alone_is_chosen_where_no_brain_is_needed(make: Any) -> None:
    kernel, derived = make("1", kernel="BONE"), make("2", image_type=("DERIVED", "PRIMARY"))
    scout = make("3")[:4]
    for others in ([], derived, scout):
        assert choose(stacks_of(Headers([*kernel, *others])), None, bone_alone=True).first.series_uid == "1"
    assert choose(stacks_of(Headers([*kernel[:5], *scout])), None, bone_alone=True).first.series_uid == "3"
    assert choose(stacks_of(Headers([*kernel, *make("4")])), None, bone_alone=True).first.series_uid == "4"
    with pytest.raises(InputRefused, match=r"No series suits \(bone_kernel, derived_series\)"):
        choose(stacks_of(Headers(make("5", kernel="BONE", image_type=("DERIVED",)))), None, bone_alone=True)


def test_only_objectionable_series_are_refused(make: Any) -> None:
    with pytest.raises(InputRefused, match=r"No series suits \(bone_kernel, derived_series\)\. .*Name one"):
        chosen(make("1", kernel="BONE"), make("2", image_type=("DERIVED", "PRIMARY")))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "localizer_only"),
        ({"modality": "MR"}, "not_ct"),
        ({"samples": 3, "photometric": "RGB"}, "colour_images"),
        ({"sop_class": "1.2.840.10008.5.1.4.1.1.7"}, "colour_images"),
    ],
)
def test_nothing_to_choose_from(make: Any, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InputRefused, match="There is no CT image, only 37 ") as error:
        chosen(make("1", **changes))
    assert error.value.findings[0].code == code


def test_one_id_of_two_people_is_refused(make: Any) -> None:
    chosen(make("1", birth_date="19500102"), make("2", birth_date="", kernel="H70S"))
    with pytest.raises(InputRefused, match="belong to 2 patients") as error:
        chosen(make("1", birth_date="19500102"), make("2", birth_date="19800304"))
    assert error.value.findings[0].code == "several_patients"
    assert "1950" not in str(error.value)


def test_two_patients_are_refused(make: Any) -> None:
    for first, second in (("1", "2"), ("1", "1")):
        with pytest.raises(InputRefused, match="The images belong to 2 patients"):
            chosen(make(first)[:20], make(second, patient=("other",))[20:])
    assert chosen(make("1"), make("2", patient=("other",)), uid="1").first.series_uid == "1"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"rows": 50}, "mixed_geometry", "36 and 1 slices of different geometry"),
        (
            {"orientation": None},
            "geometry_missing",
            r"^1 image of 37 in the series without orientation, such as .*remove",
        ),
    ],
)
def test_a_series_in_two_parts_is_refused(make: Any, changes: dict[str, Any], code: str, said: str) -> None:
    images = make("1")
    images[20] = replace(images[20], **changes)
    with pytest.raises(InputRefused, match=said) as error:
        chosen(images)
    assert error.value.findings[0].code == code


def test_a_series_with_two_tilts_is_refused(make: Any) -> None:
    leaning = geometry("leaning", tilted(18.5), (4.4, 4.6, 3.0), (48, 44, 37))
    with pytest.raises(InputRefused, match="37 and 37 slices of different geometry"):
        chosen(make("1"), make("1", leaning))


def test_a_localizer_inside_the_series_is_set_aside(make: Any) -> None:
    images = make("1")
    scout = replace(
        images[0], rows=256, orientation=(0, 1, 0, 0, 0, -1), image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")
    )
    assert chosen([*images, scout]).slices == 37
    assert chosen([*images, replace(scout, image_type=())]).slices == 37  # across the others: no slice of them


@pytest.mark.parametrize("scout", ["0", "3"], ids=["read first", "read last"])
def test_directions_of_another_series_do_not_divide_a_series(make: Any, scout: str) -> None:
    """Direction cosines of 0.0009 and 0.0011 are the same direction, though only one of them is that of the scout."""
    images = make("2", orientation=(1.0, 0.0009, 0.0, 0.0, 1.0, 0.0))
    images[20:] = [replace(image, orientation=(1.0, 0.0011, 0.0, 0.0, 1.0, 0.0)) for image in images[20:]]
    other = make(scout, orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    assert chosen(images, other[:2]).slices == 37


def test_images_are_sorted_by_height(make: Any) -> None:
    heights = [image.position_mm[2] for image in chosen(make("1")[::-1]).images if image.position_mm]
    assert heights == sorted(heights)


def test_lists_of_equal_series_stay_short(make: Any) -> None:
    uids = [f"1.2.826.0.1.3680043.8.498.{k:038d}" for k in range(8)]
    with pytest.raises(InputRefused, match="8 series are equally good") as error:
        chosen(*(make(uid) for uid in uids))
    assert len(str(error.value)) <= 400


@pytest.mark.parametrize("named", [None, "1.7"])
def test_a_series_uid_for_each_image(make: Any, named: str | None) -> None:
    images = [replace(image, series_uid=f"1.{k}") for k, image in enumerate(make("1"))]
    with pytest.raises(InputRefused, match=r"^37 images have 37 different SeriesInstanceUIDs\. Write one") as error:
        chosen(images, uid=named)
    assert error.value.code == "series_split"


def test_single_images_beside_a_series_are_no_split_one(make: Any) -> None:
    others = [replace(image, series_uid=f"1.{k}") for k, image in enumerate(make("1"))]
    assert chosen(make("2"), others).first.series_uid == "2"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": 40}, r"48 x 44 and 48 x 40 pixels|48 x 40 and 48 x 44 pixels"),
        (
            {"orientation": (1.0, 0.0, 0.0, 0.0, 0.9999987663, 0.0015707957)},
            r"their orientations differ by 0\.09 degrees",
        ),
        ({"study_uid": "9"}, "two StudyInstanceUIDs"),
    ],
)
def test_what_differs_inside_a_series_is_named(make: Any, changes: dict[str, Any], words: str) -> None:
    images = make("1")
    with pytest.raises(InputRefused, match=rf"slices of different geometry \(({words})\)\."):
        chosen(images[:20], [replace(image, **changes) for image in images[20:]], uid="1")
