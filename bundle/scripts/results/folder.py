"""Sets of results, written atomically.

A *set of results* is one folder: some *output files* and `result.json`, which names each of them with its sha256. Files
are written to a *staging folder* beside the target (same file system, hidden, its name ends in `.partial`), synced and
read back; `result.json` comes last; then the staging folder is renamed to the target. A folder of results is therefore
complete if and only if `result.json` is in it and its hashes match, which `verify` checks. A killed process leaves
nothing under the target's name. During the writing the target is *reserved*: other processes that want to write to it
are turned away (see `locks`), and leftovers of killed processes beside it are removed.

An existing folder is replaced only if the caller asks for it, and only if it holds nothing but earlier results.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import OutputExists, as_ours
from ..files.atomic import Content, check_writable, swap, sync, write_file
from ..files.json_text import json_text, on_one_line
from ..files.locks import alone, locked
from ..processes.stopping import undisturbed
from .record import RESULT_FORMAT, RESULT_NAME, check_name, own_files

ABANDONED_S = 24 * 3600
"""Without locks, a staging folder in which nothing was written for a day belongs to a process that was killed."""


@contextmanager
def reserved(folder: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Keep other processes from writing results to `folder` while the context lasts; yields its resolved path.

    Raises:
        OutputExists: `folder` exists and `overwrite` is false, it holds anything but earlier results, or another
            process or thread writes to it.
        OutputFailed: it can't be made where it shall be.
    """
    target = Path(folder).resolve()
    check_target(target, overwrite)
    with alone(locked(target), target) as firm:
        check_target(target, overwrite)  # once more: what had the lock until now may have written it
        remove_abandoned(target, 0 if firm else ABANDONED_S)
        yield target


def write_results(
    folder: str | Path, files: Mapping[str, Content], result: Mapping[str, Any], overwrite: bool = False
) -> None:
    """Write the output files `{name: content}` and `result.json` (`result` with `format` and `outputs`) to `folder`.

    A name may have folders in it, separated by `/`. Numbers that are not finite become null in `result.json`.

    Raises:
        OutputExists: as of `reserved`.
        OutputFailed: disk full, not writable, or a file reads back differently; the staging folder is removed.
        ValueError: a name leaves the folder or is `result.json`.
    """
    for name in files:
        check_name(name)
    with reserved(folder, overwrite) as target:
        staging = target.parent / f".{target.name}.{secrets.token_hex(4)}.partial"
        try:
            staging.mkdir()
            hashes = {name: write_file(staging / name, content) for name, content in files.items()}
            text = on_one_line(json_text({"format": RESULT_FORMAT, **result, "outputs": hashes}))
            write_file(staging / RESULT_NAME, text.encode())
            for inner in {path.parent for path in staging.rglob("*")}:
                sync(inner)
            with undisturbed():
                put_in_place(staging, target, overwrite)
        except OSError as error:
            raise as_ours(error, target) from error
        finally:
            with undisturbed():
                shutil.rmtree(staging, ignore_errors=True)


def remove_abandoned(target: Path, age_s: float = ABANDONED_S) -> None:
    """Remove staging folders of `target` in which nothing was written for so long: who made them was killed."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.partial")
    for folder in target.parent.glob(".*.partial"):
        if pattern.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink() and abandoned(folder, age_s):
            shutil.rmtree(folder, ignore_errors=True)


def abandoned(folder: Path, age_s: float) -> bool:
    """True if nothing was written in a staging folder for so long; always without an age."""
    try:
        return not age_s or max(path.lstat().st_mtime for path in (folder, *folder.rglob("*"))) < time.time() - age_s
    except OSError:  # another process removes it at the same time
        return False


def check_target(target: Path, overwrite: bool = False) -> None:
    """Check before hours of work that results may be written to `target`.

    Raises:
        OutputExists: it exists and `overwrite` is false, or it holds anything but earlier results.
        OutputFailed: it can't be made where it shall be.
    """
    if not target.exists():
        check_writable(target.parent, target)
        return
    if not target.is_dir():
        raise OutputExists(f"{target} is a file. Choose another name for the output folder.")
    if not overwrite:
        raise OutputExists(f"{target} exists. Choose another folder, or say --overwrite to replace the results in it.")
    found = {
        path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir() or path.is_symlink()
    }
    others = sorted(found - own_files(target))
    if others:
        raise OutputExists(
            f"{target} holds {others[0]}, which is not part of earlier results"
            f"{f', nor are {len(others) - 1} more' if len(others) > 1 else ''}. Choose another folder."
        )


def put_in_place(staging: Path, target: Path, overwrite: bool) -> None:
    """Give the staging folder the target's name; an earlier set of results has that of the staging folder then.

    Where the two can't change places at once, the earlier one is renamed first. A process that is killed between the
    two renames leaves nothing under the target's name: the earlier results are then in the hidden folder
    `.NAME.<8 hex digits>.old` beside it, complete, and stay there until someone moves them.
    """
    if not (overwrite and target.exists()):
        staging.rename(target)
    else:
        check_target(target, overwrite)
        if not swap(staging, target):
            replace_folder(staging, target)
    sync(target.parent)


def replace_folder(staging: Path, target: Path) -> None:
    """Put the staging folder in the target's place with two renames, and remove the earlier folder."""
    earlier = staging.with_suffix(".old")
    target.rename(earlier)
    try:
        staging.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
