"""Reads that a disk or the system does not let happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts.findings import InputRefused


@contextmanager
def read_fails(words: str) -> Iterator[None]:
    """A context that must end with the refusal `read_failed`, in words of a pattern."""
    with pytest.raises(InputRefused, match=words) as error:
        yield
    assert error.value.code == "read_failed"
