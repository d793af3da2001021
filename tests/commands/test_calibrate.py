"""`head-ct-anomaly calibrate`: arguments, what is done again and what is not, and the files; whole scans are costly."""

from __future__ import annotations

import argparse
import errno
import json
import pickle
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calibrate_stand_in import LOG, N, Pretend, made, skull, stand_in_scan
from engine_jobs import in_this_process

from scripts.anomaly import files as anomaly_files
from scripts.anomaly import normative
from scripts.anomaly.files import WINDOWS, checked_thresholds
from scripts.anomaly.reader import load_normative
from scripts.assets import place, sha256
from scripts.calibration import runner as healthy_runner
from scripts.calibration.files import load_scan
from scripts.calibration.runner import Job, Maker, Recipe, measure_scan
from scripts.calibration.sources import simulated_sources
from scripts.commands import arguments, calibrate
from scripts.commands.main import main
from scripts.errors import OutputFailed
from scripts.files.fingerprints import Source, key
from scripts.files.nifti import nifti_bytes
from scripts.networks.position import DensePositionNet
from scripts.networks.weights import tensors_sha256
from scripts.processes import local as worker_processes
from scripts.registration import transforms
from scripts.registration.register import Registration
from scripts.skull.calibration import cross_fitted
from scripts.skull.files import read_calibration

NIFTI = nifti_bytes(np.zeros((2, 2, 2), np.int16), np.eye(4))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (normative, anomaly_files):
        monkeypatch.setattr(module, "GRID_SIZE", N)


@pytest.fixture(autouse=True)
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans take no time, and are worked through here."""
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    monkeypatch.setattr(calibrate, "measure_scan", stand_in_scan)
    monkeypatch.setattr(healthy_runner, "maker_of", Pretend)
    monkeypatch.setattr(arguments, "in_processes", in_this_process)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of ten scans, of which one is bad."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("bad", *(f"scan_{number:02d}" for number in range(9))):
        (folder / f"{name}.nii.gz").write_bytes(NIFTI)
    return folder


def words(tmp_path: Path, *more: str) -> list[str]:
    return ["calibrate", "-o", str(tmp_path / "out"), "--work", str(tmp_path / "work"), *more]


def test_a_folder_becomes_a_calibration(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path, str(scans))) == 0
    out, err = capsys.readouterr()
    assert "[1/10] bad.nii.gz: refused. There is no CT image. Give a head CT. (about" in out
    assert re.search(r"\[10/10\] scan_08.nii.gz: \d+ CPU-seconds, registration pass \(about 0 min left\)", out)
    assert "places known, from 9 scans" in out
    assert "95 % of the healthy calibrated_top_1_percent_mean do not exceed: hemisphere" in out
    assert "10 scans make rough percentiles: 40 or more are better." in err
    assert "left out: bad.nii.gz: There is no CT image." in err
    files = ("thresholds.json", "normative.nii.gz")
    weights, reference = place("models/model.pt"), place("models/reference.nii.gz")
    windows_hu = [(-20, 100), (0, 1500)]
    thresholds = checked_thresholds(*(tmp_path / "out" / name for name in files), weights, reference, windows_hu)
    assert len(thresholds.scores_of("right_hemisphere", "raw_maximum")) == 18
    assert len(thresholds.scores_of("skull", "calibrated_top_1_percent_mean")) == 9
    assert load_normative(tmp_path / "out" / "normative.nii.gz").known.sum() > 10 * 8 * 7
    facts = thresholds.facts
    assert (facts["scans"], facts["refused"], facts["reviewed"], facts["folds"]) == (9, 1, 1, 9)
    assert facts["weights_sha256"] == sha256(weights)
    assert facts["tensors_sha256"] == tensors_sha256(weights)
    assert [facts["settings"][name] for name in ("mode", *WINDOWS)] == ["dense", [-20, 100], [0, 1500]]
    assert facts["source"] == {"scans": "a folder"}
    assert facts["settings"]["stride"] == 4
    assert facts["settings"]["smoothing_mm"] == 6
    assert "scan_0" not in (tmp_path / "out" / "thresholds.json").read_text(), "no name of a patient's file"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*files, "skull_normative.npz"])


def test_what_was_done_is_not_done_again(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path, str(scans))) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (scans / "scan_09.nii.gz").write_bytes(NIFTI)
    made()
    assert main(words(tmp_path, str(scans))) == 0
    assert made() == ["scan_09.nii.gz"]
    assert "10 scans of 11 done before" in capsys.readouterr().out
    (scans / "scan_09.nii.gz").unlink()
    made()
    assert main(words(tmp_path, str(scans))) == 0
    assert made() == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first, "the same bytes"
    assert main(words(tmp_path, str(scans), "--stride", "2")) == 0
    assert len(made()) == 10, "other settings, other residuals"


def test_an_interrupted_calibration_goes_on(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = calibrate.answers

    def stopped(*args: Any) -> Iterator[Any]:
        yield from islice(whole(*args), 6)
        raise KeyboardInterrupt

    monkeypatch.setattr(calibrate, "answers", stopped)
    assert main(words(tmp_path, str(scans))) == 130
    assert "Stopped. The same command goes on from here." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(calibrate, "answers", whole)
    made()
    assert main(words(tmp_path, str(scans))) == 0
    assert set(made()) >= {f"scan_{number:02d}.nii.gz" for number in (6, 7, 8)}


def test_several_processes_do_the_same(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(words(tmp_path, str(scans))) == 0
    first = (tmp_path / "out" / "thresholds.json").read_bytes()
    more = ["calibrate", str(scans), "-o", str(tmp_path / "other"), "--work", str(tmp_path / "b"), "--workers", "2"]
    monkeypatch.setattr(arguments, "in_processes", worker_processes.in_processes)
    assert main(more) == 0
    assert (tmp_path / "other" / "thresholds.json").read_bytes() == first


def test_a_cluster_does_the_same(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in for Ray, which passes on what can be pickled: test_cluster.py has jobs on a real one."""
    asked: list[tuple[Any, ...]] = []

    def cluster(function: Callable[[Any], Any], jobs: list[Any], *more: Any) -> Iterator[tuple[Any, Any]]:
        asked.append(more)
        return in_this_process(*pickle.loads(pickle.dumps((function, jobs))), 1)

    monkeypatch.setattr(arguments, "on_cluster", cluster)
    assert main(words(tmp_path, str(scans))) == 0
    first = (tmp_path / "out" / "thresholds.json").read_bytes()
    more = ["calibrate", str(scans), "-o", str(tmp_path / "other"), "--work", str(tmp_path / "b"), "--engine", "ray"]
    assert main([*more, "--workers", "1", "--device", "cpu"]) == 0
    assert asked == [(1, None, False)], "a process without a GPU, on a cluster of its own"
    assert (tmp_path / "other" / "thresholds.json").read_bytes() == first


