"""NIfTI volumes, under the checks that DICOM series pass: one 3-D volume, an affine, Hounsfield units, the whole file.

A `.nii.gz` is read to its end, where its checksum stands: a flipped byte is found there and nowhere else. The affine is
the sform's, or the qform's where there is no sform; a file with neither has no geometry.

NIfTI has no padding tag. Values below -1200 are taken as outside the field of view; -1024, which many converters write
there, can't be told from air that a scanner clipped, and is taken for air. Write -2000 where nothing is known.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from .findings import Finding, InputRefused, counted, finding, refusal
from .slices import THICK_MM
from .volume import MIN_COVERAGE_MM, MIN_SLICES, Volume, check_size, check_values, split_padding

GZIP_MAGIC = b"\x1f\x8b"
"""First bytes of a gzip file, whatever its name says."""

HEADER_BYTES = 540
"""Length of the longer of the two kinds of NIfTI header."""

VOXEL_MM = (0.05, 20.0)
"""Voxel sizes that a head CT can have."""

AFFINES_DIFFER_MM = 1.0
"""From this distance on, between corners of the volume, sform and qform contradict each other."""

AnyNifti = Any
"""A nibabel image; nibabel's own annotations are partial."""


def is_nifti(path: Path) -> bool:
    """Whether the name is that of a NIfTI file."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_nifti(path: Path) -> Volume:
    """The volume in `path`, `.nii` or `.nii.gz`.

    Raises:
        InputRefused: `nifti_corrupt`, `nifti_not_3d`, `nifti_data_type`, `nifti_no_affine`, `too_large`, or what
            `check_values` refuses.
    """
    image = _parse(path)
    _check_shape(image)
    affine, found = _affine(image)
    _check_extent(image.shape, affine)
    hu = _values(image)
    if hu.dtype.kind == "f" and not np.isfinite(hu).all():
        raise refusal(
            "not_finite", f"{counted(int((~np.isfinite(hu)).sum()), 'voxel is', 'voxels are')} NaN or infinite."
        )
    valid = split_padding(hu)
    volume = Volume(hu, affine, valid)
    return replace(volume, findings=(*found, *check_values(volume)))


def _parse(path: Path) -> AnyNifti:
    """Header and voxels; a compressed file is read to its end, whose checksum is verified."""
    try:
        with _quiet():
            data = _read_to_end(path)
            return _kind(data).from_stream(io.BytesIO(data))
    except InputRefused:
        raise
    except Exception as error:  # nibabel raises many kinds, down to struct.error, on bytes that are not NIfTI
        raise refusal("nifti_corrupt", f"The NIfTI file can't be read ({str(error)[:120]}).") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without nibabel's remarks on headers: what is wrong is said once, by the refusal."""
    logger = nib.imageglobals.logger
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _read_to_end(path: Path) -> bytes:
    """As many bytes of the file as its header asks for; what follows is read too, so that the checksum is verified."""
    with path.open("rb") as stream:
        compressed = stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    with gzip.open(path, "rb") if compressed else path.open("rb") as stream:
        start = stream.read(HEADER_BYTES)
        size = _size(start)
        data = start + stream.read(max(size - len(start), 0))
        while stream.read(2**20):
            pass
    if len(data) < size:
        raise EOFError(f"it is truncated: {len(data)} bytes, the header says {size}")
    return data


def _size(start: bytes) -> int:
    """Bytes that a file with the header in `start` must have; refuses more than the memory budget."""
    kind = _kind(start).header_class
    header = kind(start[: kind.template_dtype.itemsize])
    shape = header.get_data_shape()
    check_size(shape)
    return int(header["vox_offset"]) + int(np.prod(shape, dtype=np.int64)) * int(header.get_data_dtype().itemsize)


def _kind(data: bytes) -> Any:
    """NIfTI-1 or NIfTI-2, by the length that the header begins with."""
    return nib.Nifti2Image if data[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") else nib.Nifti1Image


def _check_shape(image: AnyNifti) -> None:
    """Refuse what is not one 3-D volume of a data type that holds HU."""
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 2:
        raise refusal("nifti_not_3d", f"The NIfTI file has the shape {' x '.join(map(str, image.shape))}.")
    kind = image.get_data_dtype()
    if kind.kind not in "iuf" or kind.itemsize < 2:
        raise refusal("nifti_data_type", f"The NIfTI data type is {kind}.")


def _affine(image: AnyNifti) -> tuple[NDArray[np.float64], tuple[Finding, ...]]:
    """The affine (4, 4) to RAS mm, and a flag where sform and qform contradict each other."""
    sform, has_sform = image.get_sform(coded=True)
    qform, has_qform = image.get_qform(coded=True)
    if not has_sform and not has_qform:
        raise refusal("nifti_no_affine", "Neither sform nor qform is set in the NIfTI header.")
    affine = np.asarray(sform if has_sform else qform, dtype=np.float64)
    voxel = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or voxel.min() < VOXEL_MM[0] or voxel.max() > VOXEL_MM[1]:
        sizes = " x ".join(f"{v:g}" for v in voxel)
        raise refusal("nifti_no_affine", f"The affine of the NIfTI file gives voxels of {sizes} mm.")
    if abs(np.linalg.det(affine[:3, :3] / voxel)) < 0.1:
        raise refusal("nifti_no_affine", "The affine of the NIfTI file is singular.")
    found = _contradiction(image.shape, sform, qform) if has_sform and has_qform else ()
    if voxel.max() > THICK_MM + 0.1:
        found = (*found, finding("thick_slices", f"Slices are up to {voxel.max():.1f} mm thick or apart."))
    return affine, found


def _contradiction(
    shape: tuple[int, ...], sform: NDArray[np.float64], qform: NDArray[np.float64]
) -> tuple[Finding, ...]:
    """A flag where the two affines put a corner of the volume at different places (a qform can't hold a shear)."""
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


def _values(image: AnyNifti) -> NDArray[np.int16] | NDArray[np.float32]:
    """Voxels (I, J, K) in HU: int16 where the file holds that unscaled, else float32."""
    slope, intercept = image.dataobj.slope, image.dataobj.inter
    shape = image.shape[:3]
    if image.get_data_dtype().newbyteorder("=") == np.int16 and slope == 1 and intercept == 0:
        return np.array(image.dataobj.get_unscaled(), dtype=np.int16).reshape(shape)
    with np.errstate(over="ignore"):
        scaled = image.get_fdata(caching="unchanged", dtype=np.float32)
    values: NDArray[np.float32] = np.require(scaled, requirements="W")
    return values.reshape(shape)
