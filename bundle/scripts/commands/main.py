"""`head-ct-anomaly`: the entry point of all commands, and their exit codes.

0 done · 2 wrong usage · 3 the input was refused · 4 the output can't be written · 5 an error of the program, or its
files are not as they were made (see `integrity`) · 130 the user stopped it with Ctrl-C · 141 who read the standard
output stopped reading, as in `... | head` · 143 it was stopped by SIGTERM.

Only the module of the command that was asked for is imported, so that `inspect` starts without torch.
"""

from __future__ import annotations

import argparse
import io
import os
import select
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from ..assets import metadata
from ..errors import OutputExists, OutputFailed, WrongUsage, as_ours, debug_text, disk_is_full, origin, text_of
from ..findings import InputRefused
from ..integrity import BundleChanged
from ..processes.stopping import stoppable, undisturbed
from ..workflow import prepare_process

COMMANDS = {
    "inspect": "say what an input holds and whether it can be judged",
    "run": "make the heatmap and the scores of one scan, or of several",
    "report": "make the page and the PDF of results that are there",
    "verify": "say whether results are complete and unchanged",
    "listen": "a DICOM node: judge what is sent to it, send the results on",
    "train": "train the network on healthy scans, or on heads drawn from label maps",
    "export": "make plain weights of a training checkpoint",
    "convert": "write the network for other programs: ONNX, or a program of torch.export",
    "calibrate": "learn from healthy scans what is normal; no training",
    "cohort": "score every scan of a folder or datalist, in several processes or on Ray",
    "power": "plant lesions into healthy scans of a site, and say which are found",
    "merge": "join the shards of `cohort --shard` or `calibrate --shard`; also `cohort merge`",
    "audit": "say whether the thresholds hold on a site's own healthy scans, and where not",
    "evaluate": "AUROC and more from the scores of a cohort; compare two of them",
    "compare": "two scans of one patient, before and after; or two runs of one list",
    "simulate": "draw simulated head CT from label maps of heads",
    "cq500": "make a datalist of the data set CQ500",
    "cq500-score": "judge per-case scores of CQ500 by the frozen protocol; also `cq500 score`",
    "cq500-card": "make the page of judged scores that can be published; also `cq500 card`",
    "standin": "draw a simulated data set in the form of CQ500",
    "reproduce": "train, judge and draw everything that a manifest names",
    "paper": "draw the paper's tables and figures from a reproduction",
    "demo": "run the sample and compare the heatmap with what was planted in it",
    "completion": "print the script by which bash or zsh completes commands and options",
}
"""Every command, a module with `add_arguments` and `main`, and its line in the help."""

IN_TWO_WORDS = {"cohort merge": "merge", "cq500 score": "cq500-score", "cq500 card": "cq500-card"}
"""Commands that can be given as part of another one."""

DEV = "dev"
"""The word before the commands of those who make the bundle."""

DEVELOPING = {
    "prepare": "register the scans of a datalist, for trainings on them",
    "reference": "make the reference head, its regions and its atlas from label maps",
    "sample": "make the sample of the demo from a label map of a head",
    "memory": "measure the memory of trainings",
    "manifest": "make the list of the bundle's files anew, after a change of them",
    "package": "make the zip of the bundle that a user of the MONAI model zoo downloads",
}
"""The commands after `dev`, likewise."""

REPRODUCING = ("cq500", "cq500-score", "cq500-card", "standin", "memory", "reproduce", "paper")
"""Commands that only reproduce the paper: modules of `reproduction.commands`, the others are in this package."""

