"""`head-ct-anomaly run`: arguments, exit codes, and what is on stderr; whole runs are in test_pipeline.py."""

from __future__ import annotations

import argparse
import gc
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
import weakref
from pathlib import Path
from typing import Any, ClassVar

import monai.bundle
import pytest
import torch
from dicom_series import SERIES, write_series
from geometries import PLAIN
from input_files import nifti
from monai.bundle import ConfigWorkflow
from pydicom.dataset import Dataset

from scripts import workflow as workflows
from scripts.assets import config
from scripts.commands import run, scan_options
from scripts.commands.main import main, parser_for
from scripts.commands.scan_options import overrides
from scripts.errors import OutputFailed
from scripts.findings import refusal
from scripts.networks.position import PatchPositionNet
from scripts.reading import inputs
from scripts.results.folder import write_results

ROOT = Path(__file__).resolve().parents[2]

AWKWARD = (
    "$__import__('os').system('touch evil')",
    "@dataset_dir",
    "%inference.json::stride",
    "a::b",
    "case#3",
    "case@#3",
    "50%##x",
    "two words",
    "Kopf-Übersicht ü 頭",
    'quote\'s "and" {braces}',
    "[brackets]",
    "new\nline",
    "$exit()",
    "@",
    "%",
    "::",
    "-o",
)
"""Names that a config would take for an expression, a reference, a macro or an id, or a shell for something else."""


def parsed(*words: str) -> argparse.Namespace:
    args = parser_for(["run"]).parse_args(["run", *words])
    args.input = Path(args.inputs[0])
    return args


def workflow(args: argparse.Namespace) -> ConfigWorkflow:
    files = [str(config(name)) for name in ("inference.json", *args.config)]
    return ConfigWorkflow(files, logging_file=False, workflow_type="inference", **overrides(args))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--device", "$exit()"], "is no device: use auto, cpu, cuda or cuda:N"),
        (["--device", "@bundle_root"], "is no device"),
        (["--device", "cuda:0'); exit(); ('"], "is no device"),
        (["--device", "cpu\n"], "is no device"),
        (["--series-uid", "$exit()"], "is no UID: digits and dots"),
        (["--series-uid", "@stride"], "is no UID"),
        (["--series-uid", "%x"], "is no UID"),
        (["--series-uid", "1.2\n"], "is no UID"),
        (["--series-uid", "1" * 65], "is no UID"),
        (["--stride", "3"], "choose from 1, 2, 4"),
        (["--stride", "$2"], "invalid int value"),
        (["--config", "nothing.json"], "invalid choice: 'nothing.json'"),
        (["--config", "train.json"], "invalid choice: 'train.json'"),
        (["--map", "raw"], "invalid choice: 'raw'"),
    ],
)
def test_wrong_arguments_are_2(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "IN", "-o", "OUT", *words])
    assert text in capsys.readouterr().err


def test_an_output_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "IN"])
    assert "-o/--output" in capsys.readouterr().err


def test_only_what_was_said_is_overridden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values = overrides(parsed("IN", "-o", "OUT"))
    assert values == {
        "bundle_root": str(ROOT / "bundle"),
        "dataset_dir": tmp_path / "IN",
        "output_dir": tmp_path / "OUT",
        "overwrite": False,
    }
    words = ("--stride", "1", "--series-uid", "1.2.3", "--device", "cuda:1", "--overwrite")
    more = overrides(parsed("IN", "-o", "OUT", *words, "--accept-review", "--force"))
    assert {key: more[key] for key in more.keys() - values.keys()} == {
        "stride": 1,
        "series_uid": "1.2.3",
        "device": "$torch.device('cuda:1')",
        "accept_review": True,
        "force": True,
    }
    assert more["overwrite"] is True
    own = overrides(parsed("IN", "-o", "OUT", "--map", "error", "--calibration", "OWN"))
    assert own["map"] == "error"
    assert own["normative"] == tmp_path / "OWN" / "normative.nii.gz"
    assert own["thresholds"] == tmp_path / "OWN" / "thresholds.json"
    assert overrides(parsed("IN", "-o", "OUT", "--no-report"))["report"] is False
    assert overrides(parsed("IN", "-o", "OUT", "--alpha", "0.01"))["alpha"] == 0.01