def test_a_scan_that_fails_stops_no_other_and_is_tried_again(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "broken.nii.gz").write_bytes(NIFTI)
    assert main(words(tmp_path, str(scans))) == 5
    out, err = capsys.readouterr()
    assert "[2/11] broken.nii.gz: failed. RuntimeError (about" in out
    assert "1 scan failed and had no part in it. The same command tries again." in err
    facts = json.loads((tmp_path / "out" / "thresholds.json").read_text())
    assert (facts["scans"], facts["refused"], facts["failed"]) == (9, 1, 1)
    made()
    assert main(words(tmp_path, str(scans))) == 5
    assert made() == ["broken.nii.gz"]


def test_it_writes_nowhere_unless_told_where(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["calibrate", str(scans)])
    assert "the following arguments are required: -o/--output" in capsys.readouterr().err
    assert made() == []


def test_an_address_is_one_of_a_cluster(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path, str(scans), "--address", "127.0.0.1:6379")) == 2
    assert capsys.readouterr().err == "--address is that of a Ray cluster. Add --engine ray.\n"


def test_simulated_scans_are_judged_by_other_anatomies(tmp_path: Path) -> None:
    for name in ("head_01", "head_02", "head_03"):
        (tmp_path / f"{name}.nii.gz").write_bytes(NIFTI)
    more = ("--simulate", str(tmp_path), "--names", "head_02,head_03", "--count", "8", "--seed", "100")
    assert main(words(tmp_path, *more)) == 0
    assert made()[:3] == ["head_02 100", "head_03 101", "head_02 102"]
    content = json.loads((tmp_path / "out" / "thresholds.json").read_text())
    assert (content["scans"], content["groups"], content["folds"]) == (8, 2, 2)
    assert content["source"]["anatomies"] == ["head_02", "head_03"]
    assert content["source"]["seed"] == 100


