"""Arguments that several commands take, and checks before minutes or hours of work: devices, names in configs.

A wrong argument is wrong usage: one sentence, and exit code 2.

An *engine* works through many scans: processes of this machine, or a Ray cluster; the same files come of both. Each job
is given to a function that can be pickled and writes its outcome to the disk, so that a run which was stopped or killed
can resume.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import WrongUsage
from ..networks.devices import DEVICE
from ..networks.devices import check_device as check_device
from ..networks.strides import STRIDES
from ..processes.cluster import imported_ray, on_cluster
from ..processes.local import Answer, Job, Lost, in_processes
from ..statistics.alpha import MOST_ALPHA, checked_alpha

SPECIAL = "$@%#"
"""Letters that MONAI's configs give a meaning: an expression, a reference, a macro, an id in an id."""


def add_output(parser: argparse.ArgumentParser, words: str) -> None:
    """Declare the option for the output, which is required; its help begins with "file" or "folder"."""
    metavar = "FILE" if words.startswith("file") else "OUT"
    parser.add_argument("-o", "--output", metavar=metavar, type=Path, required=True, help=words)


def add_work(parser: argparse._ActionsContainer, words: str, default: Path | None = None) -> None:
    """Declare the folder of what is cached, so that it is not computed again."""
    parser.add_argument("--work", metavar="DIR", type=Path, default=default, help=words)


def add_names(parser: argparse._ActionsContainer, words: str, option: str = "--names") -> None:
    """Declare a list of names; an empty list by default."""
    parser.add_argument(option, metavar="NAME,NAME", type=names, default=[], help=words)


def add_seed(parser: argparse.ArgumentParser, words: str, default: int | None = 0) -> None:
    """Declare the seed; the help text says what follows from it, and the default."""
    parser.add_argument("--seed", metavar="N", type=seed, default=default, help=words)


def add_stride(parser: argparse._ActionsContainer, words: str = "(2)", default: int | None = None) -> None:
    """Declare the distance between predictions of the dense network; the words give the default and its reason."""
    parser.add_argument("--stride", type=int, choices=STRIDES, default=default, help=f"mm between predictions {words}")


def add_no_report(parser: argparse._ActionsContainer) -> None:
    """Declare the option that leaves the page and the sheet out; `report` is true without it."""
    parser.add_argument("--no-report", dest="report", action="store_false", help="make no report.html and report.pdf")


def add_series_uid(parser: argparse.ArgumentParser) -> None:
    """Declare the series of a study."""
    parser.add_argument(
        "--series-uid", metavar="UID", type=series_uid, help="the series to use, when a study holds several"
    )


def add_workers(parser: argparse._ActionsContainer, words: str) -> None:
    """Declare how many processes work."""
    parser.add_argument("--workers", metavar="N", type=positive, help=words)


def add_device(parser: argparse._ActionsContainer, words: str = "") -> None:
    """Declare the device to compute on; the words say what for, where that is not everything."""
    text = f"auto (default), cpu, cuda or cuda:N{words and f', {words}'}"
    parser.add_argument("--device", metavar="NAME", type=device, default="auto", help=text)


def add_alpha(parser: argparse._ActionsContainer, words: str = "") -> None:
    """Declare the alpha of the thresholds; the words say of what, where that is not everything."""
    text = f"share of the calibration's healthy scores above the thresholds{words and f', {words}'} (0.05)"
    parser.add_argument("--alpha", metavar="SHARE", type=alpha, help=text)


def add_calibration(parser: argparse._ActionsContainer, words: str = "") -> None:
    """Declare the folder of the calibration; the words say of what, where that is not everything."""
    text = f"calibration other than the one that ships{words and f', {words}'}"
    parser.add_argument("--calibration", metavar="DIR", type=Path, help=text)


def add_weights(parser: argparse._ActionsContainer, words: str = "") -> None:
    """Declare the weights of both networks; the words say of what, where that is not everything."""
    for option, network in (("--weights", "position"), ("--evidence-weights", "density")):
        text = f"weights of the {network} network other than those that ship{words and f', {words}'}"
        parser.add_argument(option, metavar="FILE", type=Path, help=text)


def option_of(name: str) -> str:
    """The option whose value has a name in the arguments."""
    return f"--{name.replace('_', '-')}"


def alpha(text: str) -> float:
    """An alpha, checked.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    try:
        return checked_alpha(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no alpha: use a number above 0 and at most {MOST_ALPHA}, as 0.01"
        ) from None


def check_plain(names: Iterable[str]) -> None:
    """See that names can become texts of a config, which would take some for expressions or references.

    Raises:
        WrongUsage: one can't.
    """
    for name in names:
        if set(name) & set(SPECIAL) or "::" in name:
            raise WrongUsage(f"{name!r} has one of {SPECIAL} in it, which configs give a meaning. Rename that file.")


def device(text: str) -> str:
    """A device's name, checked, since it becomes part of a config.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device: use auto, cpu, cuda or cuda:N")
    return text


def series_uid(text: str) -> str:
    """A DICOM UID, checked, since it becomes part of a config.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not re.fullmatch(r"[0-9.]{1,64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no UID: digits and dots, at most 64 of them")
    return text


def names(text: str) -> list[str]:
    """The names between commas.

    Raises:
        argparse.ArgumentTypeError: there is none.
    """
    found = [name for name in text.split(",") if name]
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} holds no name: say NAME,NAME")
    return found


def names_among(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A function that gives the names between commas.

    It raises argparse.ArgumentTypeError where one of them is not known.
    """

    def among(text: str) -> list[str]:
        for name in (found := names(text)):
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return found

    return among


def positive(text: str) -> int:
    """A whole number above 0.

    Raises:
        ValueError: it is not one; argparse says so.
    """
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def from_zero(text: str) -> float:
    """A number from 0 on, checked.

    Raises:
        argparse.ArgumentTypeError: it is none, or has no end.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return number


def whole_from_zero(text: str) -> int:
    """A whole number from 0 on, checked.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def seed(text: str) -> int:
    """A seed, checked.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 0 on.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: use a whole number from 0 on")
    return int(text)


FAILURES, STOPPED = 5, 130
"""Exit codes of such commands: something failed; Ctrl-C."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the engines."""
    engine = parser.add_argument_group("engine")
    engine.add_argument("--engine", choices=("local", "ray"), default="local", help="processes here (default), or Ray")
    engine.add_argument("--address", help="of a Ray cluster; without it, one is started on this machine")
    add_workers(engine, "processes, one scan each at a time (local: 1, ray: one a CPU)")


def engine_problem(args: argparse.Namespace) -> str:
    """A sentence on what is wrong with the chosen engine; empty if nothing is.

    Raises:
        WrongUsage: the device, or Ray, is not there.
    """
    if args.address and args.engine != "ray":
        return "--address is that of a Ray cluster. Add --engine ray."
    if args.engine == "ray":
        imported_ray(args.address)
    else:
        check_device(args.device)
    return ""


def answers(
    function: Callable[[Job], Answer], jobs: Sequence[Job], args: argparse.Namespace
) -> Iterator[tuple[Job, Answer | Lost]]:
    """The answer to each job as soon as it is known, by the chosen engine.

    Raises:
        WrongUsage: no Ray cluster answers.
        Exception: what `function` raised for a job.
    """
    if not jobs:
        return iter(())
    if args.engine == "ray" or (args.workers or 1) > 1:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if args.engine == "local":
        return in_processes(function, jobs, args.workers or 1)
    gpu = None if args.device == "auto" else args.device.startswith("cuda")
    return on_cluster(function, jobs, args.workers, args.address, gpu)
