"""Registered scans in files: nothing is lost, and what is not whole is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.datasets import registered_files
from scripts.datasets.registered_files import RegisteredScan, load_registered, save_registered
from scripts.findings import InputRefused, refusal

SHAPE = (10, 12, 14)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered_files, "SHAPE", SHAPE)


def scan() -> RegisteredScan:
    rng = np.random.default_rng(0)
    head = rng.random(SHAPE) < 0.4
    hu = np.where(head, rng.normal(40, 200, SHAPE), -1024).astype(np.float32)
    regions = np.where(head, rng.integers(0, 4, SHAPE), 0).astype(np.uint8)
    meta = {"registration": {"matrix": np.eye(4).tolist(), "ncc": 0.1 + 0.2}, "findings": [{"code": "thick_slices"}]}
    return RegisteredScan(hu, head, rng.random(SHAPE) < 0.9, regions, {"skull": 1 / 3}, meta)


def test_what_is_kept_is_read_to_the_last_bit(tmp_path: Path) -> None:
    save_registered(tmp_path / "new" / "a.npz", scan())
    found = load_registered(tmp_path / "new" / "a.npz")
    assert isinstance(found, RegisteredScan)
    for name in ("hu", "head", "valid", "regions"):
        np.testing.assert_array_equal(getattr(found, name), getattr(scan(), name))
        assert getattr(found, name).dtype == getattr(scan(), name).dtype
    assert (found.coverage, found.meta) == (scan().coverage, scan().meta)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]


def test_a_refusal_is_kept_with_its_findings_and_no_uid(tmp_path: Path) -> None:
    save_registered(tmp_path / "a.npz", refusal("not_ct", "There is no CT image.", "1.2.3"))
    found = load_registered(tmp_path / "a.npz")
    assert isinstance(found, InputRefused)
    assert str(found) == "There is no CT image. Give a head CT."
    assert found.findings[0].code == "not_ct"
    assert b"1.2.3" not in (tmp_path / "a.npz").read_bytes()
    assert found.findings[0].series_uid is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_file_that_was_cut_off_is_nothing(tmp_path: Path, share: float) -> None:
    save_registered(tmp_path / "a.npz", scan())
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: int(share * len(whole))])
    assert load_registered(tmp_path / "a.npz") is None


def test_a_flipped_byte_is_seen(tmp_path: Path) -> None:
    save_registered(tmp_path / "a.npz", scan())
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    assert load_registered(tmp_path / "a.npz") is None


def test_no_file_and_one_of_another_grid_are_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_registered(tmp_path / "a.npz") is None
    save_registered(tmp_path / "a.npz", scan())
    monkeypatch.setattr(registered_files, "SHAPE", (9, 12, 14))
    assert load_registered(tmp_path / "a.npz") is None


def test_what_would_be_lost_is_refused(tmp_path: Path) -> None:
    hu, regions = scan().hu.copy(), scan().regions.copy()
    place = tuple(np.argwhere(~scan().head)[0])
    hu[place], regions[place] = 40, 1
    for faulty in (replace(scan(), hu=hu), replace(scan(), regions=regions)):
        with pytest.raises(ValueError, match="must be air, and of no region, outside the head"):
            save_registered(tmp_path / "a.npz", faulty)
    assert list(tmp_path.iterdir()) == []
