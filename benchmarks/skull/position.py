"""Fractures by a network that predicts where on the skull a patch of the gap map lies, beside the skull's score.

    python benchmarks/skull/position.py gaps WORK GAPS [--healthy]
    python benchmarks/skull/position.py train GAPS --output NETWORK
    python benchmarks/skull/position.py judge GAPS --network NETWORK --work WORK --skulls SKULLS

`gaps` keeps the gap maps of the scans that `fractures.py draw` made, in the poses that were found if `WORK` has them;
`train` learns from the healthy ones; `judge` prints AUROCs by kind, alone and joined with the skull's score, whose
normative are the healthy skulls of `SKULLS`, the work folder of `head-ct-anomaly calibrate`. The network is calibrated
by healthy scans in `GAPS` of anatomies that are neither its own nor the scan's, see `surprise.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np
import torch

from scripts.files.atomic import staged
from scripts.skull.atlas import atlas
from scripts.skull.directions import Array
from scripts.skull.files import read_calibration
from scripts.skull.gaps import Gaps, gap_map
from scripts.skull.pooling import known_share
from scripts.skull.profiles import profiles
from scripts.skull.rays import View, view
from scripts.skull.staircase import in_plane, is_thick, slice_normal, without_rings
from scripts.skull.surface import fine_surface, outermost, own_radii
from skull.judge import class_of, healthy_in, judged
from skull.measured import Measured, measured, scan_of
from skull.position_network import Gap, network, patch_places, surprise, train
from skull.surprise import Case, Scored, scores_of, table

CALIBRATION = ROOT / "bundle" / "models" / "skull_normative.npz"


def gaps(args: argparse.Namespace) -> None:
    """Keep the gap maps that are not there yet."""
    usual_mm = read_calibration(CALIBRATION).usual_mm
    args.gaps.mkdir(parents=True, exist_ok=True)
    for path in sorted((args.work / "cases").glob("*healthy*.npz" if args.healthy else "*.npz")):
        target, pose = args.gaps / path.name, args.work / "poses" / f"{path.stem}.npy"
        hu, affine, matrix = scan_of(path)
        matrix = np.load(pose) if pose.is_file() else matrix
        if target.is_file() or not np.isfinite(matrix).all():
            continue
        found = gaps_of(view(hu, affine, matrix), usual_mm)
        with np.load(path) as case, staged(target) as partial, partial.open("wb") as file:
            np.savez(file, truth=case["truth"], gap=found.gap.astype(np.float16), bone=found.bone)
    print(f"{len(list(args.gaps.glob('*.npz')))} gap maps")


def gaps_of(seen: View, usual_mm: Array) -> Gaps:
    """The gap map of a scan as `measure` makes it; `usual_mm` are the radii (m,) of the mean surface."""
    tables, (normal, slices_mm) = atlas(), slice_normal(seen)
    surface = fine_surface(own_radii(outermost(seen, tables), usual_mm, tables), tables)
    found = gap_map(profiles(seen, surface), tables)
    return without_rings(found, in_plane(surface, normal), tables) if is_thick(slices_mm) else found


def read_gap(path: Path) -> tuple[dict[str, Any], Gap]:
    """The truth and the gap map of a scan."""
    with np.load(path) as found:
        return json.loads(str(found["truth"])), Gap(found["gap"].astype(np.float32), found["bone"])


def learn(args: argparse.Namespace) -> None:
    """Train on the healthy skulls, and keep the weights with the anatomies that they saw."""
    found = [read_gap(path) for path in sorted(args.gaps.glob("*.npz"))]
    healthy = [(truth["anatomy"], skull) for truth, skull in found if truth["kind"] is None]
    if not healthy:
        raise SystemExit(f"There are no healthy gap maps in {args.gaps}: run the stage gaps first.")
    done = train([skull for _, skull in healthy], args.steps, args.batch, args.seed, atlas())
    content = {"weights": done.network.state_dict(), "anatomies": sorted({name for name, _ in healthy})}
    with staged(args.output) as partial:
        torch.save(content, partial)
    print(f"{len(healthy)} healthy skulls, {args.steps} steps of {args.batch} patches, loss {done.loss:.3f}")


def surprised(args: argparse.Namespace) -> list[Case]:
    """The scans with their surprises.

    Raises:
        SystemExit: the network was trained on an anatomy of the scans.
    """
    content, net, tables = torch.load(args.network, weights_only=True), network(), atlas()
    net.load_state_dict(content["weights"])
    net.eval()
    places = patch_places(tables.pooled, np.zeros(len(tables.pooled)), tables)
    cases = []
    for path in sorted(args.gaps.glob("*.npz")):
        truth, skull = read_gap(path)
        if truth["anatomy"] in content["anatomies"]:
            raise SystemExit(f"The network was trained on {truth['anatomy']}: judge scans of other anatomies.")
        maps = surprise(skull, net, places, tables)
        cases.append(Case(path.stem, truth, maps, known_share(skull.bone, tables) >= 0.5))
    return cases


def skull_scores(args: argparse.Namespace) -> dict[str, float]:
    """The skull's score of each scan in `GAPS` over its threshold."""
    healthy, scores = healthy_in(args.skulls), {}
    wanted = {path.name for path in args.gaps.glob("*.npz")}
    groups: dict[tuple[str, str], dict[str, Measured]] = {}
    for name in sorted(wanted):
        case = measured(args.work / "skulls" / name)
        groups.setdefault((case.truth["anatomy"], class_of(case.truth)), {})[Path(name).stem] = case
    for own in groups.values():
        found = judged(list(own.values()), healthy)
        scores |= {name: one.scores["score"] / one.threshold for name, one in zip(own, found, strict=True)}
    return scores


