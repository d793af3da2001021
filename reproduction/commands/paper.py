"""`head-ct-anomaly paper`: the paper's tables and figures from the folder of a reproduction, on one page.

`OUT/paper/README.md` shows them in the paper's order. Parts that can't be made are left out, with a sentence on what is
missing: nothing is invented, and an earlier file of it is removed.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from scripts.commands.arguments import names_among
from scripts.errors import WrongUsage
from scripts.files.atomic import check_writable, replace_file

from ..folder import Reproduction
from ..items import ITEMS, Item
from ..rows import NothingToShow

PAGE = "README.md"

OPENING = """# The paper's tables and figures, reproduced

Bieder, Wolleb, Sandkühler, Cattin, "Position Regression for Unsupervised Anomaly Detection", MIDL 2022. Numbers of the
"paper" are those that it reports; those of "here" were made by this reproduction.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", metavar="OUT", type=Path, help="folder of a reproduction; they go to OUT/paper")
    known = [item.stem for item in ITEMS]
    words = f"make these alone, and no page: {', '.join(known)}"
    parser.add_argument("--only", metavar="NAME,NAME", type=names_among(known), default=[], help=words)


def main(args: argparse.Namespace) -> int:
    """Make what can be made, and the page; 0 when the page, or all that was named, is there.

    Raises:
        WrongUsage: the folder is none of a reproduction, matplotlib is missing, or what was named can't be made.
        OutputFailed: the files can't be written.
    """
    folder = Reproduction(args.folder)
    folder.settings()
    if find_spec("matplotlib") is None:
        raise WrongUsage("Figures need matplotlib. Install it: pip install 'head-ct-position-anomaly[reproduce]'")
    check_writable(folder.paper)
    folder.paper.mkdir(parents=True, exist_ok=True)
    items = [item for item in ITEMS if not args.only or item.stem in args.only]
    parts = [made(folder, item) for item in items]
    if args.only:
        if missing := [reason for _, reason in parts if reason]:
            raise WrongUsage(f"{missing[0]} `head-ct-anomaly reproduce` makes what is missing.")
        return 0
    page = folder.paper / PAGE
    replace_file(page, "\n".join([OPENING, *(part for part, _ in parts)]).encode())
    print(page)
    return 0


def made(folder: Reproduction, item: Item) -> tuple[str, str]:
    """Write the files of an item; its part of the page and, where it can't be made, the sentence that says why."""
    try:
        files, body = item.make(folder, item.stem)
    except NothingToShow as reason:
        for earlier in folder.paper.glob(f"{item.stem}.*"):
            earlier.unlink()
        sentence = f"{item.title} is left out: {reason}."
        print(sentence)
        return f"## {item.title}\n\nLeft out: {reason}.\n", sentence
    for name, content in files.items():
        replace_file(folder.paper / name, content)
    print(f"{item.title}: {', '.join(files)}")
    return f"## {item.title}\n\n{item.caption}\n\n{body}", ""
