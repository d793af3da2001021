"""What is let through and what is refused: fair poses of heads that are not in the reference, and broken inputs.

    python benchmarks/verdict.py FOLDER --work WORK                        # 200 fair poses, 105 broken inputs
    python benchmarks/verdict.py FOLDER --work WORK --anatomies 9,10,11    # on these the limits were chosen

Five heads of each anatomy are drawn, each with a shape and a look of its own, and scanned once, from the neck to above
the vertex. A *fair pose* of such a scan is turned by up to 20 degrees about each axis, cut between chin and orbits and
as low as 20 mm below the vertex, made of slices of 2.5 or 5 mm, and has some more noise. It should pass or be for
review, and be right: within 10 mm, see `registration.py`. A *broken input* is one of `breaks`: no head, half of one, an
upside-down one, wrong HU, a wrong spacing. It should be refused, by what its values say when it is read, or by the
verdict on its registration. Further heads have a subdural *bleed* of 90 to 120 ml, which pushes the brain aside; they
should be let through, too. What came out is kept in WORK, one line each: a rerun goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from broken import Break, Broken, Hu, breaks
from registration import FAILURE_MM, error_mm, read_and_registered
from registration_cases import ROOT, THIN, Array, Case, make_case, moved
from scipy.spatial.transform import Rotation

from scripts.files.atomic import staged
from scripts.geometry.coordinates import CENTRE_MM
from scripts.networks.position import DensePositionNet
from scripts.registration.checks import judge
from scripts.registration.register import Reference
from scripts.registration.transforms import load_locator, load_reference
from scripts.simulation.anatomy.label_map import Anatomy, load_anatomy
from scripts.simulation.person.head import SHAPE_STREAM, stream
from scripts.simulation.person.shape import draw_shape
from scripts.volume import AIR_HU, UNKNOWN_HU

ANATOMIES = (12, 13, 14)
"""Numbers of the test anatomies."""

HEADS, FAIR, BROKEN = 5, 14, 7
"""Heads of each anatomy, fair poses and broken inputs of each."""

BLEEDS_ML = {"bleed a": 110.0, "bleed b": 90.0, "bleed c": 120.0}
"""The heads with a subdural bleed, and its volume."""

MOST_FAIR = 200
"""Fair poses in all."""

TURN_DEG = 20.0
"""Largest rotation about each axis."""

BOTTOM_MM, TOP_MM = (-95.0, -35.0), (84.0, 118.0)
"""Reference heights between which a fair scan begins, and between which it ends."""

NOISE_HU = 8.0
"""Most noise that is added."""


def head_scans(folder: Path, work: Path, numbers: Sequence[int]) -> Iterator[Case]:
    """The heads of these anatomies, one of each in turn, those with bleeds first; drawn once and kept."""
    anatomies: dict[int, Anatomy] = {}
    for kind, number in itertools.product((*BLEEDS_ML, *range(HEADS)), numbers):
        path = work / f"head_{number:02d}_{kind}.npz"
        if not path.is_file():
            if number not in anatomies:
                anatomies[number] = load_anatomy(folder / f"head_{number:02d}.nii.gz")
            keep(path, drawn(anatomies[number], number, kind))
        with np.load(path) as kept:
            volume = kept["volume"].astype(np.float32)
            yield Case(number, str(kind), volume, kept["affine"], kept["truth"], kept["points"])


def drawn(anatomy: Anatomy, number: int, kind: int | str) -> Case:
    """The head of a number, or with a bleed of that name; another one where the bleed does not fit."""
    tall, first = replace(THIN, top_mm=120.0), 1000 * number + 700
    if isinstance(kind, int):
        shape = draw_shape(stream(first + kind, SHAPE_STREAM))
        return make_case(anatomy, number, "", first + kind, (0, 0, 0), tall, shape)
    for seed in range(first + 100 + 10 * list(BLEEDS_ML).index(kind), first + 200):
        with contextlib.suppress(ValueError):
            shape = draw_shape(stream(seed, SHAPE_STREAM))
            return make_case(anatomy, number, "", seed, (0, 0, 0), tall, shape, BLEEDS_ML[kind])
    raise ValueError(f"{BLEEDS_ML[kind]} ml of blood fit no head of anatomy {number}.")


def keep(path: Path, case: Case) -> None:
    """Write a scan to a file, whole or not at all."""
    arrays = {"affine": case.affine, "truth": case.truth, "points": case.points}
    with staged(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, volume=case.volume.astype(np.int16), **arrays)


def fair(case: Case, rng: np.random.Generator) -> Case:
    """The scan of a head as another protocol might have made it, the head turned."""
    volume, affine = cut_along_z(case, rng.uniform(*BOTTOM_MM), rng.uniform(*TOP_MM))
    if rng.random() < 0.5:
        volume, affine = thicker(volume, affine)
    noise = rng.normal(0, rng.uniform(0, NOISE_HU), volume.shape).astype(np.float32)
    volume = np.where(volume > UNKNOWN_HU, np.maximum(volume + noise, AIR_HU), volume)
    return turned(replace(case, kind="fair", volume=volume, affine=affine), rng)


def cut_along_z(case: Case, low_mm: float, high_mm: float) -> Broken:
    """The slices whose middle lies between two reference heights."""
    count = case.volume.shape
    middles = np.stack(np.broadcast_arrays(count[0] / 2, count[1] / 2, np.arange(count[2])), -1)
    heights = moved(case.truth @ case.affine, middles)[:, 2]
    chosen = np.flatnonzero((heights >= low_mm) & (heights <= high_mm))
    affine = case.affine.copy()
    affine[:3, 3] += affine[:3, 2] * chosen[0]
    return case.volume[:, :, chosen[0] : chosen[-1] + 1], affine


def thicker(volume: Hu, affine: Array) -> Broken:
    """Each two slices as one."""
    pairs = volume[:, :, : volume.shape[2] // 2 * 2].reshape(*volume.shape[:2], -1, 2)
    unknown = (pairs == UNKNOWN_HU).any(axis=3)
    wide = affine.copy()
    wide[:3, 3] += affine[:3, 2] / 2
    wide[:3, 2] *= 2
    return np.where(unknown, np.float32(UNKNOWN_HU), pairs.mean(axis=3)), wide


def turned(case: Case, rng: np.random.Generator) -> Case:
    """The case turned about the middle of the brain; its points are those in the field of view."""
    centre = moved(np.linalg.inv(case.truth), np.array([CENTRE_MM]))[0]
    turn = np.eye(4)
    angles = rng.uniform(-TURN_DEG, TURN_DEG, 3)
    turn[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    index = np.rint(moved(np.linalg.inv(case.affine), case.points)).astype(int)
    seen = np.all((index >= 0) & (index < case.volume.shape), axis=1)
    points = moved(turn, case.points[seen])
    return replace(case, affine=turn @ case.affine, truth=case.truth @ np.linalg.inv(turn), points=points)


def inputs(case: Case, first: int) -> Iterator[tuple[str, str, Callable[[], Case]]]:
    """Name, kind and maker of every fair pose and broken input of a head; the kinds take turns from `first` on."""
    name = f"head_{case.anatomy:02d}_{case.kind}"
    if case.kind in BLEEDS_ML:
        yield name, "bleed", lambda: turned(replace(case, kind="bleed"), np.random.default_rng(case.anatomy))
        return
    for row in range(FAIR):
        rng = np.random.default_rng([case.anatomy, int(case.kind), row])
        yield f"{name}_fair_{row}", "fair", lambda rng=rng: fair(case, rng)
    kinds = breaks()
    for row in range(first, first + BROKEN):
        kind = list(kinds)[row % len(kinds)]
        rng = np.random.default_rng([case.anatomy, int(case.kind), 1000 + row])
        yield f"{name}_{row}", kind, lambda rng=rng, kind=kind: broken_case(case, kind, kinds[kind], rng)


def broken_case(case: Case, kind: str, change: Break, rng: np.random.Generator) -> Case:
    """A broken input, turned like a fair pose; what would be right is not defined."""
    volume, affine = change(case, rng)
    return turned(replace(case, kind=kind, volume=volume, affine=affine), rng)


def look(case: Case, reference: Reference, locator: DensePositionNet | None) -> dict[str, Any]:
    """What is said of an input: its verdict, the numbers, and the error where there is a right pose."""
    result, said = read_and_registered(case.volume, case.affine, reference, locator)
    if result is None:
        return {"verdict": "refused", "said": said, "quality": {}}
    found = {"verdict": result.verdict, "said": said, "quality": result.quality, "reasons": result.reasons}
    right = case.kind in ("fair", "bleed")
    return {**found, "error_mm": error_mm(result.matrix, case)} if right else found


def summary(rows: Sequence[dict[str, Any]]) -> None:
    """Print the tables."""
    mine = [row for row in rows if row["kind"] == "fair"]
    print("\n| fair poses | pass | review | refused | over 10 mm, and let through |\n|---|---|---|---|---|")
    for number in sorted({row["anatomy"] for row in mine}):
        print(fair_line(f"head_{number:02d}", [row for row in mine if row["anatomy"] == number]))
    print(fair_line("all", mine))
    print(fair_line("with a bleed", [row for row in rows if row["kind"] == "bleed"]))
    print("\n| broken | inputs | refused when read | refused after registration | let through |\n|---|---|---|---|---|")
    broken = [row for row in rows if row["kind"] not in ("fair", "bleed")]
    for kind in breaks():
        print(broken_line(kind, [row for row in broken if row["kind"] == kind]))
    print(broken_line("all", broken))


def verdict_of(row: dict[str, Any]) -> str:
    """The verdict on the numbers that were kept, with the limits as they are now."""
    return judge(row["quality"])[0] if row["quality"] else "refused"


def fair_line(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """A line of the first table."""
    verdicts = [verdict_of(row) for row in rows]
    refused = verdicts.count("fail") + verdicts.count("refused")
    let = [row for row in rows if verdict_of(row) in ("pass", "review")]
    wrong = sum(row["error_mm"] > FAILURE_MM for row in let)
    return f"| {name}, {len(rows)} | {verdicts.count('pass')} | {verdicts.count('review')} | {refused} | {wrong} |"


def broken_line(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """A line of the second table."""
    verdicts = [verdict_of(row) for row in rows]
    let = verdicts.count("pass") + verdicts.count("review")
    return f"| {name} | {len(rows)} | {verdicts.count('refused')} | {verdicts.count('fail')} | {let} |"


def main() -> None:
    """Look at all inputs that were not looked at yet, and print the tables."""
    parser = argparse.ArgumentParser(description="fair and broken inputs, and the verdict on them")
    parser.add_argument("folder", type=Path, help="folder of label maps, head_01.nii.gz and so on")
    parser.add_argument("--work", type=Path, required=True, help="folder for drawn heads and results")
    parser.add_argument("--anatomies", default=",".join(map(str, ANATOMIES)), help="their numbers, with commas")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    models, results = ROOT / "bundle" / "models", args.work / "results.jsonl"
    reference = load_reference(str(models / "reference.nii.gz"), str(models / "reference_masks.nii.gz"))
    locator = load_locator(str(models / "locator.pt"))
    rows = [json.loads(line) for line in results.read_text().splitlines()] if results.is_file() else []
    done, count, turn = {row["name"] for row in rows}, 0, 0
    numbers = [int(number) for number in args.anatomies.split(",")]
    for head in head_scans(args.folder, args.work, numbers):
        turn += head.kind not in BLEEDS_ML
        for name, kind, make in inputs(head, (turn - 1) * BROKEN):
            count += kind == "fair"
            if name in done or (kind == "fair" and count > MOST_FAIR):
                continue
            row = {"name": name, "anatomy": head.anatomy, "kind": kind, **look(make(), reference, locator)}
            rows.append(row)
            with results.open("a", encoding="utf-8") as stream_:
                stream_.write(json.dumps(row) + "\n")
            print(name, kind, row["verdict"], f"{row.get('error_mm', float('nan')):.1f} mm:", row["said"], flush=True)
    summary(rows)


if __name__ == "__main__":
    main()
