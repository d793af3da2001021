"""The memory budget: a fixed one, what the machine has left, and what a container may use."""

from __future__ import annotations

import pytest

from scripts.findings import InputRefused
from scripts.reading import budget as memory_budget
from scripts.reading.budget import GIB, check_size, free_bytes


def set_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let the machine have so many bytes left, and no container."""
    monkeypatch.setattr(memory_budget, "available_bytes", lambda: free)
    monkeypatch.setattr(memory_budget, "group_bytes", lambda: None)


def test_the_fixed_budget_is_named_with_what_would_be_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, 2**62)
    check_size((512, 512, 512))
    with pytest.raises(
        InputRefused, match=r"512 x 512 x 513 voxels, 0\.751 GiB while they are read, over the budget"
    ) as error:
        check_size((512, 512, 513))
    assert error.value.findings[0].code == "too_large"
    assert "of 0.75 GiB. Crop the scan" in str(error.value)
    with pytest.raises(InputRefused, match=r"asks for 65535 x 65535 x 65535 voxels, 1\.57e"):
        check_size((65535, 65535, 65535))


def test_what_the_machine_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, GIB // 2)
    check_size((512, 512, 300))
    with pytest.raises(InputRefused, match=r"512 x 512 x 400 voxels, 0\.586 GiB .*, and 0\.5 GiB of memory are free"):
        check_size((512, 512, 400))


def test_what_a_container_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, GIB)
    assert free_bytes() == GIB, "no control group"
    monkeypatch.setattr(memory_budget, "group_bytes", lambda: GIB // 2)
    with pytest.raises(InputRefused, match=r"and 0\.5 GiB of memory are free"):
        check_size((512, 512, 400))


def test_this_machine_has_room_for_a_small_scan() -> None:
    check_size((64, 64, 64))
