"""Pixels of DICOM images as Hounsfield units: HU = slope * stored value + intercept, for each image by its own tags.

Stored values are those of the file, unused bits cut off. Padding (`PixelPaddingValue`, up to
`PixelPaddingRangeLimit` where that is given, PS3.3 C.7.5.1.1.2) is told apart before rescaling, with and without unused
bits: some programs write -2000 as padding into 12 bits that are unsigned, some of them without a tag.
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
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from ..files.names import shown
from ..findings import InputRefused, refusal
from ..volume import PADDING_BELOW_HU
from .codestreams import check_end, coding, image_size, run_length_pixels
from .headers import ImageHeader, see_disk

JPEG_FAMILY = "1.2.840.10008.1.2.4."
"""Prefix of the UIDs of the transfer syntaxes with codestreams of the JPEG family."""

CODINGS = {
    **dict.fromkeys(("80", "81"), "JPEG-LS"),
    **dict.fromkeys(("90", "91", "92", "93", "201", "202", "203"), "JPEG 2000"),
}
"""The codings by the next part of these UIDs; all others are of JPEG."""

DECODERS = ("pydicom", "pyjpegls", "pylibjpeg", "pillow", "gdcm")
"""pydicom's plugins, the preferred one first; gdcm, which decodes them all, ends the process on some bad input."""


PLAIN_SYNTAXES = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}
"""Transfer syntaxes without compression, by whether value representations are implicit, and the byte order little."""

RARE_SYNTAXES = {
    "1.2.840.10008.1.2.8.1": "deflated frames",
    **dict.fromkeys((f"{JPEG_FAMILY}{end}" for end in (110, 111, 112)), "JPEG XL"),
    "1.2.840.113619.5.2": "private, of GE",
}
"""Transfer syntaxes that no decoder here reads, in words."""

LEAST_BYTES = 0.05
"""Fewer bytes a pixel hold no image, however compressed."""

OVERLAY_BITS = 4
"""Fewer unused bits, all of them set, may be those of an overlay, which earlier versions of the standard put there."""

LARGEST_SLOPE, LARGEST_INTERCEPT = 100.0, 1e5
"""Rescale slopes and intercepts (HU) beyond these leave nothing of a head's values in 16 bits."""


def load_hu(images: Sequence[ImageHeader]) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None]:
    """HU (K, rows, columns) of `images`, and where they are padding by their tags or by their unused bits (same shape),
    or None if nowhere.

    Raises:
        InputRefused: `corrupt_pixels` or `read_failed` naming the file, or `rescale_missing`, `rescale_invalid`.
    """
    shape = (len(images), images[0].rows, images[0].columns)
    hu = np.empty(shape, dtype=np.int16)
    padding = np.zeros(shape, dtype=bool)
    opened: tuple[Path, Dataset] | None = None
    for k, image in enumerate(images):
        if opened is None or opened[0] != image.path:
            opened = (image.path, _open(image.path))
        stored = _stored_values(opened[1], image)
        used = _used_bits(stored, image)
        if image.padding is not None:
            padding[k] = _is_padding(stored, image) | _is_padding(used, image)
        hu[k] = to_hu(used, image)
        if image.padding is None:
            padding[k] = _is_below_range(stored, image)
    return hu, padding if padding.any() else None


def to_hu(stored: NDArray[Any], image: ImageHeader) -> NDArray[np.int16]:
    """HU of stored values (rows, columns), rounded to whole numbers and clipped to the range of int16.

    Raises:
        InputRefused: `rescale_missing` or `rescale_invalid`.
    """
    check_rescale(image)
    assert image.slope is not None
    assert image.intercept is not None
    limits = np.iinfo(np.int16)
    values: NDArray[Any]
    if image.slope == 1 and image.intercept == int(image.intercept):
        values = stored.astype(np.int64 if stored.itemsize > 2 else np.int32) + int(image.intercept)
    else:
        values = np.rint(stored.astype(np.float64) * image.slope + image.intercept)
    return np.asarray(np.clip(values, limits.min, limits.max), dtype=np.int16)


