"""The transforms of the coarse network's training: scans of a drawn head, and random cubes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_anatomy import raw_labels

from scripts.files.nifti import nifti_bytes
from scripts.training.locator import DrawScansd, RandSampled
from scripts.training.locator_scans import CoarseScan


def test_scans_follow_from_the_seed_and_the_anatomy_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "head.nii.gz"
    path.write_bytes(nifti_bytes(*raw_labels()))
    draw = DrawScansd("image", 2)
    first = draw({"image": str(path), "seed": 4})["image"]
    path.unlink()
    again = draw({"image": str(path), "seed": 4})["image"]
    assert len(first) == 2
    assert all(torch.equal(one.values, two.values) for one, two in zip(first, again, strict=True))
    assert first[0].values.shape != first[1].values.shape or not torch.equal(first[0].values, first[1].values)


def scans() -> list[CoarseScan]:
    """Two scans, full of head, whose values differ."""
    counts = torch.ones(30, 30, 30, dtype=torch.bool)
    random = torch.Generator().manual_seed(0)
    return [CoarseScan(torch.rand(4, 30, 30, 30, generator=random) + n, counts, np.eye(4)) for n in (0, 5)]


def test_cubes_repeat_with_the_seed_and_come_from_all_scans() -> None:
    cut = RandSampled("image", 27)
    cut.set_random_state(seed=1)
    first = [cut({"image": scans(), "name": "a"}) for _ in range(8)]
    cut.set_random_state(seed=1)
    again = [cut({"image": scans()}) for _ in range(8)]
    assert all(torch.equal(one["image"], two["image"]) for one, two in zip(first, again, strict=True))
    assert first[0]["image"].shape == (4, 27, 27, 27)
    assert first[0]["label"].shape == (4, 2, 2, 2)
    assert first[0]["name"] == "a"
    assert {bool(sample["image"].max() > 2) for sample in first} == {True, False}


def test_for_validation_the_cube_follows_from_the_seed_of_the_data() -> None:
    cut = RandSampled("image", 23, by_seed=True)
    one, two, other = (cut({"image": scans(), "seed": seed})["image"] for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_a_size_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="23 plus a multiple of 4"):
        RandSampled("image", 30)({"image": scans()})
