"""Mutations of one DICOM file: bytes, elements, values, transfer syntaxes and fragments of compressed pixel data.

Each takes a random generator and the bytes of a good file and returns those of another one, good or bad.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from dicom_elements import (
    END_OF_SEQUENCE,
    LONG,
    PIXEL_DATA,
    PREAMBLE,
    TRANSFER_SYNTAX,
    UNDEFINED,
    Element,
    elements_of,
    file_of,
    item,
)
from pydicom.datadict import dictionary_VR, tag_for_keyword

from scripts.reading.headers import TAGS

Mutation = Callable[[np.random.Generator, bytes], bytes]

SECRET = "Planted^Secret"
"""A name that no message may hold."""

NUMBERS = (
    *("1e308", "-1e308", "NaN", "inf", "-inf", "", "0", "-0", "-1", "1e-308", "1,5", "abc", "1.5", "1e400", "0x10"),
    *("9" * 20, "9" * 1000, "\\" * 50, "1\\2", "1\\2\\3", "0\\0\\0", "1\\2\\3\\4\\5\\6\\7", "1\0", "+3", " 7 ", "--7"),
    *("1\\0\\0\\0\\1\\0", "1\\0\\0\\1\\0\\0", "0\\0\\0\\0\\0\\0", "NaN\\NaN\\NaN", "1e300\\1e300\\1e300", "\uff12"),
)
TEXTS = (
    *("", " ", "\\", "\\" * 1000, "x" * 70_000, "1" * 65, "\n", "\x1b[31m", "\0", "'", '"', "{0}", "%s%n", "../../x"),
    *("$__import__('os').abort()", "@bundle_root", "%file.json::id", "MONOCHROME1", "RGB", "LOCALIZER", "MR", "OT"),
    *("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.2.1", "DERIVED\\SECONDARY", "BONE", "CONTRAST", SECRET),
    *("000Y", "-01Y", "99999999", "ISO 2022 IR 87", "ISO_IR 192\\GB18030", "nonsense", "\xff\xfe"),
)
SYNTAXES = (
    *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"),
    *("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"),
    *("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.5"),
    *("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100", "1.2.3.4", "", "$exit()"),
)
SAID_VRS = (b"DS", b"IS", b"US", b"SS", b"UI", b"CS", b"LO", b"SQ", b"UN", b"OB", b"OW", b"FD", b"AT", b"XX", b"\0\0")
MOST_NESTED = 1500
"""Depth of nested sequences; Python gives up at 1000 calls."""


def flip_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """Some bytes anywhere get another value."""
    return flipped(rng, data, 0, len(data))


def flip_header(rng: np.random.Generator, data: bytes) -> bytes:
    """Some bytes before the pixel data get another value."""
    return flipped(rng, data, PREAMBLE - 4, max(data.find(struct.pack("<HH", *PIXEL_DATA)), PREAMBLE) + 12)


def flipped(rng: np.random.Generator, data: bytes, start: int, end: int) -> bytes:
    """One to eight bytes in a range get another value."""
    changed = bytearray(data)
    for at in rng.integers(start, end, rng.integers(1, 9)):
        changed[at] ^= int(rng.integers(1, 256))
    return bytes(changed)


def truncate(rng: np.random.Generator, data: bytes) -> bytes:
    """The file ends early, now and then by a single byte."""
    return data[: len(data) - int(rng.integers(1, 5))] if rng.random() < 0.2 else data[: rng.integers(0, len(data))]


def splice(rng: np.random.Generator, data: bytes) -> bytes:
    """A piece is removed, repeated, or replaced by noise or zeros."""
    start, size = int(rng.integers(0, len(data))), int(rng.integers(1, 400))
    piece = data[start : start + size]
    other = (b"", piece * 2, rng.bytes(size), bytes(size))[rng.integers(4)]
    return data[:start] + other + data[start + size :]


def remove(rng: np.random.Generator, data: bytes) -> bytes:
    """An element is missing."""
    found = elements_of(data)
    del found[rng.integers(len(found))]
    return file_of(found)


def repeat(rng: np.random.Generator, data: bytes) -> bytes:
    """An element is there twice, the second time perhaps with another value, perhaps elsewhere."""
    found = elements_of(data)
    again = found[rng.integers(len(found))]
    if rng.random() < 0.5:
        again = replace(again, value=hostile(rng, again.vr))
    found.insert(int(rng.integers(len(found) + 1)), again)
    return file_of(found)


def another_vr(rng: np.random.Generator, data: bytes) -> bytes:
    """An element says that it is of another VR, or of none."""
    return changed(rng, data, lambda element: replace(element, vr=SAID_VRS[rng.integers(len(SAID_VRS))]))


def another_length(rng: np.random.Generator, data: bytes) -> bytes:
    """An element says that it is shorter or longer, or of undefined length."""
    lengths = (0, 1, 3, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, UNDEFINED, int(rng.integers(1, 5000)))
    return changed(rng, data, lambda element: replace(element, length=lengths[rng.integers(len(lengths))]))


def another_value(rng: np.random.Generator, data: bytes) -> bytes:
    """An element has a hostile value."""
    return changed(rng, data, lambda element: replace(element, value=hostile(rng, element.vr)))


def known_tag(rng: np.random.Generator, data: bytes) -> bytes:
    """An attribute that the reader looks at gets a hostile value, whether it was there or not."""
    name = (*TAGS, "SpecificCharacterSet", "NumberOfFrames", "PixelData")[rng.integers(len(TAGS) + 3)]
    number = tag_for_keyword(name)
    assert number is not None
    tag, vr = (number >> 16, number & 0xFFFF), dictionary_VR(number).split(" or ")[0].encode()
    value = sequence(rng) if vr == b"SQ" else hostile(rng, vr)
    others = [element for element in elements_of(data) if element.tag != tag]
    return file_of(sorted([*others, Element(tag, vr, value)], key=lambda element: element.tag))


def changed(rng: np.random.Generator, data: bytes, change: Callable[[Element], Element]) -> bytes:
    """The file with one element changed."""
    found = elements_of(data)
    at = int(rng.integers(len(found)))
    return file_of([*found[:at], change(found[at]), *found[at + 1 :]])


def hostile(rng: np.random.Generator, vr: bytes) -> bytes:
    """A value that an element of this VR should not have, or that hardly any has."""
    if vr in (b"DS", b"IS"):
        return even(NUMBERS[rng.integers(len(NUMBERS))])
    if vr in (b"US", b"SS", b"UL", b"SL", b"FD", b"FL", b"AT") or vr in LONG:
        sizes = (0, 1, 2, 3, 4, 8, 30, int(rng.integers(1, 3000)))
        size = sizes[rng.integers(len(sizes))]
        return (bytes(size), b"\xff" * size, rng.bytes(size))[rng.integers(3)]
    if rng.random() < 0.1:
        return rng.bytes(int(rng.integers(1, 100)))
    return even(TEXTS[rng.integers(len(TEXTS))])


def even(text: str) -> bytes:
    """A text as bytes of even number, at most as long as a short length can say."""
    content = text.encode("latin-1", "replace")[:0xFFFE]
    return content + b" " * (len(content) % 2)


def sequence(rng: np.random.Generator) -> bytes:
    """Items of a sequence, empty, with an element, or with noise."""
    inner = Element((0x0020, 0x0032), b"DS", hostile(rng, b"DS")).encoded()
    return b"".join(item((b"", inner, rng.bytes(12))[rng.integers(3)]) for _ in range(rng.integers(0, 4)))


def nest(rng: np.random.Generator, data: bytes) -> bytes:
    """Sequences inside sequences, to some depth, of undefined length, closed or not."""
    start = Element((0x0008, 0x1140), b"SQ", b"", UNDEFINED).encoded() + item(b"", UNDEFINED)
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + END_OF_SEQUENCE
    depth = int(rng.integers(1, MOST_NESTED))
    found = elements_of(data)
    at = next(k for k, element in enumerate(found) if element.tag > (0x0008, 0x1140))
    middle = start * depth + (end * depth if rng.random() < 0.7 else b"")
    return file_of(found[:at]) + middle + file_of(found[at:], b"")


def another_syntax(rng: np.random.Generator, data: bytes) -> bytes:
    """The file says that it is of another transfer syntax than it is."""
    value = even(SYNTAXES[rng.integers(len(SYNTAXES))])
    return file_of(
        replace(element, value=value) if element.tag == TRANSFER_SYNTAX else element for element in elements_of(data)
    )


def break_pixels(rng: np.random.Generator, data: bytes) -> bytes:
    """Pixel data: bytes flipped, fragments cut, repeated, of other lengths, or without an end."""
    found = elements_of(data)
    at = next(k for k, element in enumerate(found) if element.tag == PIXEL_DATA)
    pixels = found[at].value
    if found[at].length == UNDEFINED:
        found[at] = replace(found[at], value=broken_fragments(rng, pixels))
    else:
        found[at] = replace(found[at], value=(truncate, flip_bytes, splice)[rng.integers(3)](rng, pixels))
    return file_of(found)


def broken_fragments(rng: np.random.Generator, pixels: bytes) -> bytes:
    """Encapsulated pixel data, an offset table and one fragment, broken in one of several ways."""
    table = 8 + int.from_bytes(pixels[4:8], "little")
    size = int.from_bytes(pixels[table + 4 : table + 8], "little")
    stream = pixels[table + 8 : table + 8 + size]
    half = size // 4 * 2
    lengths = (0, 1, 0x7FFFFFFF, UNDEFINED, size + 100, max(size - 100, 0))
    ways = (
        lambda: pixels[:table] + item(flipped(rng, stream, 0, len(stream))) + END_OF_SEQUENCE,
        lambda: pixels[:table] + item(flipped(rng, stream, 0, min(60, len(stream)))) + END_OF_SEQUENCE,
        lambda: pixels[:table] + item(stream[: rng.integers(size)]) + END_OF_SEQUENCE,
        lambda: pixels[:table] + item(stream, lengths[rng.integers(len(lengths))]) + END_OF_SEQUENCE,
        lambda: pixels[:table] + item(stream[:half]) + item(stream[half:]) + END_OF_SEQUENCE,
        lambda: pixels[:table] + item(stream) * 2 + END_OF_SEQUENCE,
        lambda: pixels[:table] + item(stream),
        lambda: pixels[:table] + END_OF_SEQUENCE,
        lambda: item(rng.bytes(int(rng.integers(0, 5)) * 4)) + item(stream) + END_OF_SEQUENCE,
        lambda: rng.bytes(len(pixels)),
    )
    return ways[rng.integers(len(ways))]()


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bytes, flip_header, truncate, splice, remove, repeat, another_vr, another_length, another_value),
    *(known_tag, known_tag, known_tag, nest, another_syntax, break_pixels, break_pixels),
)
"""All of them; what finds most is there more than once."""