def check_rescale(image: ImageHeader) -> None:
    """Refuse an image whose stored values can't be turned into HU.

    Raises:
        InputRefused: `monochrome1`, `rescale_missing` or `rescale_invalid`.
    """
    if image.photometric != "MONOCHROME2":
        raise refusal("monochrome1", "The photometric interpretation is not MONOCHROME2.")
    if image.slope is None or image.intercept is None:
        raise refusal("rescale_missing", "Rescale slope or intercept is missing or no number.")
    if image.slope <= 0:
        raise refusal("rescale_invalid", f"The rescale slope is {image.slope:g}.")
    if image.slope > LARGEST_SLOPE or abs(image.intercept) > LARGEST_INTERCEPT:
        text = f"The rescale slope is {image.slope:g} and the intercept {image.intercept:g}: that makes no HU."
        raise refusal("rescale_invalid", text)
    if image.rescale_type not in ("", "HU", "US", "UNSPECIFIED"):
        raise refusal("rescale_invalid", "The rescale type is not HU.")
    if image.bits[0] in (1, 8):
        raise refusal("rescale_invalid", f"{image.bits[0]} bits a pixel can't hold Hounsfield units.")
    if image.bits[0] not in (16, 32):
        raise refusal("pixels_unsupported", f"BitsAllocated is {image.bits[0]}; only 16 and 32 are read.")
    if not 0 < image.bits[1] <= image.bits[0] or image.high_bit not in (None, image.bits[1] - 1):
        text = (
            f"{image.bits[1]} of {image.bits[0]} bits are used, the highest being bit {image.high_bit}: not possible."
        )
        raise refusal("rescale_invalid", text)