def judge(args: argparse.Namespace) -> None:
    """Print AUROCs by kind of every variant."""
    cases, beside = surprised(args), skull_scores(args)
    healthy = [case for case in cases if case.truth["kind"] is None]
    for row, name in enumerate(("surprise", "error, mm")):
        values = np.concatenate([case.maps[row, case.known] for case in healthy])
        print(f"{name}: median {np.median(values):.2f} of healthy places")
    scores = scores_of(cases, atlas())
    print(table([Scored(case.truth["kind"], scores[case.name], beside[case.name]) for case in cases]))


def main() -> None:
    """Run a stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = parser.add_subparsers(required=True)
    own = {name: stages.add_parser(name, help=stage.__doc__) for name, stage in STAGES.items()}
    own["gaps"].add_argument("work", metavar="WORK", type=Path, help="folder of the scans")
    own["gaps"].add_argument("--healthy", action="store_true", help="healthy scans only")
    for name, stage in STAGES.items():
        own[name].add_argument("gaps", metavar="GAPS", type=Path, help="folder of gap maps")
        own[name].set_defaults(stage=stage)
    own["train"].add_argument("--output", type=Path, required=True, help="the weights to write")
    own["train"].add_argument("--steps", type=int, default=1200, help="steps of the optimiser (1200)")
    own["train"].add_argument("--batch", type=int, default=160, help="patches of a step (160)")
    own["train"].add_argument("--seed", type=int, default=0, help="of the training (0)")
    own["judge"].add_argument("--network", type=Path, required=True, help="weights of the network")
    own["judge"].add_argument("--work", type=Path, required=True, help="work folder of fractures.py, measured")
    own["judge"].add_argument("--skulls", type=Path, required=True, help="work folder of head-ct-anomaly calibrate")
    args = parser.parse_args()
    started = time.process_time()
    args.stage(args)
    print(f"{time.process_time() - started:.0f} CPU-seconds")


STAGES = {"gaps": gaps, "train": learn, "judge": judge}

if __name__ == "__main__":
    main()
