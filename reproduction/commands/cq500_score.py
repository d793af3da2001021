"""`head-ct-anomaly cq500 score`: anybody's per-case scores of CQ500, judged by the frozen protocol.

It needs the label table and a CSV with a row a case; no image. It writes a JSON file with the measures, in which
nothing is of a single case, and prints the card of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.assets import metadata, sha256
from scripts.commands.arguments import add_output
from scripts.errors import OutputExists, WrongUsage
from scripts.files.atomic import check_writable, write_output
from scripts.files.json_text import json_text

from ..cq500.card import card
from ..cq500.files import load_reads
from ..cq500.judged import judged
from ..cq500.protocol import load_protocol
from ..cq500.score_table import load_scores, scored_with

LONGEST = 200
"""Most letters of the name of a method, and of what is said about it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("table", metavar="TABLE", type=Path, help="CSV: case,left_hemisphere,right_hemisphere,skull")
    parser.add_argument("--reads", metavar="FILE", type=Path, required=True, help="the label table, reads.csv")
    parser.add_argument("--method", metavar="TEXT", type=one_line, default="A method", help="its name, for the card")
    parser.add_argument("--about", metavar="TEXT", type=one_line, help="version, weights or training of it")
    add_output(parser, "file of the judged scores, JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")


def one_line(text: str) -> str:
    """A text on one line, checked.

    Raises:
        argparse.ArgumentTypeError: it is empty, too long, or has what can't be printed.
    """
    if not text.strip() or len(text) > LONGEST or not text.isprintable():
        raise argparse.ArgumentTypeError(f"use one line of up to {LONGEST} letters")
    return text.strip()


def main(args: argparse.Namespace) -> int:
    """Judge, write and print; 0 when that is done.

    Raises:
        WrongUsage: a table is not there or faulty, or nothing can be measured.
        OutputExists, OutputFailed: the file can't be written.
    """
    if args.output.exists() and not args.overwrite:
        raise OutputExists(f"{args.output} exists. Choose another name, or say --overwrite to replace it.")
    check_writable(args.output.parent, args.output)
    reads = load_reads(args.reads)
    made = judged(load_protocol(), reads, load_scores(args.table, set(reads.names)), args.method)
    if all(m["auroc"] is None for one in made["analyses"].values() for m in one["tasks"].values()):
        raise WrongUsage(
            f"{args.table} has no scores of test cases of both kinds, anomalous and healthy. Score the cases of the "
            "test; head-ct-anomaly cq500 --frozen lists them."
        )
    made |= {"about": args.about or "", "reads_sha256": sha256(args.reads), "table_sha256": sha256(args.table)}
    made |= {"bundle_version": metadata()["version"], "scored_with": scored_with(args.table)}
    write_output(args.output, json_text(made).encode())
    print(f"{card(made)}\n{args.output}")
    return 0
