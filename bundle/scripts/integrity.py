"""Integrity: compares the files of the bundle with those that it was made with.

The *manifest*, `manifest.sha256`, names every file that the bundle computes with, and its sha256, in the form of the
program sha256sum, so that `sha256sum -c manifest.sha256` checks it too. Files that it does not name are a *change* as
well where they could be imported or parsed: in `configs`, in `scripts`, and Python files beside these folders. In
`models` they are not, since weights of other networks are put there.

The manifest detects damage and mixed versions. It is no signature: whoever can write to the bundle can write a
manifest. Python's bytecode (`__pycache__`) and hidden files, such as those of editors and file managers, are ignored:
nothing imports or parses them.

This module needs the standard library alone. The command loads it before any other of the bundle (see `__main__`).
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
import shutil
import sys
from pathlib import Path

MANIFEST_NAME = "manifest.sha256"

FOLDERS = ("configs", "models", "scripts")
"""Folders of the bundle whose files are listed; documentation is not."""

OPEN_FOLDER = "models"
"""The one to which files may be added."""

LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
"""A line of the manifest."""

CACHE = "__pycache__"
"""Folders in which Python keeps bytecode."""

PROGRAM = "head-ct-anomaly"
"""The installed command."""

INSTALL = "Install the bundle again."


class BundleChanged(RuntimeError):
    """A file of the bundle is not the one that the bundle was made with; the message names it."""


def sha256(path: str | Path) -> str:
    """The sha256 of a file, as a hexadecimal string."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listed(root: Path) -> list[str]:
    """Paths of the files in a bundle that its manifest has to name, sorted, relative to it, with `/`."""
    found = [path.name for path in root.iterdir() if path.suffix in (".py", ".pyc", ".so", ".pyd")]
    for folder in FOLDERS:
        for place, folders, names in os.walk(root / folder):
            folders[:] = [name for name in folders if name != CACHE and not name.startswith(".")]
            found += [Path(place, name).relative_to(root).as_posix() for name in names if not name.startswith(".")]
    return sorted(found)


def manifest_text(root: Path) -> str:
    """The manifest of a bundle as it is now."""
    return "".join(f"{sha256(root / name)}  {name}\n" for name in listed(root))


def write_manifest(root: Path) -> int:
    """Write the manifest of a bundle as it is now, which appears complete or not at all; how many files it names.

    Raises:
        OSError: a file can't be read, or the manifest not written.
    """
    text, partial = manifest_text(root), root / f".{MANIFEST_NAME}.{secrets.token_hex(4)}.partial"
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, root / MANIFEST_NAME)
    finally:
        partial.unlink(missing_ok=True)
    return text.count("\n")


def renew(root: Path, written: Path) -> None:
    """Write the manifest anew where a command has replaced a file inside the bundle, as the user told it to.

    Raises:
        OSError: as `write_manifest`.
    """
    if written.resolve().is_relative_to(root.resolve()):
        write_manifest(root)


def read_manifest(root: Path) -> dict[str, str]:
    """The sha256 of each file that the manifest of a bundle names.

    Raises:
        BundleChanged: there is none, or it can't be read.
    """
    try:
        lines = (root / MANIFEST_NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleChanged(f"{MANIFEST_NAME} of the bundle at {root} can't be read. {INSTALL}") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not (match := LINE.fullmatch(line)):
            raise BundleChanged(f"Line {number} of {MANIFEST_NAME} in the bundle at {root} is damaged. {INSTALL}")
        found[match[2]] = match[1]
    return found


def changes(root: Path) -> list[str]:
    """The deviations from the manifest of a bundle, one clause a file, in the order of their names.

    Raises:
        BundleChanged: there is no manifest, or it can't be read.
    """
    wanted, found = read_manifest(root), []
    there = set(listed(root))
    for name in sorted({*wanted, *there}):
        if name not in there:
            found.append(f"{name} is missing")
        elif name in wanted:
            found += [f"{name} was changed"] if sha256(root / name) != wanted[name] else []
        elif not name.startswith(f"{OPEN_FOLDER}/"):
            found.append(f"{name} does not belong to it")
    return found


def renewing(root: Path) -> str:
    """The remedy for a changed bundle at `root`, with a command that works here.

    It names the installed command if that started this process. Otherwise, for example where MONAI runs an unpacked
    bundle, the installed command may be missing or belong to another copy: then it names `python ROOT`.
    """
    typed = sys.argv[0] if sys.argv else ""
    program = f"python {shlex.quote(str(root))}"
    if Path(typed).stem == PROGRAM:
        program = PROGRAM if shutil.which(PROGRAM) == typed else shlex.quote(typed)
    return f"If you changed it yourself, run `{program} dev manifest`; otherwise install the bundle again."


def check_bundle(root: Path) -> None:
    """See that all files of a bundle are those that it was made with.

    Raises:
        BundleChanged: one is not; the message names the first of them.
    """
    if found := changes(root):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise BundleChanged(f"The bundle at {root} is not as it was made: {found[0]}{more}. {renewing(root)}")


def check_file(root: Path, name: str) -> None:
    """See that one file of a bundle is the one that it was made with; one that is not listed passes.

    Raises:
        BundleChanged: it is not.
    """
    wanted = read_manifest(root).get(name)
    if wanted is not None and sha256(root / name) != wanted:
        raise BundleChanged(f"The bundle at {root} is not as it was made: {name} was changed. {renewing(root)}")
