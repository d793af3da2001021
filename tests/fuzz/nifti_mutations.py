"""Mutations of one NIfTI file, compressed or not: header fields, extensions, bytes, lengths.

Each takes a random generator and the bytes of a good uncompressed file and returns those of another one.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable

import nibabel as nib
import numpy as np

Mutation = Callable[[np.random.Generator, bytes], bytes]

HEADER = 348
"""Bytes of a NIfTI-1 header."""

FIELDS = nib.Nifti1Header.template_dtype.fields
NAMES = tuple(nib.Nifti1Header.template_dtype.names)
TOLD = ("dim", "pixdim", "datatype", "bitpix", "vox_offset", "scl_slope", "scl_inter", "magic", "sizeof_hdr")
PLACED = ("qform_code", "sform_code", "quatern_b", "qoffset_x", "srow_x", "srow_y", "srow_z")
"""Fields that a reader goes by."""

FLOATS = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e38, -1e38, 1e-38, -1.0, 1.0, 2.0, 352.0, 1e9)
WHOLES = (0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 32, 64, 128, 256, 512, 768, 1024, 1536, 2048, 2304, 32767, -32768)


def another_field(rng: np.random.Generator, data: bytes) -> bytes:
    """A field of the header gets a hostile value."""
    names = TOLD if rng.random() < 0.5 else PLACED if rng.random() < 0.5 else NAMES
    return set_field(rng, data, names[rng.integers(len(names))])


def set_field(rng: np.random.Generator, data: bytes, name: str) -> bytes:
    """One number of a field, or all of a text, gets another value."""
    kind, start = FIELDS[name][:2]
    base, count = kind.base, max(1, int(np.prod(kind.shape)))
    if base.kind == "S":
        value = (bytes(base.itemsize), rng.bytes(base.itemsize), b"n+2\0", b"ni1\0")[rng.integers(4)][: base.itemsize]
        return data[:start] + value.ljust(base.itemsize, b"\0") + data[start + base.itemsize :]
    at = start + base.itemsize * int(rng.integers(count))
    values = FLOATS if base.kind == "f" else WHOLES
    with np.errstate(over="ignore"):
        value = np.array(values[rng.integers(len(values))]).astype(base).tobytes()
    return data[:at] + value + data[at + len(value) :]


def several_fields(rng: np.random.Generator, data: bytes) -> bytes:
    """Up to four fields get hostile values."""
    for _ in range(rng.integers(1, 5)):
        data = another_field(rng, data)
    return data


def flip_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """Some bytes get another value, mostly in the header."""
    changed = bytearray(data)
    for at in rng.integers(0, HEADER + 4 if rng.random() < 0.7 else len(data), rng.integers(1, 9)):
        changed[at] ^= int(rng.integers(1, 256))
    return bytes(changed)


def truncate(rng: np.random.Generator, data: bytes) -> bytes:
    """The file ends early, perhaps in its header."""
    return data[: rng.integers(0, len(data) if rng.random() < 0.7 else HEADER + 10)]


def append(rng: np.random.Generator, data: bytes) -> bytes:
    """Something follows the last voxel."""
    return data + (rng.bytes(int(rng.integers(1, 5000))), bytes(100_000), data)[rng.integers(3)]


def extend(rng: np.random.Generator, data: bytes) -> bytes:
    """A header extension, whose length need not be true."""
    size, code = int(rng.integers(0, 20)) * 16 + 16, int(rng.integers(0, 50))
    said = (size, 0, -16, 7, 2**31 - 1, size + 16)[rng.integers(6)]
    extension = struct.pack("<ii", said, code) + rng.bytes(size - 8)
    moved = bytearray(data[:HEADER] + b"\1\0\0\0" + extension + data[HEADER + 4 :])
    struct.pack_into("<f", moved, FIELDS["vox_offset"][1], HEADER + 4 + size if rng.random() < 0.8 else 352.0)
    return bytes(moved)


def swap_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """Header, voxels, or both in the other byte order."""
    header = nib.Nifti1Header(data[:HEADER]).as_byteswapped(">").binaryblock if rng.random() < 0.7 else data[:HEADER]
    voxels = np.frombuffer(data[HEADER + 4 :], dtype="<i2")
    return header + data[HEADER : HEADER + 4] + voxels.astype(">i2" if rng.random() < 0.7 else "<i2").tobytes()


MUTATIONS: tuple[Mutation, ...] = (
    *(another_field, another_field, several_fields, flip_bytes, truncate, append, extend, swap_bytes),
)


def compressed(rng: np.random.Generator, data: bytes) -> bytes:
    """The file in gzip's form, which is whole, flipped, cut, or followed by something."""
    packed = gzip.compress(data, 1, mtime=0)
    way = rng.integers(5)
    if way == 0:
        changed = bytearray(packed)
        for at in rng.integers(0, len(packed) if rng.random() < 0.5 else 20, rng.integers(1, 5)):
            changed[at] ^= int(rng.integers(1, 256))
        return bytes(changed)
    if way == 1:
        return packed[: rng.integers(0, len(packed))]
    if way == 2:
        return packed + (rng.bytes(100), packed, bytes(100))[rng.integers(3)]
    return packed
