"""The notebook: committed without outputs, and its cells run on the sample from beginning to end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_cells import code_cells

pytestmark = pytest.mark.xdist_group("notebook")  # a group is begun before tests that are alone: this one is long

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "from_dicom_to_cohort.ipynb"
RUNNER = ROOT / "tests" / "support" / "notebook_cells.py"


def run(notebook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the cells where a checkout's `docs` would be; its results stay in the folder."""
    (folder / "docs").mkdir()
    (folder / "sample").symlink_to(ROOT / "sample")
    path = os.pathsep.join([str(ROOT / "bundle"), str(RUNNER.parent)])
    return subprocess.run(
        [sys.executable, str(RUNNER), str(notebook), "--copy"],
        cwd=folder / "docs",
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )


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


def test_its_cells_run_from_a_dicom_folder_to_the_table_of_a_cohort(tmp_path: Path) -> None:
    done = run(NOTEBOOK, tmp_path)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "shown: <PIL.PngImagePlugin.PngImageFile" in said
    assert re.search(r"planted: right, 35\.1 ml; found: right, 3\d\.\d ml", said)
    assert re.search(r"distance of the centres: [01]\.\d mm", said)
    assert "too_few_slices: The series has 12 slices" in said
    rows = [line.split(" | ") for line in said.splitlines() if line.startswith(("| all", "| every", "| top"))]
    assert [row[1] for row in rows] == ["done", "done", "refused"]
    assert rows[0][2:5] == rows[1][2:5] != rows[2][2:5]
    assert "12 slices" in rows[2][-1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["notebook"]


def test_negative_control_a_cell_that_fails_is_seen(tmp_path: Path) -> None:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    cells[0]["source"] = ["print('first')\n", "no_such_name"]
    (tmp_path / "wrong.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert len(code_cells(tmp_path / "wrong.ipynb")) == len(cells)
    done = run(tmp_path / "wrong.ipynb", tmp_path)
    assert done.returncode == 1
    assert done.stdout == "first\n"
    assert "NameError" in done.stderr
    assert "cell 1" in done.stderr
