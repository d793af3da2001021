"""The rooms of `bundle/scripts`: each stands on a floor, imports go downward only, each library has one door.

A *room* is a folder of `scripts`; a *root word* is a module beside the rooms, which every room may name. A room may
import itself, root words, and rooms of lower floors; never a neighbour. The test reads the folders: no list of modules
is kept by hand. Inside `simulation` there are floors, too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "bundle" / "scripts"
REPRODUCTION = ROOT / "reproduction"

FLOORS = (
    {"statistics", "geometry", "processes"},
    {"files"},
    {"reading", "preprocessing", "networks", "simulation"},
    {"registration", "anomaly", "baseline", "skull"},
    {"results", "datasets", "training", "calibration"},
    {"cohort", "service"},
    {"sites"},
    {"commands"},
)
SIMULATION_FLOORS = ("anatomy", "lesions", "person", "scanner")
"""Folders of `simulation`, from below; the modules beside them stand above."""

MOST_ROOMS, MOST_WORDS = 20, 8
"""Folders and files that someone who opens `scripts` sees."""

MONAI_FACING = [
    *("*.transforms", "*.inferers", "*.reader", "*.writer", "*.handlers", "*.metrics", "workflow"),
    *("networks.tensorrt", "calibration.scans", "datasets.*", "training.*"),
]
"""Modules that may import monai and ignite."""

DOORS = {
    "itk": ["registration.refine"],
    "pydicom": ["reading.*", "results.dicom.*", "service.*", "simulation.scanner.series"],
    "highdicom": ["results.dicom.*"],
    "nibabel": ["reading.nifti", "files.nifti", "simulation.anatomy.label_map", "results.checks"],
    "ray": ["processes.cluster"],
    "PIL": ["results.*", "sites.power.chart"],
    "filelock": ["files.locks"],
    "psutil": ["processes.memory"],
    "jinja2": ["files.templates"],
    "reportlab": ["results.report.sheet"],
    "nilearn": [],
    "onnx": ["networks.export"],
    "pynetdicom": ["service.*"],
    "dicomweb_client": ["service.*"],
    "matplotlib": [],
    "sklearn": [],
    "yaml": [],
    "monai": MONAI_FACING,
    "ignite": MONAI_FACING,
}
"""Modules that may import a library, by its name."""

NEVER = (
    ("registration", "simulation", "what judges real scans must not depend on how simulated ones are drawn"),
    ("reading", "torch", "inspect has to answer in a second"),
    ("anomaly", "reading", "maps are made of volumes, whatever file they came from"),
    ("skull", "simulation", "what judges real scans must not depend on how simulated ones are drawn"),
    ("results", "training", "what is written does not depend on what is learnt"),
    ("*", "reproduction", "a zoo user's download has no reproduction"),
)
"""Pairs of a room and what it never imports, with the reason."""

ENTRANCE = ("commands.main", "reproduction")
"""The one exception: it starts the commands of the reproduction, where that is installed."""


def modules_in(folder: Path) -> dict[str, Path]:
    """Path by dotted name of the modules below a folder."""
    found = sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")
    return {".".join(path.relative_to(folder).with_suffix("").parts): path for path in found}


MODULES = modules_in(SCRIPTS)


@cache
def imports(name: str, path: Path) -> tuple[tuple[str, str], ...]:
    """What a module of `scripts` imports anywhere in it: ("own", dotted name) or ("foreign", library)."""
    return tuple(_imports(name, path))


def _imports(name: str, path: Path) -> Iterator[tuple[str, str]]:
    folder = name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (("foreign", alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield "foreign", (node.module or "").split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1]
            whole = ".".join((*base, *([node.module] if node.module else [])))
            of_folder = (SCRIPTS / whole.replace(".", "/")).is_dir()
            yield from (("own", f"{whole}.{alias.name}".lstrip(".") if of_folder else whole) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            parts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
            if library := str(parts[0]).split(".")[0] if parts else "":
                yield "foreign", library


def room(name: str) -> str:
    """The room of a module; "" for a root word."""
    return name.split(".")[0] if "." in name else ""


def floor(name: str) -> int:
    """The floor of a module, counted from below; 0 for root words."""
    return next((number for number, rooms in enumerate(FLOORS, start=1) if room(name) in rooms), 0)


def simulation_floor(name: str) -> int:
    """The floor of a module inside `simulation`."""
    inner = name.split(".")[1:-1]
    return SIMULATION_FLOORS.index(inner[0]) if inner else len(SIMULATION_FLOORS)


def complaints(name: str, path: Path) -> Iterator[str]:
    """Everything that a module imports against the rules, each with the rule."""
    for kind, other in imports(name, path):
        if kind == "own" and room(other) != room(name) and floor(other) >= floor(name) and room(other):
            yield f"{name} imports {other}: a room imports itself, root words and lower floors"
        if (
            kind == "own"
            and room(other) == room(name) == "simulation"
            and simulation_floor(other) > simulation_floor(name)
        ):
            yield f"{name} imports {other}: {' < '.join(SIMULATION_FLOORS)} < the modules beside them"
        if kind == "own" and room(other) == "commands" and room(name) != "commands":
            yield f"{name} imports {other}: nothing imports a command"
        if kind == "foreign" and other == "scripts":
            yield f"{name} imports scripts absolutely: hosts import it under other names"
        if kind == "foreign" and not any(fnmatch(name, door) for door in DOORS.get(other, ["*"])):
            yield f"{name} imports {other}, whose doors are {DOORS[other]}"
        for who, what, reason in NEVER:
            target = other if kind == "foreign" else room(other)
            if fnmatch(room(name), who) and target == what and (name, what) != ENTRANCE:
                yield f"{name} imports {other}: {reason}"


def test_imports_go_downward_and_each_library_has_its_door() -> None:
    assert [text for name, path in MODULES.items() for text in complaints(name, path)] == []


def test_simulation_knows_nothing_but_geometry_and_root_words() -> None:
    rooms = {room(o) for n, p in MODULES.items() if room(n) == "simulation" for k, o in imports(n, p) if k == "own"}
    assert rooms <= {"simulation", "geometry", ""}


def test_the_reproduction_names_scripts_absolutely_and_itself_relatively() -> None:
    for name, path in modules_in(REPRODUCTION).items():
        foreign = {other for kind, other in imports(name, path) if kind == "foreign"}
        assert "reproduction" not in foreign, name


def test_no_command_imports_another() -> None:
    shared = {"commands.addresses", "commands.arguments", "commands.scan_options"}
    for name, path in MODULES.items():
        others = {other for kind, other in imports(name, path) if kind == "own" and room(other) == "commands"}
        assert room(name) != "commands" or others <= shared, f"{name} imports {others - shared}"


def test_every_folder_stands_on_a_floor_and_few_are_seen_at_once() -> None:
    folders = {path.name for path in SCRIPTS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set().union(*FLOORS)
    assert len(folders) <= MOST_ROOMS
    assert len([path for path in SCRIPTS.iterdir() if path.is_file()]) <= MOST_WORDS


def test_every_door_is_used() -> None:
    used = {(name, other) for name, path in MODULES.items() for kind, other in imports(name, path) if kind == "foreign"}
    for library, doors in DOORS.items():
        for door in doors if library not in ("monai", "ignite") else ():
            assert any(fnmatch(name, door) and other == library for name, other in used), f"{library}: {door}"


@pytest.mark.parametrize("name", MODULES)
def test_nothing_happens_at_import(name: str) -> None:
    statements = ast.parse(MODULES[name].read_text()).body
    calls = [node for node in statements if isinstance(node, ast.Expr | ast.For | ast.While)]
    assert [node for node in calls if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert {name.split(".")[-1] for name in MODULES} & {"utils", "helpers", "misc", "common"} == set()


def test_the_tests_mirror_the_rooms() -> None:
    beside = {"benchmarks", "deploy", "fuzz", "label", "reproduction", "support", "zoo", "__pycache__"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert folders - beside <= set().union(*FLOORS)


def test_inspect_starts_without_the_heavy_libraries() -> None:
    code = "import sys, scripts.commands.inspect; print(*({'torch', 'monai', 'itk'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS.parent, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("geometry.boxes", "from ..registration.score import score", "lower floors"),
        ("reading.stacks", "from ..networks.patches import Box", "lower floors"),
        ("reading.stacks", "import torch", "inspect has to answer"),
        ("registration.register", "import itk", "whose doors are"),
        (
            "registration.register",
            "from importlib import import_module\nx = import_module(f'itk.{1}')",
            "whose doors are",
        ),
        ("registration.register", "def f():\n    from ..simulation.case import Case", "must not depend"),
        ("simulation.anatomy.labels", "from ..person.look import Look", "anatomy < lesions"),
        ("cohort.runner", "from ..commands.run import run", "nothing imports a command"),
        ("findings", "from scripts.words import counted", "absolutely"),
        ("results.writer", "from reproduction.rows import Row", "no reproduction"),
    ],
)
def test_a_module_that_breaks_the_rules_is_seen(name: str, source: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(source)
    assert any(said in text for text in complaints(name, tmp_path / "planted.py"))
