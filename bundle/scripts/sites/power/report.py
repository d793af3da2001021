"""The found share of planted lesions: shares by kind, volume and contrast with their intervals, and what can't be said.

A *share* counts the lesions with an outcome that says something (`runner.COUNTED`). Its interval is about other scans
of the site (`statistics.clustered_share`), so one scan has none, and few scans have wide ones. The *contrast* of a
lesion is by how much it differs from the median of the brain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...files.tables import Table, as_csv
from ...statistics.clustered_share import clustered_share
from ...words import counted
from .runner import BEFORE, COUNTED, FOUND, NO_ROOM, NO_SCORE

FEW_SCANS = 20
"""From so many scans on nothing is said about their number."""

WIDE = 0.5
"""An interval that spans more than this says next to nothing."""

CONTRASTS = {"below 10 HU": (0.0, 10.0), "10 to 25 HU": (10.0, 25.0), "25 HU or more": (25.0, float("inf"))}
"""Names of ranges of the contrast, brighter or darker, in HU."""

COLUMNS = (
    *("case", "number", "kind", "side", "volume_ml", "planted_ml", "contrast_hu", "midline_mm"),
    *("outcome", "score_before", "score", "threshold", "listed"),
)
"""Columns of `power.csv`, a row a lesion; what a lesion does not have is empty."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """The number of lesions of a group, and of those found.

    Attributes:
        kind: of the lesions.
        volume_ml: of each; None for all volumes.
        contrast: a name of `CONTRASTS`; None for all.
        found: how many were found.
        listed: how many a detection overlaps.
        lesions: how many there were.
        scans: in how many scans.
        interval: of the share (0 to 1) in other scans; None from one scan.
    """

    kind: str
    volume_ml: float | None
    contrast: str | None
    found: int
    listed: int
    lesions: int
    scans: int
    interval: tuple[float, float] | None

    def in_words(self) -> str:
        """The share with its interval, in percent."""
        share = f"{100 * self.found / self.lesions:.0f} %"
        if self.interval is None:
            return share
        low, high = (f"{100 * end:.0f}" for end in self.interval)
        return f"{share} [{low}, {high}]"

    def as_dict(self) -> dict[str, Any]:
        """The share as JSON values."""
        ends = [None, None] if self.interval is None else [round(end, 4) for end in self.interval]
        names = ("kind", "volume_ml", "contrast", "found", "listed", "lesions", "scans")
        return {**{name: getattr(self, name) for name in names}, "low": ends[0], "high": ends[1]}


def shares(rows: Sequence[Row]) -> list[Share]:
    """The shares of each kind, each kind at each volume, and each kind at each contrast; empty groups are left out."""
    found = []
    counts = [row for row in rows if row["outcome"] in COUNTED]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in counts if row["kind"] == kind]
        groups: list[tuple[float | None, str | None, list[Row]]] = [(None, None, own)]
        for volume_ml in sorted({row["volume_ml"] for row in own}):
            groups.append((volume_ml, None, [row for row in own if row["volume_ml"] == volume_ml]))
        for name, (low, high) in CONTRASTS.items():
            groups.append((None, name, [row for row in own if low <= abs(row["contrast_hu"]) < high]))
        found += [_share(kind, volume_ml, contrast, group) for volume_ml, contrast, group in groups if group]
    return found


def _share(kind: str, volume_ml: float | None, contrast: str | None, rows: Sequence[Row]) -> Share:
    """The share of a group that is not empty."""
    found, cases = [row["outcome"] == FOUND for row in rows], [row["case"] for row in rows]
    listed = sum(bool(row["listed"]) for row in rows)
    numbers = (sum(found), listed, len(rows), len(set(cases)))
    return Share(kind, volume_ml, contrast, *numbers, clustered_share(found, cases))


def table(found: Iterable[Share]) -> Table:
    """A row for each kind, and columns for all, each volume and each contrast; cells have found/lesions and share."""
    found = list(found)
    volumes = sorted({share.volume_ml for share in found if share.volume_ml is not None})
    keys = [(None, None), *((volume, None) for volume in volumes), *((None, name) for name in CONTRASTS)]
    cells = {(share.kind, share.volume_ml, share.contrast): share for share in found}
    rows = []
    for kind in dict.fromkeys(share.kind for share in found):
        row = [cells.get((kind, *key)) for key in keys]
        rows.append((kind, *(share and f"{share.in_words()} ({share.found}/{share.lesions})" for share in row)))
    return Table(("kind", "all", *(f"{volume:g} ml" for volume in volumes), *CONTRASTS), tuple(rows))


def sentences(rows: Sequence[Row], found: Sequence[Share], scans: int, hemispheres_above: int) -> list[str]:
    """Facts about the shares, and what can't be said.

    Args:
        rows: of all lesions.
        found: of `shares`.
        scans: that were judged.
        hemispheres_above: of them, those above the threshold before anything was planted.
    """
    outcomes = Counter(row["outcome"] for row in rows)
    lesions = counted(sum(outcomes[name] for name in COUNTED), "lesion")
    said = [f"{lesions} planted into {counted(scans, 'healthy scan')}: share found at the threshold in use."]
    if hemispheres_above:
        said.append(
            f"{hemispheres_above} of {counted(2 * scans, 'hemisphere')} "
            f"{'was' if hemispheres_above == 1 else 'were'} above the threshold without a lesion: a false alarm, or a "
            f"scan that is not healthy. {counted(outcomes[BEFORE], 'lesion')} would lie there and can't be judged."
        )
    if outcomes[NO_ROOM]:
        said.append(f"{counted(outcomes[NO_ROOM], 'lesion')} did not fit into a scan.")
    if outcomes[NO_SCORE]:
        said.append(
            f"{counted(outcomes[NO_SCORE], 'lesion')} got no score, which is neither found nor missed: the "
            "hemisphere is hardly in view, or the head with the lesion is flagged as unlike the calibration."
        )
    return [*said, *_too_few(found, scans)]


def _too_few(found: Sequence[Share], scans: int) -> list[str]:
    """Sentences on what so few scans leave open."""
    if not found:
        return ["Nothing can be said: no lesion could be judged."]
    if scans == 1:
        return ["One scan says nothing about others: there are no intervals, and the shares are of this scan alone."]
    if scans >= FEW_SCANS:
        return []
    by_volume = [share for share in found if share.volume_ml is not None]
    wide = sum(share.interval is None or share.interval[1] - share.interval[0] > WIDE for share in by_volume)
    return [
        f"{scans} scans are too few to say what is found in other scans of the site: {wide} of {len(by_volume)} shares "
        f"of a kind at a volume have an interval wider than {100 * WIDE:.0f} points, or none. Give {FEW_SCANS} or more."
    ]


def lesions_csv(rows: Iterable[Row]) -> str:
    """`power.csv`: a header, and a line for each lesion."""
    return as_csv(COLUMNS, ([row.get(name) for name in COLUMNS] for row in rows))
