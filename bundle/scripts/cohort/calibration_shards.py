"""Shards of a calibration: healthy scans that are measured apart, on machines that share nothing, and joined then.

The folder of a shard has `scans/` with what each of its scans gave (see `calibration.files`), and at last
`calibration.json`: what they were made with, the place of the shard in the list (see `shards`), and for each of its
scans the file, the group, whether the skull alone was measured, and whether it failed. All of them together make the
bytes of one calibration of the whole list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..assets import metadata
from ..calibration.finishing import calibrated
from ..calibration.runner import Job
from ..errors import WrongUsage
from ..files.atomic import check_writable, write_output
from ..files.fingerprints import Source
from ..files.json_text import json_text
from ..words import counted
from .parts import Part, check_own, whole
from .shards import Shard

FACTS_NAME, SCANS = "calibration.json", "scans"

FORMAT = "head_ct_position_anomaly shard of a calibration 1"
"""Value of `format` in `calibration.json`."""

AGAIN = "calibrate --shard"
"""The command that makes a shard."""


def write_shard(
    folder: Path, shard: Shard, jobs: Sequence[Job], failed: Sequence[Job], made_with: Mapping[str, Any]
) -> str:
    """Write what a shard's scans are and what they were made with; a line that says so.

    Args:
        folder: of the shard, whose scans are measured.
        shard: its number.
        jobs: those of the whole list, in its order.
        failed: the shard's own that left no file.
        made_with: `facts`, for `thresholds.json`, and `surroundings`: other inputs that the scans depend on.

    Raises:
        OutputFailed: it can't be written.
    """
    own = [job for job in jobs if shard.holds(job.source.name)]
    scans = {job.source.name: _facts(job, job in failed) for job in own}
    content = {"format": FORMAT, **made_with, "shard": shard.place([job.source for job in jobs]), "scans": scans}
    write_output(folder / FACTS_NAME, json_text(content).encode())
    return f"{counted(len(own), 'scan')} of {len(jobs)}: {folder / FACTS_NAME}"


def _facts(job: Job, failed: bool) -> dict[str, Any]:
    """The entry of a scan in the file of a shard."""
    return {"file": job.path.name, "group": job.source.group, "skull_only": job.skull_only, "failed": failed}


def is_shard(folder: Path) -> bool:
    """True if a folder is a finished shard of a calibration."""
    return (folder / FACTS_NAME).is_file()


def read_shards(folders: Sequence[Path]) -> list[Part]:
    """The shards of a calibration in folders, by number.

    Raises:
        WrongUsage: one is none, or not finished, or they do not make one calibration by this version.
    """
    parts = whole([_part(folder) for folder in folders], AGAIN, lambda first, second: "")
    made, own = parts[0].facts["surroundings"]["bundle_version"], metadata()["version"]
    if made != own:
        raise WrongUsage(f"{parts[0].root} was made by version {made}, and this is {own}. Join by the same version.")
    return parts


def _part(folder: Path) -> Part:
    """The shard in a folder.

    Raises:
        WrongUsage: there is none, or a file of it is missing.
    """
    path = folder / FACTS_NAME
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        ours = facts.pop("format") == FORMAT
        place, scans = facts.pop("shard"), facts.pop("scans")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongUsage(f"{folder} is no finished shard of a calibration ({error}). Run `{AGAIN}` again.") from error
    if not ours:
        raise WrongUsage(f"{path} is of another format than {FORMAT!r}. Run `{AGAIN}` again.")
    check_own(folder, place)
    measured = [scan["file"] for scan in scans.values() if not scan["failed"]]
    if scans.keys() != place["rows"].keys() or not all((folder / SCANS / name).is_file() for name in measured):
        raise WrongUsage(f"{folder} lacks what a scan of it gave. Run `{AGAIN} {place['number']}/{place['of']}` again.")
    return Part(folder.absolute(), facts, place, scans)


def join_calibration(parts: Sequence[Part], output: Path) -> tuple[list[str], int]:
    """Write the calibration of all shards; lines that say what it holds, and how many scans failed.

    Raises:
        WrongUsage: the scans are too few.
        OutputFailed: it can't be written.
    """
    rows = sorted((row, name, part) for part in parts for name, row in part.place["rows"].items())
    jobs = [_job(part, name) for _, name, part in rows if not part.cases[name]["failed"]]
    failed = len(rows) - len(jobs)
    check_writable(output)
    return calibrated(output, jobs, failed, dict(parts[0].facts["facts"])), failed


def _job(part: Part, name: str) -> Job:
    """A scan that was measured; its own files need not be here."""
    scan = part.cases[name]
    path = part.root / SCANS / scan["file"]
    return Job(Source(name, scan["group"], path), path, scan["skull_only"])
