"""`detect`: the same bytes as `run`, refusals as exceptions, and a package that is imported in a moment."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np
import pytest
from dicom_series import SERIES, write_series
from PIL import Image
from pipeline_runs import INSIDE, Run
from same_results import ROOT, without_timings

from scripts.assets import sha256
from scripts.commands.main import main
from scripts.errors import OutputExists, WrongUsage
from scripts.findings import InputRefused
from scripts.results import detect as door
from scripts.results import judging
from scripts.results.detect import chosen_values, detect
from scripts.results.result import Result

CASE = INSIDE


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)


def readme_lines() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return str(code)


@pytest.mark.xdist_group("pipeline")
def test_the_lines_of_the_readme_give_and_save_what_the_command_writes(
    runs: Run, first_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scan was judged before, without a report; that `detect` judges as the command does is shown below."""
    folder, code = runs(*CASE), readme_lines()
    assert len([line for line in code.splitlines() if line.strip()]) == 5
    monkeypatch.setattr(door, "judge", lambda scan, out, values: shutil.copytree(first_cohort / "cases" / "left", out))
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    exec(code, made)
    assert "right_hemisphere" in capsys.readouterr().out
    assert (tmp_path / "overview.png").is_file()
    result, saved = made["result"], tmp_path / "out" / "scan"
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(saved) for path in saved.rglob("*") if path.is_file())
    for name in names:
        assert str(name) == "result.json" or sha256(saved / name) == sha256(folder / name), name
    assert without_timings(saved) == without_timings(folder)
    assert (saved / "result.json").read_bytes() != (folder / "result.json").read_bytes(), "its times are its own"
    assert result.heatmap.shape == result.regions.shape == result.scan.shape == result.error_map.shape
    assert result.scores == result.record["scores"]
    with pytest.raises(OutputExists, match=r"scan exists\. Choose another folder"):
        result.save(saved)


def test_detect_judges_a_scan_as_the_command_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same values by id of the config, but for the places; the report is made when the results are saved."""
    asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def judged(names: Iterable[str], values: dict[str, Any]) -> None:
        asked.append((tuple(names), {name: value for name, value in values.items() if name != "output_dir"}))
        raise InputRefused([])

    monkeypatch.setattr(judging, "run_configs", judged)
    write_series(tmp_path / "in")
    with pytest.raises(InputRefused):
        detect(tmp_path / "in", device="cpu", stride=4, series_uid=SERIES, map="error", alpha=0.1)
    words = ["--device", "cpu", "--stride", "4", "--series-uid", SERIES, "--map", "error", "--alpha", "0.1"]
    assert main(["run", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--no-report", *words]) == 3
    assert asked[0] == asked[1]
    assert asked[0][0] == ("inference.json",)
    assert asked[0][1]["stride"] == 4


@pytest.mark.xdist_group("pipeline")
def test_a_folder_of_results_is_read_again(runs: Run) -> None:
    result = Result.read(runs(*CASE))
    inside = result.regions > 0
    assert set(np.unique(result.regions)) == {0, 1, 2, 3}
    assert result.heatmap[~inside].max() >= 0
    corner = result.affine @ [0, 0, 0, 1]
    assert corner.shape == (4,)
    assert -1100 < np.median(result.scan[result.heatmap == 0]) < 0
    assert result.show().size == Image.open(io.BytesIO(result._repr_png_())).size
    assert {found.severity for found in result.findings} <= {"flag", "information"}
    assert "score_details" not in repr(result)


def test_a_refusal_has_its_code_and_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputRefused, match=r"The file is not a DICOM image\. Give a folder") as refused:
        detect(tmp_path)
    assert refused.value.code == "no_dicom"
    with pytest.raises(InputRefused, match=r"can't be read .*Check the path\.") as refused:
        detect(tmp_path / "nothing")
    assert refused.value.code == "path_missing"
    with pytest.raises(InputRefused, match=r"^The path is empty\. Check the path\.$"):
        detect("")
    assert InputRefused([]).code == ""


def test_wrong_arguments_are_sentences_before_any_work(tmp_path: Path) -> None:
    for words, text in (
        ({"stride": 3}, r"stride must be 1, 2 or 4 \(mm\), got 3"),
        ({"map": "raw"}, "map must be one of calibrated, error, position, .*got 'raw'"),
        ({"series_uid": "$exit()"}, "series_uid must be digits and dots"),
        ({"device": "cpu'); exit(); ('"}, "device must be cpu, cuda or cuda:N"),
    ):
        with pytest.raises(ValueError, match=text):
            detect("none", **words)  # type: ignore[arg-type]
    with pytest.raises(WrongUsage, match=r"There is no device cuda:99: PyTorch sees \d+ GPUs here"):
        detect("none", device="cuda:99")
    with pytest.raises(WrongUsage, match=r"A calibrated map was asked for\. There is no thresholds\.json"):
        detect("none", calibration=tmp_path)


def test_values_of_the_config(tmp_path: Path) -> None:
    assert chosen_values(None, None, None, None, None) == {}
    assert chosen_values("cpu", 4, "1.2", "error", None) == {
        "stride": 4,
        "series_uid": "1.2",
        "map": "error",
        "device": "$torch.device('cpu')",
    }
    assert chosen_values(None, None, None, None, None, 0.01) == {"alpha": 0.01}
    with pytest.raises(ValueError, match=r"alpha must be above 0 and at most 0\.5, got 2"):
        chosen_values(None, None, None, None, None, 2)
    with pytest.raises(WrongUsage, match=r"alpha 0\.001 is too small for 168 healthy hemispheres"):
        chosen_values(None, None, None, None, None, 0.001)


IMPORT = """
import sys
import head_ct_position_anomaly as package
print(sorted({"torch", "monai", "numpy", "scripts.findings"} & set(sys.modules)))
from head_ct_position_anomaly import detect, InputRefused, Result
from scripts.findings import InputRefused as same
print(InputRefused is same, detect.__module__, "torch" in sys.modules, hasattr(package, "no_such_thing"))
"""


def test_importing_the_package_loads_no_library(tmp_path: Path) -> None:
    done = python(IMPORT, tmp_path)
    assert done.stdout.splitlines() == ["[]", "True scripts.results.detect False False"], done.stderr


def test_the_lines_of_the_readme_stop_at_a_refusal(tmp_path: Path) -> None:
    code = indent(readme_lines(), "    ")
    caught = "except Exception as error:\n    print(type(error).__name__, error.code)"
    assert python(f"try:\n{code}{caught}", tmp_path).stdout == "InputRefused path_missing\n"
