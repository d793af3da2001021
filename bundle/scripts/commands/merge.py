"""`head-ct-anomaly merge`: one cohort, or one calibration, of the shards that were made on one machine or on many.

Tables, page and settings of a cohort are those of one run of the whole list; nothing is computed again, and results
stay where they are. The files of a calibration are those of one run, byte for byte.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..assets import bundle_root
from ..cohort.calibration_shards import is_shard, join_calibration, read_shards
from ..cohort.folder import INDEX_NAME, CohortFolder
from ..cohort.merge import merge
from ..cohort.parts import read_parts
from ..cohort.table import FAILED, TABLE_NAME, counts_in_words
from ..integrity import renew
from ..words import counted
from .arguments import FAILURES, add_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "shards",
        metavar="SHARD",
        type=Path,
        nargs="+",
        help="folders of all shards of `cohort --shard` or `calibrate --shard`",
    )
    add_output(parser, "folder of the whole cohort, or of the calibration")


def main(args: argparse.Namespace) -> int:
    """Join the shards; 0 if no case failed.

    Raises:
        WrongUsage: the shards do not make one cohort, or one calibration.
        OutputExists: the folder holds something else.
        OutputFailed: it can't be written.
    """
    if any(is_shard(folder) for folder in args.shards):
        return merge_calibration(args)
    counts = merge(read_parts(args.shards), CohortFolder(args.output))
    print(f"{counts_in_words(counts)}\n{args.output / TABLE_NAME}\n{args.output / INDEX_NAME}")
    if counts[FAILED]:
        print("`cohort --shard` tries the failed ones of a shard again; then merge again.")
    return FAILURES if counts[FAILED] else 0


def merge_calibration(args: argparse.Namespace) -> int:
    """Join the shards of a calibration; 0 if no scan failed.

    Raises:
        WrongUsage: the shards do not make one calibration.
        OutputFailed: it can't be written.
    """
    lines, failed = join_calibration(read_shards(args.shards), args.output)
    print("\n".join(lines))
    renew(bundle_root(), args.output)
    if failed:
        print(
            f"{counted(failed, 'scan')} failed and had no part in it. Run `calibrate --shard` again, then merge again.",
            file=sys.stderr,
        )
    return FAILURES if failed else 0
