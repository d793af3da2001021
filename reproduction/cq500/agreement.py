"""Agreement of the three readers of CQ500: Fleiss' kappa, and each reader against the vote.

Of N scans, r readers mark some. With p_i the share of readers who mark scan i, two readers agree on it with probability
P_i = (r p_i² + r (1 - p_i)² - 1) / (r - 1). With the mean p of all p_i, they would agree by chance with probability
P_e = p² + (1 - p)². *Fleiss' kappa* is (mean P_i - P_e) / (1 - P_e) (Fleiss, Psychological Bulletin 76, 1971): 1 where
they always agree, 0 where no more than by chance. Where all mark all scans, or none, it is 0/0: there is none.

The *AUROC of a reader* takes the reader's marks as scores for the vote, in which the reader has a voice: it is the mean
of sensitivity and specificity. There is none where the vote is the same on all scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scripts.files.tables import Table
from scripts.statistics.auroc import OneKindOnly, auroc

from .reads import LABELS, READERS, Reads

NONE = "-"
"""Stands in a table where there is no number."""


@dataclass(frozen=True)
class Agreement:
    """Agreement on one label: scans with a positive vote, kappa, and the AUROC of each reader; None where undefined."""

    label: str
    positives: int
    kappa: float | None
    aurocs: tuple[float | None, ...]


def fleiss_kappa(marks: ArrayLike) -> float | None:
    """Kappa of marks (N, r), true or false, by scan and reader; None where all marks are the same.

    Raises:
        ValueError: there is no scan, fewer than two readers, or another shape.
    """
    values = np.asarray(marks).astype(bool)
    if values.ndim != 2 or not values.shape[0] or values.shape[1] < 2:
        raise ValueError(f"kappa needs marks (scans, readers) of 1 or more and 2 or more, got shape {values.shape}")
    readers = values.shape[1]
    share = values.mean(axis=1)
    observed = float(((readers * (share**2 + (1 - share) ** 2) - 1) / (readers - 1)).mean())
    overall = float(values.mean())
    if overall in (0.0, 1.0):
        return None
    chance = overall**2 + (1 - overall) ** 2
    return (observed - chance) / (1 - chance)


def reader_auroc(marks: ArrayLike, vote: ArrayLike) -> float | None:
    """AUROC (0 to 1) of one reader's marks (N,) for the vote (N,); None where the vote is the same on all scans."""
    try:
        return auroc(np.asarray(marks, dtype=np.float64), vote)
    except OneKindOnly:
        return None


def agreement(reads: Reads, labels: Sequence[str] = LABELS) -> list[Agreement]:
    """The agreement on each of the labels, over all scans of the table."""
    votes = reads.votes()
    found = []
    for label in labels:
        column = LABELS.index(label)
        marks, vote = reads.marks[:, :, column], votes[:, column]
        aurocs = tuple(reader_auroc(marks[:, reader], vote) for reader in range(len(READERS)))
        found.append(Agreement(label, int(vote.sum()), fleiss_kappa(marks), aurocs))
    return found


def agreement_table(rows: Sequence[Agreement]) -> Table:
    """A row for each label, and a sentence on what is not defined."""
    header = ("label", "scans by vote", "Fleiss' kappa", *(f"AUROC {reader}" for reader in READERS))
    body = tuple((row.label, row.positives, *map(_number, (row.kappa, *row.aurocs))) for row in rows)
    note = f"{NONE}: not defined, as all marks (kappa) or all votes (AUROC) on the label are the same."
    return Table(header, body, (note,) if any(NONE in row for row in body) else ())


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
