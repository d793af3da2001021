"""Detection by the density network, part by part: AUROC of hemispheres by kind of lesion.

    python benchmarks/position.py evidence WORK --weights FILE --split validation --anatomies ANATOMIES
    python benchmarks/position.py evidence WORK --weights FILE --cohort COHORT
    python benchmarks/position.py table WORK --scans validation --calibration validation

`evidence` computes what costs time, once for each scan and weights: in training alignment the planted heads of a split,
drawn as `density_train.json` says and kept in `WORK/drawn`; or the registered scans of a cohort of `detection.py`. It
goes to `WORK/evidence/NAME`, with the name of the split or of the cohort's folder. `table` calibrates on the healthy
scans of one such name and scores another; a scan is only compared with scans of other anatomies.

A hemisphere is anomalous on the lesion's side; healthy ones are those of healthy scans. Every stage prints the
CPU-seconds that it took.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from cohort.draw import SYMMETRIC, harder_plans
from cohort.register import facts_of, load
from scripts.anomaly.density import density_at_places
from scripts.anomaly.evidence import KINDS, features_of, one_sided, smoothed, top_mean
from scripts.anomaly.evidence_normative import BOX, EvidenceNormative, EvidenceStatistics, mirror_signs, oddity
from scripts.networks.inferers import EvidenceInferer
from scripts.preprocessing.blocks import FIRST_PLACE, PLACES
from scripts.preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE
from scripts.simulation.anatomy.braincase import BOTH
from scripts.simulation.lesions.planting import BRIGHT, DARK_OR_ISODENSE, VOLUMES_ML
from scripts.statistics.auroc import auroc
from scripts.training.planted import labels_of, planted_heads
from scripts.workflow import parsed_configs

SPLITS = {"validation": "validation_anatomies", "test": "test_anatomies"}
"""Ids in train.json of the anatomies of each split."""

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan at the places of the box: evidence (20, ...), density, regions, lesion, and what is known of it."""

    facts: dict[str, Any]
    evidence: Array
    density: Array
    regions: NDArray[np.uint8]
    lesion: NDArray[np.uint8]


HARDER_SEED = 60_000
"""Seed of the first harder lesion of a split."""


def heads_of(
    folder: str, names: list[str], healthy: int, per_kind: int, symmetric: int, harder: int = 0
) -> list[dict[str, Any]]:
    """The planted heads of a split; then ones with lesions on both sides, then `harder` of each kind of harder ones."""
    heads = planted_heads(folder, names, healthy, per_kind)
    for number in range(symmetric):
        for turn, kind in enumerate(SYMMETRIC):
            path = f"{folder}/{names[(number + turn) % len(names)]}.nii.gz"
            heads.append({"image": path, "seed": 5000 + 10 * number + turn, "lesion": kind, "side": BOTH})
    for plan in harder_plans(names, harder, HARDER_SEED):
        size = {"volume_ml": plan.volume_ml, "blood": plan.blood, "mirrored": plan.mirrored}
        head = {"image": f"{folder}/{plan.anatomy}.nii.gz", "seed": plan.seed, "lesion": plan.kind, "side": plan.side}
        heads.append(head | {"lesion_size": size, "group": plan.group})
    return heads


