"""The bundle as a Python package: `scripts` from any folder, under two names and once only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """An empty folder to work in; the bundle lies in another one, on Python's path by the name of the package."""
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "head_ct_position_anomaly").symlink_to(BUNDLE)
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def python(code: str, folder: Path) -> str:
    """What a program prints, or what its error says in the last line, that is run in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder.parent / "zoo"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error::ImportWarning", "-W", "error::DeprecationWarning:__main__", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


ONE = """
import sys
path = list(sys.path)
from head_ct_position_anomaly.scripts.findings import InputRefused
import head_ct_position_anomaly.scripts.statistics.auroc as inner
import scripts.findings, scripts.statistics.auroc, scripts.reading.inputs
from head_ct_position_anomaly import scripts as named
assert InputRefused is scripts.findings.InputRefused is scripts.reading.inputs.InputRefused
assert inner is scripts.statistics.auroc and named is scripts
assert scripts.findings.__spec__.name == scripts.findings.__name__ == "scripts.findings"
assert sys.path == path
twice = [name for name, module in sys.modules.items() if "findings" in name and module is not scripts.findings]
print(twice)
"""

AGAIN = """
import sys, head_ct_position_anomaly
from head_ct_position_anomaly.scripts.findings import InputRefused as before
for name in [name for name in sys.modules if name == "scripts" or name.startswith("scripts.")]:
    del sys.modules[name]  # as MONAI Label does before each request
import scripts.findings
from head_ct_position_anomaly.scripts.findings import InputRefused as after
print(before is not after, after is scripts.findings.InputRefused)
"""

OTHER = """
import sys, head_ct_position_anomaly
for name in [name for name in sys.modules if name == "scripts" or name.startswith("scripts.")]:
    del sys.modules[name]
sys.path.insert(0, "other")
import scripts
from head_ct_position_anomaly.scripts.findings import InputRefused
print(scripts.WHOSE, InputRefused.__module__)
"""


def test_there_is_one_module_under_two_names(elsewhere: Path) -> None:
    assert python(ONE, elsewhere) == "[]\n"


def test_a_folder_called_scripts_where_it_is_run_does_not_matter(elsewhere: Path) -> None:
    (elsewhere / "scripts").mkdir()
    assert python(ONE, elsewhere) == "[]\n"
    (elsewhere / "scripts" / "__init__.py").write_text("raise SystemExit('it was run')")
    assert python(ONE, elsewhere) == "[]\n"


def test_what_a_host_unloads_and_imports_again_is_one_again(elsewhere: Path) -> None:
    assert python(AGAIN, elsewhere) == "True True\n"


def test_another_bundle_of_a_host_gets_its_own_scripts(elsewhere: Path) -> None:
    (elsewhere / "other" / "scripts").mkdir(parents=True)
    (elsewhere / "other" / "scripts" / "__init__.py").write_text("WHOSE = 'theirs'")
    assert python(OTHER, elsewhere) == "theirs head_ct_position_anomaly.scripts.findings\n"


def test_other_scripts_that_were_there_first_are_a_sentence(elsewhere: Path) -> None:
    (elsewhere / "scripts").mkdir()
    (elsewhere / "scripts" / "__init__.py").touch()
    said = python("import scripts, head_ct_position_anomaly", elsewhere)
    assert said.startswith(f"ImportError: Another package called scripts is loaded, from {elsewhere / 'scripts'}, and")
    assert said.endswith("Import head_ct_position_anomaly first, or in a process of its own.")


def test_a_module_that_there_is_not_is_said_as_python_says_it(elsewhere: Path) -> None:
    said = python("import head_ct_position_anomaly.scripts.no_such", elsewhere)
    assert said == "ModuleNotFoundError: No module named 'head_ct_position_anomaly.scripts.no_such'"


def test_importing_the_package_executes_nothing_of_it(elsewhere: Path) -> None:
    """The command compares the files with the manifest before it runs any."""
    (elsewhere.parent / "zoo" / "head_ct_position_anomaly").unlink()
    copy = elsewhere.parent / "zoo" / "head_ct_position_anomaly"
    (copy / "scripts").mkdir(parents=True)
    (copy / "__init__.py").write_bytes((BUNDLE / "__init__.py").read_bytes())
    (copy / "scripts" / "__init__.py").write_text("raise SystemExit('it was run')")
    assert python("import head_ct_position_anomaly; print('imported')", elsewhere) == "imported\n"
    assert python("import head_ct_position_anomaly, scripts.findings", elsewhere) == "it was run"


CAUSE = """
except RuntimeError as error:
    while error and type(error).__name__ != "InputRefused":
        error = error.__cause__ or error.__context__
    print('>', type(error).__name__)
"""

MONAI = """
import sys
from pathlib import Path
import head_ct_position_anomaly
from head_ct_position_anomaly.scripts.findings import InputRefused
from monai.bundle import ConfigWorkflow, create_workflow, load

root = Path(head_ct_position_anomaly.__file__).parent
config = {"config_file": str(root / "configs" / "inference.json"), "bundle_root": str(root)}
flow = ConfigWorkflow(**config, workflow_type="infer", logging_file=False, dataset_dir="none.nii.gz", output_dir="out")
flow.initialize()
print('>', type(flow.inferer).__module__)
try:
    flow.run()
except RuntimeError as error:
    while error and not isinstance(error, InputRefused):
        error = error.__cause__ or error.__context__
    print('>', type(error) is InputRefused)
print('>', type(create_workflow(**config, workflow_type="infer", logging_file=False).network_def).__name__)
network = load("head_ct_position_anomaly", bundle_dir=str(root.parent), workflow_type="inference")
print('>', type(network).__name__)
print('>', "highdicom" in sys.modules)
"""


def test_monai_finds_the_code_of_the_configs_from_any_folder(elsewhere: Path) -> None:
    """The lines of the model card, up to the scan, which is none; then `ConfigWorkflow`, `create_workflow` and `load`.

    A refusal of the pipeline has its name in this package. DICOM objects were not asked for: what makes them is not
    imported.
    """
    card = (BUNDLE / "docs" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", card, flags=re.DOTALL | re.MULTILINE)
    assert len([line for line in code.splitlines() if line.strip()]) <= 6
    code = code.replace("<a scan>", "none.nii.gz").replace("<a new folder>", "out")
    lines = f"try:\n{indent(code, '    ')}{CAUSE}"
    said = python(f"exec({lines!r}, {{}})\n{MONAI}", elsewhere)
    assert [line[2:] for line in said.splitlines() if line.startswith("> ")] == [
        "InputRefused",
        "scripts.networks.inferers",
        "True",
        "DensePositionNet",
        "DensePositionNet",
        "False",
    ], said