def _open(path: Path) -> Dataset:
    """The whole data set of `path`; a file without meta information gets the transfer syntax that it was read in."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, force=True)
            if "TransferSyntaxUID" not in data.file_meta:
                implicit, little = data.original_encoding
                data.file_meta.TransferSyntaxUID = PLAIN_SYNTAXES[bool(implicit), bool(little)]
            return data
    except Exception as error:
        see_disk(error, path)
        raise refusal("corrupt_pixels", f"The file {shown(path)} can't be read ({type(error).__name__}).") from error


def _stored_values(data: Dataset, image: ImageHeader) -> NDArray[Any]:
    """Decoded stored values (rows, columns) of one image, with unused bits."""
    name = shown(image.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_supported(data, image)
            plugin = _check_pixel_data(data, image)
            stored = pixel_array(data, index=image.frame or 0, decoding_plugin=plugin, correct_unused_bits=False)
    except InputRefused:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()).split("available plugins: ")[-1][:120]
        text = f"The pixel data of {name} can't be decoded ({reason})."
        raise refusal("corrupt_pixels", text) from error
    if stored.shape != (image.rows, image.columns):
        text = f"The pixel data of {name} are {stored.shape}, the header says {(image.rows, image.columns)}."
        raise refusal("corrupt_pixels", text)
    return np.asarray(stored)


def _check_supported(data: Dataset, image: ImageHeader) -> None:
    """Refuse pixels that lie in another element than PixelData, or in a transfer syntax that is not decoded."""
    name, syntax = shown(image.path), data.file_meta.TransferSyntaxUID
    if "PixelData" not in data:
        private = [element for element in data if element.tag.is_private and isinstance(element.value, bytes)]
        largest = max(private, key=lambda element: len(element.value), default=None)
        if largest is not None and len(largest.value) >= LEAST_BYTES * image.rows * image.columns:
            text = f"The pixels of {name} seem to be in the private element {largest.tag}; there is no PixelData."
            raise refusal("pixels_unsupported", text)
    try:
        get_decoder(syntax)
    except NotImplementedError:
        named = f"{syntax} ({RARE_SYNTAXES[syntax]})" if syntax in RARE_SYNTAXES else syntax
        text = f"The pixels of {name} are in the transfer syntax {named}, which is not read."
        raise refusal("pixels_unsupported", text) from None


def _check_pixel_data(data: Dataset, image: ImageHeader) -> str:
    """The decoder to use ("" for none); ValueError if the pixel data contradict the header."""
    syntax = data.file_meta.get("TransferSyntaxUID")
    if "PixelData" not in data:
        raise ValueError("there are none, the file may be truncated")
    if syntax is None or not syntax.is_compressed:
        expected = get_expected_length(data)
        if not expected <= len(data.PixelData) <= expected + 2:
            raise ValueError(f"{len(data.PixelData)} bytes, the header says {expected}")
        return ""
    if syntax == RLELossless or str(syntax).startswith(JPEG_FAMILY):
        frames = int(data.get("NumberOfFrames", 1) or 1)
        frame = get_frame(data.PixelData, image.frame or 0, number_of_frames=frames)
        if syntax == RLELossless:
            _check_run_lengths(frame, image)
        else:
            _check_codestream(frame, image, CODINGS.get(str(syntax).removeprefix(JPEG_FAMILY), "JPEG"))
    available = get_decoder(syntax).available_plugins
    return next((name for name in DECODERS if name in available), "")


def _check_run_lengths(frame: bytes, image: ImageHeader) -> None:
    """Raise ValueError when run lengths hold another number of pixels than the header says."""
    pixels = run_length_pixels(frame)
    if pixels != image.rows * image.columns:
        raise ValueError(f"they hold {pixels} pixels, the header says {image.rows} x {image.columns}")


def _check_codestream(codestream: bytes, image: ImageHeader, expected_coding: str) -> None:
    """Raise ValueError when a codestream is truncated, or of another coding or image than the header says."""
    check_end(codestream)
    if coding(codestream) != expected_coding:
        raise ValueError(f"they are {coding(codestream)}, the transfer syntax is one of {expected_coding}")
    size, allocated = image_size(codestream), image.bits[0]
    expected = (image.rows, image.columns, image.samples)
    if size[:3] != expected or not allocated - 8 < size.bits <= allocated:
        raise ValueError(f"they hold {size[0]} x {size[1]} x {size[2]} of {size.bits} bits, the header says {expected}")


def _is_padding(stored: NDArray[Any], image: ImageHeader) -> NDArray[np.bool_]:
    """True where stored values are padding, compared modulo 2^16: some scanners write the tag with the other sign."""
    assert image.padding is not None
    low, high = image.padding
    if high - low >= 2**15:
        return np.asarray((stored >= low) & (stored <= high))
    distance = (stored.astype(np.int64) - low) & 0xFFFF
    return np.asarray(distance <= high - low)


def _is_below_range(stored: NDArray[Any], image: ImageHeader) -> NDArray[np.bool_]:
    """True where all unused bits of unsigned values are set: numbers below 0, in HU below all that scanners measure."""
    allocated, used, signed = image.bits
    spare = allocated - used
    plain = signed or not OVERLAY_BITS <= spare < allocated or stored.dtype.itemsize * 8 != allocated
    if plain or stored.max(initial=0) < 2**used:  # which is quickly seen
        return np.zeros(stored.shape, dtype=bool)
    below = stored.astype(np.int64) - 2**allocated
    hu = below * (image.slope or 1.0) + (image.intercept or 0.0)
    return np.asarray((below >= -(2**used)) & (hu < PADDING_BELOW_HU))


def _used_bits(stored: NDArray[Any], image: ImageHeader) -> NDArray[Any]:
    """Stored values without unused high bits, sign extended where they are signed."""
    allocated, used, _ = image.bits
    spare = allocated - used
    if not 0 < spare < allocated or stored.dtype.itemsize * 8 != allocated:
        return stored
    return np.asarray((stored << spare) >> spare)
