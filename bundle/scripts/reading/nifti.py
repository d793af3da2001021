"""NIfTI volumes, under the checks that DICOM series pass: one 3-D volume, an affine, Hounsfield units, the whole file.

The header decides before a voxel is read, or room for it made. Then slice after slice is read and scaled, to the end of
a `.nii.gz`, where its checksum stands: a flipped byte is found there and nowhere else. The affine is the sform's, or
the qform's where there is no sform; a file with neither has no geometry.

NIfTI has no padding tag. Values below -1200 are taken as outside the field of view; -1024, which many converters write
there, can't be told from air that a scanner clipped, and is taken for air. Write -2000 where nothing is known.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from ..findings import Finding, InputRefused, finding, refusal
from ..volume import MIN_COVERAGE_MM, MIN_SLICES, Volume, check_finite, check_values, split_padding
from .budget import check_extent, check_size
from .slices import THICK_MM

GZIP_MAGIC = b"\x1f\x8b"
"""First bytes of a gzip file, whatever its name says."""

NIFTI_2 = (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")
"""First bytes of a NIfTI-2 header, its length in either byte order."""

MAX_OFFSET = 2**24
"""The largest byte at which voxels may begin: extensions of a header are far smaller."""

MAX_TRAILING = 1024
"""Bytes that may follow the voxels, as padding. More are voxels that the header does not count: it is wrong."""

MAX_REASON = 120
"""Most characters of a library's message that are shown."""

VOXEL_MM = (0.05, 20.0)
"""Voxel sizes that a head CT can have."""

AFFINES_DIFFER_MM = 1.0
"""From this distance on, between corners of the volume, sform and qform contradict each other."""

AnyNifti = Any
"""A nibabel header; nibabel's own annotations are partial."""


def read_nifti(path: Path) -> Volume:
    """The volume in `path`, `.nii` or `.nii.gz`.

    Raises:
        InputRefused: `nifti_corrupt`, `read_failed`, `nifti_not_3d`, `nifti_data_type`, `nifti_no_affine`,
            `too_large`, or what `check_values` refuses.
    """
    with _checked(path) as (stream, header, affine, found):
        hu = _values(stream, header, header.get_data_shape()[:3])
        _check_end(stream)
    check_finite(hu)
    volume = Volume(hu, affine, split_padding(hu))
    return replace(volume, findings=(*found, *check_values(volume)))


def check_nifti(path: Path) -> None:
    """See that the header in `path` is that of a scan; no voxel is read.

    Raises:
        InputRefused: as `read_nifti`, but for what only the voxels show.
    """
    with _checked(path):
        pass


