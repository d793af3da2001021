"""`head-ct-anomaly cq500 card`: the page of judged scores, in Markdown, that a user with the data may publish."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from scripts.commands.arguments import add_output
from scripts.errors import OutputExists, WrongUsage
from scripts.files.atomic import check_writable, write_output

from ..cq500.card import card
from ..cq500.judged import FORMAT
from ..cq500.protocol import load_protocol


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scores", metavar="SCORES", type=Path, help="file that `cq500 score` wrote")
    add_output(parser, "file of the page, in Markdown")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier page")


def main(args: argparse.Namespace) -> int:
    """Write the page; 0 when that is done.

    Raises:
        WrongUsage: the file is not there or no file of judged scores, or was judged by another protocol.
        OutputExists, OutputFailed: the page can't be written.
    """
    if args.output.exists() and not args.overwrite:
        raise OutputExists(f"{args.output} exists. Choose another name, or say --overwrite to replace it.")
    check_writable(args.output.parent, args.output)
    try:
        found = json.loads(args.scores.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError("another format")
        judged_by = found["protocol"]["sha256"]
        text = card(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongUsage(
            f"{args.scores} holds no judged scores ({error}). Run `head-ct-anomaly cq500 score`."
        ) from error
    protocol = load_protocol()
    if judged_by != protocol.sha256:
        raise WrongUsage(
            f"{args.scores} was judged by another protocol, {str(judged_by)[:12]}, than this one, "
            f"{protocol.sha256[:12]}. Run `head-ct-anomaly cq500 score` again."
        )
    write_output(args.output, text.encode())
    print(args.output)
    return 0
