"""Features are named by all that they follow from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cohort import features as features_module
from cohort.features import METHODS, Settings

pytestmark = pytest.mark.xdist_group("cohort")


def test_features_are_named_by_weights_stride_and_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    keys = {Settings(weights=path, stride=stride).key("ours") for path in (one, other) for stride in (2, 4)}
    assert len(keys) == 4
    assert Settings().key("hu").startswith("hu_2_")
    assert Settings().methods() == ["ours", "hu"]
    assert Settings(published=one, autoencoder=one).methods() == list(METHODS)
    before = Settings(weights=one).key("ours")
    config = features_module._config("ours")
    config["brain_window_hu"] = [0, 80]
    monkeypatch.setattr(features_module, "_config", lambda method: config)
    assert Settings(weights=one).key("ours") != before
