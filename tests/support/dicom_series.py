"""Writes small synthetic CT series for the tests: a head of balls, known at every point, in any geometry.

Variants are made by `edit(dataset, k)`, which may change any attribute of image k before it is written, and by `at`,
the slice positions in units of the geometry's slices: leave one out, repeat one, double the step.
"""

from __future__ import annotations

import hashlib
import pickle
import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from geometries import PLAIN, Geometry, world
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import PYDICOM_ROOT_UID, UID, ExplicitVRLittleEndian

SERIES, STUDY = "1.2.826.0.1.3680043.10.1.1", "1.2.826.0.1.3680043.10.1"
CT_IMAGE, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
BALLS = (
    ((0, 0, 0), 76, 1000),  # skull
    ((0, 0, 0), 70, 38),  # brain
    ((-35, 10, 5), 15, 70),  # a bleed on the patient's left
    ((30, 35, -10), 14, -80),  # fat, right and in front
    ((0, -25, 32), 12, 5),  # fluid, behind and above
)
"""Centre (RAS mm), radius (mm) and HU; later ones cover earlier ones. No two axes look alike."""

PLACE = PYDICOM_ROOT_UID.ljust(64, "0")
"""Stands for the instance UID in what is kept of an image; as long as a UID can be."""

WRITTEN: dict[bytes, bytes] = {}
"""Files of images by what is in them, both with `PLACE` for the instance UID: hundreds of tests write the same."""

KEPT = 2000
"""Images that are kept, of 5 kB each: fuzzing makes any number of different ones."""


def head_hu(points: NDArray[np.float64]) -> NDArray[np.int16]:
    """HU (...) at world points (..., 3)."""
    hu = np.full(points.shape[:-1], -1000, dtype=np.int16)
    for centre, radius, value in BALLS:
        hu[((points - np.array(centre)) ** 2).sum(axis=-1) < radius**2] = value
    return hu


def write_series(
    folder: Path,
    geometry: Geometry = PLAIN,
    at: Sequence[float] | None = None,
    edit: Callable[[Dataset, int], None] | None = None,
    series_uid: str = SERIES,
    compress: UID | None = None,
    prefix: str = "",
) -> list[Path]:
    """Write one file for each slice and return the paths, in the order of `at`."""
    folder.mkdir(parents=True, exist_ok=True)
    at = list(range(geometry.shape[2])) if at is None else list(at)
    paths = []
    for k, position in enumerate(at):
        dataset = image(geometry, position, series_uid, k)
        if edit:
            edit(dataset, k)
        if compress:
            dataset.compress(compress)
        paths.append(folder / f"{prefix}{k:03d}.dcm")
        paths[-1].write_bytes(_content(dataset))
    return paths


