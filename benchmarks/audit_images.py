"""Drifts that are put into images, through the whole pipeline: how far do scores move, and what does an audit say?

    python benchmarks/audit_images.py draw ANATOMIES -o WORK [--pairs 3] [--scans 12] [--scanners A,D]
    head-ct-anomaly cohort WORK/pairs.json -o WORK/cohort --stride 4 --scores-only
    head-ct-anomaly cohort WORK/site.json -o WORK/cohort --stride 4 --scores-only
    python benchmarks/audit_images.py table WORK [--picture FILE]

Healthy heads of anatomies that no network was trained on, varied as those of the shipped calibration are, each by a
protocol that is drawn as `simulate` draws them, in slices of 3 and 5 mm. Scanner A has no drift, each other one
a drift of `drifts.py`. *Pairs* are the first heads of A, which every other scanner scans too, in the same pose and with
the same noise. At the *site* every scan is of a head of its own, as many by each scanner: A with each other scanner is
one audit, and all of them another. What is drawn or judged is not drawn or judged again; with larger numbers the lists
get longer. A scan is drawn in 5 to 16 CPU-seconds, and judged in 20 to 30.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np
from drifts import DRIFTS, Planned, drawn_scan, scans_in_pairs, scans_of_a_site
from PIL import Image

from scripts.anomaly.scores import LISTS
from scripts.cohort.folder import CohortFolder
from scripts.cohort.table import DONE, Row
from scripts.commands.main import main as main_of
from scripts.files.atomic import replace_file
from scripts.files.json_text import json_text
from scripts.files.nifti import nifti_bytes
from scripts.files.tables import Table
from scripts.results.checks import decoded_map
from scripts.results.drawing import BACKGROUND, QUIET, TEXT, label
from scripts.sites.audit.judged import HEMISPHERE, Calibration, calibration_of
from scripts.sites.audit.looks import MEASURES
from scripts.volume import UNKNOWN_HU

PAIRS_NAME, SITE_NAME, COHORT = "pairs.json", "site.json", "cohort"
"""The lists: heads that every scanner scans, and scanners with heads of their own; and the folder of
what was judged."""

PANEL, HEADER, FIELD_MM, WINDOW_HU = 260, 44, 210.0, 80
"""Side of a panel of the picture and height of the words above it, in pixels; what it shows; and the window from 0."""

ALL = "all of them"
"""The audit of all scanners."""

HEMISPHERES, SKULL = ("left_hemisphere", "right_hemisphere"), "skull"


def draw(anatomies: Path, work: Path, scans: Mapping[str, Planned]) -> None:
    """Draw the scans that are not there, one after the other."""
    for case, one in scans.items():
        path = work / "scans" / f"{case}.nii.gz"
        if path.is_file():
            continue
        started = time.process_time()
        scan = drawn_scan(one, anatomies)
        replace_file(path, nifti_bytes(np.where(scan.outside, np.int16(UNKNOWN_HU), scan.hu), scan.affine))
        took = f"{time.process_time() - started:.0f} CPU-s"
        print(f"{case}: {one.anatomy}, {DRIFTS[one.scanner].words}, {one.thickness_mm:g} mm, {took}", flush=True)


def write_list(path: Path, scans: Mapping[str, Planned]) -> None:
    """Write a datalist of scans, with the facts that an audit compares."""
    items = []
    for case, one in scans.items():
        facts = {"scanner": one.scanner, "thickness": one.thickness_mm}
        items.append({"case": case, "image": f"scans/{case}.nii.gz", "facts": facts})
    replace_file(path, json_text({"test": items}).encode())


@dataclass(frozen=True)
class Scored:
    """The scores of a scan over their thresholds, by region, and in what of the healthy scores' deviations: logarithms
    of scores over the deviation of those of calibration."""

    over: dict[str, float]
    deviations: dict[str, float]


def scored(row: Row, calibration: Calibration) -> Scored | None:
    """The scores of a case; None where it was refused, failed, or is not judged yet."""
    if row.status != DONE:
        return None
    over, deviations = {}, {}
    for region in LISTS:
        value, limit = row.score(region), row.score(region, "threshold")
        kind = HEMISPHERE if LISTS[region] == HEMISPHERE else calibration.kind_of_skull(limit)
        if value is not None and limit and kind:
            over[region] = float(value / limit)
            deviations[region] = float(np.log(value) / np.log(calibration.healthy[kind]).std())
    return Scored(over, deviations)


def pairs_table(work: Path, calibration: Calibration) -> Table:
    """By how much each drift moves the scores of the same heads, in deviations of healthy scores."""
    names, folder = [item["case"] for item in items_of(work / PAIRS_NAME)], CohortFolder(work / COHORT)
    found = {row.case: one for row in folder.rows(names) if (one := scored(row, calibration))}
    lines = []
    for drift in drifting():
        pairs = {name: f"{name}_by_{drift}" for name in names if "_by_" not in name}
        both = [(found[one], found[other]) for one, other in pairs.items() if one in found and other in found]
        if not both:
            continue
        brain = [own for pair in both for own in moved(*pair, HEMISPHERES)]
        skull = [own for pair in both for own in moved(*pair, (SKULL,))]
        above = sum(max(other.over.values()) > 1 for _, other in both)
        lines.append((DRIFTS[drift].words, len(both), in_words(brain), in_words(skull), f"{above} of {len(both)}"))
    return Table(("drift", "heads", "hemispheres", "skulls", "heads with a score above its threshold"), tuple(lines))


def moved(before: Scored, after: Scored, regions: Sequence[str]) -> list[float]:
    """The changes of the scores of regions, in deviations of healthy scores."""
    return [
        after.deviations[one] - before.deviations[one] for one in regions if one in before.over and one in after.over
    ]


def in_words(values: Sequence[float]) -> str:
    """A mean with the smallest and the largest value."""
    return f"{np.mean(values):+.2f} ({min(values):+.2f} to {max(values):+.2f})" if values else ""


def items_of(path: Path) -> list[dict[str, Any]]:
    """The items of a list that was written here; none where it was not."""
    return json.loads(path.read_text(encoding="utf-8"))["test"] if path.is_file() else []


def drifting() -> list[str]:
    """The scanners that drift."""
    return [name for name in DRIFTS if name != "A"]


def site_table(work: Path) -> Table:
    """The outcome of an audit of scanner A and each other one in the list of the site, and of one of all of them."""
    listed, folder, lines = items_of(work / SITE_NAME), work / COHORT, []
    there = [drift for drift in drifting() if any(item["facts"]["scanner"] == drift for item in listed)]
    audits = {DRIFTS[drift].words: {"A", drift} for drift in there}
    for words, scanners in {**audits, ALL: {"A", *there}}.items():
        name = "_and_".join(sorted(scanners)).lower()
        items, path = [item for item in listed if item["facts"]["scanner"] in scanners], work / f"{name}.json"
        replace_file(path, json_text({"test": items}).encode())
        with redirect_stdout(io.StringIO()):  # nothing is judged: the tables of the folder become those of this list
            main_of(["cohort", str(path), "-o", str(folder), "--stride", "4", "--scores-only"])
        print(f"\n{words}:", flush=True)
        output = work / f"audit_{name}"
        if main_of(["audit", str(folder), "-o", str(output), "--datalist", str(path)]) == 0:
            lines.append((words, *outcome(json.loads((output / "audit.json").read_text()))))
    header = ("drift", "scans", "hemispheres above", "skulls above", "smallest p of a scanner's scores, adjusted")
    return Table((*header, "named by scores", "named by images"), tuple(lines))


def outcome(audit: Mapping[str, Any]) -> list[str]:
    """The numbers of scans, rates by scanner, the p-value of their differences, and who is named by what."""
    rows = [row for row in audit["groups"]["scanner"] if "p_values" in row]
    scans = " + ".join(str(row["scans"]) for row in rows)
    rates = [
        "; ".join(f"{row[part]['above']} of {row[part]['of']}" for row in rows) for part in ("hemisphere", "skull")
    ]
    tests = [test for test in audit["tests"] if test["factor"] == "scanner"]
    smallest = min((test["adjusted"] for test in tests), default=1.0)
    named = [f"{one['factor']} {one['value']}" for one in audit["responsible"]["named"]]
    ways = [
        f"{one['level'].partition(' ')[0]}: {way.more if one['effect'] > 0 else way.less}"
        for one in audit["images"]["named"]
        for way in [MEASURES[one["measure"]]]
    ]
    return [scans, *rates, f"{smallest:.2g}", *("; ".join(words) or "nothing" for words in (named, ways))]


def picture(work: Path, calibration: Calibration) -> bytes:
    """A slice of the first head by each scanner, with the scores over their thresholds, as the bytes of a PNG."""
    cases = {name: case for case, name in ((item["case"], item["facts"]["scanner"]) for item in first_head(work))}
    rows = {row.case: row for row in CohortFolder(work / COHORT).rows(list(cases.values()))}
    sheet = Image.new("RGB", (PANEL * len(cases), PANEL + HEADER), BACKGROUND)
    for number, (name, case) in enumerate(cases.items()):
        sheet.paste(shown(work / "scans" / f"{case}.nii.gz"), (PANEL * number, HEADER))
        one = scored(rows[case], calibration)
        words = "not judged" if one is None else " · ".join(f"{value:.2f}" for value in one.over.values())
        label(sheet, (PANEL * number + 6, 4), "no drift" if name == "A" else DRIFTS[name].words, 15, TEXT)
        label(sheet, (PANEL * number + 6, 24), words, 13, QUIET)
    content = io.BytesIO()
    sheet.quantize(64, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def first_head(work: Path) -> list[dict[str, Any]]:
    """The items of the first head of the pairs."""
    return [item for item in items_of(work / PAIRS_NAME) if item["case"].startswith("A_00")]


def shown(path: Path) -> Image.Image:
    """The slice of a scan that shows most brain, from 0 to 80 HU; the patient's right is on the image's left."""
    hu, affine = decoded_map(path.read_bytes())
    brain = ((hu > 0) & (hu < 80)).sum(axis=(0, 1))
    plane = hu[:, :, int(brain.argmax())]
    middle = np.argwhere(plane > 0).mean(axis=0).astype(int)
    half = int(FIELD_MM / 2 / float(np.linalg.norm(affine[:3, 0])))
    cut = plane[max(middle[0] - half, 0) : middle[0] + half, max(middle[1] - half, 0) : middle[1] + half]
    grey = (np.clip(cut / WINDOW_HU, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(grey.T[::-1, ::-1]).resize((PANEL, PANEL))


def table(work: Path, drawing: Path | None) -> None:
    """Print both tables, and what each audit said; draw the picture if one is asked for."""
    calibration, _ = calibration_of(CohortFolder(work / COHORT), None)
    if drawing:
        replace_file(drawing, picture(work, calibration))
    print(pairs_table(work, calibration).markdown())
    if (found := site_table(work)).rows:
        print(f"\n{found.markdown()}")


def main() -> None:
    """Draw, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("anatomies", type=Path)
    drawing.add_argument("-o", "--output", type=Path, required=True)
    drawing.add_argument("--pairs", type=int, default=3, help="heads of scanner A that every scanner scans (3)")
    drawing.add_argument("--scans", type=int, default=12, help="of each scanner, each of a head of its own (12)")
    drawing.add_argument("--scanners", type=lambda text: text.split(","), default=list(DRIFTS), help="of these (all)")
    telling = commands.add_parser("table")
    telling.add_argument("work", type=Path)
    telling.add_argument("--picture", metavar="FILE", type=Path, help="where the picture of the first head goes")
    args = parser.parse_args()
    if args.command == "table":
        table(args.work, args.picture)
        return
    lists = {PAIRS_NAME: scans_in_pairs(args.pairs), SITE_NAME: scans_of_a_site(args.scans, args.scanners)}
    for name, scans in lists.items():
        if scans:
            draw(args.anatomies, args.output, scans)
            write_list(args.output / name, scans)


if __name__ == "__main__":
    main()