def planted_scans(args: argparse.Namespace, parser: Any) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Name, and a function that draws or reads it, of each planted head of a split."""
    planting = parser.get_parsed_content("planting")
    names = parser.get_parsed_content(SPLITS[args.split])
    for item in heads_of(str(args.anatomies), names, args.healthy, args.per_kind, args.symmetric, args.harder):
        facts = {"anatomy": Path(item["image"]).name.split(".")[0], "lesion": item["lesion"], "side": item["side"]}
        facts["group"] = item.get("group")
        yield planting.name(item), lambda item=item, facts=facts: {**planting(item), "facts": facts}


def cohort_scans(args: argparse.Namespace, parser: Any) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """The same of each registered scan of a cohort that was not refused."""
    blocks = parser.get_parsed_content("to_blocks")
    blocks.place_keys = ("label", "lesion_mask")
    for path in sorted((args.cohort / "registered").glob("*.zip")):
        facts = facts_of(path)
        if not facts["refused"]:
            yield path.stem, lambda path=path: registered_scan(path, blocks)


def registered_scan(path: Path, blocks: Callable[[Any], Any]) -> dict[str, Any]:
    """A registered scan as a planted one."""
    scan = load(path)
    arrays = {"image": scan.hu, "label": scan.regions, "lesion_mask": scan.lesion}
    truth = {name: scan.truth.get(name) for name in ("anatomy", "lesion", "side", "volume_ml", "group")}
    return {**blocks({name: torch.from_numpy(values)[None] for name, values in arrays.items()}), "facts": truth}


def stage_evidence(args: argparse.Namespace) -> None:
    """Compute the evidence of scans, unless it is there."""
    parser = parsed_configs(["train.json", "density_train.json"])
    parser["drawn_dir"] = str(args.drawn or args.work / "drawn")
    network = parser.get_parsed_content("network_def")
    state = torch.load(args.weights, map_location="cpu", weights_only=True)
    network.load_state_dict(state.get("network", state))
    intensity = parser.get_parsed_content("intensity")
    inferer = EvidenceInferer(FIRST_PLACE, precision=args.precision)
    scans = planted_scans(args, parser) if args.split else cohort_scans(args, parser)
    target = args.work / "evidence" / (args.split or args.cohort.name)
    target.mkdir(parents=True, exist_ok=True)
    spent, done = 0.0, 0
    for name, read in scans:
        if (target / f"{name}.npz").is_file():
            continue
        scan = read()
        before = time.process_time()
        inputs = torch.as_tensor(intensity({"image": scan["image"]})["image"])
        found = inferer(inputs[None], network.eval())[0, :, *BOX].numpy()
        density = density_at_places(scan["image"][0].numpy(), scan["label"][0].numpy())[BOX]
        spent, done = spent + time.process_time() - before, done + 1
        arrays = {"evidence": found.astype(np.float16), "density": density}
        arrays |= {"regions": scan["label"][0].numpy()[BOX], "lesion": scan["lesion_mask"][0].numpy()[BOX]}
        np.savez(target / f"{name}.npz", facts=np.array(json.dumps(scan["facts"])), **arrays)
        print(f"{done} {name} {scan['facts']}", flush=True)
    print(f"{done} scans, {spent / max(done, 1):.2f} CPU-seconds each without reading", flush=True)


def scans_of(folder: Path) -> Iterator[Scan]:
    """The scans of a folder of evidence."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            values = {name: file[name] for name in ("evidence", "density", "regions", "lesion")}
            yield Scan(json.loads(str(file["facts"])), **values)


def whole(values: NDArray[Any], fill: float = np.nan) -> NDArray[Any]:
    """Values (..., 64, 64, 64) of those in the box."""
    found = np.full((*values.shape[:-3], *[PLACES] * 3), fill, values.dtype)
    found[..., *BOX] = values
    return found


def vector_of(scan: Scan) -> Array:
    """The features (21, 64, 64, 64) of a scan: those of position, and the density."""
    evidence = whole(scan.evidence.astype(np.float32))
    features = features_of(evidence, np.isfinite(evidence[0]))
    return np.concatenate([features, whole(scan.density)[None]])


POSITION, DENSITY = tuple(range(20)), (20,)
PARTS: dict[str, tuple[int, ...]] = {
    "10 mm": POSITION[:KINDS],
    "34 mm": POSITION[-KINDS:],
    "all fields": POSITION,
    "density": DENSITY,
    "all fields and density": (*POSITION, *DENSITY),
}
"""Features of each calibrated part."""


class Normal:
    """Normatives of each part, of the healthy scans of all but one anatomy."""

    def __init__(self, folder: Path) -> None:
        self.sums: dict[str, dict[str, EvidenceStatistics]] = {}
        self.made: dict[str, dict[str, EvidenceNormative]] = {}
        for scan in scans_of(folder):
            if scan.facts["lesion"] is None:
                vector, anatomy = vector_of(scan), scan.facts["anatomy"]
                for part, kept in (("position", POSITION), ("density", DENSITY)):
                    sums = self.sums.setdefault(anatomy, {}).setdefault(part, EvidenceStatistics(features=len(kept)))
                    sums.add(vector[list(kept)])

    def without(self, anatomy: str) -> dict[str, EvidenceNormative]:
        """The normatives by part."""
        left = anatomy if anatomy in self.sums else ""
        if left not in self.made:
            others = [sums for name, sums in self.sums.items() if name != left]
            self.made = {left: {}}
            for part, kept in PARTS.items():
                if part == "all fields and density":
                    continue
                which = "density" if part == "density" else "position"
                total = EvidenceStatistics(np.sum([s[which].sums for s in others], axis=0), others[0][which].features)
                chosen = total if which == "density" else total.only(kept)
                self.made[left][part] = chosen.finish(signs_of(kept))
        return self.made[left]


def signs_of(kept: tuple[int, ...]) -> NDArray[np.float64]:
    """Signs in the mirror image; the density keeps its own."""
    return np.ones(1) if kept == DENSITY else mirror_signs(kept)


