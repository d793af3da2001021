"""The dictionary transforms from HU to network input do what the functions of `intensity` do, and keep metadata."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, equalize_histogram
from scripts.intensity_transforms import EqualizeHistogramd, ScaleWindowsd
from scripts.volume import AIR_HU


def scan() -> MetaTensor:
    """A scan (1, 2, 3, 1) with an affine and a note in its metadata."""
    values = torch.tensor([[-1024.0, -20, 40], [100, 750, 3000]])[None, :, :, None]
    image = MetaTensor(values, affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    image.meta["note"] = "kept"
    return image


def test_two_windows_by_hand() -> None:
    image = scan()
    scaled = ScaleWindowsd("image")({"image": image, "other": 1})
    # brain: (hu + 20) / 120; bone: hu / 1500; both clipped
    brain, bone = [[0, 0, 0.5], [1, 1, 1]], [[0, 0, 40 / 1500], [100 / 1500, 0.5, 1]]
    torch.testing.assert_close(scaled["image"].as_tensor()[..., 0], torch.tensor([brain, bone]))
    assert (BRAIN_WINDOW_HU, BONE_WINDOW_HU) == ((-20.0, 100.0), (0.0, 1500.0))
    assert scaled["image"].meta["note"] == "kept"
    assert torch.equal(scaled["image"].affine, image.affine)
    assert scaled["other"] == 1


def test_windows_can_be_chosen_and_the_scan_is_left_alone() -> None:
    data = {"image": scan()}
    scaled = ScaleWindowsd("image", windows_hu=[[0, 100]])(data)["image"]
    assert scaled.shape == (1, 2, 3, 1)
    assert scaled[0, 0, 2, 0] == pytest.approx(0.4)
    assert torch.equal(data["image"].as_tensor(), scan().as_tensor())


def test_plain_tensors_stay_plain() -> None:
    for transform in (ScaleWindowsd("image"), EqualizeHistogramd("image")):
        assert type(transform({"image": torch.zeros(1, 2, 2, 2)})["image"]) is torch.Tensor


def test_equalising_looks_at_the_foreground_only() -> None:
    rng = np.random.default_rng(0)
    hu = torch.from_numpy(rng.normal(30, 20, (1, 8, 8, 8)).astype(np.float32))
    inside = torch.zeros(1, 8, 8, 8, dtype=torch.bool)
    inside[:, :5] = True
    hu[~inside] = AIR_HU
    equalised = EqualizeHistogramd("image", "head")({"image": MetaTensor(hu), "head": inside})["image"]
    torch.testing.assert_close(equalised.as_tensor(), equalize_histogram(hu, inside))
    assert not torch.allclose(equalised.as_tensor(), equalize_histogram(hu, None)), "the mask must matter"


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError, match="image"):
        ScaleWindowsd("image")({})