def test_every_override_is_an_id_of_the_config() -> None:
    words = ("--stride", "1", "--series-uid", "1.2", "--device", "cpu", "--map", "error", "--calibration", "OWN")
    words += ("--alpha", "0.1")
    args = parsed("IN", "-o", "OUT", *words, "--accept-review", "--force", "--no-report")
    assert overrides(args).keys() <= set(ConfigWorkflow.__init__.__annotations__) | set(
        workflow(parsed("IN", "-o", "OUT")).parser.get()
    )


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_arrive_as_they_are(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flow = workflow(
        argparse.Namespace(**{**vars(parsed("IN", "-o", "OUT")), "input": Path(name), "output": Path(name)})
    )
    flow.initialize()
    parser = flow.parser
    assert parser.get_parsed_content("dataset").data == [{"image": str(tmp_path / name)}]
    assert parser.get_parsed_content("handlers")[-1].output_dir == tmp_path / name
    assert list(tmp_path.iterdir()) == [], "nothing in a name is run"


FILES = ("weights", "evidence_weights", "calibration")
"""Options that name files of the networks and of the calibration."""


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_of_weights_and_calibrations_arrive_as_they_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    args = argparse.Namespace(
        **{**vars(parsed("IN", "-o", "OUT")), **dict.fromkeys(FILES, Path(name)), "series_uid": "1.2.3"}
    )
    parser = workflow(args).parser
    parser.parse()
    wanted = {"weights": "", "evidence_weights": "", "normative": "normative.nii.gz", "thresholds": "thresholds.json"}
    assert {key: parser.get_parsed_content(key) for key in wanted} == {
        key: tmp_path / name / file for key, file in wanted.items()
    }
    assert list(tmp_path.iterdir()) == [], "nothing in a name is run"


def test_no_text_of_a_header_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text of the header is an expression; the config's own reader loads the series."""
    evil = "$__import__('os').system('touch evil')"

    def edit(dataset: Dataset, k: int) -> None:
        for name in ("SeriesDescription", "ProtocolName", "PatientName", "PatientID", "ConvolutionKernel"):
            setattr(dataset, name, evil)
        dataset.BodyPartExamined, dataset.SoftwareVersions, dataset.StationName = "@stride", "%x.json::y", evil

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom remarks on the length of such texts
        write_series(tmp_path / "in", edit=edit)
    monkeypatch.chdir(tmp_path)
    flow = workflow(parsed("in", "-o", "out", "--series-uid", SERIES))
    flow.initialize()
    load = flow.parser.get_parsed_content("preprocessing").transforms[0]
    assert load({"image": "in"})["image"].shape == (1, *PLAIN.shape)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_negative_control_as_text_a_name_would_be_changed(tmp_path: Path) -> None:
    values = {**overrides(parsed("IN", "-o", "OUT")), "dataset_dir": str(tmp_path / "case#3")}
    flow = ConfigWorkflow(str(config("inference.json")), logging_file=False, workflow_type="inference", **values)
    flow.initialize()
    assert flow.parser.get_parsed_content("dataset").data == [{"image": str(tmp_path / "case::3")}]


@pytest.mark.parametrize("name", [name for name in AWKWARD if not name.startswith("-")])
def test_an_input_of_an_awkward_name_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "notes.txt").write_text("no image")
    assert main(["run", name, "-o", f"out {name}"]) == 3
    assert capsys.readouterr().err.startswith("The file is not a DICOM image.")
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is written, and nothing in a name is run"


def test_a_refusal_is_a_sentence_or_two_on_stderr(tmp_path: Path) -> None:
    """Run as a process, since libraries write to stderr past Python."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no image")
    done = subprocess.run(
        [sys.executable, str(ROOT / "bundle"), "run", "in", "-o", "out"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("The file is not a DICOM image. Give a folder")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_missing_input_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "nothing"), "-o", str(tmp_path / "out")]) == 3
    assert "can't be read" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


RECORD = {
    "scores": {"left_hemisphere": 1.0, "right_hemisphere": 9.0, "skull": None},
    "score_details": {"left_hemisphere": {"threshold": 2.0}, "right_hemisphere": {"threshold": 2.0}, "skull": {}},
    "detections": [{"region": "brain", "kind": "brain", "side": "right", "volume_ml": 12.3, "peak": 11.0}],
    "summary": "Brain, 1 place above the threshold.",
    "findings": [],
    "quality": {"verdict": "pass"},
    "input": {},
    "timings_s": {"network": 1.0},
}
SAID = """scores
  left hemisphere      1.0   below the threshold of 2.0
  right hemisphere     9.0   ABOVE the threshold of 2.0
  skull               none
