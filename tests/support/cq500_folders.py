"""Writes small cases in the folder structure of CQ500, for the tests: a head of balls in a few series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dicom_series import SERIES, write_series
from geometries import LPS, geometry
from pydicom.dataset import Dataset

Edit = Callable[[Dataset, int], None]
PIXEL_MM = (4.4, 4.6)


def case_folder(root: Path, number: int) -> Path:
    """The folder of a case."""
    return root / f"CQ500CT{number} CQ500CT{number}"


def put_series(
    case: Path,
    name: str,
    slice_mm: float = 5.0,
    slices: int = 28,
    edit: Edit | None = None,
    at: Sequence[float] | None = None,
    uid: str | None = None,
) -> Path:
    """Write a series of the head into a case's folder; each name has a UID of its own."""
    folder = case / "Unknown Study" / name
    grid = geometry(name, LPS, (*PIXEL_MM, slice_mm), (48, 44, slices))
    own = uid or f"{SERIES}.{sum(map(ord, str(folder)))}"
    write_series(folder, grid, at=at, edit=edit, series_uid=own, prefix="CT")
    return folder


def put_thin(case: Path, name: str, edit: Edit | None = None, slices: int = 110) -> Path:
    """Write a thin series: 1.25 mm."""
    return put_series(case, name, 1.25, slices, edit)


def described(**attributes: object) -> Edit:
    """An edit that sets attributes of every image."""

    def edit(dataset: Dataset, k: int) -> None:
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    return edit
