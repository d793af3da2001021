"""Two scans of one patient compared: scores, maps and detections, beside what repeated scans differ by.

Both scans were registered to the reference head, so nothing is registered again; what is left of misfit is part of the
noise between repeats, which was measured in the same way. With the same scan twice there is nothing to compare, and
the first note says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...cohort.folder import differences, with_alpha
from ...errors import WrongUsage
from ...files.nifti import MAP_LEVEL, nifti_bytes
from ...files.tables import as_csv
from ...geometry.coordinates import grid_affine
from ...preprocessing.regions import REGIONS
from ...results.before_after import Side, before_after
from ...results.maps import rounded
from ...results.record import SCAN
from ...results.result import Result
from .change_words import NOTHING_SAID, change_in_words, map_in_words, score_in_words
from .changed_map import Difference, Extremes, difference, extremes
from .changes import BRAIN, SAME, UNSEEN, Change, changes
from .placed import STRIDE, Placed, on_scan, placed
from .repeats import Noise, NoiseUnknown, noise_of

COLUMNS = (
    *("change", "region", "beyond_repeats", "name", "side", "volume_before_ml", "volume_after_ml"),
    *("peak_before", "peak_after", "reference_r_mm", "reference_a_mm", "reference_s_mm"),
)
"""Columns of the table of changes."""

MADE_BY = ("settings", "versions bundle", "weights_sha256", "calibration")
"""Beginnings of the names of settings that change results."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two scans of one patient compared.

    Attributes:
        before, after: both scans.
        noise: of repeats; None where it is unknown.
        map: the difference of the maps.
        extremes: of the map, by hemisphere.
        changes: of detections.
        notes: sentences on what the reader has to know of the comparison itself.
    """

    before: Placed
    after: Placed
    noise: Noise | None
    map: Difference
    extremes: Mapping[str, Extremes | None]
    changes: Sequence[Change]
    notes: Sequence[str] = field(default=())

    def coefficient(self, region: str) -> float | None:
        """The difference of a region's scores in repeats; None where it is unknown."""
        return None if self.noise is None else self.noise.of_score(region, any(self._above(region)))

    def _above(self, region: str) -> list[bool]:
        records = (self.before.record, self.after.record)
        pairs = ((r["scores"].get(region), r["score_details"].get(region, {}).get("threshold")) for r in records)
        return [score is not None and limit is not None and score > limit for score, limit in pairs]


def compare_results(before: Result, after: Result, patient: str = "") -> Comparison:
    """The comparison of two judged scans; `patient` is the note on whether they are known to be of one patient.

    Raises:
        WrongUsage: the maps are of different kinds.
        ResultIncomplete: volumes were not written.
    """
    maps = tuple(str(result.record["settings"]["map"]) for result in (before, after))
    if maps[0] != maps[1]:
        raise WrongUsage(
            f"The heatmaps are of different kinds, {maps[0]} and {maps[1]}, which can't be subtracted. Run both scans "
            "with the same --map."
        )
    notes = [*_same_scan(before, after), *([patient] if patient else []), *_poses(before, after)]
    notes += _settings(before.record, after.record)
    noise: Noise | None = None
    try:
        noise = noise_of((before.record, after.record))
        notes += _other_stride(noise, after.record)
    except NoiseUnknown as reason:
        notes.append(f"What repeats differ by is unknown: {reason}. Differences are given alone.")
    scans = placed(before), placed(after)
    found = difference(*scans)
    return Comparison(*scans, noise, found, extremes(found), changes(*scans, noise), notes)


def _same_scan(before: Result, after: Result) -> list[str]:
    """A note where both are the same scan."""
    same = before.record["outputs"].get(SCAN) == after.record["outputs"].get(SCAN)
    return ["Both are the same scan: nothing can have changed."] if same else []


