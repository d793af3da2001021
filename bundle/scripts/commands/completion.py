"""`head-ct-anomaly completion`: the script by which bash or zsh completes commands, options, choices and paths.

The library shtab (extra `completion`) makes it of the parsers of all commands, once: no key press starts Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ..errors import WrongUsage

SHELLS = ("bash", "zsh")
"""Shells that a script can be printed for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that shall complete")


def main(args: argparse.Namespace) -> int:
    """Print the script; 0 when it is done.

    Raises:
        WrongUsage: shtab is not installed.
    """
    if find_spec("shtab") is None:
        raise WrongUsage(
            'Completion needs the package shtab. Install it: pip install "head-ct-position-anomaly[completion]"'
        )
    print(script(args.every_command(), args.shell))
    return 0


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script of a parser and the parsers of its commands, for a shell of `SHELLS`."""
    import shtab

    for action in actions_of(parser):
        if action.choices is None and action.nargs != 0 and (action.type is Path or not action.option_strings):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def actions_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every option and argument of a parser and of the parsers of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions_of(command)
