"""Small label tables in the form of CQ500, for the tests: what each reader marks in each scan, by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reproduction.cq500.reads import LABELS, READERS, Reads, reads_text

Marks = Mapping[str, str]
"""What is marked in a scan: for a label the readers who marked it, as in {"ICH": "123", "SDH": "12"}."""


def reads_of(scans: Mapping[int, Marks]) -> Reads:
    """The table of scans, by case number."""
    marks = np.zeros((len(scans), len(READERS), len(LABELS)), dtype=bool)
    for row, scan in enumerate(scans.values()):
        for label, readers in scan.items():
            for reader in readers:
                marks[row, READERS.index(f"R{reader}"), LABELS.index(label)] = True
    return Reads(tuple(f"CQ500-CT-{number}" for number in scans), ("B1",) * len(scans), marks)


def table_of(scans: Mapping[int, Marks]) -> str:
    """The same as the text of a `reads.csv`."""
    return reads_text(reads_of(scans))


BLEED_LEFT: Marks = {"ICH": "123", "SDH": "123", "BleedLocation-Left": "123"}
FRACTURE: Marks = {"Fracture": "12", "CalvarialFracture": "12"}