class _Grid(Geometry):
    """A geometry that is equal to those with the same numbers, so that what is made for it can be kept."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry.name, geometry.shape, geometry.affine)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Grid) and self._numbers() == other._numbers()

    def __hash__(self) -> int:
        return hash(self._numbers())

    def _numbers(self) -> tuple[tuple[int, int, int], bytes]:
        return self.shape, self.affine.tobytes()


def image(geometry: Geometry, position: float, series_uid: str, k: int) -> Dataset:
    """A CT image of the head, slice `position` of the geometry, with an instance UID of its own at each call."""
    dataset: Dataset = pickle.loads(_made(_Grid(geometry), position, series_uid, k))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(new_uid())
    return dataset


def new_uid() -> str:
    """A UID that no other object has, as long as `PLACE`."""
    digits = len(PLACE) - len(PYDICOM_ROOT_UID)
    return f"{PYDICOM_ROOT_UID}{10 ** (digits - 1) + secrets.randbelow(9 * 10 ** (digits - 1))}"


def _content(dataset: Dataset) -> bytes:
    """The file of an image, which is kept: to write it takes longer than to pickle it."""
    uid = str(dataset.get("SOPInstanceUID")).encode()
    if len(uid) != len(PLACE) or not uid.startswith(PYDICOM_ROOT_UID.encode()):  # an edit's, which may stand elsewhere
        return _file(dataset)
    key = hashlib.sha256(pickle.dumps(dataset).replace(uid, PLACE.encode())).digest()
    if key not in WRITTEN:
        if len(WRITTEN) >= KEPT:
            del WRITTEN[next(iter(WRITTEN))]
        WRITTEN[key] = _file(dataset).replace(uid, PLACE.encode())
    return WRITTEN[key].replace(PLACE.encode(), uid)


def _file(dataset: Dataset) -> bytes:
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


@lru_cache(maxsize=KEPT)
def _made(geometry: _Grid, position: float, series_uid: str, k: int) -> bytes:
    """The image of `image`, pickled: to load it takes a tenth of the time of making it."""
    dataset = common(CT_IMAGE, f"{series_uid}.{k + 1}", series_uid)
    lps = np.array([-1.0, -1.0, 1.0])
    axes = geometry.affine[:3, :3] * lps[:, None]
    lengths = np.linalg.norm(axes, axis=0)
    dataset.ImagePositionPatient = texts(world(geometry.affine, np.array([0, 0, position])) * lps)
    dataset.ImageOrientationPatient = texts(np.concatenate([axes[:, 0] / lengths[0], axes[:, 1] / lengths[1]]))
    dataset.PixelSpacing = texts([lengths[1], lengths[0]])
    dataset.SliceThickness = texts([abs(np.linalg.det(geometry.affine[:3, :3])) / lengths[0] / lengths[1]])[0]
    dataset.InstanceNumber = k + 1
    dataset.ConvolutionKernel = "H31s"
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    store(dataset, head_hu(geometry.points(np.array([position])))[:, :, 0])
    return pickle.dumps(dataset)


def store(dataset: Dataset, hu: NDArray[np.int16]) -> None:
    """Put HU (columns, rows) into the pixel data, by the data set's own rescale and 12 bits."""
    stored = np.rint((hu.T - float(dataset.RescaleIntercept)) / float(dataset.RescaleSlope)).astype(np.uint16)
    dataset.set_pixel_data(np.ascontiguousarray(stored), "MONOCHROME2", 12)


def common(sop_class: str, sop_uid: str, series_uid: str) -> Dataset:
    """Attributes of any CT object."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID(sop_class)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID(sop_uid)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, series_uid
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientName, dataset.PatientID = "Invented^Patient", "INVENTED-1"
    dataset.SeriesNumber = 2
    return dataset


def texts(values: Sequence[float] | NDArray[np.float64]) -> list[str]:
    """Numbers as DICOM decimal strings (at most 16 characters)."""
    return [f"{value:.9f}"[:16] for value in values]


def write_enhanced(path: Path, geometry: Geometry = PLAIN, order: Sequence[int] | None = None) -> Path:
    """Write the series as one enhanced multi-frame file, its frames in `order`, each with its own rescale intercept."""
    order = list(range(geometry.shape[2])) if order is None else list(order)
    frames, stored = [], []
    for k in order:
        single = image(geometry, k, SERIES, k)
        single.RescaleIntercept = -1024 - k
        store(single, head_hu(geometry.points(np.array([k])))[:, :, 0])
        frames.append(functional_groups(single))
        stored.append(single.pixel_array)
    dataset = common(ENHANCED_CT, f"{SERIES}.1000", SERIES)
    shared = Dataset()
    shared.PlaneOrientationSequence = Items([part(single, "ImageOrientationPatient")])
    shared.PixelMeasuresSequence = Items([part(single, "PixelSpacing", "SliceThickness")])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    dataset.PerFrameFunctionalGroupsSequence = Items(frames)
    dataset.set_pixel_data(np.stack(stored), "MONOCHROME2", 12)
    dataset.save_as(path, enforce_file_format=True)
    return path


def functional_groups(single: Dataset) -> Dataset:
    """What varies from frame to frame."""
    groups = Dataset()
    groups.PlanePositionSequence = Items([part(single, "ImagePositionPatient")])
    groups.PixelValueTransformationSequence = Items([part(single, "RescaleSlope", "RescaleIntercept")])
    return groups


def part(dataset: Dataset, *names: str) -> Dataset:
    """A data set with only the named attributes."""
    item = Dataset()
    for name in names:
        item[name] = dataset[name]
    return item
