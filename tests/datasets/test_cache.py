"""What is kept comes back as it was: refusals unless the scan has changed, registered scans to the last bit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.datasets import cache
from scripts.datasets.cache import RegisteredScan, load_refusal, load_registered, save_refusal, save_registered
from scripts.findings import PASSING, InputRefused, finding, refusal


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A series of one file."""
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "1.dcm").write_bytes(b"slice")
    return tmp_path / "scan"


def test_a_refusal_comes_back(scan: Path, tmp_path: Path) -> None:
    both = InputRefused(
        [*refusal("not_ct", "There is no CT image.").findings, finding("no_dicom", "It is none.", "1.2")]
    )
    save_refusal(tmp_path / "refused.json", both, scan)
    found = load_refusal(tmp_path / "refused.json", scan)
    assert found is not None
    assert str(found) == str(both)
    assert [one.as_dict() for one in found.findings] == [one.as_dict() for one in both.findings]
    assert "1.2" not in (tmp_path / "refused.json").read_text(), "the UID of a series is written into no file"


def test_a_changed_scan_has_no_refusal(scan: Path, tmp_path: Path) -> None:
    save_refusal(tmp_path / "refused.json", refusal("not_ct", "There is no CT image."), scan)
    assert load_refusal(tmp_path / "refused.json", scan) is not None
    os.utime(scan / "1.dcm", (1, 1))
    assert load_refusal(tmp_path / "refused.json", scan) is None
    save_refusal(tmp_path / "refused.json", refusal("not_ct", "There is no CT image."), scan)
    (scan / "2.dcm").write_bytes(b"slice")
    assert load_refusal(tmp_path / "refused.json", scan) is None


def test_a_refusal_by_another_bundle_does_not_count(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same version, with other code to read by: another checkout."""
    save_refusal(tmp_path / "refused.json", refusal("not_ct", "There is no CT image."), scan)
    assert load_refusal(tmp_path / "refused.json", scan) is not None
    monkeypatch.setattr(cache, "manifest_sha256", lambda: "another")
    assert load_refusal(tmp_path / "refused.json", scan) is None
    save_refusal(tmp_path / "refused.json", refusal("not_ct", "There is no CT image."), scan)
    assert load_refusal(tmp_path / "refused.json", scan) is not None


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_scan_out_of_reach_may_be_back_the_next_time(code: str, scan: Path, tmp_path: Path) -> None:
    save_refusal(tmp_path / "refused.json", refusal(code, "There is no scan."), scan)
    assert not (tmp_path / "refused.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"scan": "x", "refused": 1}', '{"refused": []}'])
def test_a_damaged_file_counts_for_nothing(text: str, scan: Path, tmp_path: Path) -> None:
    assert load_refusal(tmp_path / "refused.json", scan) is None
    (tmp_path / "refused.json").write_text(text)
    assert load_refusal(tmp_path / "refused.json", scan) is None


def test_findings_of_another_form_count_for_nothing(scan: Path, tmp_path: Path) -> None:
    path = tmp_path / "refused.json"
    save_refusal(path, refusal("not_ct", "There is no CT image."), scan)
    path.write_text(path.read_text().replace('"code"', '"kind"'))
    assert load_refusal(path, scan) is None


SHAPE = (10, 12, 14)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SHAPE", SHAPE)


def registered() -> RegisteredScan:
    rng = np.random.default_rng(0)
    head = rng.random(SHAPE) < 0.4
    hu = np.where(head, rng.normal(40, 200, SHAPE), -1024).astype(np.float32)
    regions = np.where(head, rng.integers(0, 4, SHAPE), 0).astype(np.uint8)
    meta = {"registration": {"matrix": np.eye(4).tolist(), "ncc": 0.1 + 0.2}, "findings": [{"code": "thick_slices"}]}
    return RegisteredScan(hu, head, rng.random(SHAPE) < 0.9, regions, {"skull": 1 / 3}, meta)


def test_what_is_kept_is_read_to_the_last_bit(tmp_path: Path) -> None:
    save_registered(tmp_path / "new" / "a.npz", registered())
    found = load_registered(tmp_path / "new" / "a.npz")
    assert isinstance(found, RegisteredScan)
    for name in ("hu", "head", "valid", "regions"):
        np.testing.assert_array_equal(getattr(found, name), getattr(registered(), name))
        assert getattr(found, name).dtype == getattr(registered(), name).dtype
    assert (found.coverage, found.meta) == (registered().coverage, registered().meta)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_file_that_was_cut_off_is_nothing(tmp_path: Path, share: float) -> None:
    save_registered(tmp_path / "a.npz", registered())
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: int(share * len(whole))])
    assert load_registered(tmp_path / "a.npz") is None


def test_a_flipped_byte_is_seen(tmp_path: Path) -> None:
    save_registered(tmp_path / "a.npz", registered())
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    assert load_registered(tmp_path / "a.npz") is None


def test_no_file_and_one_of_another_grid_are_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_registered(tmp_path / "a.npz") is None
    save_registered(tmp_path / "a.npz", registered())
    monkeypatch.setattr(cache, "SHAPE", (9, 12, 14))
    assert load_registered(tmp_path / "a.npz") is None


def test_what_would_be_lost_is_refused(tmp_path: Path) -> None:
    hu, regions = registered().hu.copy(), registered().regions.copy()
    place = tuple(np.argwhere(~registered().head)[0])
    hu[place], regions[place] = 40, 1
    for faulty in (replace(registered(), hu=hu), replace(registered(), regions=regions)):
        with pytest.raises(ValueError, match="must be air, and of no region, outside the head"):
            save_registered(tmp_path / "a.npz", faulty)
    assert list(tmp_path.iterdir()) == []