def test_skulls_are_calibrated_on_scans_of_more_anatomies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("head_01", "head_02", "head_03"):
        (tmp_path / f"{name}.nii.gz").write_bytes(NIFTI)
    more = ("--simulate", str(tmp_path), "--names", "head_02,head_03", "--count", "8", "--seed", "100")
    assert main(words(tmp_path, *more, "--skull-names", "head_01", "--skull-count", "3")) == 0
    assert made()[8:] == ["head_01 108", "head_01 109", "head_01 110"]
    facts = json.loads((tmp_path / "out" / "thresholds.json").read_text())
    assert facts["scans"] == 8, "what calibrates the skull alone has no part in the maps"
    assert facts["skulls"] == {"groups": 3, "thin": 11}
    path = tmp_path / "out" / "skull_normative.npz"
    assert facts["skull_normative_sha256"] == sha256(path)
    found = read_calibration(path)
    assert list(found.classes) == ["thin"]
    expected = cross_fitted(
        [skull(seed).image() for seed in range(100, 111)], ["head_02", "head_03"] * 4 + ["head_01"] * 3
    )[1]
    np.testing.assert_allclose(found.healthy["thin"], np.sort(expected), rtol=1e-5)
    out = capsys.readouterr().out
    assert "(11 scans in thin slices)" in out
    assert "do not exceed: too few scans (0 scans in thick slices)" in out


def test_what_is_kept_of_a_skull_alone_is_not_taken_for_the_whole_scan(tmp_path: Path) -> None:
    (tmp_path / "head_01.nii.gz").write_bytes(NIFTI)
    drawn = {"simulate": tmp_path, "skull_names": [], "count": 2, "seed": 0, "variety": "plain", "work": tmp_path}
    first, second = simulated_sources(tmp_path, [], 2, 0)
    whole, skull_alone = calibrate.jobs_of(argparse.Namespace(**drawn | {"count": 1}, skull_count=1), [first], {"a": 1})
    assert (whole.skull_only, skull_alone.skull_only) == (False, True)
    again = calibrate.jobs_of(argparse.Namespace(**drawn, skull_count=0), [first, second], {"a": 1})
    assert again[1].source == skull_alone.source
    assert again[1].path != skull_alone.path
    assert [job.path.stem for job in again] == [key(source, {"a": 1}) for source in (first, second)]
    assert again[0] == whole


def test_a_folder_has_no_label_maps_to_draw_skulls_from(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tmp_path, str(scans), "--skull-count", "3")) == 2
    assert capsys.readouterr().err == "--skull-count draws scans. Add --simulate ANATOMIES.\n"


def test_one_anatomy_alone_can_not_judge_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "head_01.nii.gz").write_bytes(NIFTI)
    assert main(words(tmp_path, "--simulate", str(tmp_path), "--count", "8")) == 2
    assert "All scans come from head_01. Take scans of different people." in capsys.readouterr().err
    assert made() == [], "said before they are measured"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ([], "Give either a FOLDER of healthy scans or --simulate ANATOMIES."),
        (["SCANS", "--simulate", "x"], "Give either a FOLDER of healthy scans or --simulate ANATOMIES."),
        (["nothing"], "There is no folder nothing."),
        (["SCANS", "--weights", "nothing.pt"], "There are no weights at nothing.pt."),
        (["SCANS", "--weights", "OTHER"], "other.pt holds no weights of this network"),
        (["SCANS", "--device", "cuda:99"], "There is no device cuda:99"),
        (["FEW"], "Scans to calibrate on: 2. Give at least 8 healthy scans, better 40."),
        (["BAD"], "Of the scans that could be measured there are 7. Give at least 8"),
    ],
)
def test_wrong_usage_is_2(
    more: list[str], text: str, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, count in (("FEW", 2), ("BAD", 7)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"scan_{number}.nii.gz").write_bytes(NIFTI)
    (tmp_path / "BAD" / "bad.nii.gz").write_bytes(NIFTI)
    torch.save(DensePositionNet(1).state_dict(), tmp_path / "other.pt")
    places = {
        "OTHER": str(tmp_path / "other.pt"),
        "SCANS": str(scans),
        "FEW": str(tmp_path / "FEW"),
        "BAD": str(tmp_path / "BAD"),
    }
    assert main(words(tmp_path, *(places.get(word, word) for word in more))) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("smoothing", ["-1", "nan", "inf", "wide"])
def test_a_width_that_is_no_number_from_0_on(
    smoothing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words(tmp_path, "x", f"--smoothing={smoothing}"))
    assert "is no number from 0 on" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["-1", "1.5", "many"])
