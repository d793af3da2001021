"""Crops, their labels, and the stream of them; drawing itself is tested with `simulation`."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch
from monai.transforms import Compose

from scripts.preprocessing.transforms import ScaleWindowsd
from scripts.training.heads import (
    HeadStream,
    RandDenseCropd,
    RandPatchesd,
    ScaledBatch,
    crop_label,
    cube,
    joined_patches,
)
from scripts.training.loss import PositionLoss
from scripts.volume import AIR_HU


def ramp(size: int = 20) -> torch.Tensor:
    """A volume (1, size, size, size) whose values tell the voxel: 10000 i + 100 j + k."""
    i, j, k = torch.meshgrid(*[torch.arange(size)] * 3, indexing="ij")
    return (10000 * i + 100 * j + k)[None].float()


@pytest.mark.parametrize("start", [(0, 0, 0), (-3, 5, 15), (18, -2, -7), (-9, -9, -9), (40, 0, 0)])
def test_cube_by_a_slow_loop(start: tuple[int, int, int]) -> None:
    volume = ramp()
    crop = cube(volume, start, 8)
    for index in torch.cartesian_prod(*[torch.arange(8)] * 3).tolist():
        source = [s + n for s, n in zip(start, index, strict=True)]
        inside = all(0 <= n < 20 for n in source)
        expected = volume[0, source[0], source[1], source[2]] if inside else AIR_HU
        assert crop[0, index[0], index[1], index[2]] == expected


def test_label_holds_the_position_of_each_patch_centre() -> None:
    label = crop_label(torch.zeros(1, 39, 39, 39), (10, -4, 100))
    assert label.shape == (4, 3, 3, 3)
    torch.testing.assert_close(label[:3, 2, 0, 1], torch.tensor([10 + 15 + 8, -4 + 15, 100 + 15 + 4]) / 255)


def test_predictions_whose_centre_is_background_do_not_count() -> None:
    crop = torch.full((1, 39, 39, 39), AIR_HU)
    crop[0, 15, 19, 23] = 40
    weight = crop_label(crop, (0, 0, 0))[3]
    assert weight[0, 1, 2] == 1
    assert weight.sum() == 1


def test_crops_are_centred_on_the_head_and_repeat_with_the_seed() -> None:
    volume = torch.full((1, 40, 40, 40), AIR_HU)
    volume[0, 30, 8, 20] = 100
    crop = RandDenseCropd("image", 31)
    crop.set_random_state(seed=3)
    with pytest.raises(ValueError, match="no voxel of a head"):
        crop({"image": torch.full((1, 40, 40, 40), AIR_HU)})
    volume[0, 25:35, 3:13, 15:25] = 50
    crop.set_random_state(seed=3)
    first = [crop({"image": volume}) for _ in range(5)]
    crop.set_random_state(seed=3)
    again = [crop({"image": volume}) for _ in range(5)]
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one["image"], other["image"])
        assert one["image"][0, 15, 15, 15] > AIR_HU
        assert one["label"][3].item() == 1
    assert not torch.equal(first[0]["label"], first[1]["label"])


def test_a_crop_that_is_no_whole_number_of_strides_is_refused() -> None:
    with pytest.raises(ValueError, match="31 plus a multiple of 4, got 48"):
        RandDenseCropd("image", 48)


def test_a_batch_is_scaled_crop_by_crop() -> None:
    hu = torch.tensor([-1024, -20, 40, 100, 1500, 30]).to(torch.int16).reshape(2, 1, 3, 1, 1)
    label = torch.zeros(2, 4, 1, 1, 1)
    inputs, same = ScaledBatch(ScaleWindowsd("image"))({"image": hu, "label": label}, torch.device("cpu"))
    expected = [[[0, 0, 0.5], [0, 0, 40 / 1500]], [[1, 1, 50 / 120], [100 / 1500, 1, 0.02]]]
    torch.testing.assert_close(inputs[..., 0, 0], torch.tensor(expected))
    assert same is label


class Drawn:
    """Stands for the drawing of a head: a volume that holds its seed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        return {"image": torch.full((1, 4, 4, 4), float(data["seed"] % 1000)), "name": data["image"]}


class Same(Compose):
    """Hands the head on as it is."""

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data


def stream(**settings: Any) -> HeadStream:
    return HeadStream([{"image": "a"}, {"image": "b"}], Drawn(), Same([]), **settings)  # type: ignore[arg-type]


def seeds(source: HeadStream, count: int) -> list[float]:
    return [float(sample["image"][0, 0, 0, 0]) for sample in islice(source, count)]


def test_the_stream_repeats_with_its_seed_and_differs_by_epoch_seed_and_rank() -> None:
    first = seeds(stream(seed=1), 20)
    assert seeds(stream(seed=1), 20) == first
    assert seeds(stream(seed=2), 20) != first
    later, other = stream(seed=1), stream(seed=1)
    later.epoch, other.rank = 1, 1
    assert seeds(later, 20) != first
    assert seeds(other, 20) != first


def test_a_seed_that_the_data_name_is_kept() -> None:
    source = HeadStream([{"image": "a", "seed": 7}], Drawn(), Same([]), first_heads=2)  # type: ignore[arg-type]
    assert set(seeds(source, 5)) == {7}


def test_the_pool_is_renewed_and_never_grows_beyond_its_size() -> None:
    source = stream(pool_size=3, crops_per_head=4, first_heads=2)
    samples = seeds(source, 41)
    assert source.head_transform.count == 2 + 10  # type: ignore[attr-defined]
    assert len(source.pool) == 3
    assert len(set(samples)) > 3


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
