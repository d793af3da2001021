"""What is let through and what is refused: fair poses of heads that are not in the reference, and broken inputs.

    python benchmarks/verdict.py FOLDER --work WORK                        # 200 fair poses, 105 broken inputs
    python benchmarks/verdict.py FOLDER --work WORK --anatomies 9,10,11    # on these the limits were chosen

Five heads of each anatomy are drawn, each with a shape and a look of its own, and scanned once, from the neck to above
the vertex. A *fair pose* of such a scan is turned by up to 20 degrees about each axis, cut between chin and orbits and
as low as 20 mm below the vertex, made of slices of 2.5 or 5 mm, and has some more noise. It should pass or be for
review, and be right: within 10 mm, see `registration.py`. A *broken input* is one of `breaks`: no head, half of one, an
upside-down one, wrong HU, a wrong spacing. It should be refused, by what its values say when it is read, or by the
verdict on its registration. What came out is kept in WORK, one line each: a rerun goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from registration import FAILURE_MM, ROOT, THIN, Array, Case, body, error_mm, make_case, moved, read_and_registered
from scipy import ndimage
from scipy.spatial.transform import Rotation

from scripts.anatomies import load_anatomy
from scripts.networks import DensePositionNet
from scripts.pose_quality import judge
from scripts.registration import Reference
from scripts.simulation.anatomy import Anatomy
from scripts.simulation.common_space import CENTRE_MM
from scripts.simulation.head import SHAPE_STREAM, stream
from scripts.simulation.shape import draw_shape
from scripts.transforms import load_locator, load_reference
from scripts.volume import AIR_HU, UNKNOWN_HU

Hu = NDArray[np.float32]
Broken = tuple[Hu, Array]

ANATOMIES = (12, 13, 14)
"""Numbers of the test anatomies."""

HEADS, FAIR, BROKEN = 5, 14, 7
"""Heads of each anatomy, fair poses and broken inputs of each."""

MOST_FAIR = 200
"""Fair poses in all."""

TURN_DEG = 20.0
"""Largest rotation about each axis."""

BOTTOM_MM, TOP_MM = (-95.0, -35.0), (84.0, 118.0)
"""Reference heights between which a fair scan begins, and between which it ends."""

NOISE_HU = 8.0
"""Most noise that is added."""


def head_scans(folder: Path, work: Path, numbers: Sequence[int]) -> Iterator[Case]:
    """The heads of these anatomies, one of each in turn, drawn once and kept."""
    anatomies: dict[int, Anatomy] = {}
    for head, number in itertools.product(range(HEADS), numbers):
        path, seed = work / f"head_{number:02d}_{head}.npz", 1000 * number + 700 + head
        if not path.is_file():
            if number not in anatomies:
                anatomies[number] = load_anatomy(folder / f"head_{number:02d}.nii.gz")
            shape = draw_shape(stream(seed, SHAPE_STREAM))
            tall = replace(THIN, top_mm=120.0)
            keep(path, make_case(anatomies[number], number, "", seed, (0, 0, 0), tall, shape))
        with np.load(path) as kept:
            volume = kept["volume"].astype(np.float32)
            yield Case(number, str(head), volume, kept["affine"], kept["truth"], kept["points"])


def keep(path: Path, case: Case) -> None:
    """Write a scan to a file, whole or not at all."""
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(
        partial, volume=case.volume.astype(np.int16), affine=case.affine, truth=case.truth, points=case.points
    )
    partial.replace(path)


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


def half(axis: int) -> Callable[[Case, np.random.Generator], Broken]:
    """Half of the head, on either side of the middle of the brain; the rest is air, or unknown."""

    def broken(case: Case, rng: np.random.Generator) -> Broken:
        index = np.moveaxis(np.indices(case.volume.shape, dtype=np.float32), 0, -1)
        row = (case.truth @ case.affine)[axis]
        side = index @ row[:3].astype(np.float32) + np.float32(row[3] - CENTRE_MM[axis])
        gone = side > 0 if rng.random() < 0.5 else side < 0
        return np.where(gone, np.float32(rng.choice([AIR_HU, UNKNOWN_HU])), case.volume), case.affine

    return broken


def changed(change: Callable[[Hu], Hu]) -> Callable[[Case, np.random.Generator], Broken]:
    """All known HU changed."""

    def broken(case: Case, rng: np.random.Generator) -> Broken:
        return np.where(case.volume > UNKNOWN_HU, change(case.volume), case.volume), case.affine

    return broken


def respaced(factors: tuple[float, float, float]) -> Callable[[Case, np.random.Generator], Broken]:
    """Voxels of another size than the header's, by a factor along each axis of the grid."""

    def broken(case: Case, rng: np.random.Generator) -> Broken:
        return case.volume, case.affine @ np.diag([*factors, 1.0])

    return broken


def upside_down(case: Case, rng: np.random.Generator) -> Broken:
    """The slices in reverse order: mirrored, not turned."""
    return case.volume[:, :, ::-1], case.affine


