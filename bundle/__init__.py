"""The MONAI bundle `head_ct_position_anomaly`, installed as a package; the code is in `scripts`.

The configs name the code `scripts`, as MONAI bundles do. Importing this package makes that name importable from any
folder, without touching `sys.path`, so that `monai.bundle.ConfigWorkflow`, `create_workflow` and `load` find what the
configs name. `scripts.x` and `head_ct_position_anomaly.scripts.x` are one module: exceptions that are imported by one
name are those that are raised under the other. Nothing of `scripts` is executed before it is used.

`detect` judges one scan from Python (see `scripts.results.detect`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader, find_spec, module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .scripts.findings import InputRefused as InputRefused
    from .scripts.results.detect import detect as detect
    from .scripts.results.result import Result as Result

__all__ = ["InputRefused", "Result", "detect"]

SCRIPTS, ALIAS = "scripts", f"{__name__}.scripts"
"""The name of the code in the configs, and in this package."""

FOLDER = Path(__file__).resolve().parent / SCRIPTS


DOOR = {"detect": "results.detect", "Result": "results.result", "InputRefused": "findings"}
"""The names that this package offers, and the modules of `scripts` that have it, imported when it is first used."""


def __getattr__(name: str) -> Any:
    """A name of `DOOR`.

    Raises:
        AttributeError: it is none of these.
    """
    if name not in DOOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{ALIAS}.{DOOR[name]}"), name)


class OneScripts(MetaPathFinder, Loader):
    """Finds `scripts` where nothing on `sys.path` is called so, and its modules under the name of this package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import spec of a module of this bundle; None for any other.

        Hosts of several bundles, such as MONAI Label, unload one `scripts` and import the next from `sys.path`. They
        get that one, and our modules are unloaded under the name of this package.
        """
        if fullname == SCRIPTS:
            forget(ALIAS)
            found = PathFinder.find_spec(SCRIPTS)
            return None if found and found.origin else scripts_spec()
        if fullname != ALIAS and not fullname.startswith(f"{ALIAS}."):
            return None
        real = SCRIPTS + fullname.removeprefix(ALIAS)
        return spec_from_loader(fullname, self) if is_ours(import_module(SCRIPTS)) and find_spec(real) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that `scripts` has; its own spec is kept while Python gives it the other one."""
        module = import_module(SCRIPTS + spec.name.removeprefix(ALIAS))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it was: it has been executed."""
        assert module.__spec__
        module.__spec__ = module.__spec__.loader_state


def scripts_spec() -> ModuleSpec:
    """The spec of the folder `scripts` beside this file, which is executed when it is used first.

    Raises:
        ImportError: the folder is missing.
    """
    spec = spec_from_file_location(SCRIPTS, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{FOLDER} is missing. Install the bundle again.")
    spec.loader = LazyLoader(spec.loader)
    return spec


def is_ours(module: ModuleType) -> bool:
    """True if a package lies in the folder beside this file."""
    return FOLDER in [Path(place).resolve() for place in module.__path__]


def forget(name: str) -> None:
    """Unload a module and those below it."""
    for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[known]
    vars(sys.modules[__name__]).pop(SCRIPTS, None)


def provide() -> None:
    """Make `scripts` importable, and the same under both names.

    Raises:
        ImportError: another package of that name was imported before, or the folder is missing.
    """
    other = sys.modules.get(SCRIPTS)
    if other and not is_ours(other):
        raise ImportError(
            f"Another package called {SCRIPTS} is loaded, from {', '.join(other.__path__)}, and the configs of this "
            f"bundle need that name for their own code. Import {__name__} first, or in a process of its own."
        )
    sys.meta_path.insert(0, OneScripts())
    if not other:
        spec = scripts_spec()
        sys.modules[SCRIPTS] = module_from_spec(spec)
        assert spec.loader
        spec.loader.exec_module(sys.modules[SCRIPTS])


provide()
