"""Shards: parts of a cohort that are scored apart, on machines that share nothing, and joined afterwards.

A case belongs to the shard that the hash of its name says, so a list that grows moves no case. A shard is one folder
(see `folder`), which no other shard reads or writes. What `cohort.json` says of a shard, its *place*, names the list
that it is of, and the row of each of its cases there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import WrongUsage

AUTO = "auto"
"""For the number of a shard: what the scheduler says."""

FORM = re.compile(rf"(\d{{1,6}}|{AUTO})/(\d{{1,6}})")

SLURM, KUBERNETES = "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"
"""Variables with the number of a task: of a SLURM array, which shall count from 1, and of an Indexed Job, from 0."""


class Named(Protocol):
    """A case, or a healthy scan: what has a name in a list."""

    @property
    def name(self) -> str:
        """Its name, which no other one has."""


@dataclass(frozen=True)
class Shard:
    """Shard `number`, from 1 on, of so many."""

    number: int
    of: int

    @property
    def folder_name(self) -> str:
        """Name of its folder beside those of the others, so that they sort by number."""
        return f"shard_{self.number:0{len(str(self.of))}d}_of_{self.of}"

    def holds(self, case: str) -> bool:
        """True if a case of this name belongs to it."""
        return shard_of(case, self.of) == self.number

    def place(self, cases: Sequence[Named]) -> dict[str, Any]:
        """The shard in `cohort.json`: number, of, the fingerprint of the whole list, and its cases' rows."""
        rows = {case.name: row for row, case in enumerate(cases) if self.holds(case.name)}
        return {"number": self.number, "of": self.of, "list": list_sha256(cases), "listed": len(cases), "rows": rows}


def shard_of(case: str, of: int) -> int:
    """The number of the shard, 1 to `of`, that a case belongs to by its name."""
    return int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "big") % of + 1


def list_sha256(cases: Sequence[Named]) -> str:
    """The sha256 of the names of cases, in their order."""
    return hashlib.sha256("\n".join(case.name for case in cases).encode()).hexdigest()


def shard_named(text: str, environment: Mapping[str, str]) -> Shard:
    """The shard that `text` names: "3/200", counted from 1, or "auto/200", of which the scheduler's task says which.

    Raises:
        WrongUsage: it is no shard, or no scheduler says a number, or one beyond the last.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise WrongUsage(
            f"--shard {text!r} is none: say 3/200 for the third of 200, or {AUTO}/200 in an array of tasks."
        )
    of = int(form[2])
    number, source = (int(form[1]), "--shard") if form[1] != AUTO else _from_scheduler(environment)
    if not 1 <= number <= of:
        raise WrongUsage(f"{source} is number {number} of {of} shards: numbers go from 1 to {of}.")
    return Shard(number, of)


def _from_scheduler(environment: Mapping[str, str]) -> tuple[int, str]:
    """The number of a task, from 1 on, and where it comes from."""
    for name, first in ((SLURM, 1), (KUBERNETES, 0)):
        text = environment.get(name, "")
        if text.isdecimal():
            return int(text) - first + 1, f"{name}={text}"
    raise WrongUsage(
        f"--shard {AUTO}/N needs {SLURM} or {KUBERNETES}, and neither is set. Name the shard: --shard 3/200."
    )
