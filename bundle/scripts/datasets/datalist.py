"""The cases of a cohort, from a datalist: a JSON file with the sections "training", "validation" and "test".

A *case* is an item of a section, {"case": name, "image": path, "series_uid": UID or null, "labels": {name: bool},
"facts": {name: text or number}, "mask": path of a NIfTI of its lesions}; the last four may be missing. Its name is that
of a folder of results, so it holds letters, digits, dots, dashes and underscores only. Its path, relative to the
datalist unless it is absolute, is that of a NIfTI file, or of the folder of a series. No case, no scan and no series
may stand in two sections, or twice in one.
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
from ..files.inputs import can_be_path, named_path

SECTIONS = ("training", "validation", "test")
"""Sections that a datalist may have."""

SAFE = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)(\.|$))[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(?<!\.)")
"""Names that a folder can have anywhere, and that are no path: on Windows, some stand for devices."""

PREPARED_BYTES = 51_000_000
"""Size on the disk of a scan of a datalist that is prepared for training."""

UID = re.compile(r"[0-9.]{1,64}")
"""Form of a series' UID."""


@dataclass(frozen=True)
class Case:
    """A case of a cohort.

    `row` is its place in its section, from 0 on; `facts` are for an audit, see `sites.audit`; `mask` is a volume of its
    lesions.
    """

    name: str
    image: Path
    series_uid: str | None = None
    labels: Mapping[str, bool] = field(default_factory=dict)
    row: int = 0
    facts: Mapping[str, str | float] = field(default_factory=dict)
    mask: Path | None = None

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
    cases = [_case(item, row, section, path) for row, item in enumerate(_items(content, section, path))]
    for case in cases if scans else ():
        _check_there(case.image, _entry(case.row, section, path), case.name)
    _check_apart(content, section, path)
    return cases


def listed_scans(path: str | Path, section: str) -> list[dict[str, Any]]:
    """One dictionary {"image": path} for each item of a section, of which nothing but its scan is looked at.

    Raises:
        WrongUsage: the file is no datalist, the section is empty, a scan does not exist or stands in it twice.
    """
    path = Path(path)
    content = _read(path)
    images = [_image(item, row, section, path) for row, item in enumerate(_items(content, section, path))]
    for row, image in enumerate(images):
        _check_there(image, _entry(row, section, path))
    _check_apart(content, section, path, others=())
    return [{"image": str(image)} for image in images]


def check_disjoint(path: str | Path) -> None:
    """See that the scans to train on are there, and that nothing stands in a datalist twice, in whatever sections.

    Raises:
        WrongUsage: it is not so; a message about two sections names both.
    """
    for section in ("validation", "training"):
        listed_scans(path, section)
    for section in SECTIONS:
        _check_apart(_read(Path(path)), section, Path(path))


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
        content = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a byte order mark
        sections = {name: list(content.get(name) or []) for name in SECTIONS}
    except FileNotFoundError as error:
        raise WrongUsage(f"There is no {path}. Correct its name.") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WrongUsage(
            f'{path} is no datalist ({type(error).__name__}: {error}). It needs "test": [{{"case": name, '
            '"image": path}, ...].'
        ) from error
    return sections


def _items(content: Mapping[str, Sequence[Any]], section: str, path: Path) -> Sequence[Any]:
    """The items of a section, which has some."""
    if not content.get(section):
        there = ", ".join(name for name in SECTIONS if content.get(name)) or "none"
        raise WrongUsage(f"{path} has no cases under {json.dumps(section)}. Sections with cases: {there}.")
    return content[section]


def _check_there(image: Path, entry: str, name: str = "") -> None:
    where = f"{entry}{f', {name}' if name else ''}"
    try:
        there = image.exists()
    except OSError as error:  # a folder on the way may not be entered, a mount is away, a name is too long
        raise WrongUsage(f"{where}: {image} can't be reached ({error.strerror}). Correct it.") from error
    if not there:
        raise WrongUsage(f"{where}: there is no {image}. Correct it.")