def test_skulls_are_a_whole_number_from_0_on(count: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words(tmp_path, "--simulate", "x", f"--skull-count={count}"))
    assert f"argument --skull-count: '{count}' is no whole number from 0 on" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-o", "--work"])
def test_a_folder_that_can_t_be_written_to_is_said_at_once(
    option: str, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(words(tmp_path, str(scans), option, str(tmp_path / "file" / "folder"))) == 4
    assert "Not a directory" in capsys.readouterr().err
    assert made() == []


def test_room_is_asked_for_the_scans_that_are_left(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = calibrate.check_writable

    def check(path: Path, needed_bytes: int = 0) -> None:
        asked.append(needed_bytes)
        real(path, needed_bytes=needed_bytes)

    monkeypatch.setattr(calibrate, "check_writable", check)
    assert main(words(tmp_path, str(scans))) == 0
    assert max(asked) == 10 * calibrate.KEPT_BYTES
    next((tmp_path / "work").iterdir()).unlink()
    asked.clear()
    assert main(words(tmp_path, str(scans))) == 0
    assert max(asked) <= 2 * calibrate.KEPT_BYTES, "that one, and the one that is refused"


def test_what_was_not_kept_whole_is_measured_again(scans: Path, tmp_path: Path) -> None:
    assert main(words(tmp_path, str(scans))) == 0
    first, second, *_ = sorted((tmp_path / "work").iterdir())
    whole, notes = first.read_bytes(), load_scan(first)[1]
    first.write_bytes(whole[: len(whole) // 2])
    second.write_bytes(b"")
    made()
    assert main(words(tmp_path, str(scans))) == 0
    assert len(made()) == 2
    assert load_scan(first)[1] == notes


def test_other_files_to_register_with_are_other_residuals(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words(tmp_path, str(scans))) == 0
    made()
    for changed in ("locator.pt", "regions.nii.gz", "reference_masks.nii.gz", "version"):
        with monkeypatch.context() as patch:
            if changed == "version":
                patch.setattr(calibrate, "metadata", lambda: {"version": "99"})
            else:
                patch.setattr(
                    calibrate, "sha256", lambda path, end=changed: "x" if str(path).endswith(end) else sha256(path)
                )
            assert main(words(tmp_path, str(scans))) == 0
        assert len(made()) == 10, changed


def test_the_pipeline_itself_makes_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reader, masks, regions and network as they are; where the small head lies in reference space is given."""
    monkeypatch.setattr(healthy_runner, "maker_of", Maker)
    lies = np.eye(4)
    lies[:3, 3] = -60, -60, -60
    monkeypatch.setattr(transforms, "load_reference", lambda *paths: None)
    monkeypatch.setattr(transforms, "register_or_refuse", lambda *_: Registration(lies, {"ncc": 1.0}, "pass"))
    hu = np.full((60, 60, 60), -1000, np.int16)
    hu[15:45, 15:45, 15:45] = 40
    (tmp_path / "scan.nii.gz").write_bytes(nifti_bytes(hu, np.diag([2.0, 2, 2, 1])))
    recipe = Recipe(Path(place("models/model.pt")), 4, "cpu")
    job = Job(Source("a", "person", tmp_path / "scan.nii.gz"), tmp_path / "scan.npz")
    assert measure_scan(recipe, job).text.endswith("CPU-seconds, registration pass")
    scan, notes = load_scan(tmp_path / "scan.npz")
    assert notes == {"group": "person", "verdict": "pass"}
    assert scan is not None
    assert scan.stride == 4
    assert scan.inside.shape == (64, 64, 64)
    assert 15**3 * 0.8 < scan.inside.sum() < 15**3 * 1.4
    assert np.abs(scan.residual_mm[:, scan.inside]).max() > 1
    (tmp_path / "bad.nii.gz").write_bytes(NIFTI)
    bad = measure_scan(recipe, Job(Source("b", "b", tmp_path / "bad.nii.gz"), tmp_path / "bad.npz"))
    assert bad.text.startswith("refused. ")
    away = measure_scan(recipe, Job(Source("c", "c", tmp_path / "away.nii.gz"), tmp_path / "away.npz"))
    assert away.failed, "its disk may be back the next time"
    assert not (tmp_path / "away.npz").exists()
    assert not bad.failed
    assert load_scan(tmp_path / "bad.npz")[0] is None


def test_a_refusal_counts_for_the_bundle_that_made_it(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words(tmp_path, str(scans))) == 0
    assert len(made()) == 10
    monkeypatch.setattr(calibrate, "manifest_sha256", lambda: "another")
    assert main(words(tmp_path, str(scans))) == 0
    assert made() == ["bad.nii.gz"]


def test_a_full_temporary_disk_ends_the_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")

    monkeypatch.setattr(healthy_runner, "maker_of", lambda recipe: full)
    job = Job(Source("a", "person", tmp_path / "scan.nii.gz"), tmp_path / "scan.npz")
    with pytest.raises(OutputFailed, match="not written to /tmp/x: No space left on device"):
        measure_scan(Recipe(tmp_path / "model.pt", 4), job)
    assert not job.path.exists()


def shards(tmp_path: Path, *more: str) -> list[str]:
    """Three shards of a calibration, each in a folder of its own."""
    for number in (2, 3, 1):
        assert main(["calibrate", "-o", str(tmp_path / "parts"), "--shard", f"{number}/3", *more]) in (0, 5)
    return [str(tmp_path / "parts" / f"shard_{number}_of_3") for number in (3, 1, 2)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_joined_shards_are_one_calibration_byte_for_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("head_01", "head_02", "head_03"):
        (tmp_path / f"{name}.nii.gz").write_bytes(NIFTI)
    drawn = ("--simulate", str(tmp_path), "--names", "head_02,head_03", "--count", "9", "--seed", "100")
    drawn = (*drawn, "--skull-names", "head_01", "--skull-count", "3", "--smoothing", "2")
    assert main(words(tmp_path, *drawn)) == 0
    once = sorted(made())
    parts = shards(tmp_path, *drawn)
    assert sorted(made()) == once, "each scan in one of them"
    shards(tmp_path, *drawn)
    assert made() == []
    (tmp_path / "head_01.nii.gz").unlink()
    assert main(["merge", *parts, "-o", str(tmp_path / "joined")]) == 0
    assert "places known, from 9 scans" in capsys.readouterr().out
    assert contents(tmp_path / "joined") == contents(tmp_path / "out")
    assert made() == []


def test_refused_and_failed_scans_of_shards_are_counted_as_in_one_run(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "broken.nii.gz").write_bytes(NIFTI)
    assert main(words(tmp_path, str(scans))) == 5
    parts = shards(tmp_path, str(scans))
    assert main(["merge", *parts, "-o", str(tmp_path / "joined")]) == 5
    assert "1 scan failed and had no part in it. Run `calibrate --shard` again" in capsys.readouterr().err
    assert contents(tmp_path / "joined") == contents(tmp_path / "out")


def spoil_nothing(parts: list[str]) -> list[str]:
    return parts[:2]


def other_width(parts: list[str]) -> list[str]:
    path = Path(parts[1]) / "calibration.json"
    path.write_text(path.read_text().replace('"smoothing_mm": 6.0', '"smoothing_mm": 2.0'))
    return parts


def without_a_scan(parts: list[str]) -> list[str]:
    next((Path(parts[0]) / "scans").iterdir()).unlink()
    return parts


def unfinished(parts: list[str]) -> list[str]:
    (Path(parts[2]) / "calibration.json").unlink()
    return parts


def other_version(parts: list[str]) -> list[str]:
    for part in parts:
        path = Path(part) / "calibration.json"
        content = json.loads(path.read_text())
        content["surroundings"]["bundle_version"] = "99"
        path.write_text(json.dumps(content))
    return parts


@pytest.mark.parametrize(
    ("prepared", "text"),
    [
        (spoil_nothing, "Of 3 shards 2 is missing. Run `calibrate --shard 2/3`"),
        (lambda parts: [*parts, parts[0]], "are both shard 3. Name one."),
        (other_width, "facts smoothing_mm was 6.0 and is 2.0. Score it by the same ones."),
        (without_a_scan, "lacks what a scan of it gave. Run `calibrate --shard 3/3` again."),
        (unfinished, "is no finished shard of a calibration ("),
        (other_version, "was made by version 99, and this is "),
    ],
)
def test_shards_that_make_no_calibration_are_a_sentence(
    prepared: Callable[[list[str]], list[str]],
    text: str,
    scans: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = prepared(shards(tmp_path, str(scans)))
    capsys.readouterr()
    assert main(["merge", *parts, "-o", str(tmp_path / "joined")]) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1
    assert not (tmp_path / "joined").exists()


def test_a_shard_has_its_own_folder_of_what_scans_gave(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tmp_path, str(scans), "--shard", "1/3")) == 2
    assert capsys.readouterr().err == "A shard keeps what its scans gave in its own folder: leave --work out.\n"
