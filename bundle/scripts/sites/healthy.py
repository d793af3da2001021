"""Scans of a site that shall be healthy: no label of theirs may say otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from ..datasets.datalist import Case
from ..errors import WrongUsage
from ..words import counted


def check_healthy(cases: Iterable[Case], why: str) -> None:
    """See that no label of a case says that it has a lesion; `why`, what for, is the first half of the message.

    Raises:
        WrongUsage: one does.
    """
    ill = {case.name: label for case in cases for label, true in case.labels.items() if true}
    if ill:
        first, label = next(iter(ill.items()))
        who = f"{first} and {len(ill) - 1} more have" if len(ill) > 1 else f"{first} has"
        remedy = f"Leave {counted(len(ill), 'case')} out of the list."
        raise WrongUsage(f"{why}, but {who} a label of a lesion ({label}). {remedy}")
