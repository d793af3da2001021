"""Arguments that several commands take, and what is seen to before minutes or hours of work: devices, names in configs.

A wrong argument is wrong usage: one sentence, and exit code 2.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import WrongUsage

SPECIAL = "$@%#"
"""Letters that MONAI's configs give a meaning: an expression, a reference, a macro, an id in an id."""


def add_output(parser: argparse.ArgumentParser, words: str, metavar: str = "OUT") -> None:
    """Declare where the output goes, which has to be said, with words on what it is."""
    parser.add_argument("-o", "--output", metavar=metavar, type=Path, required=True, help=words)


def add_device(parser: argparse._ActionsContainer) -> None:
    """Declare the device to compute on."""
    parser.add_argument("--device", type=device, default="auto", help="auto (default), cpu, cuda or cuda:N")


def check_device(name: str) -> None:
    """See that there is such a device, `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        WrongUsage: there is not.
    """
    if not name.startswith("cuda"):
        return
    import torch

    count = torch.cuda.device_count()
    if int(name.partition(":")[2] or 0) >= count:
        raise WrongUsage(
            f"There is no device {name}: PyTorch sees {count} GPUs here. Use --device cpu, or leave it out."
        )


def check_plain(names: Iterable[str]) -> None:
    """See that names can become texts of a config, which would take some for expressions or references.

    Raises:
        WrongUsage: one can't.
    """
    for name in names:
        if set(name) & set(SPECIAL) or "::" in name:
            raise WrongUsage(f"{name!r} has one of {SPECIAL} in it, which configs give a meaning. Rename that file.")


DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
"""Devices that can be asked for."""


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


def positive(text: str) -> int:
    """A whole number above 0.

    Raises:
        ValueError: it is not one; argparse says so.
    """
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def seed(text: str) -> int:
    """A seed, checked.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 0 on.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: use a whole number from 0 on")
    return int(text)
