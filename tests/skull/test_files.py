from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.skull.atlas import atlas
from scripts.skull.calibration import Class, Normative, mirrored_map
from scripts.skull.directions import LINES, mirrored
from scripts.skull.files import CLASSES, Calibration, calibration_bytes, read_calibration
from scripts.skull.measure import MAPS


def drawn() -> Calibration:
    rng = np.random.default_rng(0)
    count, coarse = len(atlas().pooled), len(atlas().coarse)

    def symmetric(rows: int) -> np.ndarray:
        values = rng.uniform(0.1, 6, (rows, count)).astype(np.float32)
        return np.asarray(np.maximum(values, mirrored_map(values)))

    def one() -> Class:
        rows = {name: LINES if name != "dents" else 1 for name in MAPS}
        mean, sd = ({name: symmetric(rows[name]) for name in MAPS} for _ in range(2))
        mean["dents"][0, [3, 3 + count // 2]] = np.inf
        return Class(Normative(mean, sd), {name: rng.uniform(1, 5, 2) for name in MAPS})

    surface = rng.uniform(60, 95, coarse)
    classes = {name: one() for name in CLASSES}
    return Calibration(np.maximum(surface, mirrored(surface)), classes, {name: rng.normal(0, 1, 9) for name in CLASSES})


def test_a_calibration_is_read_as_it_was_written_within_half_a_step(tmp_path: Path) -> None:
    wanted, path = drawn(), tmp_path / "skull_normative.npz"
    path.write_bytes(calibration_bytes(wanted))
    found = read_calibration(path)
    np.testing.assert_allclose(found.usual_mm, wanted.usual_mm, atol=0.0051)
    for name in CLASSES:
        np.testing.assert_allclose(found.healthy[name], np.sort(wanted.healthy[name]), rtol=1e-6)
        for key in MAPS:
            for part in ("mean", "sd"):
                one, other = (getattr(each.classes[name].usual, part)[key] for each in (found, wanted))
                np.testing.assert_allclose(one, other, atol=6 / 254 / 2 + 1e-5)
            np.testing.assert_allclose(found.classes[name].peaks[key], wanted.classes[name].peaks[key], rtol=1e-6)
    assert calibration_bytes(wanted) == path.read_bytes()


def test_another_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "skull_normative.npz"
    np.savez(path, format=np.array("something else"))
    with pytest.raises(ValueError, match=r"another format.*head-ct-anomaly calibrate"):
        read_calibration(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match="can't be read"):
        read_calibration(path)
    with pytest.raises(FileNotFoundError):
        read_calibration(tmp_path / "none.npz")
