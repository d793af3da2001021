"""Scans of a site that shall be healthy: neither a label nor a mask of theirs may say otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from ..datasets.datalist import Case
from ..errors import WrongUsage
from ..words import counted


def check_healthy(cases: Iterable[Case], why: str) -> None:
    """See that no label and no mask of a case says that it has a lesion; `why`, what for, begins the message.

    Raises:
        WrongUsage: one does.
    """
    cases = list(cases)
    ill = {case.name: label for case in cases for label, true in case.labels.items() if true}
    if ill:
        label = next(iter(ill.values()))
        remedy = f"Leave {counted(len(ill), 'case')} out of the list."
        raise WrongUsage(f"{why}, but {who(list(ill))} a label of a lesion ({label}). {remedy}")
    if masked := [case.name for case in cases if case.mask is not None]:
        remedy = f"Leave {counted(len(masked), 'case')} out of the list, or the mask where it is empty."
        raise WrongUsage(f"{why}, but {who(masked)} a mask of a lesion. {remedy}")


def who(names: list[str]) -> str:
    """The first of some cases, how many more there are, and the verb."""
    return f"{names[0]} and {len(names) - 1} more have" if len(names) > 1 else f"{names[0]} has"
