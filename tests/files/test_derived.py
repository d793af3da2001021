"""Values kept in a file: they come back as they were, and not where something else was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.files.derived import derived_bytes, read_derived


@dataclass(frozen=True)
class Inner:
    at: NDArray[np.float64]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Value:
    inner: Inner
    volume_ml: float
    count: int


@dataclass(frozen=True)
class Longer(Value):
    more: float = 0.0


@dataclass(frozen=True)
class Odd:
    text: Any


VALUE = Value(Inner(np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([True, False])), 1234.5, 7)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"a head")
    return path


def kept(folder: Path, source: Path) -> Path:
    path = folder / "kept.npz"
    path.write_bytes(derived_bytes(VALUE, [source]))
    return path


def test_a_value_comes_back_as_it_was(tmp_path: Path, source: Path) -> None:
    found = read_derived(kept(tmp_path, source), Value, [source])
    assert found is not None
    np.testing.assert_array_equal(found.inner.at, VALUE.inner.at)
    np.testing.assert_array_equal(found.inner.mask, VALUE.inner.mask)
    assert found.inner.at.strides == VALUE.inner.at.strides
    assert (found.volume_ml, found.count) == (1234.5, 7)
    assert (type(found.volume_ml), type(found.count)) == (float, int)


def test_the_same_value_gives_the_same_bytes(source: Path) -> None:
    assert derived_bytes(VALUE, [source]) == derived_bytes(VALUE, [source])


def test_it_is_not_that_of_other_sources(tmp_path: Path, source: Path) -> None:
    path, other = kept(tmp_path, source), tmp_path / "other"
    other.write_bytes(b"another head")
    assert read_derived(path, Value, [other]) is None
    assert read_derived(path, Value, [source, other]) is None
    source.write_bytes(b"a changed head")
    assert read_derived(path, Value, [source]) is None


def test_it_is_not_one_of_other_fields(tmp_path: Path, source: Path) -> None:
    path = kept(tmp_path, source)
    assert read_derived(path, Longer, [source]) is None
    assert read_derived(path, Inner, [source]) is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_what_is_no_archive_is_passed_over(tmp_path: Path, source: Path, content: bytes) -> None:
    path = tmp_path / "kept.npz"
    path.write_bytes(content)
    assert read_derived(path, Value, [source]) is None
    assert read_derived(tmp_path / "nothing.npz", Value, [source]) is None


def test_a_damaged_archive_is_passed_over(tmp_path: Path, source: Path) -> None:
    path = kept(tmp_path, source)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:200] + bytes(50) + whole[250:]):
        path.write_bytes(content)
        assert read_derived(path, Value, [source]) is None


def test_other_types_are_not_kept(source: Path) -> None:
    with pytest.raises(TypeError, match="text can't be kept: it is a list, neither array nor number"):
        derived_bytes(Odd([1]), [source])
