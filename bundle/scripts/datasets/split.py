"""The *split* of a folder of scans: a datalist says which of them a training learns from, and which validate it.

Scans that are *held out* are in neither section: they are left for tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import WrongUsage
from ..words import counted

VALIDATION_STEP = 5
"""Of a folder of scans, every so many-th is for validation."""


def split_of(
    folder: Path, scans: Mapping[str, Path], validation: Sequence[str], hold_out: Sequence[str]
) -> dict[str, list[dict[str, str]]]:
    """A datalist of the scans in a folder, given by name: those for validation, and the others, for training.

    Args:
        folder: named by errors.
        scans: path by name of all scans in it.
        validation: names of those for validation; if there are none, every fifth of those that are not held out.
        hold_out: names of those that are left out.

    Raises:
        WrongUsage: there is no scan of a name, one is to validate on and held out, or none is left to train or to
            validate on.
    """
    check_apart(validation, hold_out)
    for name in (*validation, *hold_out):
        if name not in scans:
            raise WrongUsage(f"There is no scan {name} in {folder}. Correct --validation or --hold-out.")
    left = [name for name in scans if name not in hold_out]
    chosen = list(validation) or left[VALIDATION_STEP - 1 :: VALIDATION_STEP] or left[-1:]
    training = [name for name in left if name not in chosen]
    if not training or not chosen:
        raise WrongUsage(
            f"{folder} holds {counted(len(left), 'scan')}: too few to learn from and to validate on. "
            "Label maps go with --simulate."
        )
    return {
        section: [{"image": str(scans[name].absolute())} for name in names]
        for section, names in (("training", training), ("validation", chosen))
    }


def check_apart(validation: Sequence[str], hold_out: Sequence[str]) -> None:
    """See that what is held out is not validated on.

    Raises:
        WrongUsage: a name is in both lists.
    """
    if both := [name for name in validation if name in hold_out]:
        raise WrongUsage(
            f"{both[0]} is to be validated on, and held out, which means used for nothing. "
            "Correct --validation or --hold-out."
        )
