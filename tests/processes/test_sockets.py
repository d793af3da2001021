"""Sockets between processes: with a long path of temporary files they get a short one."""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing import current_process
from multiprocessing.connection import Listener
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader
from trainings import skip_where_forking_breaks

from scripts.errors import WrongUsage
from scripts.processes import sockets
from scripts.processes.sockets import MOST_BYTES, NAME_BYTES, short_socket_paths, shorten_socket_paths

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that has one byte too many, in a process that has made no socket yet."""
    with tempfile.TemporaryDirectory(dir=sockets.SHORT) as outer:
        folder = Path(outer) / ("x" * (MOST_BYTES - NAME_BYTES - len(outer)))
        folder.mkdir()
        assert len(str(folder)) == MOST_BYTES - NAME_BYTES + 1
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        monkeypatch.delitem(current_process()._config, "tempdir", raising=False)  # type: ignore[attr-defined]
        yield folder


def test_tensors_of_a_worker_arrive(long: Path) -> None:
    skip_where_forking_breaks()
    with short_socket_paths():
        batches = list(DataLoader(torch.arange(4), batch_size=2, num_workers=1, timeout=60))  # type: ignore[arg-type]
        assert torch.equal(torch.cat(batches), torch.arange(4))
        with Listener(family="AF_UNIX") as listener:
            place = Path(str(listener.address)).parent
            assert len(str(listener.address)) <= MOST_BYTES
            assert place.parent == Path(sockets.SHORT)
    assert not place.exists()
    assert list(long.iterdir()) == []
    assert "tempdir" not in current_process()._config  # type: ignore[attr-defined]


def test_they_arrive_until_the_process_ends(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_where_forking_breaks()
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    shorten_socket_paths()
    place = Path(current_process()._config["tempdir"])  # type: ignore[attr-defined]
    batches = list(DataLoader(torch.arange(4), batch_size=2, num_workers=1, timeout=60))  # type: ignore[arg-type]
    assert torch.equal(torch.cat(batches), torch.arange(4))
    assert place.is_dir()
    at_exit[0]()
    assert not place.exists()


@pytest.mark.parametrize("name", ["train.json", "locator.json"])
def test_a_training_by_monai_begins_with_it(name: str) -> None:
    configs = [json.loads((CONFIGS / one).read_text(encoding="utf-8")) for one in ("train.json", name)]
    assert configs[0]["socket_paths"]["_target_"] == "scripts.processes.sockets.shorten_socket_paths"
    assert configs[1]["run"][0] == "$@socket_paths"


def test_a_short_path_stays(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(long)[:-1])
    with short_socket_paths():
        assert "tempdir" not in current_process()._config  # type: ignore[attr-defined]


def test_a_folder_that_was_chosen_before_and_is_too_long_is_replaced_meanwhile(
    long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = str(long / "pymp-12345678")
    monkeypatch.setitem(current_process()._config, "tempdir", chosen)  # type: ignore[attr-defined]
    with short_socket_paths():
        place = current_process()._config["tempdir"]  # type: ignore[attr-defined]
        assert Path(place).parent == Path(sockets.SHORT)
    assert current_process()._config["tempdir"] == chosen  # type: ignore[attr-defined]


def test_without_a_short_place_it_is_said(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SHORT", str(long / "none"))
    said = r"temporary files has 72 bytes, too many for sockets .* at most 71 bytes in the environment variable TMPDIR"
    with pytest.raises(WrongUsage, match=said), short_socket_paths():
        pass
