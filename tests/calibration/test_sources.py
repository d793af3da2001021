"""Where healthy scans come from, and when a residual that was kept is still the right one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.calibration.sources import simulated_sources, sources_in
from scripts.errors import WrongUsage
from scripts.files import fingerprints
from scripts.files.fingerprints import key, simulator_sha256
from scripts.files.nifti import nifti_bytes

NIFTI = nifti_bytes(np.zeros((2, 2, 2), np.int16), np.eye(4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A NIfTI file, a series, a simulated case, a folder with a NIfTI file alone, notes, and what is hidden."""
    for name in ("b_series", "c_case", "d_alone", ".cache"):
        (tmp_path / name).mkdir()
    for name in ("a.nii.gz", "c_case/scan.nii.gz", "c_case/lesion.nii.gz", "d_alone/head.nii.gz", ".cache/x.nii.gz"):
        (tmp_path / name).write_bytes(NIFTI)
    (tmp_path / "b_series" / "0001.dcm").write_bytes(b"image")
    (tmp_path / "notes.txt").write_text("who they are")
    return tmp_path


def test_each_entry_is_a_scan(folder: Path) -> None:
    found = {source.name: source.path.relative_to(folder).as_posix() for source in sources_in(folder)}
    assert found == {
        "a.nii.gz": "a.nii.gz",
        "b_series": "b_series",
        "c_case": "c_case/scan.nii.gz",
        "d_alone": "d_alone/head.nii.gz",
    }
    assert len({source.group for source in sources_in(folder)}) == 4
    with pytest.raises(WrongUsage, match="There is no folder"):
        sources_in(folder / "nothing")


def test_anatomies_take_turns_and_are_the_groups(tmp_path: Path) -> None:
    for name in ("head_01", "head_02", "head_03"):
        (tmp_path / f"{name}.nii.gz").write_bytes(NIFTI)
    sources = simulated_sources(tmp_path, ["head_03", "head_01"], 5, 100)
    assert [(source.group, source.seed) for source in sources] == [
        *(("head_03", 100), ("head_01", 101), ("head_03", 102), ("head_01", 103), ("head_03", 104))
    ]
    assert sources[0].path == tmp_path / "head_03.nii.gz"
    assert {source.group for source in simulated_sources(tmp_path, [], 6, 0)} == {"head_01", "head_02", "head_03"}
    with pytest.raises(WrongUsage, match=r"called head_09\. There are head_01, head_02, head_03"):
        simulated_sources(tmp_path, ["head_09"], 1, 0)


def test_a_residual_is_kept_for_one_scan_and_one_way_to_make_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sources_in(folder)
    names = [key(source, {"stride": 4}) for source in first]
    assert len(set(names)) == len(first)
    assert [key(source, {"stride": 4}) for source in sources_in(folder)] == names
    assert all(key(source, {"stride": 2}) != name for source, name in zip(first, names, strict=True))
    (folder / "b_series" / "0002.dcm").write_bytes(b"another image")
    changed = [key(source, {"stride": 4}) != name for source, name in zip(sources_in(folder), names, strict=True)]
    assert changed == [False, True, False, False]
    drawn = simulated_sources(folder, ["a"], 2, 0)
    assert key(drawn[0], {}) != key(drawn[1], {})
    before = key(drawn[0], {})
    monkeypatch.setattr(fingerprints, "simulator_sha256", lambda: "another simulator")
    assert key(drawn[0], {}) != before


def test_the_simulator_has_a_name_of_its_own() -> None:
    assert simulator_sha256() == simulator_sha256()
    assert len(simulator_sha256()) == 64
