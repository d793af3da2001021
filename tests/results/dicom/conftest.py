"""The results of each position, made once for all tests that only read them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

pytest.importorskip("highdicom")

from dicom_results import Made, make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """The results of a position, by its name; the scan is in the folder `in` beside them."""
    return cache(lambda position: make(tmp_path_factory.mktemp("results"), position, slices=2))