def _entry(row: int, section: str, path: str | Path) -> str:
    return f"Entry {row} of {json.dumps(section)} in {path}"


def _case(item: Any, row: int, section: str, path: Path) -> Case:
    """An item, checked."""
    where, image = _entry(row, section, path), _image(item, row, section, path, needed=("case", "image"))
    if not SAFE.fullmatch(item["case"]):
        raise WrongUsage(
            f'{where}: {item["case"][:100]!r} can\'t be the name of a case. Use letters, digits, ".", "-" and "_", '
            "and no device of Windows (con, aux)."
        )
    uid, labels = item.get("series_uid"), item.get("labels") or {}
    if uid is not None and not (isinstance(uid, str) and UID.fullmatch(uid)):
        raise WrongUsage(f"{where}, {item['case']}: {uid!r} is no series UID. Use digits and dots, or null.")
    if not isinstance(labels, dict) or not all(isinstance(value, bool) for value in labels.values()):
        raise WrongUsage(f'{where}, {item["case"]}: "labels" must hold true or false for each label.')
    facts = item.get("facts") or {}
    if not isinstance(facts, dict) or not all(isinstance(value, str | int | float) for value in facts.values()):
        raise WrongUsage(f'{where}, {item["case"]}: "facts" must hold a text or a number for each fact.')
    mask = item.get("mask")
    if mask is not None and not (isinstance(mask, str) and mask and can_be_path(mask)):
        raise WrongUsage(f'{where}, {item["case"]}: "mask" must name the NIfTI of its lesions, or be left out.')
    return Case(item["case"], image, uid or None, labels, row, facts, mask and (path.parent / mask).absolute())


def _image(item: Any, row: int, section: str, path: Path, needed: Sequence[str] = ("image",)) -> Path:
    """Path of the scan of an item that has the needed texts."""
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in needed):
        words = " and ".join(map(json.dumps, needed))
        raise WrongUsage(f"{_entry(row, section, path)} needs {words}, {'each ' if len(needed) > 1 else ''}a text.")
    if not item["image"]:
        raise WrongUsage(f'{_entry(row, section, path)}: "image" is empty. Name the scan.')
    if not can_be_path(item["image"]):
        where = f'{_entry(row, section, path)}: "image"'
        raise WrongUsage(f"{where} holds a character that no path can have ({item['image'][:100]!r}). Correct it.")
    return (path.parent / str(item["image"])).absolute()


def _check_apart(
    content: Mapping[str, Sequence[Any]], section: str, path: Path, others: Sequence[str] = SECTIONS
) -> None:
    """See that nothing of a section stands in it twice, or in another one."""
    seen: set[str] = set()
    for other in (section, *(name for name in others if name != section)):
        for row, item in enumerate(content[other]):
            if seen & _marks(item, path):
                text = "stands there twice. Remove one."
                if other != section:
                    text = f"stands under {json.dumps(section)} too. Keep it in one of them."
                raise WrongUsage(f"{_entry(row, other, path)}, {_name(item)}, {text}")
            if other == section:
                seen |= _marks(item, path)


def _name(item: Mapping[str, Any]) -> Any:
    """The name of an item in messages."""
    return item.get("case") or item["image"]


def _marks(item: Any, path: Path) -> set[str]:
    """The marks that tell an item from others: the name of its case, the path of its scan, and its series.

    Some file systems do not tell capital letters from small ones, so names do not differ by them.
    """
    if not isinstance(item, dict) or not isinstance(item.get("image"), str) or not can_be_path(item["image"]):
        return set()
    named = {f"{key} {str(item[key]).casefold()}" for key in ("case", "series_uid") if item.get(key)}
    return {f"scan {(path.parent / item['image']).resolve()}", *named}


def cases(path: str | Path) -> list[dict[str, Any]]:
    """The one case that `path` holds: a NIfTI file, a DICOM file, or the folder of a series or of a study."""
    return [{"image": str(named_path(path))}]
