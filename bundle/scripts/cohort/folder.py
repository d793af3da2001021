"""The folder of a cohort run: its finished cases and its settings.

`cohort.json` has the settings of the scores, and the scan of each case; scores of other settings never join it.
`cases/CASE/` is a complete set of results (see `results`). `reasons/CASE.json` tells why a case has none: it was
refused, or it failed; a refusal counts for the bundle that made it. `registered/` caches registered scans (see
`datasets.cache`), `scores.csv` and `score_details.csv` are the tables, `index.html` with `thumbnails/` is the page over
them. Files and folders are written atomically, so a run that was killed can resume. A case is *finished* when it is
done or refused; a finished case is never computed again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..assets import manifest_sha256
from ..errors import OutputExists, WrongUsage
from ..files.atomic import write_output
from ..files.json_text import json_text
from ..files.locks import alone, lock_file
from ..results.folder import ABANDONED_S, abandoned
from ..results.record import RESULT_NAME, own_files
from ..statistics.alpha import ALPHA
from .table import DETAILS_NAME, DONE, FAILED, REFUSED, TABLE_NAME, Row, row_of, short_text, table_text

FACTS_NAME = "cohort.json"

COHORT_FORMAT = "head_ct_position_anomaly cohort 1"
"""Value of `format` in `cohort.json`."""

EVALUATION_NAME, INDEX_NAME, PREDICTIONS_NAME = "evaluation.json", "index.html", "predictions.csv"

CASES, REASONS, REGISTERED, THUMBNAILS, LOCK = "cases", "reasons", "registered", "thumbnails", ".lock"

OWN = {FACTS_NAME, EVALUATION_NAME, INDEX_NAME, PREDICTIONS_NAME, TABLE_NAME, DETAILS_NAME}
OWN |= {CASES, REASONS, REGISTERED, THUMBNAILS, LOCK}
"""All that a cohort run puts into its folder."""

BY_SYSTEMS = {"Thumbs.db", "desktop.ini"}
"""Files that Windows puts into folders that are looked at; those of other systems are hidden."""


class CohortFolder:
    """The folder of a cohort run; it need not exist yet."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out of the folder, and remove half-written files of killed workers, before and after.

        Raises:
            OutputExists: another run works in it.
            OutputFailed: it can't be written.
        """
        taken = f"Another run works in {self.root}. Wait for it, or choose another folder."
        with alone(lock_file(self.root / LOCK), self.root, taken) as firm:
            age_s = 0 if firm else ABANDONED_S  # without locks, another run may be writing
            self.remove_half_written(age_s)
            try:
                yield
            finally:
                self.remove_half_written(age_s)

    def remove_half_written(self, age_s: float) -> None:
        """Remove what killed workers left beside cases and reasons, if nothing was written to it for so long.

        Other commands may be writing elsewhere in the folder: what is half-written there goes after a day.
        """
        ages_s = {CASES: age_s, REASONS: age_s, **dict.fromkeys((".", REGISTERED, THUMBNAILS), ABANDONED_S)}
        for name, least_s in ages_s.items():
            for partial in (self.root / name).glob(".*.partial"):
                if abandoned(partial, least_s):
                    shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else partial.unlink(missing_ok=True)
        for file in (self.root / CASES).glob(".*.lock"):
            file.unlink(missing_ok=True)

    def settle(
        self, facts: Mapping[str, Any], sources: Mapping[str, str], shard: Mapping[str, Any] | None = None
    ) -> None:
        """Write what the run is made with, and the fingerprint of each case's scan; or see that it is as before.

        `shard` is the place of a shard (see `shards`); the list that it is of may grow.

        Raises:
            OutputExists: the folder holds a run of other settings, other scans under the same names, or other files.
            OutputFailed: it can't be written.
        """
        self.check()
        known = self.facts()
        before = known.pop("cases", {}) if known else {}
        wanted = json.loads(json_text({"format": COHORT_FORMAT, **facts, **_shard_words(shard)}))
        known |= _shard_words(known.pop("shard", None)) if known else {}
        if known and (change := differing(with_alpha(known), with_alpha(wanted))):
            raise OutputExists(f"{self.root} holds a run with other settings: {change}. Choose another folder.")
        for case, source in sources.items():
            if before.get(case, source) != source and self.finished(case):
                raise OutputExists(
                    f"{case} was scored from another scan than is listed now. Remove {self.root / CASES / case} and "
                    f"{self.root / REASONS / case}.json to score it again, or choose another folder."
                )
        place = {} if shard is None else {"shard": dict(shard)}
        self.write(FACTS_NAME, json_text({**wanted, **place, "cases": {**before, **sources}}))

    def check(self) -> None:
        """See that the folder holds a cohort run, or nothing, or does not exist. What was put beside a run stays.

        Raises:
            OutputExists: it holds something else, or is a file.
        """
        if self.root.is_file():
            raise OutputExists(f"{self.root} is a file. Choose another name for the output folder.")
        found = {path.name for path in self.root.iterdir()} if self.root.is_dir() else set()
        others = sorted(name for name in found - OWN - BY_SYSTEMS if not name.startswith("."))
        if others and FACTS_NAME not in found:
            raise OutputExists(
                f"{self.root} holds {others[0]}, which is no part of a cohort run. Choose another folder."
            )

    def facts(self) -> dict[str, Any]:
        """The content of `cohort.json`; empty if there is none.

        Raises:
            WrongUsage: it can't be read.
        """
        path = self.root / FACTS_NAME
        if not path.is_file():
            return {}
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            ours = content["format"] == COHORT_FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WrongUsage(f"{path} can't be read ({error}). Choose another folder.") from error
        if not ours:
            raise WrongUsage(f"{path} is of another format than {COHORT_FORMAT!r}. Choose another folder.")
        return content

    def row(self, case: str) -> Row | None:
        """The row of a case; None if the case has no result yet, a damaged one, or a refusal by another bundle."""
        folder, reason = self.root / CASES / case, self.root / REASONS / f"{case}.json"
        if own_files(folder):
            return row_of(case, json.loads((folder / RESULT_NAME).read_text(encoding="utf-8")))
        try:
            content = json.loads(reason.read_text(encoding="utf-8"))
            bundle = content.pop("bundle", "")
            row = Row(case, **content)
        except (AttributeError, FileNotFoundError, ValueError, TypeError):
            return None
        return None if row.status == REFUSED and bundle != manifest_sha256() else row

    def finished(self, case: str) -> bool:
        """True if a case is done or refused."""
        row = self.row(case)
        return row is not None and row.status in (DONE, REFUSED)

    def keep_reason(self, row: Row) -> None:
        """Keep why a case has no results.

        Raises:
            OutputFailed: it can't be written.
        """
        content = {"status": row.status, "reason": row.reason, "seconds": row.seconds}
        content |= {"bundle": manifest_sha256()} if row.status == REFUSED else {}
        self.write(f"{REASONS}/{row.case}.json", json_text(content))

    def write_table(self, rows: Sequence[Row]) -> None:
        """Write `score_details.csv` and `scores.csv`.

        Raises:
            OutputFailed: it can't be written.
        """
        self.write(DETAILS_NAME, table_text(rows))
        self.write(TABLE_NAME, short_text(rows, CASES))

    def rows(self, cases: Sequence[str]) -> list[Row]:
        """The row of each case; a case without a result counts as failed."""
        found = {case: self.row(case) for case in cases}
        return [row or Row(case, FAILED, "It was not begun.") for case, row in found.items()]

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder, which appears complete or not at all.

        Raises:
            OutputFailed: it can't be written.
        """
        write_output(self.root / name, text.encode())


def shortened(row: Row, limit: int = 400) -> Row:
    """A row whose reason is one line of at most `limit` characters."""
    return replace(row, reason=" ".join(row.reason.split())[:limit])


def _shard_words(shard: Mapping[str, Any] | None) -> dict[str, str]:
    """The part of a shard's place that may not change in its folder."""
    return {} if shard is None else {"shard": f"{shard['number']} of {shard['of']}"}


def with_alpha(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts whose settings name an alpha: earlier versions had the default one without saying so."""
    return {**facts, "settings": {"alpha": ALPHA, **facts.get("settings", {})}}


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first value that differs, in words; empty if none does."""
    return next((f"{name} was {old} and is {new}" for name, old, new in differences(before, now)), "")


def differences(before: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The name, the earlier and the present value of each setting that differs; None where there is none."""
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, f"{place}{name} ")
        elif old != new:
            yield f"{place}{name}", old, new
