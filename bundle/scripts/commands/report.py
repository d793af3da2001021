"""`head-ct-anomaly report`: the page and the sheet of results that are there, as `run` makes them.

The folder is checked first, and written anew as a whole: it keeps its results if anything fails. Nothing in them
changes but the report and the list of files in `result.json`. A report that was removed is made again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import WrongUsage
from ..results.record import ResultIncomplete
from ..results.report.niivue import HOW, niivue

REFUSED = 3
"""Exit code: a folder holds no complete results, or those of an earlier version."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folders", metavar="OUT", type=Path, nargs="+", help="a folder of results")


def main(args: argparse.Namespace) -> int:
    """Make the report of each folder; 0 when all are made, `REFUSED` if one could not be.

    Raises:
        WrongUsage: one of them is not there.
        OutputExists: one holds other files too, or another process writes to it.
        OutputFailed: one can't be written.
    """
    from ..results.folder import write_results
    from ..results.report.files import PAGE, SHEET
    from ..results.result import Result

    for folder in args.folders:
        if not folder.is_dir():
            raise WrongUsage(f"There is no folder {folder}. Name folders of results.")
    refused = False
    for folder in args.folders:
        try:
            result = Result.read(folder, report=False).with_report()
        except ResultIncomplete as error:
            refused = True
            print(error if str(folder) in str(error) else f"{folder}: {error}", file=sys.stderr)
            continue
        write_results(folder, result.files, result.record, overwrite=True)
        print(f"{folder / PAGE} and {SHEET}", flush=True)
    if niivue() is None:
        print(f"Pages show pictures alone. To browse the slices in them: {HOW}.", file=sys.stderr)
    return REFUSED if refused else 0
