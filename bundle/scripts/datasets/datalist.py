"""The cases of a cohort, from a datalist: a JSON file with the sections "training", "validation" and "test".

A *case* is an item of a section, {"case": name, "image": path, "series_uid": UID or null, "labels": {name: bool}}. Its
name is that of a folder of results, so it holds letters, digits, dots, dashes and underscores only. Its path, relative
to the datalist unless it is absolute, is that of a NIfTI file, or of the folder of a series. No case, no scan and no
series may stand in two sections, or twice in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import WrongUsage
from ..files.fingerprints import Source, key

SECTIONS = ("training", "validation", "test")
"""Sections that a datalist may have."""

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
"""Names that a folder can have anywhere, and that are no path."""

PREPARED_BYTES = 51_000_000
"""Size on the disk of a scan of a datalist that is prepared for training."""

UID = re.compile(r"[0-9.]{1,64}")
"""Form of a series' UID."""


@dataclass(frozen=True)
class Case:
    """A case of a cohort; `row` is its place in its section, from 0 on."""

    name: str
    image: Path
    series_uid: str | None = None
    labels: Mapping[str, bool] = field(default_factory=dict)
    row: int = 0

    def fingerprint(self) -> str:
        """See `fingerprint`."""
        return fingerprint(self.image, self.series_uid)


def fingerprint(image: Path, series_uid: str | None) -> str:
    """16 hexadecimal digits that change when a scan does, or the series that is taken of it; quickly found."""
    return key(Source(image.name, image.name, image), {"series_uid": series_uid})


def listed_cases(path: str | Path, section: str = "test", scans: bool = True) -> list[Case]:
    """The cases of one section of a datalist, in its order.

    Args:
        path: of the datalist.
        section: of it.
        scans: whether the scans must exist; labels can be read without them.

    Raises:
        WrongUsage: the file is no datalist, the section is empty, an item is faulty, its scan does not exist, or a
            case or a scan stands in the datalist twice.
    """
    path = Path(path)
    content = _read(path)
    if not content.get(section):
        there = ", ".join(name for name in SECTIONS if content.get(name)) or "none"
        raise WrongUsage(f"{path} has no cases under {json.dumps(section)}. Sections with cases: {there}.")
    cases = [_case(item, row, section, path) for row, item in enumerate(content[section])]
    for case in cases:
        if scans and not case.image.exists():
            raise WrongUsage(f"{_entry(case.row, section, path)}, {case.name}: there is no {case.image}. Correct it.")
    _check_apart(content, section, path)
    return cases


def check_apart(path: str | Path) -> None:
    """See that nothing stands in a datalist twice, in whatever sections: a scan to train on must not be tested.

    Raises:
        WrongUsage: the file is no datalist, or a case, a scan or a series does; the message names both sections.
    """
    path = Path(path)
    content = _read(path)
    for section in SECTIONS:
        _check_apart(content, section, path)


def check_labels(cases: Iterable[Case], needed: Sequence[str], section: str, path: str | Path) -> None:
    """See that every case says of each label whether it has it.

    Raises:
        WrongUsage: one does not.
    """
    for case in cases:
        if missing := [name for name in needed if name not in case.labels]:
            raise WrongUsage(
                f"{_entry(case.row, section, path)}, {case.name}: no label {json.dumps(missing[0])}. "
                "Add it, true or false."
            )


def series_uids(path: str | Path, section: str = "test") -> dict[str, str]:
    """The UID to take, by path of the scan, for those cases of a section that name one.

    Raises:
        WrongUsage: as `listed_cases`.
    """
    return {str(case.image): case.series_uid for case in listed_cases(path, section) if case.series_uid}


def case_items(path: str | Path, section: str = "test") -> list[dict[str, Any]]:
    """One dictionary {"image": path, "case": name} for each case of a section.

    Raises:
        WrongUsage: as `listed_cases`.
    """
    return [{"image": str(case.image), "case": case.name} for case in listed_cases(path, section)]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sections = {name: list(content.get(name) or []) for name in SECTIONS}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WrongUsage(
            f'{path} is no datalist ({type(error).__name__}: {error}). It needs "test": [{{"case": name, '
            '"image": path}, ...].'
        ) from error
    return sections


