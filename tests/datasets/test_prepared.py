"""Scans are prepared once, again where what was kept is damaged or out of date, and refused ones are left out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.transforms import Compose, MapTransform

from scripts.datasets import cache
from scripts.datasets.cache import maker_hash
from scripts.datasets.prepared import prepare, prepare_scan
from scripts.findings import InputRefused, refusal

ITEMS = [{"image": "one"}, {"image": "two"}, {"image": "bad"}]


class Prepared(MapTransform):
    """Stands for reader and registration: a tensor that tells the scan; `bad` is refused."""

    def __init__(self, refused: tuple[str, ...] = ("bad",)) -> None:
        super().__init__("image")
        self.refused = refused
        self.made: list[str] = []

    def __call__(self, data: Any) -> dict[str, Any]:
        name = data["image"]
        self.made.append(name)
        if Path(name).name in self.refused:
            raise refusal("not_ct", "There is no CT image.")
        return {"image": torch.full((1, 4, 4, 4), len(self.made))}


def prepared(folder: Path, items: list[dict[str, str]] = ITEMS) -> tuple[list[str], list[float]]:
    """Names of the scans that were prepared, and what the data set holds of each."""
    step = Prepared()
    scans = prepare(items, Compose([step]), folder)
    made = list(step.made)
    values = [float(scans[row]["image"].max()) for row in range(len(scans))]
    assert step.made == made, "what is trained on was prepared before"
    return made, values


def test_what_is_kept_is_not_made_again_and_what_is_refused_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert prepared(tmp_path) == (["one", "two", "bad"], [1, 2])
    assert "bad is left out: There is no CT image." in caplog.text
    caplog.clear()
    assert prepared(tmp_path) == ([], [1, 2])
    assert "bad is left out: There is no CT image. Give a head CT." in caplog.text, "it is named again, not tried again"


def test_a_refused_scan_that_changes_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = tmp_path / "bad"
    scan.write_text("a")
    items = [{"image": "one"}, {"image": str(scan)}]
    assert prepared(tmp_path / "kept", items)[0] == ["one", str(scan)]
    assert prepared(tmp_path / "kept", items)[0] == []
    scan.write_text("another")
    assert prepared(tmp_path / "kept", items)[0] == [str(scan)]
    monkeypatch.setattr(cache, "metadata", lambda: {"version": "99"})
    assert prepared(tmp_path / "kept", items)[0] == ["one", str(scan)], "another version may not refuse it"


def test_a_refusal_is_forgotten_where_the_scan_is_prepared(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.write_text("a")
    step = Prepared(refused=("scan",))
    first = prepare_scan({"image": str(scan)}, Compose([step]), tmp_path / "kept")
    assert [finding.code for finding in first.findings] == ["not_ct"]
    again = prepare_scan({"image": str(scan)}, Compose([step]), tmp_path / "kept")
    assert (str(again), again.findings) == (str(first), first.findings)
    scan.write_text("b, of a CT")
    step.refused = ()
    assert prepare_scan({"image": str(scan)}, Compose([step]), tmp_path / "kept") is None
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".pt"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_off_is_made_again(tmp_path: Path, share: float, caplog: pytest.LogCaptureFixture) -> None:
    prepared(tmp_path, ITEMS[:2])
    for path in tmp_path.glob("*.pt"):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
    with caplog.at_level(logging.WARNING):
        assert prepared(tmp_path, ITEMS[:2]) == (["one", "two"], [1, 2])
    assert "one was not kept whole: it is prepared again" in caplog.text


def test_other_files_to_register_with_prepare_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, ITEMS[:1])
    before = maker_hash()
    monkeypatch.setattr(cache, "metadata", lambda: {"version": "99"})
    assert maker_hash() != before
    assert prepared(tmp_path, ITEMS[:1])[0] == ["one"]
    monkeypatch.setattr(cache, "sha256", lambda path: "other" if path.endswith("locator.pt") else "same")
    assert prepared(tmp_path, ITEMS[:1])[0] == ["one"]
    step = Prepared()
    step.locator = "mine.pt"  # type: ignore[attr-defined]
    monkeypatch.setattr(cache, "sha256", lambda path: "mine" if path == "mine.pt" else "same")
    prepare(ITEMS[:1], Compose([step]), tmp_path)
    assert step.made == ["one"], "a locator that a config names, too"


def test_where_no_scan_is_left_the_first_refusal_is_raised(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="There is no CT image"):
        prepare(ITEMS[2:], Compose([Prepared()]), tmp_path)


def test_an_error_that_is_no_refusal_goes_on(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        prepare([{"image": "one"}], Compose([lambda data: 1 / 0]), tmp_path)[0]
