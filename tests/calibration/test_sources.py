"""Where healthy scans come from, and when a residual that was kept is still the right one."""

from __future__ import annotations

import ast
import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from scripts.assets import bundle_root
from scripts.calibration.sources import simulated_sources, sources_in
from scripts.errors import WrongUsage
from scripts.files import fingerprints
from scripts.files.fingerprints import SAMPLE_BYTES, SIMULATOR, Source, key, simulator_sha256, sources_sha256
from scripts.files.nifti import nifti_bytes

SCRIPTS = bundle_root() / "scripts"
NIFTI = nifti_bytes(np.zeros((2, 2, 2), np.int16), np.eye(4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A NIfTI file, a series, a simulated case, a folder with a NIfTI file alone, an archive, notes, and what is
    hidden."""
    for name in ("b_series", "c_case", "d_alone", ".cache"):
        (tmp_path / name).mkdir()
    for name in ("a.nii.gz", "c_case/scan.nii.gz", "c_case/lesion.nii.gz", "d_alone/head.nii.gz", ".cache/x.nii.gz"):
        (tmp_path / name).write_bytes(NIFTI)
    (tmp_path / "b_series" / "0001.dcm").write_bytes(b"image")
    (tmp_path / "e_study.ZIP").write_bytes(b"archive")
    (tmp_path / "notes.txt").write_text("who they are")
    return tmp_path


def test_each_entry_is_a_scan(folder: Path) -> None:
    found = {source.name: source.path.relative_to(folder).as_posix() for source in sources_in(folder)}
    assert found == {
        "a.nii.gz": "a.nii.gz",
        "b_series": "b_series",
        "c_case": "c_case/scan.nii.gz",
        "d_alone": "d_alone/head.nii.gz",
        "e_study.ZIP": "e_study.ZIP",
    }
    assert len({source.group for source in sources_in(folder)}) == 5
    with pytest.raises(WrongUsage, match="There is no folder"):
        sources_in(folder / "nothing")


def test_a_file_that_can_not_be_reached_has_no_part_in_a_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scan" / "inner").mkdir(parents=True)
    for name in ("a.dcm", "inner/b.dcm"):
        (tmp_path / "scan" / name).write_bytes(b"image")
    source, reach = Source("scan", "scan", tmp_path / "scan"), Path.stat
    assert [entry[0] for entry in source.fingerprint()] == ["scan/a.dcm", "scan/inner/b.dcm"]

    def stat(path: Path, **words: bool) -> os.stat_result:
        if path.name == "b.dcm":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return reach(path, **words)

    monkeypatch.setattr(Path, "stat", stat)
    assert [entry[0] for entry in source.fingerprint()] == ["scan/a.dcm"]


def test_a_folder_that_may_not_be_read_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, who may run the tests, reads all."""

    def listed(path: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "listdir", listed)
    monkeypatch.setattr(os, "scandir", listed)
    with pytest.raises(WrongUsage, match=r"can't be read \(Permission denied\)\. Give a folder that you may read\."):
        sources_in(folder)


def test_anatomies_take_turns_and_are_the_groups(tmp_path: Path) -> None:
    for name in ("head_01", "head_02", "head_03"):
        (tmp_path / f"{name}.nii.gz").write_bytes(NIFTI)
    sources = simulated_sources(tmp_path, ["head_03", "head_01"], 5, 100)
    assert [(source.group, source.seed) for source in sources] == [
        *(("head_03", 100), ("head_01", 101), ("head_03", 102), ("head_01", 103), ("head_03", 104))
    ]
    assert sources[0].path == tmp_path / "head_03.nii.gz"
    assert {source.group for source in simulated_sources(tmp_path, [], 6, 0)} == {"head_01", "head_02", "head_03"}
    assert {source.variety for source in sources} == {"plain"}
    assert simulated_sources(tmp_path, [], 1, 0, "widened")[0].variety == "widened"
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
    assert changed == [False, True, False, False, False]
    drawn = simulated_sources(folder, ["a"], 2, 0)
    assert key(drawn[0], {}) != key(drawn[1], {})
    before = key(drawn[0], {})
    monkeypatch.setattr(fingerprints, "simulator_sha256", lambda: "another simulator")
    assert key(drawn[0], {}) != before


@pytest.mark.parametrize("place", [0, 50_000, 99_999])
@pytest.mark.parametrize("as_folder", [False, True])
def test_scans_of_one_name_size_and_time_have_keys_of_their_own(place: int, as_folder: bool, tmp_path: Path) -> None:
    scans = [tmp_path / f"sub-{number}" / "study" / "ct.nii" for number in range(3)]
    for number, scan in enumerate(scans):
        scan.parent.mkdir(parents=True)
        content = bytearray(100_000)
        content[place] = number // 2
        scan.write_bytes(content)
        os.utime(scan, ns=(1, 1))
    paths = [scan.parent if as_folder else scan for scan in scans]
    first, same, other = (key(Source(path.name, path.name, path), {}) for path in paths)
    assert first == same != other


def test_a_scan_of_any_size_has_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for size in (0, 1, SAMPLE_BYTES, SAMPLE_BYTES + 1, 3 * SAMPLE_BYTES):
        scan = tmp_path / "ct.nii"
        scan.write_bytes(bytes(size))
        keys.add(key(Source("ct", "ct", scan), {}))
    assert len(keys) == 5

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "open", refuse)
    assert key(Source("ct", "ct", scan), {}) not in keys, "a file that can't be read stops no cohort"


def test_the_simulator_has_a_name_of_its_own() -> None:
    assert simulator_sha256() == sources_sha256(SCRIPTS, SIMULATOR)
    assert len(simulator_sha256()) == 64
    with pytest.raises(FileNotFoundError, match="no_such"):
        sources_sha256(SCRIPTS, ["no_such.py"])


@pytest.mark.parametrize(
    "name",
    [
        *("simulation/case.py", "simulation/person/look.py", "simulation/anatomy/label_map.py"),
        *("simulation/scanner/scan.py", "geometry/resampling.py", "geometry/coordinates.py", "volume.py"),
    ],
)
def test_what_decides_a_draw_changes_the_simulators_name(name: str, tmp_path: Path) -> None:
    for place in SIMULATOR:
        source, target = SCRIPTS / place, tmp_path / place
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    assert sources_sha256(tmp_path, SIMULATOR) == simulator_sha256(), "where it lies is of no concern"
    (tmp_path / name).write_text((tmp_path / name).read_text().replace("0", "1", 1) + "\n")
    assert sources_sha256(tmp_path, SIMULATOR) != simulator_sha256()
    shutil.copy(SCRIPTS / name, tmp_path / name)
    (tmp_path / name).rename(tmp_path / name.replace(".py", "_other.py"))
    with pytest.raises(FileNotFoundError) if name == "volume.py" else nullcontext():
        assert sources_sha256(tmp_path, SIMULATOR) != simulator_sha256()


def test_the_simulator_imports_nothing_else_that_computes() -> None:
    """Its modules, and those of the rooms that it computes with, import these, and words for errors, alone."""
    words = {"errors", "findings", "words"}
    for place in SIMULATOR:
        for path in (SCRIPTS / place).rglob("*.py") if (SCRIPTS / place).is_dir() else [SCRIPTS / place]:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.level:
                    folder = path.parents[node.level - 1] / (node.module or "").replace(".", "/")
                    first = folder.relative_to(SCRIPTS).parts[0] if folder != SCRIPTS else ""
                    assert first in words | {name.removesuffix(".py") for name in SIMULATOR}, f"{path}: {first}"


def test_a_residual_belongs_to_one_variety(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(NIFTI)
    plain, widened = (simulated_sources(tmp_path, [], 1, 0, variety)[0] for variety in ("plain", "widened"))
    assert key(plain, {}) != key(widened, {})