@contextmanager
def _checked(path: Path) -> Iterator[tuple[BinaryIO, AnyNifti, NDArray[np.float64], tuple[Finding, ...]]]:
    """The opened file behind its header, the header, the affine and the findings about it; what fails is a refusal."""
    try:
        with _quiet(), _opened(path) as stream:
            header = _header(stream)
            _check_shape(header)
            affine, found = _affine(header)
            shape = header.get_data_shape()[:3]
            _check_extent(shape, affine)
            check_size(shape)
            check_extent(shape, affine, "nifti_no_affine")
            yield stream, header, affine, found
    except InputRefused:
        raise
    except OSError as error:
        if error.strerror:  # of the disk, not of the bytes
            raise refusal("read_failed", f"The NIfTI file can't be read ({error.strerror}).") from error
        raise refusal("nifti_corrupt", f"The NIfTI file can't be read ({str(error)[:MAX_REASON]}).") from error
    except Exception as error:  # nibabel raises many kinds, down to struct.error, on bytes that are not NIfTI
        raise refusal("nifti_corrupt", f"The NIfTI file can't be read ({str(error)[:MAX_REASON]}).") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses nibabel's remarks on headers: the refusal reports the fault once."""
    logger = nib.imageglobals.logger
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of the file, decompressed if it is a gzip file."""
    with path.open("rb") as file:
        compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if compressed:
            with gzip.GzipFile(fileobj=file) as stream:
                yield cast(BinaryIO, stream)
        else:
            yield file


def _header(stream: BinaryIO) -> AnyNifti:
    """The header; the stream then stands where the voxels begin."""
    start = _read(stream, nib.Nifti1Header.template_dtype.itemsize)
    kind: Any = nib.Nifti2Header if start[:4] in NIFTI_2 else nib.Nifti1Header
    size = kind.template_dtype.itemsize
    header = kind(start + _read(stream, size - len(start)))
    if not bytes(header["magic"]).startswith((b"n+1", b"n+2")):
        raise ValueError("it does not hold header and voxels in one file")
    offset = int(header["vox_offset"]) or kind.single_vox_offset
    if not size <= offset <= MAX_OFFSET:
        raise ValueError(f"its voxels begin at byte {offset}")
    _read(stream, offset - size)
    return header


def _read(stream: BinaryIO, count: int) -> bytes:
    """The next `count` bytes; EOFError when there are fewer."""
    data = stream.read(count)
    if len(data) < count:
        raise EOFError(f"it is truncated: {count - len(data)} more bytes are needed")
    return data


def _check_end(stream: BinaryIO) -> None:
    """Read to the end of the file, where the checksum of a compressed one stands; ValueError for much that follows."""
    if len(stream.read(MAX_TRAILING + 1)) > MAX_TRAILING:
        raise ValueError("more follows its voxels: it holds another size than the header says")


def _check_shape(header: AnyNifti) -> None:
    """Refuse anything but one 3-D volume of a data type that holds HU."""
    full = header.get_data_shape()
    shape = full
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 2:
        raise refusal("nifti_not_3d", f"The NIfTI file has the shape {' x '.join(map(str, full))}.")
    kind = header.get_data_dtype()
    if kind.kind not in "iuf" or kind.itemsize < 2:
        raise refusal("nifti_data_type", f"The NIfTI data type is {kind}.")


def _affine(header: AnyNifti) -> tuple[NDArray[np.float64], tuple[Finding, ...]]:
    """The affine (4, 4) to RAS mm, and a flag where sform and qform contradict each other."""
    sform, has_sform = header.get_sform(coded=True)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            qform, has_qform = header.get_qform(coded=True)
    except ValueError:  # of a quaternion that is longer than 1, be it by rounding
        if not has_sform:
            raise
        qform, has_qform = None, True
    if not has_sform and not has_qform:
        raise refusal("nifti_no_affine", "Neither sform nor qform is set in the NIfTI header.")
    affine = np.asarray(sform if has_sform else qform, dtype=np.float64)
    voxel = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or voxel.min() < VOXEL_MM[0] or voxel.max() > VOXEL_MM[1]:
        sizes = " x ".join(f"{v:g}" for v in voxel)
        raise refusal("nifti_no_affine", f"The affine of the NIfTI file gives voxels of {sizes} mm.")
    if abs(np.linalg.det(affine[:3, :3] / voxel)) < 0.1:
        raise refusal("nifti_no_affine", "The affine of the NIfTI file is singular.")
    found = _contradiction(header.get_data_shape(), sform, qform) if has_sform and has_qform else ()
    if voxel.max() > THICK_MM + 0.1:
        found = (*found, finding("thick_slices", f"Slices are up to {voxel.max():.1f} mm thick or apart."))
    return affine, found


def _contradiction(
    shape: tuple[int, ...], sform: NDArray[np.float64], qform: NDArray[np.float64] | None
) -> tuple[Finding, ...]:
    """A flag where the two affines put a corner of the volume at different places (a qform can't hold a shear).

    `qform` is None where its numbers are those of no rotation.
    """
    if qform is None:
        return (finding("nifti_affines_differ", "The qform is no rotation; the sform was used."),)
    if not np.isfinite(qform).all():
        return (finding("nifti_affines_differ", "The qform is not finite; the sform was used."),)
    corners = np.array([[i, j, k, 1.0] for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])])
    distance = float(np.linalg.norm((corners @ (sform - qform).T)[:, :3], axis=1).max())
    if distance <= AFFINES_DIFFER_MM:
        return ()
    return (finding("nifti_affines_differ", f"sform and qform differ by {distance:.0f} mm; the sform was used."),)


def _check_extent(shape: tuple[int, ...], affine: NDArray[np.float64]) -> None:
    """Refuse a volume with too few slices or under 100 mm along some axis."""
    voxel = np.linalg.norm(affine[:3, :3], axis=0)
    if min(shape[:3]) < MIN_SLICES:
        raise refusal("too_few_slices", f"The volume has {min(shape[:3])} slices, fewer than {MIN_SLICES}.")
    extent = float((voxel * shape[:3]).min())
    if extent < MIN_COVERAGE_MM:
        raise refusal("short_coverage", f"The volume covers {extent:.0f} mm along one axis, under 100 mm.")


def _values(stream: BinaryIO, header: AnyNifti, shape: tuple[int, int, int]) -> NDArray[np.int16] | NDArray[np.float32]:
    """Voxels of `shape` in HU, read slice by slice: int16 where the file holds that unscaled, else float32."""
    kind = header.get_data_dtype()
    slope, intercept = (
        value if value is not None else default for value, default in zip(header.get_slope_inter(), (1, 0), strict=True)
    )
    plain = kind.newbyteorder("=") == np.int16 and slope == 1 and intercept == 0
    hu: NDArray[Any] = np.empty(shape, np.int16 if plain else np.float32, order="F")
    for k in range(shape[2]):
        stored = np.frombuffer(_read(stream, shape[0] * shape[1] * kind.itemsize), kind)
        stored = stored.reshape(shape[:2], order="F")
        with np.errstate(over="ignore", invalid="ignore"):
            hu[:, :, k] = stored if plain else stored.astype(np.float64) * slope + intercept
    return hu
