"""Measures how two scans of one unchanged head differ: scores, maps and detections; the noise that `compare` goes by.

    python benchmarks/repeats.py draw ANATOMIES -o WORK   # 10 heads, two scans each, judged: 9 CPU-minutes
    python benchmarks/repeats.py measure WORK [--picture FILE] [--noise FILE]
    python benchmarks/repeats.py pair ANATOMY -o FOLDER [--lesion KIND]   # one head, before and after a lesion

`draw` draws each head once, and scans and judges it twice (see `repeated_scans.py`), into WORK/NUMBER/first and
WORK/NUMBER/second; what is there is not done again, unless it is of another calibration. `measure` reads these
folders, prints the tables, draws the picture of Bland and Altman, and writes the noise that ships with the bundle. The
environment variable BUNDLE names the folder of another bundle to judge with.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, os.environ.get("BUNDLE", str(ROOT / "bundle")))

import numpy as np
from repeated_scans import FIRST_SEED, SCANS, STRIDE, TRUTH_NAME, UNTRAINED, draw, is_current, pair

from scripts.assets import metadata
from scripts.files.atomic import replace_file
from scripts.files.fingerprints import simulator_sha256
from scripts.files.json_text import json_text, on_one_line
from scripts.files.tables import Table
from scripts.results.bland_altman import Pairs, bland_altman
from scripts.results.result import Result
from scripts.simulation.lesions.planting import ALL_KINDS
from scripts.sites.compare.changed_map import HEMISPHERES, difference, extremes
from scripts.sites.compare.changes import BRAIN, LISTED, changes, widened
from scripts.sites.compare.placed import Placed, placed
from scripts.sites.compare.repeats import FORMAT, HEMISPHERE, SKULL_SCORE, TIES, WITH_LESION
from scripts.statistics.auroc import threshold_at_specificity
from scripts.statistics.repeatability import FEWEST, Repeatability, agreement, repeatability

HEADS = 10
"""The number of heads."""


@dataclass
class Measured:
    """The differences of the repeats.

    Attributes:
        scores: pairs (first, second) of scores by kind.
        differences: the largest difference of the maps in each hemisphere without a lesion.
        peaks: the peak of such a hemisphere in one scan over the maximum around it in the other, both ways.
        volumes: pairs of volumes (ml) of detections of the brain that are in both lists.
        one_sided: detections that are in one list only.
        records: of all scans.
    """

    scores: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    differences: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    volumes: list[tuple[float, float]] = field(default_factory=list)
    one_sided: list[str] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)

    def add(self, first: Placed, second: Placed, side: str | None, name: str) -> None:
        """Add the repeats of a head with a lesion on a side, or without one."""
        found = extremes(difference(first, second))
        for region in first.record["scores"]:
            kind = SKULL_SCORE if region not in HEMISPHERES else WITH_LESION if has(region, side) else HEMISPHERE
            pair = first.record["scores"][region], second.record["scores"][region]
            if None not in pair:
                self.scores.setdefault(kind, []).append(pair)
            if kind == HEMISPHERE and (largest := found[region]) is not None:
                self.differences.append(largest.largest)
                self.peaks += [rise(first, second, HEMISPHERES[region]), rise(second, first, HEMISPHERES[region])]
        for change in changes(first, second, None):
            before, after = change.volumes_ml
            if change.kind != LISTED:
                self.one_sided.append(f"{name}: {change.kind} in the second, {change.region}, peaks {change.peaks}")
            elif change.region == BRAIN and before and after:
                self.volumes.append((before, after))
        self.records += [first.record, second.record]


def has(region: str, side: str | None) -> bool:
    """True if the lesion on a side is in a hemisphere."""
    return side is not None and (side not in ("left", "right") or region.startswith(side))


def rise(here: Placed, there: Placed, label: int) -> float:
    """The peak of a hemisphere in one scan over the maximum around it in the other."""
    own = np.where(here.brain == label, here.heat, -1)
    mask = np.zeros(own.shape, dtype=bool)
    mask[np.unravel_index(int(own.argmax()), own.shape)] = True
    around = widened(mask) & (there.brain > 0)
    return float(own.max() - (there.heat[around].max() if around.any() else 0.0))


def measure(work: Path) -> Measured:
    """The differences of the repeats in a folder."""
    found = Measured()
    for folder in sorted(path.parent for path in work.glob(f"*/{TRUTH_NAME}")):
        if not all(is_current(folder / scan) for scan in SCANS):
            print(f"{folder.name}: left out, since a scan was refused or judged by another calibration")
            continue
        truth = json.loads((folder / TRUTH_NAME).read_text())
        side = truth["side"] if truth["lesion"] else None
        found.add(*(placed(Result.read(folder / scan)) for scan in SCANS), side, folder.name)
    return found


def too_few(found: Measured) -> str:
    """A sentence if there are too few pairs of a kind to measure it by; "" if there are enough."""
    pairs = {kind.replace("_", " "): len(found.scores.get(kind, ())) for kind in (HEMISPHERE, WITH_LESION, SKULL_SCORE)}
    pairs["volume of a detection"] = len(found.volumes)
    least = min(pairs, key=lambda kind: pairs[kind])
    if pairs[least] >= FEWEST:
        return ""
    words = f"Each kind needs {FEWEST} pairs or more. Of this one there are {pairs[least]}: {least}."
    return f"{words} Draw more heads: a larger --count, REPEATED in `make weights`; those that are there stay."


def columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """The first and the second numbers of pairs."""
    return [one for one, _ in pairs], [other for _, other in pairs]


def ratio_of(pairs: Sequence[tuple[float, float]]) -> Repeatability:
    """The repeatability of the logarithms of volumes."""
    return repeatability(*(np.log(part) for part in columns(pairs)))


def noise(found: Measured) -> dict[str, Any]:
    """The content of the file that ships."""
    calibration, volumes = found.records[0]["calibration"], ratio_of(found.volumes)
    heads = len(found.records) // 2
    source = {"made_by": "benchmarks/repeats.py", "heads": heads, "seed": FIRST_SEED, "anatomies": list(UNTRAINED)}
    source |= {"variety": "widened", "stride": STRIDE, "simulator_sha256": simulator_sha256()}
    return {
        "format": FORMAT,
        "bundle_version": metadata()["version"],
        "source": source,
        "valid_for": {name: calibration.get(name) for name in TIES},
        "scores": {
            kind: {**asdict(repeatability(*columns(pairs))), "scores": pairs} for kind, pairs in found.scores.items()
        },
        "difference": {"hemispheres": len(found.differences), "limit_95": limit(found.differences)},
        "peak": {"peaks": len(found.peaks), "limit_95": limit(found.peaks)},
        "volume_ratio": {"detections": volumes.pairs, "coefficient": float(np.exp(volumes.coefficient))},
    }


def limit(values: Sequence[float]) -> float:
    """The value that 95 % of values do not exceed."""
    return threshold_at_specificity(values, 0.95)


def report(found: Measured) -> str:
    """The tables of the repeats."""
    rows = []
    for kind, pairs in found.scores.items():
        both = repeatability(*columns(pairs)), agreement(*columns(pairs))
        low, high = both[0].interval_95
        limits = " to ".join(f"{value:+.2f}" for value in both[1].limits)
        rows.append((kind.replace("_", " "), both[0].pairs, f"{both[0].within_sd:.3f}", f"{both[0].coefficient:.2f}"))
        rows[-1] += (f"[{low:.2f}, {high:.2f}]", f"{both[1].mean:+.3f}", limits)
    header = ("score", "pairs", "within-head SD", "repeatability coefficient", "95 %", "mean difference", "limits")
    volumes = ratio_of(found.volumes)
    low, high = (float(np.exp(value)) for value in volumes.interval_95)
    lines = [
        Table(header, tuple(rows)).markdown(),
        f"largest difference of maps in hemispheres without a lesion ({len(found.differences)}): "
        f"median {np.median(found.differences):.2f}, 95 % {limit(found.differences):.2f}, "
        f"largest {max(found.differences):.2f}",
        f"peak over the maximum around it in the other scan ({len(found.peaks)}): median {np.median(found.peaks):.2f}, "
        f"95 % {limit(found.peaks):.2f}, largest {max(found.peaks):.2f}",
        f"volumes of detections ({volumes.pairs}): factor {np.exp(volumes.coefficient):.3f} [{low:.3f}, {high:.3f}]",
        *found.one_sided,
    ]
    return "\n".join(lines)


def picture(found: Measured) -> bytes:
    """The picture of Bland and Altman, a panel for each kind of score."""
    panels = []
    for kind, pairs in found.scores.items():
        first, second = columns(pairs)
        both = agreement(first, second)
        panels.append(Pairs(kind.replace("_", " "), first, second, both.mean, both.limits))
    return bland_altman(panels, "Scores of two scans of one unchanged simulated head: second minus first")


def main() -> None:
    """Draw and judge, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    drawing, measuring = commands.add_parser("draw"), commands.add_parser("measure")
    drawing.add_argument("anatomies", type=Path)
    drawing.add_argument("-o", "--output", type=Path, required=True)
    drawing.add_argument("--count", type=int, default=HEADS)
    drawing.add_argument("--device", default="auto", help="where the networks run: auto, cpu or cuda (auto)")
    measuring.add_argument("work", type=Path)
    measuring.add_argument("--picture", type=Path, help="where the picture goes")
    measuring.add_argument("--noise", type=Path, help="where the noise goes: bundle/models/repeat_noise.json")
    pairing = commands.add_parser("pair")
    pairing.add_argument("anatomy", type=Path)
    pairing.add_argument("-o", "--output", type=Path, required=True)
    pairing.add_argument("--lesion", choices=ALL_KINDS, default="intraparenchymal")
    pairing.add_argument("--seed", type=int, default=FIRST_SEED + HEADS)
    args = parser.parse_args()
    if args.command == "draw":
        draw(args.anatomies, args.output, args.count, args.device)
        return
    if args.command == "pair":
        pair(args.anatomy, args.output, args.seed, args.lesion)
        return
    found = measure(args.work)
    if few := too_few(found):
        sys.exit(few)
    print(report(found))
    if args.picture:
        replace_file(args.picture, picture(found))
    if args.noise:
        replace_file(args.noise, on_one_line(json_text(noise(found))).encode())


if __name__ == "__main__":
    main()
