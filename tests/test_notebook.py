"""The notebook: committed without outputs, and its cells run on the sample from beginning to end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from engine_jobs import in_this_process
from notebook_cells import code_cells, copied, run_cells

from scripts.cohort import runner
from scripts.commands import arguments

pytestmark = pytest.mark.xdist_group("pipeline")  # where the reference and the networks are read once

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "from_dicom_to_cohort.ipynb"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample, in whose `docs` the cells are run, on the CPU; their results stay in it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "sample").symlink_to(ROOT / "sample")
    monkeypatch.chdir(tmp_path / "docs")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(runner, "run_configs", copied)
    monkeypatch.setattr(arguments, "in_processes", in_this_process)
    return tmp_path


def test_it_has_no_outputs() -> None:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])


def test_its_links_lead_to_files() -> None:
    text = "".join("".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"])
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert len(links) == 2
    assert all((NOTEBOOK.parent / link).is_file() for link in links)


def test_its_cells_run_from_a_dicom_folder_to_the_table_of_a_cohort(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_cells(NOTEBOOK)
    said = capsys.readouterr().out
    assert "shown: <PIL.PngImagePlugin.PngImageFile" in said
    assert re.search(r"planted: right, 35\.1 ml; found: right, 3\d\.\d ml", said)
    assert re.search(r"distance of the centres: [01]\.\d mm", said)
    assert "too_few_slices: The series has 12 slices" in said
    rows = [line.split(" | ") for line in said.splitlines() if line.startswith(("| all", "| every", "| top"))]
    assert [row[1] for row in rows] == ["done", "done", "refused"]
    assert rows[0][2:5] == rows[1][2:5] != rows[2][2:5]
    assert "12 slices" in rows[2][-1]
    assert sorted(path.name for path in (checkout / "out").iterdir()) == ["notebook"]


def test_negative_control_a_cell_that_fails_is_seen(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    cells[0]["source"] = ["print('first')\n", "no_such_name"]
    (checkout / "wrong.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert len(code_cells(checkout / "wrong.ipynb")) == len(cells)
    with pytest.raises(NameError, match="no_such_name") as error:
        run_cells(checkout / "wrong.ipynb")
    assert capsys.readouterr().out == "first\n"
    assert error.tb.tb_next.tb_next.tb_frame.f_code.co_filename == "cell 1"
