"""Size of a compressed image by its own codestream, checked before a decoder believes the DICOM header instead.

JPEG and JPEG-LS state it in a *start of frame* segment (ITU-T T.81 B.2.2, T.87 C.2.2), JPEG 2000 in its SIZ segment
(T.800 A.5.1). All of them end in the marker FFD9. Decoders trust the header: given too large a size, one of them ends
the whole process, and others fill in what a truncated codestream lacks. DICOM's run lengths (PS3.5 G) state no size and
are counted: decoders drop what is too much, and so shear an image whose header says fewer columns.

A *deflated* file (PS3.5 A.5) is one raw deflate stream after its meta information: a few megabytes of it can hold
gigabytes, so it is counted before a library inflates the whole of it.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ..files.names import shown
from ..findings import refusal
from .budget import MAX_VOXELS

END = b"\xff\xd9"
"""The marker that ends a codestream of the JPEG family."""

STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""Second bytes of the markers that start a frame: SOF0-SOF15 but for tables, and SOF55 of JPEG-LS."""


JPEG_LS_START = 0xF7
"""The one of them that only JPEG-LS has."""

RLE_HEADER_BYTES = 64
"""Before the segments stand their number and the offsets of up to 15, four bytes each."""


class ImageSize(NamedTuple):
    """Rows, columns, samples per pixel and bits per sample."""

    rows: int
    columns: int
    samples: int
    bits: int


def image_size(codestream: bytes) -> ImageSize:
    """Size of the image in a JPEG, JPEG-LS or JPEG 2000 codestream.

    Raises:
        ValueError: it is none of these, or truncated.
    """
    if codestream[:2] == b"\xff\xd8":
        return _jpeg_size(codestream)
    start = codestream.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(codestream) < start + 43:
        raise ValueError("the compressed data are no JPEG, JPEG-LS or JPEG 2000 codestream")
    x1, y1, x0, y0 = (int.from_bytes(codestream[start + at : start + at + 4], "big") for at in (8, 12, 16, 20))
    samples = int.from_bytes(codestream[start + 40 : start + 42], "big")
    return ImageSize(y1 - y0, x1 - x0, samples, (codestream[start + 42] & 0x7F) + 1)


def _jpeg_size(codestream: bytes) -> ImageSize:
    """Size in the start-of-frame segment."""
    at = _start_of_frame(codestream)
    rows, columns = (int.from_bytes(codestream[at + k : at + k + 2], "big") for k in (5, 7))
    return ImageSize(rows, columns, codestream[at + 9], codestream[at + 4])


def _start_of_frame(codestream: bytes) -> int:
    """Offset of the start-of-frame segment; the segments before it are skipped by their lengths."""
    at = 2
    while at + 10 <= len(codestream) and codestream[at] == 0xFF:
        if codestream[at + 1] in STARTS_OF_FRAME:
            return at
        at += 2 + int.from_bytes(codestream[at + 2 : at + 4], "big")
    raise ValueError("the JPEG codestream has no start of frame")


def coding(codestream: bytes) -> str:
    """The standard that it follows, "JPEG", "JPEG-LS" or "JPEG 2000"; decoders of one print remarks on another.

    Raises:
        ValueError: it is a JPEG codestream, and truncated.
    """
    if codestream[:2] != b"\xff\xd8":
        return "JPEG 2000"
    return "JPEG-LS" if codestream[_start_of_frame(codestream) + 1] == JPEG_LS_START else "JPEG"


def check_end(codestream: bytes) -> None:
    """Raise ValueError when the codestream does not end in the end marker (and padding)."""
    if END not in codestream[-64:]:
        raise ValueError("the codestream has no end, the file may be truncated")


def run_length_pixels(frame: bytes) -> int:
    """Pixels that the first segment of a frame in DICOM's run lengths holds, each of its bytes being one of a pixel.

    Raises:
        ValueError: it is truncated.
    """
    if len(frame) < RLE_HEADER_BYTES:
        raise ValueError("the run lengths are truncated")
    segments, start, second = (int.from_bytes(frame[at : at + 4], "little") for at in (0, 4, 8))
    at, end, pixels = start, second if segments > 1 else len(frame), 0
    if not RLE_HEADER_BYTES <= start < end <= len(frame):
        raise ValueError("the run lengths are truncated")
    while at < end - 1:
        code = frame[at]
        at += code + 2 if code < 128 else 1 if code == 128 else 2
        if at <= end:  # else it is a byte that fills up an odd segment
            pixels += code + 1 if code < 128 else 0 if code == 128 else 257 - code
    return pixels


MAX_BYTES = 2 * MAX_VOXELS + 2**24
"""The most that a file may inflate to: as many voxels as are read, of two bytes, and a long header."""

META_BYTES = 2048
"""The transfer syntax stands within so many bytes of the beginning."""

PREFIX_AT, PREFIX, META_STARTS = 128, b"DICM", 132
"""The prefix follows the preamble, and the meta information the prefix. Without it the file begins with the latter."""

META_GROUP = 2
"""The group of its elements."""

GROUP_LENGTH_BYTES = 12
"""Size of the element that says how long the meta information is, from its own end on."""

PIECE = 2**20
"""Bytes that are inflated at a time."""


def check_inflated_size(path: Path) -> None:
    """Refuse a deflated DICOM file that is larger, once inflated, than anything that is read.

    Raises:
        InputRefused: `too_large`.
    """
    with path.open("rb") as stream:
        if DeflatedExplicitVRLittleEndian.encode() not in stream.read(META_BYTES):
            return
        stream.seek(PREFIX_AT)
        start = META_STARTS if stream.read(len(PREFIX)) == PREFIX else 0
        stream.seek(start)
        meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != META_GROUP)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        stream.seek(start + GROUP_LENGTH_BYTES + int(meta.FileMetaInformationGroupLength))
        inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while data := inflater.unconsumed_tail or stream.read(PIECE):
            size += len(inflater.decompress(data, PIECE))
            if size > MAX_BYTES:
                raise refusal("too_large", f"The file {shown(path)} inflates to over {MAX_BYTES // 2**20} MiB.")