def _entry(row: int, section: str, path: str | Path) -> str:
    return f"Entry {row} of {json.dumps(section)} in {path}"


def _case(item: Any, row: int, section: str, path: Path) -> Case:
    """An item, checked."""
    where = _entry(row, section, path)
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in ("case", "image")):
        raise WrongUsage(f'{where} needs "case" and "image", each a text.')
    if not SAFE.fullmatch(item["case"]):
        raise WrongUsage(
            f'{where}: {item["case"][:100]!r} can\'t be the name of a case. Use letters, digits, ".", "-" and "_".'
        )
    uid, labels = item.get("series_uid"), item.get("labels") or {}
    if uid is not None and not (isinstance(uid, str) and UID.fullmatch(uid)):
        raise WrongUsage(f"{where}, {item['case']}: {uid!r} is no series UID. Use digits and dots, or null.")
    if not isinstance(labels, dict) or not all(isinstance(value, bool) for value in labels.values()):
        raise WrongUsage(f'{where}, {item["case"]}: "labels" must hold true or false for each label.')
    return Case(item["case"], (path.parent / item["image"]).absolute(), uid or None, labels, row)


def _check_apart(content: Mapping[str, Sequence[Any]], section: str, path: Path) -> None:
    """See that nothing of a section stands anywhere else in the datalist."""
    seen: set[str] = set()
    for row, item in enumerate(content[section]):
        if seen & _marks(item, path):
            raise WrongUsage(f"{_entry(row, section, path)}, {_name(item)}, stands there twice. Remove one.")
        seen |= _marks(item, path)
    for other in SECTIONS:
        for row, item in enumerate(content[other] if other != section else ()):
            if seen & _marks(item, path):
                raise WrongUsage(
                    f"{_entry(row, other, path)}, {_name(item)}, stands under {json.dumps(section)} too. "
                    "Keep it in one of them."
                )


def _name(item: Mapping[str, Any]) -> Any:
    """The name of an item in messages."""
    return item.get("case") or item["image"]


def _marks(item: Any, path: Path) -> set[str]:
    """The marks that tell an item from others: the name of its case, the path of its scan, and its series."""
    if not isinstance(item, dict) or not isinstance(item.get("image"), str):
        return set()
    named = {f"{key} {item[key]}" for key in ("case", "series_uid") if item.get(key)}
    return {f"scan {(path.parent / item['image']).resolve()}", *named}


def cases(path: str | Path) -> list[dict[str, Any]]:
    """The one case that `path` holds: a NIfTI file, a DICOM file, or the folder of a series or of a study."""
    return [{"image": str(path)}]


def listed_scans(path: str | Path, section: str) -> list[dict[str, Any]]:
    """The scans of one section of a datalist, a JSON file {"training": [{"image": path}, …], "validation": […]}.

    Paths are relative to the file's folder unless they are absolute.

    Raises:
        WrongUsage: the file is not such a list, a section is empty, a scan does not exist or stands there twice.
    """
    path = Path(path)
    try:
        entries = json.loads(path.read_text())[section]
        images = [str((path.parent / entry["image"]).absolute()) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongUsage(
            f'{path} is no datalist ({type(error).__name__}: {error}). It needs "training" and "validation", '
            'each a list of {"image": path}.'
        ) from error
    if not images:
        raise WrongUsage(
            f'{json.dumps(section)} is empty in {path}. List the healthy scans, each as {{"image": path}}.'
        )
    seen: set[Path] = set()
    for row, image in enumerate(images):
        if not Path(image).exists():
            raise WrongUsage(
                f"Entry {row} of {json.dumps(section)} in {path}, {image}, does not exist. Correct its path."
            )
        if Path(image).resolve() in seen:
            raise WrongUsage(
                f"Entry {row} of {json.dumps(section)} in {path}, {image}, stands there twice. Remove one."
            )
        seen.add(Path(image).resolve())
    return [{"image": image} for image in images]


def check_disjoint(path: str | Path) -> None:
    """See that the scans of a datalist are there, and that none to train on is for validation or test as well.

    Raises:
        WrongUsage: they are not, or one is.
    """
    for section in ("validation", "training"):
        listed_scans(path, section)
    check_apart(path)
