"""The bone series leaves the metadata of the scan for a key of its own."""

from __future__ import annotations

import numpy as np
import torch
from monai.data import MetaTensor

from scripts.reading.reader import BONE
from scripts.reading.transforms import TakeBoneScand

AFFINE = np.diag([0.5, 0.5, 1.0, 1.0])


def test_the_bone_series_gets_a_key_and_leaves_the_metadata() -> None:
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = MetaTensor(torch.zeros(1, 5, 5, 5), meta={BONE: {"hu": hu, "affine": AFFINE}, "findings": []})
    taken = TakeBoneScand("image", "bone")({"image": image})
    assert BONE not in taken["image"].meta
    assert taken["image"].meta["findings"] == []
    np.testing.assert_array_equal(taken["bone"], hu[None])
    assert taken["bone"].dtype == torch.int16
    np.testing.assert_array_equal(taken["bone"].affine, AFFINE)


def test_without_one_nothing_is_added() -> None:
    for image in (MetaTensor(torch.zeros(1, 5, 5, 5)), torch.zeros(1, 5, 5, 5)):
        assert set(TakeBoneScand("image")({"image": image})) == {"image"}