def maps_of(scan: Scan, normal: Normal) -> dict[str, Array]:
    """The maps (64, 64, 64) of a scan by column."""
    vector, made = vector_of(scan), normal.without(scan.facts["anatomy"])
    found: dict[str, Array] = {"34 mm surprise, not calibrated": vector[18]}
    q: dict[str, Array] = {}
    for part, kept in PARTS.items():
        if part in made:
            q[part] = oddity(vector[list(kept)], made[part], signs_of(kept))
            found[f"{part}, q"] = smoothed(q[part])
            found[f"{part}, d"] = smoothed(one_sided(q[part]))
    both = np.sqrt(q["all fields"] ** 2 / len(POSITION) + q["density"] ** 2)
    found["all fields and density, q"] = smoothed(both)
    found["all fields and density, d"] = smoothed(one_sided(both))
    return found


def rows_of(kind: str | None, side: str | None, group: str | None = None) -> list[str]:
    """Rows of the table that a lesion belongs to; a harder one only to that of its group."""
    if kind is None:
        return []
    if group is not None:
        return [f"harder: {group}"]
    if side == BOTH:
        return ["symmetric"]
    group = "bright" if kind in BRIGHT else "dark, isodense" if kind in DARK_OR_ISODENSE else "fractures"
    return [group, kind] + (["brain"] if kind in VOLUMES_ML else [])


def stage_table(args: argparse.Namespace) -> None:
    """Score and print."""
    normal = Normal(args.work / "evidence" / args.calibration)
    healthy: dict[str, list[float]] = {}
    sick: dict[str, dict[str, list[float]]] = {}
    precision: dict[str, list[float]] = {}
    kept: list[dict[str, Any]] = []
    folders = args.work / "evidence" / args.scans
    for scan in sorted(scans_of(folders), key=lambda scan: str(scan.facts["anatomy"])):
        regions, lesion = whole(scan.regions, 0), whole(scan.lesion, 0)
        rows, made = rows_of(scan.facts["lesion"], scan.facts["side"], scan.facts.get("group")), maps_of(scan, normal)
        for column, values in made.items():
            scores = [top_mean(values, regions == region) for region in (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)]
            for score, label in zip(scores, labels_of(scan.facts["lesion"], scan.facts["side"]), strict=True):
                if label == 0 and score is not None:
                    healthy.setdefault(column, []).append(score)
                for row in rows if label == 1 and score is not None else ():
                    sick.setdefault(row, {}).setdefault(column, []).append(score)
            kept.append({**scan.facts, "column": column, "scores": scores})
            where = np.isin(regions, (1, 2)) & (lesion != 2)
            if "brain" in rows and (lesion[where] == 1).any():
                truth, found = lesion[where] == 1, np.nan_to_num(values[where])
                precision.setdefault(column, []).append(float(average_precision_score(truth, found)))
    print_table(healthy, sick, precision)
    if args.output:
        args.output.write_text(json.dumps(kept))


def print_table(
    healthy: dict[str, list[float]], sick: dict[str, dict[str, list[float]]], precision: dict[str, list[float]]
) -> None:
    """One line a column: AUROC by row, and the voxels' average precision."""
    first = ["brain", "bright", "dark, isodense", "symmetric"]
    names = [row for row in first if row in sick] + sorted(set(sick) - set(first))
    print("| part | " + " | ".join(f"{row} ({len(next(iter(sick[row].values())))})" for row in names) + " | voxel AP |")
    print("|---" * (len(names) + 2) + "|")
    for column, below in healthy.items():
        found = [
            auroc([*sick[row][column], *below], [True] * len(sick[row][column]) + [False] * len(below)) for row in names
        ]
        print(f"| {column} | " + " | ".join(f"{v:.2f}" for v in found) + f" | {np.mean(precision[column]):.2f} |")
    print(f"{len(next(iter(healthy.values())))} healthy hemispheres")


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="detection by the density network, part by part")
    parser.add_argument("stage", choices=("evidence", "table"))
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--weights", type=Path, help="weights, or a training's checkpoint")
    parser.add_argument("--split", choices=tuple(SPLITS), help="planted heads of these anatomies")
    parser.add_argument("--cohort", type=Path, help="folder of a cohort of detection.py")
    parser.add_argument("--anatomies", type=Path, help="folder of label maps")
    parser.add_argument("--drawn", type=Path, help="folder of kept heads (default: WORK/drawn)")
    parser.add_argument("--healthy", type=int, default=36)
    parser.add_argument("--per-kind", type=int, default=3)
    parser.add_argument("--symmetric", type=int, default=3, help="heads of each kind with lesions on both sides")
    parser.add_argument("--harder", type=int, default=0, help="heads of each kind of harder lesions")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--scans", default="validation", help="name of the scans to score")
    parser.add_argument("--calibration", default="validation", help="name of the scans to calibrate on")
    parser.add_argument("--output", type=Path, help="JSON file for every score")
    return parser.parse_args(words)


def main() -> None:
    """Run one stage."""
    args = parsed()
    {"evidence": stage_evidence, "table": stage_table}[args.stage](args)
    print(f"{args.stage}: {time.process_time():.0f} CPU-seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
