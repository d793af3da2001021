"""Selection of the cases of CQ500 by folder and row of the label table, with the reason for each case.

A *case* is a row of the label table, a folder of the data set, or both. Its outcome is a `Case`: its group, its section
if it was kept, its series, and a *reason*, which begins with a *code* if it was dropped:

    no_folder            the table has it, the data set does not
    no_row               the data set has it, the table does not
    duplicate_folder     two folders have its name
    not_in_pool          it has neither haemorrhage nor fracture by vote, but is not healthy by the pool either
    no_series            no folder below its folder holds files
    no_suitable_series   each of its series has an objection
    duplicate_series     its series is that of an earlier case: one patient would be in two sections
    not_looked_at        it may be kept, but by the labels there are too few healthy cases, so no series was looked at
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.errors import WrongUsage

from .names import case_of
from .reads import Reads, number_of
from .series import candidates_in, choose_candidate
from .split import CLEAN, DOUBTFUL, POOLS

NOT_LOOKED_AT = "not_looked_at: there are too few healthy cases by the labels, so its series were not looked at"

MARKS_SHOWN = 4
"""Most marks that a reason names."""


@dataclass(frozen=True)
class Case:
    """The outcome of a case; `code` is "" if it was kept, `series` is the folder of its series."""

    name: str
    group: str
    code: str
    reason: str
    series: Path | None = None
    series_uid: str | None = None
    candidates: str = ""
    section: str = ""


def case_folders(root: Path) -> dict[str, list[Path]]:
    """The folders of each case in the data set's folder, or in folders in it, by the scan's name.

    Downloads come as `CQ500CT7 CQ500CT7` or as `qct01/CQ500CT7 CQ500CT7`; other entries are passed over.

    Raises:
        WrongUsage: there is no such folder, or no case in it.
    """
    if not root.is_dir():
        raise WrongUsage(f"There is no folder {root}. Give the folder that holds CQ500CT0 CQ500CT0 and so on.")
    found: dict[str, list[Path]] = {}
    for entry in _folders(root):
        for folder in [entry] if case_of(entry.name) else _folders(entry):
            name = case_of(folder.name)
            if name is not None:
                found.setdefault(name, []).append(folder)
    if not found:
        raise WrongUsage(f"{root} holds no case of CQ500. Give the folder that holds CQ500CT0 CQ500CT0 and so on.")
    return found


def candidate_names(folders: Mapping[str, Sequence[Path]], groups: Mapping[str, str], pool: str) -> list[str]:
    """The cases that may be kept, before their series are looked at."""
    return [name for name in sorted(folders, key=number_of) if name in groups and not _doubt(groups[name], pool)]


def judge(
    folders: Mapping[str, Sequence[Path]],
    reads: Reads,
    groups: Mapping[str, str],
    pool: str,
    headers_only: bool = False,
    report: Callable[[Case], None] = lambda case: None,
    labels_only: bool = False,
) -> list[Case]:
    """The outcome of every case of the table and of the data set, in the order of their numbers; no sections yet.

    Args:
        folders: of each case, see `case_folders`.
        reads: the label table.
        groups: see `pools.groups`.
        pool: one of `pools.POOLS`.
        headers_only: see `cq500_series.choose_candidate`.
        report: called for each case.
        labels_only: if True, no series is read, so that no case is kept.
    """
    marked, cases, owners = reads.marked(), list[Case](), dict[str, str]()
    for name in sorted({*folders, *reads.names}, key=number_of):
        case = _by_labels(name, folders.get(name, ()), groups.get(name, ""), marked.get(name, ()), pool)
        if case is None and labels_only:
            case = Case(name, groups[name], "not_looked_at", NOT_LOOKED_AT)
        case = case if case is not None else _by_series(name, folders[name][0], groups[name], headers_only)
        cases.append(_once(case, owners))
        report(cases[-1])
    return cases


def with_sections(cases: Sequence[Case], sections: Mapping[str, str]) -> list[Case]:
    """The same cases with the sections of those that were kept."""
    return [case if case.code else replace(case, section=sections[case.name]) for case in cases]


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, by name; none if it can't be listed."""
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []


def _doubt(group: str, pool: str) -> bool:
    """True if a scan of this group is neither healthy by the pool nor for the test."""
    return group in (CLEAN, DOUBTFUL) and group not in POOLS[pool]


def _by_labels(name: str, folders: Sequence[Path], group: str, marked: Sequence[str], pool: str) -> Case | None:
    """The case, if folders and labels alone settle it."""
    if not group:
        return Case(name, "", "no_row", "no_row: the label table does not have it; add its row, or remove its folder")
    if not folders:
        return Case(name, group, "no_folder", "no_folder: the data set has no folder for it; download it, or leave it")
    if len(folders) > 1:
        listed = " and ".join(folder.name for folder in folders)
        return Case(name, group, "duplicate_folder", f"duplicate_folder: {listed} are both its own; remove one")
    if _doubt(group, pool):
        more = f" and {len(marked) - MARKS_SHOWN} more" if len(marked) > MARKS_SHOWN else ""
        text = f"not_in_pool: no haemorrhage and no fracture by vote, but {', '.join(marked[:MARKS_SHOWN])}{more}"
        return Case(name, group, "not_in_pool", text)
    return None


def _by_series(name: str, folder: Path, group: str, headers_only: bool) -> Case:
    """The case with its series, or without one."""
    best, candidates = choose_candidate(candidates_in(folder), headers_only)
    if not candidates:
        return Case(name, group, "no_series", "no_series: its folder is empty; download it again")
    listed = "; ".join(
        f"{candidate.folder.name}: {'chosen' if candidate is best else candidate.words()}" for candidate in candidates
    )
    if best is None:
        codes = ", ".join(sorted({candidate.code for candidate in candidates}))
        text = f"no_suitable_series: {codes}"
        return Case(name, group, "no_suitable_series", text, candidates=listed)
    return Case(name, group, "", best.words(), best.folder, best.series_uid, listed)


def _once(case: Case, owners: dict[str, str]) -> Case:
    """The case, dropped where another one has its series; `owners` names the first case of each series so far."""
    owner = owners.setdefault(case.series_uid, case.name) if case.series_uid else case.name
    if owner == case.name:
        return case
    text = f"duplicate_series: its series is that of {owner}; download both again, and look which one it belongs to"
    return replace(case, code="duplicate_series", reason=text, series=None, series_uid=None)
