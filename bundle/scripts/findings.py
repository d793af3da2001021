"""What can be said about an input: one table of findings, from which messages, tests and docs are made.

A *finding* is one statement about the input, with a code, a severity and a message of one or two sentences. A *refusal*
means that no heatmap is made; a *flag* travels into every output; *information* does not change how a result is read.
Messages hold no patient data: no value of a DICOM attribute that identifies a person, and, in flags, no file name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

REFUSAL, FLAG, INFORMATION = "refusal", "flag", "information"


@dataclass(frozen=True)
class FindingKind:
    """A row of the table: when a finding is made and what the user can do about it."""

    code: str
    severity: str
    condition: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One statement about one input; `series_uid` only serves `inspect` and is written into no result."""

    code: str
    severity: str
    message: str
    series_uid: str | None = None

    def as_dict(self) -> dict[str, str]:
        """The three fields that go into `result.json`."""
        return {name: value for name, value in asdict(self).items() if name != "series_uid"}


class InputRefused(ValueError):
    """The input can't be judged; `findings` says why, the first one being the reason to show."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(" ".join(f.message for f in self.findings if f.severity == REFUSAL))


TABLE: tuple[FindingKind, ...] = (
    FindingKind("path_missing", REFUSAL, "the input path does not exist", "Check the path."),
    FindingKind(
        "registration_failed",
        REFUSAL,
        "the scan does not align with the reference head",
        "Check that it is a head CT, not mirrored or upside-down, and that its spacing is right.",
    ),
)
KINDS = {kind.code: kind for kind in TABLE}


def finding(code: str, detail: str, series_uid: str | None = None) -> Finding:
    """The finding `code`: `detail` (what is wrong, with the value) followed by the remedy of the table.

    Raises:
        KeyError: `code` is not in the table.
    """
    kind = KINDS[code]
    return Finding(code, kind.severity, f"{detail} {kind.remedy}".strip(), series_uid)


def refusal(code: str, detail: str, series_uid: str | None = None) -> InputRefused:
    """The exception to raise for one refusing finding."""
    return InputRefused([finding(code, detail, series_uid)])
