"""The words of a config's switches, and texts that can be paths."""

from __future__ import annotations

import pytest

from scripts.words import can_be_path, switched


def test_a_switch_is_true_or_false_also_as_a_shell_gives_it() -> None:
    for value in (True, 1, "true", "True", "TRUE"):
        assert switched("report", value) is True
    for value in (False, 0, None, "false", "False"):
        assert switched("report", value) is False
    with pytest.raises(ValueError, match="report must be true or false, got 'no'"):
        switched("report", "no")


def test_a_path_has_neither_a_nul_nor_half_a_pair_of_surrogates() -> None:
    assert all(map(can_be_path, ("", "scans/one #1", "Größe", "\udcff, as the system gives a byte that is no text")))
    assert not any(map(can_be_path, ("a\0b", "\0", "a\ud800")))
