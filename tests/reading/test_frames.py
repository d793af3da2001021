"""`frames`: each has its own groups, else those that all share, else what a converter left."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset

from scripts.reading.frames import FRAMES, SHARED, UNASSIGNED, frames_of

KEYWORDS = ("ConvolutionKernel", "BodyPartExamined", "SliceThickness")


def group(name: str, **values: Any) -> dict[str, list[Dataset]]:
    """One functional group, a sequence of one item."""
    return {name: [dataset(**values)]}


def dataset(**values: Any) -> Dataset:
    made = Dataset()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def enhanced(*frames: Dataset, shared: Dataset, **values: Any) -> Dataset:
    data = dataset(**{FRAMES: list(frames), SHARED: [shared]}, **values)
    data.file_meta = FileMetaDataset()
    return data


def test_the_own_group_of_a_frame_goes_before_the_shared_one() -> None:
    own = dataset(**group("PixelMeasuresSequence", SliceThickness="5"))
    shared = dataset(**group("PixelMeasuresSequence", SliceThickness="3"))
    found = list(frames_of(enhanced(own, Dataset(), shared=shared), KEYWORDS))
    assert [values.SliceThickness for _, values in found] == [5, 3]


def test_the_padding_is_that_of_the_file() -> None:
    data = enhanced(Dataset(), shared=Dataset(), Rows=4)
    data.add_new("PixelPaddingValue", "SS", -2000)
    ((whole, values),) = frames_of(data, KEYWORDS)
    assert whole is data
    assert values.PixelPaddingValue == -2000
    assert "Rows" not in values


def test_what_a_converter_left_is_taken_where_nothing_else_says_it() -> None:
    left = group(UNASSIGNED[1], BodyPartExamined="HEAD", ConvolutionKernel="H30", StudyID="7", SliceThickness="9")
    own = dataset(**left, **group("PixelMeasuresSequence", SliceThickness="5"))
    shared = dataset(**group(UNASSIGNED[0], BodyPartExamined="NECK"))
    ((whole, values),) = frames_of(enhanced(own, shared=shared, ConvolutionKernel="H60"), KEYWORDS)
    assert (whole.BodyPartExamined, whole.ConvolutionKernel) == ("HEAD", "H60")
    assert (values.SliceThickness, values.ConvolutionKernel) == (5, "H30")
    assert "StudyID" not in whole


def test_a_file_of_one_image_has_no_frame() -> None:
    assert list(frames_of(dataset(Rows=4), KEYWORDS)) == []
