"""`head-ct-anomaly verify`: checks that folders hold complete results, and names the files that are wrong.

The exit code is 3 if a folder is not complete: the input is refused, as with a scan.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import WrongUsage
from ..results.checks import problems
from ..words import counted

INCOMPLETE = 3
"""Exit code: a folder does not hold complete results."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folders", metavar="OUT", type=Path, nargs="+", help="a folder of results")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Check each folder; 0 when all are complete, `INCOMPLETE` otherwise.

    Raises:
        WrongUsage: one of them is not there.
    """
    for folder in args.folders:
        if not folder.is_dir():
            raise WrongUsage(f"There is no folder {folder}. Name folders of results.")
    found = {folder: problems(folder) for folder in args.folders}
    if args.json:
        print(json.dumps([as_json(folder, wrong) for folder, wrong in found.items()], indent=2))
    for folder, wrong in found.items():
        if wrong:
            print(sentence(folder, wrong), file=sys.stderr)
        elif not args.json:
            print(f"{folder} is complete.")
    return INCOMPLETE if any(found.values()) else 0


def as_json(folder: Path, wrong: dict[str, str]) -> dict[str, Any]:
    """The verification of a folder, as plain values for JSON."""
    return {
        "folder": str(folder),
        "complete": not wrong,
        "problems": [{"file": name, "problem": problem} for name, problem in wrong.items()],
    }


def sentence(folder: Path, wrong: dict[str, str]) -> str:
    """A sentence on what is wrong with a folder: the first file, and the number of others."""
    name, problem = next(iter(wrong.items()))
    more = (
        f", and {counted(len(wrong) - 1, 'other file has', 'other files have')} problems too" if len(wrong) > 1 else ""
    )
    return f"{folder} is not complete: {name} {problem}{more}. Make the results again."
