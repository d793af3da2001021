"""DICOM files as lists of raw elements, so that a file can be written that no library would write.

An *element* is a tag, a VR, a value and a length; the length need not be that of the value. Explicit VR little endian
only, which is how the fuzzed files are stored (PS3.5 7.1.2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

UNDEFINED = 0xFFFFFFFF
"""The length of a value that ends at a delimiter."""

LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
"""VRs with a length of four bytes after two reserved ones."""

PREAMBLE = 132
"""Bytes before the first element."""

PIXEL_DATA, TRANSFER_SYNTAX = (0x7FE0, 0x0010), (0x0002, 0x0010)


@dataclass(frozen=True)
class Element:
    """One element; `length` is None where the length is the true one."""

    tag: tuple[int, int]
    vr: bytes
    value: bytes
    length: int | None = None

    def encoded(self) -> bytes:
        """Its bytes."""
        length = len(self.value) if self.length is None else self.length
        head = struct.pack("<HH", *self.tag) + self.vr
        if self.vr in LONG:
            return head + struct.pack("<HI", 0, length & UNDEFINED) + self.value
        return head + struct.pack("<H", length & 0xFFFF) + self.value


def elements_of(data: bytes) -> list[Element]:
    """The elements of a file at its top level; pixel data of undefined length reach to its end."""
    found, at = [], PREAMBLE
    while at < len(data):
        tag, vr = struct.unpack_from("<HH", data, at), data[at + 4 : at + 6]
        form, start = ("<I", at + 12) if vr in LONG else ("<H", at + 8)
        (length,) = struct.unpack_from(form, data, start - struct.calcsize(form))
        end = len(data) if length == UNDEFINED else start + length
        found.append(Element((tag[0], tag[1]), vr, data[start:end], UNDEFINED if length == UNDEFINED else None))
        at = end
    return found


def file_of(elements: Iterable[Element], start: bytes = bytes(128) + b"DICM") -> bytes:
    """The file that holds these elements."""
    return start + b"".join(element.encoded() for element in elements)


def item(content: bytes, length: int | None = None) -> bytes:
    """An item of a sequence, or a fragment of pixel data."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content) if length is None else length & UNDEFINED) + content


END_OF_SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