Brain, 1 place above the threshold.
flags: none
"""


class Pretend:
    """Stands for MONAI's workflow: writes a result, or raises."""

    error: BaseException | None = None
    started = 0
    given: ClassVar[dict[str, Any]] = {}

    def __init__(self, files: Any, **words: Any) -> None:
        self.words = type(self).given = words

    def run(self) -> None:
        type(self).started += 1
        logging.getLogger("library").critical("a line of a library")
        warnings.warn("a warning of a library", stacklevel=1)
        if self.error is not None:
            raise RuntimeError("applying transform") from self.error
        write_results(self.words["output_dir"], {"x": b"new"}, RECORD, self.words["overwrite"])


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> type[Pretend]:
    class Own(Pretend):
        pass

    monkeypatch.setattr(monai.bundle, "ConfigWorkflow", Own)
    monkeypatch.setattr(inputs, "check_input", lambda path, uid: None)
    return Own


def test_libraries_are_kept_quiet_and_then_as_before(
    pretend: type[Pretend], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "IN", "-o", str(tmp_path / "out")]) == 0
    assert capfd.readouterr() == (f"results in {tmp_path / 'out'}\n{SAID}", "")
    assert logging.root.manager.disable == logging.NOTSET
    with pytest.warns(UserWarning, match="a warning of a library"):
        assert main(["--debug", "run", "IN", "-o", str(tmp_path / "other")]) == 0


def test_a_workflow_is_forgotten_when_it_is_done(pretend: type[Pretend], tmp_path: Path) -> None:
    """A real one refers to itself, so that its volumes would stay until Python happens to look."""
    alive = []

    def run_itself(self: Any) -> None:
        self.itself = self
        alive.append(weakref.ref(self))

    pretend.run = run_itself  # type: ignore[method-assign]
    gc.disable()
    try:
        workflows.run_configs(["inference.json"], {})
    finally:
        gc.enable()
    assert [reference() for reference in alive] == [None]


