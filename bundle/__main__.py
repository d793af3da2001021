"""Starts the commands: `head-ct-anomaly ...`, `python -m head_ct_position_anomaly ...` or `python bundle ...`.

The configs name the code `scripts`, as MONAI bundles do; here that name is given to the `scripts` folder beside this
file, wherever the bundle is installed, without touching `sys.path`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def main() -> int:
    """Run the command that the process's arguments name and return its exit code."""
    try:
        provide_scripts()
        return int(import_module("scripts.commands.main").main())
    except KeyboardInterrupt:  # before the command was there to take it
        print("Stopped before it was done.", file=sys.stderr)
        return 130


def provide_scripts() -> None:
    """Make the `scripts` folder beside this file importable under that name.

    Raises:
        ImportError: another `scripts` package was imported before.
    """
    folder = Path(__file__).resolve().parent / "scripts"
    if "scripts" in sys.modules:
        if Path(str(sys.modules["scripts"].__file__)).resolve().parent != folder:
            raise ImportError(f"another package called scripts is loaded: {sys.modules['scripts'].__file__}")
        return
    spec = spec_from_file_location("scripts", folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is missing. Install the bundle again.")
    sys.modules["scripts"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["scripts"])


if __name__ == "__main__":
    sys.exit(main())
