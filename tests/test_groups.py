"""Tests of one group run in one process, or what they share would be made once in each."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("together")
def test_a_group_is_known_to_the_processes(request: pytest.FixtureRequest) -> None:
    """A process of pytest-xdist writes the group behind the test's name, by which it is given to one of them."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("the tests run in one process, or without --dist loadgroup")
    assert request.node.nodeid.endswith("@together")
