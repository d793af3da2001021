"""The layers of `bundle/scripts`: imports go downward only, and each foreign library has one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SCRIPTS = BUNDLE / "scripts"
READING = {
    "cq500_cases",
    "cq500_files",
    "cq500_series",
    "deflated",
    "file_names",
    "header_values",
    "headers",
    "inputs",
    "inspection_schema",
    "kinds",
    "levels",
    "memory_budget",
    "nifti",
    "pixels",
    "series",
    "series_flags",
    "slices",
    "stacks",
}
WRITING = {
    "folder_swap",
    "locks",
    "nifti_bytes",
    "overview",
    "result_checks",
    "result_json",
    "results",
    "simulated_series",
    "standin_files",
    "stopping",
}
DICOM = {
    "dicom_capture",
    "dicom_codes",
    "dicom_identity",
    "dicom_map",
    "dicom_outputs",
    "dicom_report",
    "dicom_segments",
    "dicom_source",
}
HEALTHY = {"calibration_files", "healthy_sources"}
REPRODUCING = {"figures", "manifests", "process_memory", "reproduction"}
COHORT = {"cohort_cases", "cohort_evaluation", "cohort_files", "network_facts", "registered_files", "score_table"}
ENGINES = {"ray_tasks", "worker_processes"}
OTHERS = {
    "anatomies",
    "assets",
    "bundle_archive",
    "checkpoints",
    "datalists",
    "exported_networks",
    "integrity",
    "mutual_information",
    "refusal_files",
    "registration",
}
PACS = {"dicomweb", "node", "spool"}
ADAPTERS = OTHERS | DICOM | PACS | HEALTHY | READING | WRITING | COHORT | ENGINES | REPRODUCING
MONAI_FACING = {
    "healthy_scans",
    "inferers",
    "metrics",
    "prepared_scans",
    "readers",
    "reconstruction_inferer",
    "registered_scans",
    "simulated_heads",
    "tensorrt_network",
    "training_peak",
} | {path.stem for path in SCRIPTS.glob("*.py") if path.stem.endswith(("transforms", "handlers"))}
FIGURES = {f"figures.{path.stem}" for path in SCRIPTS.glob("figures/*.py") if path.stem != "__init__"}
DOORS = {
    "itk": {"mutual_information"},
    "pydicom": {"deflated", "header_values", "headers", "pixels", "simulated_series"}
    | (DICOM - {"dicom_codes"})
    | (PACS - {"spool"}),
    "pynetdicom": {"node"},
    "dicomweb_client": {"dicomweb"},
    "highdicom": DICOM - {"dicom_identity", "dicom_outputs", "dicom_source"},
    "nibabel": {"anatomies", "nifti", "nifti_bytes", "result_checks"},
    "PIL": {"dicom_capture", "overview"},
    "matplotlib": FIGURES,
    "ray": {"ray_tasks"},
    "onnx": {"exported_networks"},
    "yaml": {"manifests"},
    "ignite": MONAI_FACING,
    "monai": MONAI_FACING,
}
MODULES = sorted(path for path in SCRIPTS.rglob("*.py") if path.name != "__init__.py")


def name_of(path: Path) -> str:
    """The module's name below `scripts`."""
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)


def layer(name: str) -> int:
    """The layer of a module: 0 pure, 1 adapters, 2 MONAI-facing, 3 commands."""
    top = name.split(".")[0]
    return 3 if top == "commands" else 2 if top in MONAI_FACING else 1 if top in ADAPTERS else 0


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Names of the modules of `scripts`, and of foreign libraries, that a file imports anywhere in it."""
    own, foreign = set(), set()
    folder = path.relative_to(SCRIPTS).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            foreign |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            foreign.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1]
            tail = [node.module] if node.module else [alias.name for alias in node.names]
            own |= {".".join((*base, name)) for name in tail}
    return own, foreign


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_downward(path: Path) -> None:
    name = name_of(path)
    own, foreign = imports(path)
    assert "scripts" not in foreign, f"{name}: import relatively, MONAI Label re-imports `scripts` under its own name"
    assert {other for other in own if layer(other) > layer(name)} == set()
    assert layer(name) == 3 or not any(other.startswith("commands") for other in own)
    for library, doors in DOORS.items():
        assert library not in foreign or name in doors or layer(name) == 3, f"{name} imports {library}"


def test_the_tables_name_modules_that_are_there_and_doors_that_are_used() -> None:
    used = {name_of(path): imports(path)[1] for path in MODULES}
    assert (ADAPTERS | MONAI_FACING) - {name.split(".")[0] for name in used} == set()
    for library, doors in DOORS.items():
        assert doors is MONAI_FACING or [name for name in doors if library not in used[name]] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_happens_at_import(path: Path) -> None:
    calls = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Expr | ast.For | ast.While)]
    assert [node for node in calls if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert {name_of(path).split(".")[-1] for path in MODULES} & {"utils", "helpers", "misc", "common"} == set()


def test_inspect_starts_without_the_heavy_libraries() -> None:
    code = "import sys, scripts.commands.inspect; print(*({'torch', 'monai', 'itk'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=BUNDLE, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_module_that_breaks_the_rules_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SCRIPTS", tmp_path)
    for source in ("from .transforms import x", "import itk", "from scripts.regions import x"):
        (tmp_path / "coordinates.py").write_text(source)
        with pytest.raises(AssertionError):
            test_imports_go_downward(tmp_path / "coordinates.py")
