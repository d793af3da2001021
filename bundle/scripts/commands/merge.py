"""`head-ct-anomaly merge`: one cohort of the shards that `cohort --shard` scored, on one machine or on many.

Tables, page and settings are those of one run of the whole list; nothing is computed again, and results stay where they
are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..cohort.folder import INDEX_NAME, CohortFolder
from ..cohort.merge import merge, read_parts
from ..cohort.table import FAILED, TABLE_NAME, counts_in_words
from .arguments import FAILURES, add_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shards", metavar="SHARD", type=Path, nargs="+", help="folders of all shards of a list")
    add_output(parser, "folder of the whole cohort")


def main(args: argparse.Namespace) -> int:
    """Join the shards; 0 if no case failed.

    Raises:
        WrongUsage: the shards do not make one cohort.
        OutputExists: the folder holds something else.
        OutputFailed: it can't be written.
    """
    counts = merge(read_parts(args.shards), CohortFolder(args.output))
    print(f"{counts_in_words(counts)}\n{args.output / TABLE_NAME}\n{args.output / INDEX_NAME}")
    if counts[FAILED]:
        print("`cohort --shard` tries the failed ones of a shard again; then merge again.")
    return FAILURES if counts[FAILED] else 0
