"""Starts the commands: `head-ct-anomaly ...`, `python -m head_ct_position_anomaly ...` or `python bundle ...`.

The configs name the code `scripts`, as MONAI bundles do; here that name is given to the `scripts` folder beside this
file, wherever the bundle is installed, without touching `sys.path`. The commands that only reproduce the paper are in
`reproduction`, which lies in this folder where pip installed it, beside it in a checkout, and not in a zoo's download.

Before anything of the bundle is run, parsed or loaded, its files are compared with its manifest (`scripts.integrity`).
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shlex
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

RUN_FIRST = ("scripts/__init__.py", "scripts/integrity.py")
"""These compare the files of the bundle with the manifest, and are themselves compared here."""

MANIFEST, RENEWING = "manifest.sha256", ["dev", "manifest"]
"""The list of files, and the command that makes it anew."""

DAMAGED = 5
"""Exit code for a bundle that is not as it was made: an error of the program, see `scripts.commands.main`."""

STOPPED = (130, 143)
"""Exit codes after Ctrl-C and SIGTERM."""


def main() -> int:
    """Run the command that the process's arguments name and return its exit code."""
    try:
        asked = [word for word in sys.argv[1:] if not word.startswith("-")][:2]
        if asked != RENEWING and (problem := what_changed()):
            print(problem, file=sys.stderr)
            return DAMAGED
        provide_scripts()
        provide_reproduction()
        status = int(import_module("scripts.commands.main").main())
        if status in STOPPED:
            leave(status)
        return status
    except KeyboardInterrupt:  # before the command was there to take it
        print("Stopped before it was done.", file=sys.stderr)
        return 130


def leave(status: int) -> None:
    """End the process with this exit code, regardless of its state when it was stopped.

    Python, run on a folder or with -m, would end by SIGINT if the signal came while a library had it evaluate text.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def what_changed() -> str:
    """A sentence on the first file of the bundle that differs from the manifest; "" if none does."""
    try:
        lines = set((FOLDER / MANIFEST).read_bytes().splitlines())
        hashes = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in RUN_FIRST}
    except OSError as error:
        name = Path(str(error.filename)).name
        return f"{name} of the bundle at {FOLDER} can't be read ({error.strerror}). Install the bundle again."
    if changed := [name for name in RUN_FIRST if f"{hashes[name]}  {name}".encode() not in lines]:
        command = f"python {shlex.quote(str(FOLDER))} {' '.join(RENEWING)}"  # however it was started, this works
        remedy = f"If you changed it yourself, run `{command}`; otherwise install the bundle again."
        return f"The bundle at {FOLDER} is not as it was made: {changed[0]} was changed. {remedy}"
    provide_scripts()
    integrity = import_module("scripts.integrity")
    try:
        integrity.check_bundle(FOLDER)
    except (integrity.BundleChanged, OSError) as error:
        return str(error)
    return ""


def provide_scripts() -> None:
    """Make the `scripts` folder beside this file importable under that name.

    Raises:
        ImportError: another `scripts` package was imported before.
    """
    provide(FOLDER / "scripts")


def provide_reproduction() -> None:
    """Make the folder `reproduction`, where there is one, importable under that name; see above for its places.

    Raises:
        ImportError: another `reproduction` package was imported before.
    """
    for parent in (FOLDER, FOLDER.parent):
        if (parent / "reproduction" / "commands" / "reproduce.py").is_file():
            provide(parent / "reproduction")
            return


def provide(folder: Path) -> None:
    """Make a folder importable as a package of its own name.

    Raises:
        ImportError: another package of that name was imported before, or the folder is missing.
    """
    name = folder.name
    if name in sys.modules:
        if Path(str(sys.modules[name].__file__)).resolve().parent != folder:
            raise ImportError(f"another package called {name} is loaded: {sys.modules[name].__file__}")
        return
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is missing. Install the bundle again.")
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


if __name__ == "__main__":
    sys.exit(main())