USAGE, REFUSED, OUTPUT_FAILED, INTERNAL, INTERRUPTED, CLOSED, TERMINATED = 2, 3, 4, 5, 130, 141, 143
"""Exit codes; see above."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's arguments) and return its exit code."""
    words = in_one_word(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in a name of a file, any letter may be
            stream.reconfigure(errors="backslashreplace")
    with stoppable() as received:
        try:
            status = run(words)
        except KeyboardInterrupt:
            status = INTERRUPTED
            with suppress(KeyboardInterrupt), undisturbed():  # a second one would say nothing new
                print("Stopped before it was done.", file=sys.stderr)
        return TERMINATED if status == INTERRUPTED and received.number == signal.SIGTERM else status


def in_one_word(words: Sequence[str]) -> list[str]:
    """The same words, with the command in one of them."""
    joined = IN_TWO_WORDS.get(" ".join(words[:2]))
    return list(words) if joined is None else [joined, *words[2:]]


def run(words: Sequence[str]) -> int:
    """Run the command in `words`, report an error, if any, and return the exit code."""
    debug = "--debug" in words
    try:
        if any(not word or (word.startswith("--") and word.endswith("=")) for word in words):
            raise WrongUsage("An argument is empty. Name it; a variable of the shell may not be set.")
        prepare_process()
        args = parser_for(words).parse_args(words)
        status = int(args.main(args))
        sys.stdout.flush()
        return status
    except Exception as error:
        if isinstance(error, BrokenPipeError) and output_is_closed():
            return CLOSED
        if debug:
            print(debug_text(error), end="", file=sys.stderr)
        return explain(error)


def parser_for(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the whole program, with the arguments of the command that `words` name."""
    asked = [word for word in words if not word.startswith("-")]
    return parser_with(asked[:1], asked[1:2] if asked[:1] == [DEV] else ())


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the whole program, with the arguments of every command that is installed."""
    lacking = REPRODUCING if find_spec("reproduction") is None else ()
    return parser_with([name for name in COMMANDS if name not in lacking], DEVELOPING.keys() - {*lacking})


def parser_with(asked: Collection[str], asked_dev: Collection[str]) -> argparse.ArgumentParser:
    """The parser of the whole program, with the arguments of these commands, and of these after `dev`."""
    parser = argparse.ArgumentParser(
        prog="head-ct-anomaly", description="Anomaly heatmaps of head CT. For research only, not a medical device."
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--version", action="version", version=f"%(prog)s {metadata()['version']}")
    parser.set_defaults(every_command=whole_parser)
    commands = add_commands(parser, COMMANDS, asked)
    develop = commands.add_parser(DEV, help=f"for those who make the bundle: {', '.join(DEVELOPING)}")
    inner = add_commands(develop, DEVELOPING, asked_dev)
    for command in (*commands.choices.values(), *inner.choices.values()):
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def add_commands(parser: argparse.ArgumentParser, lines: Mapping[str, str], asked: Collection[str]) -> Any:
    """The subparsers of commands, of which those that were asked for declare their arguments."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, line in lines.items():
        command = commands.add_parser(name, help=line)
        if name in asked:
            module = module_of(name)
            module.add_arguments(command)
            command.set_defaults(main=module.main)
    return commands


def module_of(name: str) -> ModuleType:
    """The module of a command.

    Raises:
        WrongUsage: it only reproduces the paper, and the package `reproduction` is not installed.
    """
    if name not in REPRODUCING:
        return import_module(f".{name}", __package__)
    if find_spec("reproduction") is None:
        raise WrongUsage(
            f"The command {name} only reproduces the paper and is not part of the bundle. "
            "Install the whole package: pip install head-ct-position-anomaly."
        )
    return import_module(f"reproduction.commands.{name.replace('-', '_')}")


def output_is_closed() -> bool:
    """True if nobody reads the standard output any more; the rest of the output is then discarded."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # not a file of the operating system's
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    closed = any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    return closed


def explain(error: Exception) -> int:
    """Report an error on stderr, in a sentence or two, and return its exit code."""
    if isinstance(error, WrongUsage):
        print(error, file=sys.stderr)
        return USAGE
    if isinstance(error, InputRefused):
        print(error, file=sys.stderr)
        return REFUSED
    if isinstance(error, OutputExists | OutputFailed):
        print(error, file=sys.stderr)
        return OUTPUT_FAILED
    if isinstance(error, BundleChanged):
        print(error, file=sys.stderr)
        return INTERNAL
    if full := disk_is_full(error):
        print(as_ours(full, Path(full.filename or "the output")), file=sys.stderr)
        return OUTPUT_FAILED
    first = origin(error)
    text = text_of(first).rstrip(".")
    print(
        f"Internal error ({type(first).__name__}){f': {text}' if text else ''}. Use --debug to see where.",
        file=sys.stderr,
    )
    return INTERNAL
