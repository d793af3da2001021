"""Mutations of a whole series: of its slices, of what their headers say, and of the files in the folder.

A mutation is *honest* when every image still shows what is where its header says; a reader that accepts it must show
the head where it is. One that is not honest has to be refused, or flagged, or read as if it had not been made.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from dicom_series import SERIES, write_series
from geometries import LPS, Geometry, geometry, rotation, tilted
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

VOXEL_MM, SHAPE = (5.0, 5.2, 6.5), (33, 32, 18)
GEOMETRIES: tuple[Geometry, ...] = (
    geometry("small", LPS, VOXEL_MM, SHAPE),
    geometry("small flipped", np.diag([1.0, -1.0, -1.0]), VOXEL_MM, SHAPE),
    geometry("small oblique", rotation(12, -8, 15) @ LPS, VOXEL_MM, SHAPE),
    geometry("small tilted", tilted(18.5), VOXEL_MM, SHAPE),
)
"""Grids of few voxels, so that a case takes little time."""

Edit = Callable[[Dataset, int], None]
Rng = np.random.Generator


def write_mutated(rng: Rng, folder: Path) -> tuple[bool, list[str]]:
    """Write a series with one to three mutations; whether all of them are honest, and their names."""
    place = GEOMETRIES[rng.integers(len(GEOMETRIES))]
    at, edits, honest, names = list(map(float, range(SHAPE[2]))), [], True, []
    for kind in np.sort(rng.integers(0, 3, rng.integers(1, 4))):  # what is honest comes before what is not
        table: tuple[Callable[..., object], ...] = (SLICES, HONEST, LYING)[kind]
        mutation = table[rng.integers(len(table))]
        names.append(mutation.__name__)
        if kind == 0:
            at = mutation(rng, at)
        else:
            edits.append(mutation(rng, len(at)))
            honest &= kind == 1

    def edit(dataset: Dataset, k: int) -> None:
        for change in edits:
            with suppress(AttributeError, KeyError, TypeError, ValueError):  # what it changes is no longer there
                change(dataset, k)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom remarks on what it is made to write
        write_series(folder, place, at, edit)
    if rng.random() < 0.5:
        mutation = FILES[rng.integers(len(FILES))]
        names.append(mutation.__name__)
        mutation(rng, folder)
    return honest, names


def drop_some(rng: Rng, at: list[float]) -> list[float]:
    """A few slices are missing, anywhere."""
    lost = set(rng.choice(len(at), min(len(at) - 1, int(rng.integers(1, 4))), replace=False).tolist())
    return [position for k, position in enumerate(at) if k not in lost]


def drop_end(rng: Rng, at: list[float]) -> list[float]:
    """Slices are missing at one end."""
    count = int(rng.integers(1, 4))
    return at[count:] if rng.random() < 0.5 else at[:-count]


def repeat_slice(rng: Rng, at: list[float]) -> list[float]:
    """An image is there twice."""
    return [*at, at[rng.integers(len(at))]]


def jitter(rng: Rng, at: list[float]) -> list[float]:
    """Slices are not where a uniform grid has them."""
    size = (0.005, 0.05, 0.3)[rng.integers(3)]
    return [position + float(rng.uniform(-size, size)) for position in at]


def finer_below(rng: Rng, at: list[float]) -> list[float]:
    """Two slice spacings."""
    half = len(at) // 2
    return [at[0] + 0.5 * k for k in range(2 * half)] + [float(position) for position in at[half:]]


def shuffle(rng: Rng, at: list[float]) -> list[float]:
    """File names say nothing of the order."""
    return [at[k] for k in rng.permutation(len(at))]


def no_instance_numbers(rng: Rng, count: int) -> Edit:
    """InstanceNumber is missing, the same, or in another order."""
    way, order = rng.integers(3), rng.permutation(count).tolist()

    def edit(dataset: Dataset, k: int) -> None:
        if way == 0:
            del dataset.InstanceNumber
        else:
            dataset.InstanceNumber = 1 if way == 1 else order[k % count] + 1

    return edit


def rounded(rng: Rng, count: int) -> Edit:
    """Positions with two decimals."""

    def edit(dataset: Dataset, k: int) -> None:
        dataset.ImagePositionPatient = [f"{float(value):.2f}" for value in dataset.ImagePositionPatient]

    return edit


def own_rescale(rng: Rng, count: int) -> Edit:
    """Each image with a rescale of its own."""

    def edit(dataset: Dataset, k: int) -> None:
        hu, slope, intercept = np.maximum(hu_of(dataset), -1000), (1, 0.5)[k % 2], -1024 - k
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
        stored = np.rint((hu - intercept) / slope)
        dataset.set_pixel_data(stored.astype(np.uint16), "MONOCHROME2", 16)

    return edit


def hu_of(dataset: Dataset) -> NDArray[np.float64]:
    """HU of an image, by its own tags."""
    return np.asarray(dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept))


def signed(rng: Rng, count: int) -> Edit:
    """Signed pixels without an intercept, and padding outside a circle."""

    def edit(dataset: Dataset, k: int) -> None:
        hu = np.rint(hu_of(dataset)).astype(np.int16)
        rows, columns = np.indices(hu.shape)
        middle = (np.array(hu.shape) - 1) / 2
        hu[((rows - middle[0]) / (middle[0] + 1)) ** 2 + ((columns - middle[1]) / (middle[1] + 1)) ** 2 > 1.1] = -2000
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.PixelPaddingValue = 1, 0, -2000
        dataset["PixelPaddingValue"].VR = "SS"
        dataset.set_pixel_data(hu, "MONOCHROME2", 16)

    return edit


def another_syntax(rng: Rng, count: int) -> Edit:
    """Another transfer syntax, in which the pixels may be compressed."""
    syntax = (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless)[rng.integers(4)]

    def edit(dataset: Dataset, k: int) -> None:
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            return
        if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
            dataset.compress(syntax)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax

    return edit


def one(rng: Rng, count: int, change: Callable[[Dataset], None]) -> Edit:
    """A change of one image."""
    which = int(rng.integers(count))

    def edit(dataset: Dataset, k: int) -> None:
        if k == which:
            change(dataset)

    return edit


def moved(rng: Rng, count: int) -> Edit:
    """One image says that it lies elsewhere, by a little or a lot."""
    step = rng.normal(0, (0.2, 3.0, 40.0)[rng.integers(3)], 3)

    def change(dataset: Dataset) -> None:
        dataset.ImagePositionPatient = [
            f"{float(v) + s:.6f}"[:16] for v, s in zip(dataset.ImagePositionPatient, step, strict=True)
        ]

    return one(rng, count, change)


def hostile_geometry(rng: Rng, count: int) -> Edit:
    """One image has a geometry that is missing or impossible."""
    name, size = (("ImagePositionPatient", 3), ("ImageOrientationPatient", 6), ("PixelSpacing", 2))[rng.integers(3)]
    value = ("NaN", "inf", "1e308", "-1e308", "0", "1e-30", "99999")[rng.integers(7)]
    way = rng.integers(4)

    def change(dataset: Dataset) -> None:
        if way == 0:
            del dataset[name]
        elif way == 1:
            dataset[name].value = ["0"] * size
        else:
            values = list(map(str, dataset[name].value))
            values[rng.integers(size)] = value
            dataset[name].value = values if way == 2 else values[:-1]

    return one(rng, count, change)


def turned(rng: Rng, count: int) -> Edit:
    """One image says that it has another orientation or pixel spacing."""
    angle, way = np.radians(rng.uniform(0.2, 30)), rng.integers(2)

    def change(dataset: Dataset) -> None:
        if way == 0:
            dataset.ImageOrientationPatient = [np.cos(angle), np.sin(angle), 0, -np.sin(angle), np.cos(angle), 0]
            dataset.ImageOrientationPatient = [f"{v:.8f}" for v in dataset.ImageOrientationPatient]
        else:
            dataset.PixelSpacing = [f"{float(v) * (1 + angle):.6f}" for v in dataset.PixelSpacing]

    return one(rng, count, change)


def other_values(rng: Rng, count: int) -> Edit:
    """One image has another rescale, kind, patient, series or study."""
    name, value = (
        *(("RescaleSlope", "0"), ("RescaleSlope", "-1"), ("RescaleSlope", None), ("RescaleIntercept", None)),
        *(("RescaleIntercept", "1e308"), ("RescaleSlope", "1e308"), ("RescaleType", "OD"), ("Modality", "MR")),
        *(("PhotometricInterpretation", "MONOCHROME1"), ("PatientID", "ANOTHER"), ("SeriesInstanceUID", "1.2.3")),
        *(("StudyInstanceUID", "1.2.4"), ("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), ("Rows", 5)),
        *(("BitsStored", 8), ("PixelRepresentation", 1), ("SliceThickness", "1e308"), ("NumberOfFrames", 3)),
    )[rng.integers(18)]

    def change(dataset: Dataset) -> None:
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)

    return one(rng, count, change)


def one_place(rng: Rng, count: int) -> Edit:
    """All images say that they lie at one place, or on two."""
    places, parts = {}, int(rng.integers(1, 3))

    def edit(dataset: Dataset, k: int) -> None:
        dataset.ImagePositionPatient = places.setdefault(k % parts, dataset.ImagePositionPatient)

    return edit


def rename(rng: Rng, folder: Path) -> None:
    """Names without meaning, with awkward letters, in folders inside the folder."""
    for path in sorted(folder.iterdir()):
        place = folder / f"IM{rng.integers(3)}"
        place.mkdir(exist_ok=True)
        ending = ("", ".dcm", ".IMA", " $x", "\n", "@%#")[rng.integers(6)]
        path.rename(place / f"{rng.integers(10**9)}{ending}")


def foreign_files(rng: Rng, folder: Path) -> None:
    """Other files: empty, text, zeros, links that lead nowhere or round in a circle, a FIFO, a file named .nii."""
    (folder / "empty").touch()
    (folder / "notes.txt").write_text("no image")
    (folder / "zeros").write_bytes(bytes(1000))
    (folder / "volume.nii").write_bytes(rng.bytes(500))
    (folder / "nowhere").symlink_to(folder / "nothing")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "fifo")


def damage_file(rng: Rng, folder: Path) -> None:
    """One file is cut off, empty, or no file any more."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[rng.integers(len(files))]
    content = path.read_bytes()
    path.write_bytes(content[: rng.integers(0, len(content))] if rng.random() < 0.8 else b"")


def copy_file(rng: Rng, folder: Path) -> None:
    """One file is there twice."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    (folder / "copy.dcm").write_bytes(files[rng.integers(len(files))].read_bytes())


def second_series(rng: Rng, folder: Path) -> None:
    """Another series lies in the folder: a localizer, a bone kernel, a part of the first, one that is as good."""
    way = rng.integers(4)

    def edit(dataset: Dataset, k: int) -> None:
        if way == 0:
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        elif way == 1:
            dataset.ConvolutionKernel = "H70h"

    at = range(3) if way == 0 else range(15) if way == 2 else None
    write_series(folder / "other", GEOMETRIES[0], at, edit, f"{SERIES}.77", prefix="other")


SLICES = (drop_some, drop_end, repeat_slice, jitter, finer_below, shuffle)
HONEST = (no_instance_numbers, rounded, own_rescale, signed, another_syntax)
LYING = (moved, hostile_geometry, turned, other_values, one_place)
FILES = (rename, foreign_files, damage_file, copy_file, second_series)
