"""Pixels of DICOM images as Hounsfield units: HU = slope * stored value + intercept, for each image by its own tags.

Stored values are what stands in the file, unused bits cut off. Padding (`PixelPaddingValue`, up to
`PixelPaddingRangeLimit` where that is given, PS3.3 C.7.5.1.1.2) is told apart before rescaling.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import get_expected_length, pixel_array

from .codestreams import check_end, image_size
from .file_names import shown
from .findings import refusal
from .headers import ImageHeader

JPEG_FAMILY = "1.2.840.10008.1.2.4."
"""How the UIDs of the transfer syntaxes with codestreams of the JPEG family begin."""

DECODERS = ("pydicom", "pyjpegls", "pylibjpeg", "pillow", "gdcm")
"""pydicom's plugins, the preferred one first; gdcm, which decodes them all, ends the process on some bad input."""


def load_hu(images: Sequence[ImageHeader]) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None]:
    """HU (K, rows, columns) of `images`, and where they are padding by their tags (same shape), or None if nowhere.

    Raises:
        InputRefused: `corrupt_pixels` naming the file, or `rescale_missing`, `rescale_invalid`.
    """
    shape = (len(images), images[0].rows, images[0].columns)
    hu = np.empty(shape, dtype=np.int16)
    padding = np.zeros(shape, dtype=bool)
    opened: tuple[Path, Dataset] | None = None
    for k, image in enumerate(images):
        if opened is None or opened[0] != image.path:
            opened = (image.path, _open(image.path))
        stored = _stored_values(opened[1], image)
        if image.padding is not None:
            padding[k] = _is_padding(stored, image)
        hu[k] = to_hu(_used_bits(stored, image), image)
    return hu, padding if padding.any() else None


def to_hu(stored: NDArray[Any], image: ImageHeader) -> NDArray[np.int16]:
    """HU of stored values (rows, columns), rounded to whole numbers and clipped to what int16 holds.

    Raises:
        InputRefused: `rescale_missing` or `rescale_invalid`.
    """
    check_rescale(image)
    assert image.slope is not None
    assert image.intercept is not None
    limits = np.iinfo(np.int16)
    if image.slope == 1 and image.intercept == int(image.intercept):
        values = stored.astype(np.int32) + int(image.intercept)
    else:
        values = np.rint(stored.astype(np.float64) * image.slope + image.intercept)
    return np.clip(values, limits.min, limits.max).astype(np.int16)


def check_rescale(image: ImageHeader) -> None:
    """Refuse an image whose stored values can't be turned into HU.

    Raises:
        InputRefused: `monochrome1`, `rescale_missing` or `rescale_invalid`.
    """
    if image.photometric != "MONOCHROME2":
        raise refusal("monochrome1", f"The photometric interpretation is {image.photometric[:20]}, not MONOCHROME2.")
    if image.slope is None or image.intercept is None:
        raise refusal("rescale_missing", "Rescale slope or intercept is missing or no number.")
    if image.slope <= 0:
        raise refusal("rescale_invalid", f"The rescale slope is {image.slope:g}.")
    if image.rescale_type not in ("", "HU", "US", "UNSPECIFIED"):
        raise refusal("rescale_invalid", f"The rescale type is {image.rescale_type[:16]}, not HU.")
    if image.bits[0] not in (16, 32):
        raise refusal("rescale_invalid", f"{image.bits[0]} bits a pixel can't hold Hounsfield units.")


def _open(path: Path) -> Dataset:
    """The whole data set of `path`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(path, force=True)
    except Exception as error:
        raise refusal("corrupt_pixels", f"The file {shown(path)} can't be read ({type(error).__name__}).") from error


def _stored_values(data: Dataset, image: ImageHeader) -> NDArray[Any]:
    """Decoded stored values (rows, columns) of one image."""
    name = shown(image.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plugin = _check_pixel_data(data, image)
            stored = pixel_array(data, index=image.frame or 0, decoding_plugin=plugin)
    except Exception as error:
        reason = " ".join(str(error).split()).split("available plugins: ")[-1][:120]
        text = f"The pixel data of {name} can't be decoded ({reason})."
        raise refusal("corrupt_pixels", text) from error
    if stored.shape != (image.rows, image.columns):
        text = f"The pixel data of {name} are {stored.shape}, the header says {(image.rows, image.columns)}."
        raise refusal("corrupt_pixels", text)
    return np.asarray(stored)


def _check_pixel_data(data: Dataset, image: ImageHeader) -> str:
    """The decoder to use ("" for none); ValueError when the pixel data are not what the header says."""
    syntax = data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else None
    if "PixelData" not in data:
        raise ValueError("there are none, the file may be truncated")
    if syntax is None or not syntax.is_compressed:
        expected = get_expected_length(data)
        if not expected <= len(data.PixelData) <= expected + 2:
            raise ValueError(f"{len(data.PixelData)} bytes, the header says {expected}")
        return ""
    if str(syntax).startswith(JPEG_FAMILY):
        frames = int(data.get("NumberOfFrames", 1) or 1)
        _check_codestream(get_frame(data.PixelData, image.frame or 0, number_of_frames=frames), image)
    available = get_decoder(syntax).available_plugins
    return next((name for name in DECODERS if name in available), "")


def _check_codestream(codestream: bytes, image: ImageHeader) -> None:
    """Raise ValueError when a codestream is truncated or holds another image than the header says."""
    check_end(codestream)
    size, allocated = image_size(codestream), image.bits[0]
    expected = (image.rows, image.columns, image.samples)
    if size[:3] != expected or not allocated - 8 < size.bits <= allocated:
        raise ValueError(f"they hold {size[0]} x {size[1]} x {size[2]} of {size.bits} bits, the header says {expected}")


def _is_padding(stored: NDArray[Any], image: ImageHeader) -> NDArray[np.bool_]:
    """Where stored values are padding; compared modulo 2^16, as some scanners write the tag with the other sign."""
    assert image.padding is not None
    low, high = image.padding
    if high - low >= 2**15:
        return np.asarray((stored >= low) & (stored <= high))
    distance = (stored.astype(np.int64) - low) & 0xFFFF
    return np.asarray(distance <= high - low)


def _used_bits(stored: NDArray[Any], image: ImageHeader) -> NDArray[Any]:
    """Stored values without unused high bits, sign extended where they are signed."""
    allocated, used, _ = image.bits
    spare = allocated - used
    if not 0 < spare < allocated or stored.dtype.itemsize * 8 != allocated:
        return stored
    return np.asarray((stored << spare) >> spare)
