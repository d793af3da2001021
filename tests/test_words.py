"""The words of a config's switches."""

from __future__ import annotations

import pytest

from scripts.words import switched


def test_a_switch_is_true_or_false_also_as_a_shell_gives_it() -> None:
    for value in (True, 1, "true", "True", "TRUE"):
        assert switched("report", value) is True
    for value in (False, 0, None, "false", "False"):
        assert switched("report", value) is False
    with pytest.raises(ValueError, match="report must be true or false, got 'no'"):
        switched("report", "no")
