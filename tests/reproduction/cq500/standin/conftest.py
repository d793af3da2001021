"""The toy study and its thin series."""

from __future__ import annotations

import pytest
from toy_study import toy_study

from reproduction.cq500.standin.studies import Series, Study, thin


@pytest.fixture(scope="module")
def study() -> Study:
    """The study, which is drawn when a test asks for it: not by every process that only collects."""
    return toy_study()


@pytest.fixture(scope="module")
def fine(study: Study) -> Series:
    """Its thin series."""
    return thin(study)
