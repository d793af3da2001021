"""Lookalikes: what was set aside although it looks like slices of the scan, which may then lack them.

A file that can't be read as DICOM is one if it names the series and is no text (lists of files name series, too), or
has the suffix of DICOM and lies beside the images. An image is one if it is of the series and in its planes, but no CT
image by its header.
"""

from __future__ import annotations

import numpy as np

from .headers import Headers, ImageHeader
from .series import SAME_DIRECTION, Stack

SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
"""Suffixes of DICOM files."""

SHORTEST_UID = 8
"""Characters; any file may hold fewer by chance."""

HEADER_BYTES = 2**16
"""The series stands within so many bytes of the beginning."""

PRINTABLE = bytes({*b"\t\n\f\r", *range(0x20, 0x7F), *range(0x80, 0x100)})
"""Bytes of a text, in whatever encoding of one byte or more a letter; DICOM has others, if only in its lengths."""


def lookalikes(headers: Headers, stacks: list[Stack], best: Stack) -> int:
    """Number of files and images that were set aside and look like slices of the stack that was chosen."""
    first = best.first
    images = [image for stack in stacks if stack is not best for image in stack.images if _in_planes(image, first)]
    folders = {image.path.parent for image in best.images}
    names = [p for p in headers.unread if p.parent in folders and not p.name.startswith(".")]
    files = {p for p in names if p.suffix.lower() in SUFFIXES}
    for path in headers.unread:
        if len(first.series_uid) >= SHORTEST_UID and path.is_file():
            with path.open("rb") as stream:
                start = stream.read(HEADER_BYTES)
            files |= {path} if first.series_uid.encode() in start and start.translate(None, PRINTABLE) else set()
    return len(images) + len(files)


def _in_planes(image: ImageHeader, first: ImageHeader) -> bool:
    """True if an image is of the same series, size and orientation as the first of the scan."""
    if image.orientation is None or first.orientation is None:
        return False
    if (image.series_uid, image.rows, image.columns) != (first.series_uid, first.rows, first.columns):
        return False
    return bool(np.abs(np.subtract(image.orientation, first.orientation)).max() <= SAME_DIRECTION)
