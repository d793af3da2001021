"""Crops of blocks: labels tell the places also of mirrored ones, HU change a little, places asked lie in the head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from scripts.preprocessing.transforms import ScaleWindowsd
from scripts.training.block_crops import LARGEST_GAIN, OFFSET_HU, AskedBatch, RandBlockCropd
from scripts.volume import AIR_HU

SHAPE = (1, 60, 60, 60)


def blocks() -> torch.Tensor:
    """Blocks whose HU grow along x by 10 a block, with background around."""
    values = torch.full(SHAPE, AIR_HU)
    values[:, 10:50, 10:50, 10:50] = 10.0 * torch.arange(10, 50)[:, None, None]
    return values.to(torch.int16)


def crops(count: int, size: int = 21) -> list[dict[str, Any]]:
    transform = RandBlockCropd("image", size)
    transform.set_random_state(seed=0)
    found: list[dict[str, Any]] = []
    for _ in range(count):
        crop = transform({"image": blocks()})
        found.append({"image": crop["image"], "label": crop["label"], "mirror": transform.mirror})
    return found


def test_each_place_has_the_position_of_its_central_block() -> None:
    for crop in crops(20):
        image, label = crop["image"], crop["label"]
        assert image.shape == (1, 21, 21, 21)
        assert image.dtype == torch.int16
        assert label.shape == (4, 3, 3, 3)
        centres = image[0, 8:13:2, 8:13:2, 8:13:2]
        assert torch.equal(label[3] > 0, centres > AIR_HU)
        x = 255 - 255 * label[0] if crop["mirror"] else 255 * label[0]
        block = (x - 1.5) / 2
        torch.testing.assert_close(block, block.round(), atol=1e-3, rtol=0)
        inside = label[3] > 0
        expected = 10 * block[inside]
        allowed = LARGEST_GAIN * expected + 6 * OFFSET_HU
        assert ((centres[inside] - expected).abs() <= allowed).all()


def test_both_sides_and_all_changes_are_drawn() -> None:
    transform = RandBlockCropd("image", 21)
    transform.set_random_state(seed=1)
    drawn = []
    for _ in range(50):
        transform({"image": blocks()})
        drawn.append((transform.mirror, transform.gain, transform.offset_hu))
    mirror, gain, offset = (np.array(values) for values in zip(*drawn, strict=True))
    assert 10 < mirror.sum() < 40
    assert abs(gain - 1).max() <= LARGEST_GAIN
    assert 1 < offset.std() < 3


def test_the_background_stays_background() -> None:
    for crop in crops(10):
        assert (crop["image"] >= AIR_HU).all()
    wide = RandBlockCropd("image", 51)
    wide.set_random_state(seed=2)
    assert (torch.as_tensor(wide({"image": blocks()})["image"]) == AIR_HU).sum() >= 51**3 - 40**3


def test_a_crop_smaller_than_the_receptive_field_is_refused() -> None:
    with pytest.raises(ValueError, match="17 plus a multiple of 2"):
        RandBlockCropd("image", 15)


def test_a_batch_asks_at_places_of_the_head() -> None:
    batch = {key: torch.stack([crop[key] for crop in crops(3)]) for key in ("image", "label")}
    asked = AskedBatch(ScaleWindowsd("image", [[0, 600], [-100, 200]]), places=20)
    inputs, positions, (places,), more = asked(batch, torch.device("cpu"))
    assert inputs.shape == (3, 2, 21, 21, 21)
    assert more == {}
    assert positions.shape == (len(places), 3)
    assert 0 < len(set(places.tolist())) == len(places) <= 20
    flat = batch["label"].movedim(1, -1).flatten(0, 3)[places]
    assert (flat[:, 3] > 0).all()
    torch.testing.assert_close(positions, flat[:, :3])
