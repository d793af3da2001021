"""Values that follow from other files alone, kept in a file beside them so that they are computed once.

A *value* is a dataclass of arrays, numbers and other such dataclasses; its *sources* are the files it follows from. The
*derived file* is a NumPy archive: an array for each field, with a name like `target.coarse.at` inside an inner
dataclass, and the sha256 of each source. It is passed over if the sources or the fields of the dataclass are others.
What it can't tell is that the computation changed: then it has to be made again, and a test has to say so.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from ..assets import sha256

SOURCES = "sources"
"""Name of the array of hashes in the archive; no field has it."""

NUMBERS = (float, int, bool)
"""Types of the fields that are numbers."""

Arrays = Mapping[str, NDArray[Any]]
T = TypeVar("T")


def derived_bytes(value: Any, sources: Sequence[str | Path]) -> bytes:
    """The derived file of a value and its sources; the same ones give the same bytes.

    Raises:
        TypeError: a field is neither an array nor a number nor such a dataclass.
        OSError: a source can't be read.
    """
    stream = io.BytesIO()
    arrays: dict[str, Any] = {SOURCES: _hashes(sources), **_arrays(value, "")}
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def read_derived(path: str | Path, kind: type[T], sources: Sequence[str | Path]) -> T | None:
    """The value of type `kind` in a derived file; None where there is none of these sources and with these fields.

    Raises:
        OSError: a source can't be read.
    """
    if not Path(path).is_file():
        return None
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as archive:
            same_fields = {*archive.files} == {SOURCES, *_names(kind, "")}
            if not (same_fields and np.array_equal(archive[SOURCES], _hashes(sources))):
                return None
            arrays = {name: archive[name] for name in archive.files}
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):  # no archive, or damaged
        return None
    return _value(kind, arrays, "")


def _hashes(sources: Sequence[str | Path]) -> NDArray[np.str_]:
    """The sha256 of each source."""
    return np.array([sha256(source) for source in sources])


def _names(kind: Any, prefix: str) -> list[str]:
    """Names of the arrays of a dataclass."""
    names: list[str] = []
    for name, hint in get_type_hints(kind).items():
        names += _names(hint, f"{prefix}{name}.") if is_dataclass(hint) else [prefix + name]
    return names


def _arrays(value: Any, prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays of a value by name."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in (field.name for field in fields(value)):
        part = getattr(value, name)
        if is_dataclass(part):
            arrays |= _arrays(part, f"{prefix}{name}.")
        elif isinstance(part, np.ndarray | np.generic | float | int):
            arrays[prefix + name] = np.asarray(part)
        else:
            raise TypeError(f"{prefix}{name} can't be kept: it is a {type(part).__name__}, neither array nor number")
    return arrays


def _value(kind: type[T], arrays: Arrays, prefix: str) -> T:
    """The value of arrays by name."""
    parts: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint):
            parts[name] = _value(hint, arrays, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            found = arrays[prefix + name]
            parts[name] = hint(found.item()) if hint in NUMBERS else found
    return kind(**parts)
