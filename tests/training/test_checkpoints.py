"""Checkpoints and the weights that are made from them."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.errors import WrongUsage
from scripts.networks.position import DensePositionNet, add_spectral_norm
from scripts.training.checkpoints import (
    check_checkpoint,
    check_start,
    check_weights,
    export_weights,
    latest_checkpoint,
    start_from,
)


def test_the_latest_checkpoint_has_the_highest_epoch_not_the_last_name(tmp_path: Path) -> None:
    for name in ("checkpoint_epoch=9.pt", "checkpoint_epoch=10.pt", "model.pt", "checkpoint_final_iteration=99.pt"):
        torch.save({"network": name}, tmp_path / name)
    assert Path(latest_checkpoint(str(tmp_path))).name == "checkpoint_epoch=10.pt"


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    for epoch in (1, 2):
        torch.save({"network": torch.zeros(1000)}, tmp_path / f"checkpoint_epoch={epoch}.pt")
    whole = (tmp_path / "checkpoint_epoch=2.pt").read_bytes()
    (tmp_path / "checkpoint_epoch=2.pt").write_bytes(whole[: len(whole) // 2])
    assert Path(latest_checkpoint(str(tmp_path))).name == "checkpoint_epoch=1.pt"


def test_no_checkpoint_is_an_empty_path(tmp_path: Path) -> None:
    assert latest_checkpoint(str(tmp_path)) == ""
    assert latest_checkpoint(str(tmp_path / "missing")) == ""


def test_exported_weights_answer_as_the_trained_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = add_spectral_norm(DensePositionNet(2)).eval()
    torch.save({"network": trained.state_dict()}, tmp_path / "checkpoint.pt")
    export_weights(str(tmp_path / "checkpoint.pt"), DensePositionNet(2), str(tmp_path / "model.pt"))
    plain = DensePositionNet(2)
    plain.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True), strict=True)
    patches = torch.rand(2, 1, 31, 31, 31)
    torch.testing.assert_close(plain(patches), trained(patches))
    other = DensePositionNet(2)
    assert not torch.allclose(other(patches), trained(patches))


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    torch.save({"model": 1}, tmp_path / "x.pt")
    with pytest.raises(KeyError, match=r"x\.pt is not a training checkpoint.*only \['model'\]"):
        export_weights(str(tmp_path / "x.pt"), DensePositionNet(2), str(tmp_path / "model.pt"))


@pytest.mark.parametrize("checkpoint", [False, True], ids=["weights", "checkpoint"])
def test_larger_patches_start_as_the_function_that_smaller_ones_have_learnt(tmp_path: Path, checkpoint: bool) -> None:
    torch.manual_seed(0)
    small = DensePositionNet(2, patch_size=31, spectral_norm=checkpoint).eval()
    torch.save({"network": small.state_dict()} if checkpoint else small.state_dict(), tmp_path / "small.pt")
    large = start_from(DensePositionNet(2, patch_size=39), tmp_path / "small.pt")
    assert set(large.state_dict()) == set(DensePositionNet(2, patch_size=39).state_dict())
    patches = torch.rand(2, 1, 39, 39, 39)
    torch.testing.assert_close(large(patches), small(patches[:, :, 4:35, 4:35, 4:35]))
    assert not torch.allclose(large(patches), small(patches[:, :, :31, :31, :31]))


def test_an_autoencoder_starts_from_its_training_checkpoint_and_other_networks_are_refused(tmp_path: Path) -> None:
    trained = SpatialAutoencoder(2)
    torch.save({"network": trained.state_dict(), "optimizer": {}}, tmp_path / "checkpoint.pt")
    started = start_from(SpatialAutoencoder(2), tmp_path / "checkpoint.pt")
    torch.testing.assert_close(started.state_dict(), trained.state_dict())
    with pytest.raises(RuntimeError, match=r"state_dict"):
        start_from(DensePositionNet(2), tmp_path / "checkpoint.pt")


class Code:
    """Makes a folder when it is unpickled as it asks to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def with_code(path: Path, evil: Path) -> None:
    torch.save({"hidden.weight": torch.zeros(1), "network": Code(evil)}, path)


def bare_pickle(path: Path, evil: Path) -> None:
    path.write_bytes(pickle.dumps({"network": Code(evil)}))


def torch_script(path: Path, evil: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)


@pytest.mark.parametrize("check", [check_weights, check_start, check_checkpoint])
@pytest.mark.parametrize("write", [with_code, bare_pickle, torch_script])
def test_code_in_the_place_of_weights_is_refused_and_not_run(
    write: Callable[[Path, Path], None], check: Callable[[Any, Any], None], tmp_path: Path
) -> None:
    write(tmp_path / "weights.pt", tmp_path / "evil")
    with pytest.raises(WrongUsage, match=r"weights\.pt"):
        check(tmp_path / "weights.pt", DensePositionNet(2))
    assert not (tmp_path / "evil").exists()


def test_negative_control_the_code_would_run(tmp_path: Path) -> None:
    bare_pickle(tmp_path / "weights.pt", tmp_path / "evil")
    pickle.loads((tmp_path / "weights.pt").read_bytes())
    assert (tmp_path / "evil").is_dir()
