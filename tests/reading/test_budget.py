"""The memory budget: a fixed one, what the machine has left, and what a container may use."""

from __future__ import annotations

import numpy as np
import pytest
from geometries import rotation

from scripts.findings import InputRefused
from scripts.reading import budget as memory_budget
from scripts.reading.budget import GIB, check_extent, check_size, free_bytes


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


def scaled(*voxel_mm: float) -> np.ndarray:
    """The affine of voxels of these sizes."""
    return np.diag([*voxel_mm, 1.0])


@pytest.mark.parametrize(
    ("shape", "voxel_mm"),
    [((512, 512, 440), (0.98, 0.98, 5.0)), ((440, 512, 512), (5.0, 0.98, 0.98)), ((512, 512, 300), (1.5, 1.5, 1.0))],
)
def test_heads_and_bodies_have_a_plausible_extent(
    shape: tuple[int, int, int], voxel_mm: tuple[float, float, float]
) -> None:
    check_extent(shape, scaled(*voxel_mm), "geometry_invalid")


@pytest.mark.parametrize(
    ("shape", "voxel_mm", "extent"),
    [
        ((60, 60, 60), (20.0, 20.0, 20.0), "1200 x 1200 x 1200"),
        ((512, 512, 130), (0.5, 0.5, 20.0), "256 x 256 x 2600"),
        ((512, 512, 40), (2.5, 2.5, 5.0), "1280 x 1280 x 200"),
    ],
)
def test_an_extent_that_no_scan_has_is_refused(
    shape: tuple[int, int, int], voxel_mm: tuple[float, float, float], extent: str
) -> None:
    with pytest.raises(InputRefused, match=rf"The scan spans {extent} mm, more than a person does\. Export") as error:
        check_extent(shape, scaled(*voxel_mm), "geometry_invalid")
    assert error.value.code == "geometry_invalid"


def test_the_extent_is_that_of_the_box_around_a_turned_volume() -> None:
    affine = scaled(2.0, 2.0, 10.0)
    check_extent((400, 400, 150), affine, "geometry_invalid")
    affine[:3, :3] = rotation(45, 0, 0) @ affine[:3, :3]
    with pytest.raises(InputRefused, match="The scan spans 800 x 1626 x 1626 mm"):
        check_extent((400, 400, 150), affine, "geometry_invalid")