def _poses(before: Result, after: Result) -> list[str]:
    """A note for each pose that did not pass."""
    verdicts = {"earlier": before.quality["verdict"], "later": after.quality["verdict"]}
    return [
        f"The pose of the {which} scan is {verdict}, not pass: differences may be those of a wrong pose."
        for which, verdict in verdicts.items()
        if verdict != "pass"
    ]


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A note on the first settings that differ."""
    found = [name for name, _, _ in differences(with_alpha(before), with_alpha(after)) if name.startswith(MADE_BY)]
    if not found:
        return []
    return [f"The scans were judged differently ({', '.join(found[:3])}): differences may come from that, too."]


def _other_stride(noise: Noise, record: Mapping[str, Any]) -> list[str]:
    """A note where the noise was measured at another stride."""
    measured, stride = noise.facts["source"].get("stride"), record["settings"].get("stride")
    if measured == stride:
        return []
    return [f"What repeats differ by was measured at stride {measured}, not {stride}."]


def content(found: Comparison) -> dict[str, Any]:
    """The content of `compare.json` about two scans."""
    scores = (found.before.record["scores"], found.after.record["scores"])
    return {
        "kind": "scans",
        "notes": list(found.notes),
        "repeats": None if found.noise is None else found.noise.facts["source"],
        "scores": {
            name: {
                "before": scores[0].get(name),
                "after": scores[1].get(name),
                "repeatability_coefficient": found.coefficient(name),
            }
            for name in REGIONS
        },
        "maps": {name: _map_numbers(one, found.noise) for name, one in found.extremes.items()},
        "changes": [_change_numbers(one, found.noise) for one in found.changes],
    }


def _map_numbers(found: Extremes | None, noise: Noise | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "rise": found.rise,
        "rise_reference_mm": list(found.rise_mm),
        "fall": found.fall,
        "fall_reference_mm": list(found.fall_mm),
        "repeats_95": None if noise is None else noise.difference,
    }


def _change_numbers(change: Change, noise: Noise | None) -> dict[str, Any]:
    return {
        "change": change.kind,
        "region": change.region,
        "beyond_repeats": change.beyond,
        "ranks_before": [row["rank"] for row in change.before],
        "ranks_after": [row["rank"] for row in change.after],
        "volumes_ml": list(change.volumes_ml),
        "peaks": list(change.peaks),
        "reference_mm": list(change.at_mm),
        "words": change_in_words(change, noise),
    }


def table(found: Comparison) -> str:
    """The changes as CSV, a line each."""
    rows = []
    for one in found.changes:
        row = (one.after or one.before)[0]
        beyond = {None: None, True: "yes", False: "no"}[one.beyond]
        peaks = [None if peak is None else round(peak, 3) for peak in one.peaks]
        rows.append((one.kind, one.region, beyond, row.get("name"), row["side"], *one.volumes_ml, *peaks, *one.at_mm))
    return as_csv(COLUMNS, rows)


def in_words(found: Comparison) -> list[str]:
    """The lines about two scans: notes, changes, maps, scores, and what a comparison does not say."""
    listed = [change_in_words(one, found.noise) for one in found.changes]
    lines = [*found.notes, *(listed or ["Neither scan lists anything above the threshold."])]
    lines += [map_in_words(name, one, found.noise) for name, one in found.extremes.items()]
    before, after = (scan.record["scores"] for scan in (found.before, found.after))
    lines += [score_in_words(name, before.get(name), after.get(name), found.coefficient(name)) for name in REGIONS]
    return [*lines, NOTHING_SAID]


def difference_file(found: Comparison) -> bytes:
    """The difference of the maps on the later scan's own grid, as a NIfTI file: float32, 0 outside the common brain."""
    return nifti_bytes(rounded(on_scan(found.map.values, found.after), ""), found.after.affine, level=MAP_LEVEL)


def picture(found: Comparison) -> bytes:
    """The picture, as the bytes of a PNG."""
    before, after = (Side(scan.hu, scan.own_heat, scan.to_reference) for scan in (found.before, found.after))
    limits = found.after.record.get("compared_with", {}).get("detections", {})
    return before_after(
        before,
        after,
        found.map.values,
        grid_affine(STRIDE),
        np.asarray(shown_mm(found)),
        threshold=limits.get("brain"),
        limit=None if found.noise is None else found.noise.difference,
        sentences=[change_in_words(one, found.noise) for one in found.changes],
    )


def shown_mm(found: Comparison) -> tuple[float, float, float]:
    """The point of the planes of the picture: at the first change in the brain, where the maps differ most, or, where
    they differ nowhere, at the first detection in the brain."""
    brain = [one for one in found.changes if one.region == BRAIN]
    if changed := [one for one in brain if one.kind not in (SAME, UNSEEN)]:
        return changed[0].at_mm
    known = [one for one in found.extremes.values() if one is not None and one.largest > 0]
    if known:
        most = max(known, key=lambda one: one.largest)
        return most.rise_mm if most.rise >= most.fall else most.fall_mm
    return brain[0].at_mm if brain else (0.0, 0.0, 0.0)
