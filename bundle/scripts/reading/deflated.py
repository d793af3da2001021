"""Deflated DICOM files (PS3.5 A.5): how large they get, before a library inflates the whole of one.

In this transfer syntax all that follows the file's meta information is one raw deflate stream. A few megabytes of it
can hold gigabytes.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ..files.names import shown
from ..findings import refusal
from .budget import MAX_VOXELS

MAX_BYTES = 2 * MAX_VOXELS + 2**24
"""The most that a file may inflate to: as many voxels as are read, of two bytes, and a long header."""

META_BYTES = 2048
"""The transfer syntax stands within so many bytes of the beginning."""

META_STARTS = 132
"""Bytes before the meta information: the preamble and the prefix."""

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
        meta = read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        stream.seek(META_STARTS + GROUP_LENGTH_BYTES + int(meta.FileMetaInformationGroupLength))
        inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while data := inflater.unconsumed_tail or stream.read(PIECE):
            size += len(inflater.decompress(data, PIECE))
            if size > MAX_BYTES:
                raise refusal("too_large", f"The file {shown(path)} inflates to over {MAX_BYTES // 2**20} MiB.")
