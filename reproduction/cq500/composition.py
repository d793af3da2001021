"""Composition of a data set, as tables: the paper's Table 2, and the reasons for dropping cases.

A *section* is training, validation or test. A scan is on the *left* when the vote says that its haemorrhage is on the
patient's left and not on the right; a haemorrhage may be on both sides, or have no side by vote.

Haemorrhage is evaluated by *hemisphere*: both of each test scan but those with a fracture only. A hemisphere is
positive where the scan has a haemorrhage by vote, and this side by vote; the other side of such a scan is negative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from scripts.files.tables import Cells, Table
from scripts.words import counted

from .reads import FRACTURE, HAEMORRHAGE, LABELS, SIDES, SUBTYPES
from .split import SPLITS

Labels = Mapping[str, bool]
"""The votes on one scan, by label."""

SIDED = (HAEMORRHAGE, *SUBTYPES, "ChronicBleed")
"""Labels whose side the table gives."""

WORDS = {
    "ICH": "haemorrhage (ICH)",
    "IPH": "intraparenchymal (IPH)",
    "IVH": "intraventricular (IVH)",
    "SDH": "subdural (SDH)",
    "EDH": "epidural (EDH)",
    "SAH": "subarachnoid (SAH)",
    "ChronicBleed": "chronic bleed",
    "Fracture": "fracture",
    "CalvarialFracture": "fracture of the calvaria",
    "OtherFracture": "other fracture",
    "MassEffect": "mass effect",
    "MidlineShift": "midline shift",
}
"""The labels that have a row, in words."""


def composition_table(labels: Mapping[str, Labels], sections: Mapping[str, str]) -> Table:
    """The paper's Table 2: scans by finding, section and side.

    Args:
        labels: the votes on all scans of the label table, by name.
        sections: the section of the scans that were kept, by name.

    Raises:
        KeyError: a scan that was kept has no labels.
    """
    header = ("scans with", "in the table", "kept", *SPLITS, "left", "right", "both sides", "no side")
    rows = [
        _row("anything or nothing", labels, sections, lambda votes: True),
        _row("neither haemorrhage nor fracture", labels, sections, lambda votes: not votes["ICH"] | votes["Fracture"]),
        _row("haemorrhage and fracture", labels, sections, lambda votes: votes["ICH"] & votes["Fracture"]),
    ]
    for label in (name for name in LABELS if name in WORDS):
        rows.append(_row(WORDS[label], labels, sections, _has(label), label in SIDED))
    return Table(header, tuple(rows), (hemispheres_sentence(labels, sections),))


def hemispheres_sentence(labels: Mapping[str, Labels], sections: Mapping[str, str]) -> str:
    """The numbers of hemispheres and heads in the evaluation, in words."""
    counts = hemispheres(labels[name] for name, section in sections.items() if section == "test")
    fractures = sum(labels[name][FRACTURE] for name, section in sections.items() if section == "test")
    text = (
        f"For haemorrhage the test has {counts['positive']} positive and {counts['negative']} negative hemispheres "
        f"of {counted(counts['heads'], 'head')}, for fracture {counted(fractures, 'head')} with one."
    )
    if counts["no side"]:
        text += f" Left out: {counted(counts['no side'], 'head')} with a haemorrhage by vote, but no side by vote."
    return text


def hemispheres(scans: Iterable[Labels]) -> Counter[str]:
    """Positive and negative hemispheres among test scans, their heads, and heads with a haemorrhage on no side."""
    counts = Counter[str]()
    for votes in scans:
        sides = sum(votes[side] for side in SIDES)
        if votes[HAEMORRHAGE] and not sides:
            counts["no side"] += 1
        elif votes[HAEMORRHAGE] or not votes[FRACTURE]:
            positive = sides if votes[HAEMORRHAGE] else 0
            counts.update({"heads": 1, "positive": positive, "negative": 2 - positive})
    return counts


def reasons_table(codes: Iterable[str]) -> Table:
    """The number of dropped cases for each reason, most frequent first."""
    rows = sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0])) or [("none", 0)]
    return Table(("dropped because", "cases"), tuple(rows))


def _has(label: str) -> Callable[[Labels], bool]:
    return lambda votes: votes[label]


def _row(
    words: str,
    labels: Mapping[str, Labels],
    sections: Mapping[str, str],
    chosen: Callable[[Labels], bool],
    sided: bool = False,
) -> Cells:
    """A row of the table: the scans that are chosen, counted."""
    kept = [(section, labels[name]) for name, section in sections.items() if chosen(labels[name])]
    cells = [sum(map(chosen, labels.values())), len(kept)]
    cells += [sum(section == part for section, _ in kept) for part in SPLITS]
    sides = Counter(tuple(votes[side] for side in SIDES) for _, votes in kept)
    where = [sides[key] if sided else "" for key in ((True, False), (False, True), (True, True), (False, False))]
    return words, *cells, *where
