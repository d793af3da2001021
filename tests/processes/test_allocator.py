"""The allocator's thresholds: raised where glibc is there and the user has not decided, otherwise left alone."""

from __future__ import annotations

import ctypes

import pytest

from scripts.processes import allocator


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No environment variable of glibc's allocator is set."""
    for name in allocator.USER_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


class Library:
    """Records the calls of the C library."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    def mallopt(self, parameter: int, value: int) -> int:
        self.calls.append((parameter, value))
        return 1

    def malloc_trim(self, pad: int) -> int:
        self.calls.append((pad,))
        return 1


def test_both_thresholds_are_raised(unset: pytest.MonkeyPatch) -> None:
    library = Library()
    unset.setattr(allocator, "_c_library", lambda: library)
    assert allocator.keep_large_blocks()
    allocator.give_back_free_memory()
    assert library.calls == [(-3, 1 << 30), (-1, 1 << 30), (0,)]
    assert allocator.return_large_blocks()
    assert library.calls[3:] == [(-3, 1 << 17), (-1, 1 << 17)]


@pytest.mark.parametrize("name", allocator.USER_SETTINGS)
def test_what_the_user_has_set_stays(unset: pytest.MonkeyPatch, name: str) -> None:
    library = Library()
    unset.setattr(allocator, "_c_library", lambda: library)
    unset.setenv(name, "1")
    assert not allocator.keep_large_blocks()
    assert not allocator.return_large_blocks()
    assert library.calls == []


def test_another_c_library_is_left_alone(unset: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    unset.setattr(ctypes, "CDLL", missing)
    allocator._c_library.cache_clear()
    assert not allocator.keep_large_blocks()
    allocator.give_back_free_memory()
    allocator._c_library.cache_clear()