def test_existing_results_are_4_before_any_work(
    pretend: type[Pretend], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(tmp_path / "out", {"x": b"old"}, {})
    assert main(["run", "IN", "-o", str(tmp_path / "out")]) == 4
    assert "exists. Choose another folder, or say --overwrite" in capsys.readouterr().err
    assert pretend.started == 0
    assert (tmp_path / "out" / "x").read_bytes() == b"old"
    assert main(["run", "IN", "-o", str(tmp_path / "out"), "--overwrite"]) == 0
    assert (tmp_path / "out" / "x").read_bytes() == b"new"


def test_a_folder_with_something_else_is_never_overwritten(pretend: type[Pretend], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    assert main(["run", "IN", "-o", str(tmp_path / "out"), "--overwrite"]) == 4
    assert pretend.started == 0
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_an_output_that_can_not_be_made_is_4_before_any_work(
    pretend: type[Pretend], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_text("a file, no folder")
    assert main(["run", "IN", "-o", str(tmp_path / "plain" / "deep" / "out")]) == 4
    assert "were not written" in capsys.readouterr().err
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    assert main(["run", "IN", "-o", str(tmp_path / "out")]) == 4
    assert "Choose a folder that you may write to." in capsys.readouterr().err
    assert pretend.started == 0


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (refusal("not_ct", "There is no CT image."), 3, "There is no CT image. Give a head CT.\n"),
        (FileNotFoundError(2, "missing", "model.pt"), 5, "Internal error (FileNotFoundError): "),
        (ZeroDivisionError("by zero"), 5, "Internal error (ZeroDivisionError). Use --debug"),
    ],
)
def test_what_is_behind_an_error_of_the_workflow(
    error: Exception,
    code: int,
    text: str,
    pretend: type[Pretend],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretend, "error", error)
    assert main(["run", "IN", "-o", str(tmp_path / "out")]) == code
    err = capsys.readouterr().err
    assert err.startswith(text)
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_internal_error_is_5_and_debug_shows_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A config with a mistake in it; all of stderr is looked at, what libraries write past Python too."""
    monkeypatch.setattr(run, "overrides", lambda args: {"stride": 3})
    monkeypatch.setattr(inputs, "check_input", lambda path, uid: None)
    for words, seen in ((["run"], False), (["--debug", "run"], True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # with --debug, those of libraries are let through
            assert main([*words, "IN", "-o", str(tmp_path / "out")]) == 5
        said = capfd.readouterr().err
        assert ("Traceback" in said) is seen
        assert "stride must be one of (1, 2, 4), got 3" in said


def test_the_root_cause_is_a_refusal_or_an_error_of_the_system() -> None:
    reason = refusal("not_ct", "There is no CT image.")
    outer = RuntimeError("outer")
    outer.__context__ = ValueError("inner")
    outer.__context__.__cause__ = reason
    assert workflows.root_cause(outer) is reason
    assert workflows.root_cause(ValueError("alone")).args == ("alone",)


def test_weights_of_a_published_network_of_any_size_can_be_named(pretend: type[Pretend], tmp_path: Path) -> None:
    weights = tmp_path / "published.pt"
    torch.save(PatchPositionNet(1, patch_size=23).state_dict(), weights)
    words = ["run", "IN", "-o", str(tmp_path / "out"), "-q", "--config", "published.json", "--weights", str(weights)]
    assert main(words) == 0
    assert (pretend.given["width"], pretend.given["patch_size"]) == (1, 23)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--device", "cuda:99"], "There is no device cuda:99: PyTorch sees"),
        (["--config", "published.json"], "The bundle ships no weights of the published network."),
        (["--config", "autoencoder_inference.json"], "The bundle ships no weights of the autoencoder."),
        (["--weights", "no-such.pt"], "There are no weights at no-such.pt."),
        (["--calibration", "no-such"], "A calibrated map was asked for. There is no thresholds.json."),
        (["--weights", "pyproject.toml"], "pyproject.toml holds no weights of this network"),
        (["--evidence-weights", "no-such.pt"], "There are no weights at no-such.pt. Check --evidence-weights."),
        (["--evidence-weights", "LICENSE"], "LICENSE holds no weights of this network"),
        (["--map", "calibrated", "--weights", "pyproject.toml"], "A calibrated map was asked for. The"),
    ],
)
def test_what_is_not_there_is_wrong_usage(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "IN", "-o", str(tmp_path / "out"), *words]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "out").exists()


def test_dicom_objects_need_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "head.nii.gz").write_bytes(b"")
    assert main(["run", str(tmp_path / "head.nii.gz"), "-o", str(tmp_path / "out"), "--dicom"]) == 2
    assert "A NIfTI file has no study" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_dicom_objects_need_a_study_of_a_nifti_inside_something_too(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = tmp_path / "in"
    scan.mkdir()
    nifti()(scan / "head")
    if kind == "zip":
        scan = Path(shutil.make_archive(str(tmp_path / "scan"), "zip", scan))
    assert main(["run", str(scan), "-o", str(tmp_path / "out"), "--dicom"]) == 3
    said = "A NIfTI file has no study that DICOM objects could belong to. Give the DICOM series, or leave out --dicom."
    assert capsys.readouterr().err.strip() == said
    assert not (tmp_path / "out").exists()


def test_dicom_objects_need_a_uid_for_each_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "in", edit=lambda dataset, k: setattr(dataset, "SOPInstanceUID", "1.2.3"))
    assert main(["run", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--dicom"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("37 of 37 images share a SOPInstanceUID")
    assert "Leave out --dicom" in said
    assert not (tmp_path / "out").exists()


def test_dicom_objects_need_highdicom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scan_options, "find_spec", lambda name: None)
    assert main(["run", str(tmp_path), "-o", str(tmp_path / "out"), "--dicom"]) == 2
    assert 'pip install "head-ct-position-anomaly[dicom]"' in capsys.readouterr().err


def test_dicom_is_an_id_of_the_config(tmp_path: Path) -> None:
    assert overrides(parsed("IN", "-o", "OUT", "--dicom"))["dicom"] is True
    flow = workflow(parsed(str(tmp_path), "-o", str(tmp_path / "out"), "--dicom", "--series-uid", "1.2"))
    flow.initialize()
    writer = flow.parser.get_parsed_content("handlers")[-1]
    assert (writer.dicom, writer.series_uid) == (True, "1.2")


def test_words_can_be_fewer_more_or_json(
    pretend: type[Pretend], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "IN", "-o", str(tmp_path / "a"), "-q"]) == 0
    assert capfd.readouterr() == ("", "")
    assert main(["run", "IN", "-o", str(tmp_path / "b"), "-v"]) == 0
    assert capfd.readouterr().out.endswith(f"{SAID}pose: pass\nseconds: network 1.0\n")
    assert main(["run", "IN", "-o", str(tmp_path / "c"), "--json"]) == 0
    assert capfd.readouterr() == ((tmp_path / "c" / "result.json").read_text(), "")


class Mixed(Pretend):
    """Refuses scans called bad, fails on those called broken, finds the disk full at those called full."""

    def run(self) -> None:
        scan = Path(self.words["dataset_dir"])
        errors = {
            "bad": refusal("not_ct", "There is no CT image."),
            "broken": ZeroDivisionError("by zero"),
            "full": OutputFailed("No space left on device."),
        }
        self.error = errors.get(scan.name)
        super().run()


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monai.bundle, "ConfigWorkflow", Mixed)
    monkeypatch.setattr(inputs, "check_input", lambda path, uid: None)


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(("names", "status"), [("a,b", 0), ("a,bad,b", 3), ("bad,broken,a", 5)])
def test_several_inputs_go_on_and_say_what_became_of_each(
    names: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"in/{name}" for name in names.split(",")]
    assert main(["run", *words, "-o", str(tmp_path / "out")]) == status
    out, err = capsys.readouterr()
    done = {path.name for path in (tmp_path / "out").iterdir()}
    assert done == set(names.split(",")) - {"bad", "broken"}
    assert ("bad refused: There is no CT image. Give a head CT." in err) is ("bad" in names)
    assert ("broken failed: ZeroDivisionError." in err) is ("broken" in names)
    assert f"a: results in {tmp_path / 'out' / 'a'}\n" in out
    assert out.splitlines()[-1].startswith(f"{len(words)} scans: {len(done)} done")


@pytest.mark.usefixtures("mixed")
def test_results_that_can_not_be_said_stop_no_other_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_words(args: argparse.Namespace, folder: Path) -> list[str]:
        return [{"b": "all of b"}[folder.name]]

    monkeypatch.setattr(run, "words_of", without_words)
    assert main(["run", "in/a", "in/b", "-o", str(tmp_path / "out"), "-v"]) == 5
    out, err = capsys.readouterr()
    assert "a failed: KeyError." in err
    assert f"b: results in {tmp_path / 'out' / 'b'}\nall of b\n" in out


@pytest.mark.usefixtures("mixed")
def test_several_inputs_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "in/a", "in/bad", "-o", str(tmp_path / "out"), "--json"]) == 3
    one, other = json.loads(capsys.readouterr().out)
    assert (one["name"], one["status"], one["result"]["scores"]["right_hemisphere"]) == ("a", "done", 9.0)
    assert (other["name"], other["status"], other["result"]) == ("bad", "refused", None)
    assert other["reason"].startswith("There is no CT image.")


@pytest.mark.usefixtures("mixed")
def test_several_inputs_as_json_on_a_terminal_without_umlauts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["run", "in/Übersicht 頭", "in/a", "-o", str(tmp_path / "out"), "--json"]) == 0
    assert [one["name"] for one in json.loads(written.getvalue())] == ["Übersicht 頭", "a"]


@pytest.mark.usefixtures("mixed")
def test_a_pattern_of_one_scan_has_a_folder_for_it(tmp_path: Path) -> None:
    (tmp_path / "scans" / "only").mkdir(parents=True)
    assert main(["run", f"{tmp_path}/scans/*", "-o", str(tmp_path / "out"), "-q"]) == 0
    assert (tmp_path / "out" / "only" / "result.json").is_file()


@pytest.mark.usefixtures("mixed")
def test_a_full_disk_ends_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "in/full", "in/a", "-o", str(tmp_path / "out")]) == 4
    assert "No space left on device." in capsys.readouterr().err
    assert not (tmp_path / "out" / "a").exists()


def test_what_several_inputs_can_not_begin_with(
    pretend: type[Pretend], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["run", "x/a", "y/a.nii.gz", "-o", str(out)]) == 2
    assert "Two scans are called a: x/a and y/a.nii.gz." in capsys.readouterr().err
    assert main(["run", f"{tmp_path}/none*", "-o", str(out)]) == 2
    assert "Nothing matches" in capsys.readouterr().err
    write_results(out / "b", {"x": b"old"}, {})
    assert main(["run", "x/a", "x/b", "-o", str(out)]) == 4
    assert "b exists. Choose another folder, or say --overwrite" in capsys.readouterr().err
    write_results(tmp_path / "one", {"x": b"old"}, {})
    assert main(["run", "x/a", "x/b", "-o", str(tmp_path / "one")]) == 4
    assert "holds the results of one scan. Choose another folder for those of several." in capsys.readouterr().err
    assert pretend.started == 0