def shuffled(case: Case, rng: np.random.Generator) -> Broken:
    """The slices in another order, in runs of 1 to 12."""
    runs = np.array_split(np.arange(case.volume.shape[2]), case.volume.shape[2] // int(rng.integers(1, 13)))
    return case.volume[:, :, np.concatenate([runs[n] for n in rng.permutation(len(runs))])], case.affine


def chest(case: Case, rng: np.random.Generator) -> Broken:
    """A body."""
    return body(rng), np.diag([2.0, 2.0, 3.0, 1.0])


def noise(case: Case, rng: np.random.Generator) -> Broken:
    """Air and soft tissue where the head's are, but what is in the head is noise, more or less smooth."""
    inside = ndimage.binary_fill_holes(case.volume > -300)
    grain = ndimage.gaussian_filter(rng.standard_normal(inside.shape), rng.uniform(0, 4))
    values = grain / grain.std() * 300 + 40
    return np.where(inside, np.maximum(values, AIR_HU), case.volume).astype(np.float32), case.affine


def water(case: Case, rng: np.random.Generator) -> Broken:
    """A phantom: a cylinder of water in a shell of plastic, as large as a head, with nothing in it."""
    grid = np.indices((120, 120, 90), dtype=np.float32) * 2 - np.array([119, 119, 89])[:, None, None, None]
    radius, height_mm = rng.uniform(75, 105), rng.uniform(75, 88)
    away = np.hypot(grid[0], grid[1] / rng.uniform(1, 1.2))
    hu = np.where((away < radius) & (abs(grid[2]) < height_mm), 0.0, -1000.0)
    hu[(away >= radius) & (away < radius + 6) & (abs(grid[2]) < height_mm)] = rng.choice([120.0, 900.0])
    return (hu + rng.normal(0, 5, hu.shape)).astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0])


def breaks() -> dict[str, Callable[[Case, np.random.Generator], Broken]]:
    """What can be broken, by name."""
    return {
        "half, cut sagittally": half(0),
        "half, cut coronally": half(1),
        "half, cut axially": half(2),
        "upside down": upside_down,
        "HU + 300": changed(lambda hu: hu + 300),
        "0.75 of the size": respaced((0.75, 0.75, 0.75)),
        "slices at 0.75 of their distance": respaced((1.0, 1.0, 0.75)),
        "HU - 300": changed(lambda hu: hu - 300),
        "slices shuffled": shuffled,
        "body": chest,
        "HU doubled above air": changed(lambda hu: (hu - AIR_HU) * 2 + AIR_HU),
        "pixels at 0.75 of their distance": respaced((0.75, 0.75, 1.0)),
        "noise": noise,
        "HU + 60": changed(lambda hu: np.where(hu < -900, hu, hu + 60)),
        "HU inverted": changed(lambda hu: 1000 - hu),
        "HU halved": changed(lambda hu: hu / 2),
        "1.35 of the size": respaced((1.35, 1.35, 1.35)),
        "HU - 100": changed(lambda hu: hu - 100),
        "water": water,
        "HU 0.9 above air": changed(lambda hu: (hu - AIR_HU) * 0.9 + AIR_HU),
    }


def inputs(case: Case, first: int) -> Iterator[tuple[str, str, Callable[[], Case]]]:
    """Name, kind and maker of every fair pose and broken input of a head; the kinds take turns from `first` on."""
    name = f"head_{case.anatomy:02d}_{case.kind}"
    for row in range(FAIR):
        rng = np.random.default_rng([case.anatomy, int(case.kind), row])
        yield f"{name}_fair_{row}", "fair", lambda rng=rng: fair(case, rng)
    kinds = breaks()
    for row in range(first, first + BROKEN):
        kind = list(kinds)[row % len(kinds)]
        rng = np.random.default_rng([case.anatomy, int(case.kind), 1000 + row])
        yield f"{name}_{row}", kind, lambda rng=rng, kind=kind: broken_case(case, kind, kinds[kind], rng)


def broken_case(
    case: Case, kind: str, change: Callable[[Case, np.random.Generator], Broken], rng: np.random.Generator
) -> Case:
    """A broken input, turned like a fair pose; what would be right is not defined."""
    volume, affine = change(case, rng)
    return turned(replace(case, kind=kind, volume=volume, affine=affine), rng)


def look(case: Case, reference: Reference, locator: DensePositionNet | None) -> dict[str, Any]:
    """What is said of an input: its verdict, the error where it is fair, and the numbers."""
    result, said = read_and_registered(case.volume, case.affine, reference, locator)
    if result is None:
        return {"verdict": "refused", "said": said, "quality": {}}
    found = {"verdict": result.verdict, "said": said, "quality": result.quality, "reasons": result.reasons}
    return found if case.kind != "fair" else {**found, "error_mm": error_mm(result.matrix, case)}


def summary(rows: Sequence[dict[str, Any]]) -> None:
    """Print the tables."""
    mine = [row for row in rows if row["kind"] == "fair"]
    print("\n| fair poses | pass | review | refused | over 10 mm, and let through |\n|---|---|---|---|---|")
    for number in sorted({row["anatomy"] for row in mine}):
        print(fair_line(f"head_{number:02d}", [row for row in mine if row["anatomy"] == number]))
    print(fair_line("all", mine))
    print("\n| broken | inputs | refused when read | refused after registration | let through |\n|---|---|---|---|---|")
    broken = [row for row in rows if row["kind"] != "fair"]
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
    done, count = {row["name"] for row in rows}, 0
    numbers = [int(number) for number in args.anatomies.split(",")]
    for turn, head in enumerate(head_scans(args.folder, args.work, numbers)):
        for name, kind, make in inputs(head, turn * BROKEN):
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
