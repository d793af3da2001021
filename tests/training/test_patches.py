"""Patches of the published network: where they come from, and what their labels say."""

from __future__ import annotations

import pytest
import torch

from scripts.training.loss import PositionLoss
from scripts.training.patches import RandPatchesd, joined_patches


def volume() -> torch.Tensor:
    """A volume (1, 24, 24, 24) whose voxels tell their place, 0 but in a corner."""
    i, j, k = torch.meshgrid(*[torch.arange(24)] * 3, indexing="ij")
    values = (10000 * i + 100 * j + k + 1)[None].float()
    inside = (i < 8) & (j < 8) & (k < 8)
    return values * inside


def drawn(count: int = 12, seed: int = 0) -> dict[str, torch.Tensor]:
    transform = RandPatchesd("image", count, patch_size=5)
    transform.set_random_state(seed=seed)
    return dict(transform({"image": volume()}))


def test_each_patch_is_what_lies_around_its_position_and_none_is_empty() -> None:
    sample = drawn()
    assert sample["image"].shape == (12, 1, 5, 5, 5)
    assert sample["label"].shape == (12, 4, 1, 1, 1)
    padded = torch.nn.functional.pad(volume(), [2] * 6)
    for patch, label in zip(sample["image"], sample["label"].flatten(1), strict=True):
        i, j, k = (label[:3] * 255).round().int().tolist()
        assert torch.equal(patch, padded[:, i : i + 5, j : j + 5, k : k + 5])
        assert patch.any()
        assert label[3] == 1


def test_the_seed_decides() -> None:
    assert torch.equal(drawn()["label"], drawn()["label"])
    assert not torch.equal(drawn()["label"], drawn(seed=1)["label"])


def test_positions_whose_patch_shows_a_little_of_the_head_are_drawn_too() -> None:
    centres = (drawn(200)["label"][:, :3, 0, 0, 0] * 255).round()
    assert centres.min() == 0
    assert centres.max() == 9, "the head ends at voxel 7, and a patch reaches 2 voxels beyond its centre"


def test_a_batch_of_heads_is_one_batch_of_patches_for_the_loss() -> None:
    heads = [drawn(seed=seed) for seed in (0, 1)]
    batch = {key: torch.stack([head[key] for head in heads]) for key in ("image", "label")}
    image, label = joined_patches(batch, torch.device("cpu"))
    assert image.shape == (24, 1, 5, 5, 5)
    assert torch.equal(label[12:], heads[1]["label"])
    assert PositionLoss()(label[:, :3, 0, 0, 0] + torch.tensor([0, 0.5, 0]), label).item() == pytest.approx(0.5)


def test_a_volume_without_a_head_is_refused() -> None:
    with pytest.raises(ValueError, match="hardly a patch"):
        RandPatchesd("image", 2, patch_size=5)({"image": torch.zeros(1, 8, 8, 8)})
