"""Are planted lesions like drawn ones? The same lesion drawn into a simulated head, and planted into its healthy scan.

    python benchmarks/power.py compare WORK --anatomies ANATOMIES --names head_12 head_13 --heads 4 --lesions 21
    python benchmarks/power.py seam SCAN [SCAN ...] --lesions 16
    python benchmarks/power.py picture SCAN -o FILE

`compare` draws heads of label maps, each once healthy and once with each lesion (kind, side, volume, HU and protocol
are the same), judges the drawn ones as any scan, plants the lesions into the healthy scan, and says how the
sensitivities differ, with an interval over heads. What each head gave is kept in WORK, so that the command resumes.

`seam` asks whether the edge of a lesion can be told when the lesion itself is not there (see `seams.py`). `picture`
shows planes of a scan with lesions, without them, and what was added.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle")]

from seams import seam

from scripts.commands.simulate import write_case
from scripts.datasets.datalist import Case
from scripts.files.atomic import replace_file
from scripts.files.json_text import json_text
from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.case import simulate_case
from scripts.simulation.lesions.bleeds import BLOOD_HU
from scripts.simulation.lesions.planting import DROPS_HU, HU
from scripts.sites.power.judge import Judge, Settings
from scripts.sites.power.plan import KINDS, Wish, wishes
from scripts.sites.power.planting import planted
from scripts.sites.power.runner import COUNTED, FOUND, Recipe, judged
from scripts.statistics.auroc import clustered_bootstrap
from scripts.workflow import quiet

SHOWN = (
    *(("intraparenchymal", "left", 10.0), ("subdural", "right", 20.0), ("epidural", "left", 20.0)),
    *(("intraventricular", "right", 5.0), ("isodense_subdural", "left", 40.0), ("infarct", "right", 40.0)),
)
"""Kind, side and volume of the lesions of the picture."""

PLANE, MOST_HU, LEVELS = (slice(52, 204), slice(26, 226)), 40.0, 40
"""Part of a plane that is shown, the change that is black or white, and the number of grey values."""


def drawn_verdict(judge: Judge, anatomy: Any, seed: int, wish: Wish, folder: Path) -> dict[str, Any]:
    """Score and outcome of a head with the lesion drawn into it, judged as any scan; `reason` where there is none."""
    size: dict[str, Any] = {"volume_ml": wish.volume_ml}
    if wish.kind not in DROPS_HU:
        size["lesion_hu"] = float(np.random.default_rng(wish.seed).uniform(*HU.get(wish.kind, BLOOD_HU)))
    try:
        case = simulate_case(anatomy, seed, lesion=wish.kind, side=wish.side, lesion_size=size)
    except ValueError as error:
        return {"reason": str(error)}
    write_case(folder / str(wish.number), case, "head", "nifti")
    verdict = judge(*judge.prepared(next((folder / str(wish.number)).glob("scan.nii*"))))
    above = verdict.above(wish.side)
    return {"score": verdict.scores[wish.side], "outcome": None if above is None else FOUND if above else "missed"}


def one_head(judge: Judge, path: Path, seed: int, row: int, lesions: int, stride: int) -> dict[str, Any]:
    """Rows of a head: each lesion, drawn and planted; and the CPU-seconds of planting and judging one."""
    anatomy, name = load_anatomy(path), f"{path.name.split('.')[0]}_{seed}"
    with tempfile.TemporaryDirectory() as place, quiet():
        write_case(Path(place) / "healthy", simulate_case(anatomy, seed), name, "nifti")
        scan = next((Path(place) / "healthy").glob("scan.nii*"))
        recipe, case = Recipe(lesions, KINDS, 0, stride, "cpu"), Case(name, scan, row=row)
        began = time.process_time()
        content = judged(recipe, case, scan)
        seconds = (time.process_time() - began) / lesions
        by_number = {wish.number: wish for wish in wishes(name, row, lesions, KINDS, 0)}
        rows = [
            {**row, "drawn": drawn_verdict(judge, anatomy, seed, by_number[row["number"]], Path(place))}
            for row in content["lesions"]
            if row["outcome"] in COUNTED
        ]
    return {"head": name, "cpu_seconds_a_lesion": round(seconds, 2), "noise_hu": content["noise_hu"], "rows": rows}


def compare(args: argparse.Namespace) -> None:
    """Judge all heads and print the comparison."""
    with quiet():
        judge = Judge(Settings(args.stride, "cpu"))
    contents = []
    for number in range(args.heads):
        path = args.anatomies / f"{args.names[number % len(args.names)]}.nii.gz"
        kept = args.work / f"{path.name.split('.')[0]}_{args.seed + number}_{args.lesions}_{args.stride}.json"
        if not kept.is_file():
            found = one_head(judge, path, args.seed + number, number, args.lesions, args.stride)
            args.work.mkdir(parents=True, exist_ok=True)
            replace_file(kept, json_text(found).encode())
        contents.append(json.loads(kept.read_text(encoding="utf-8")))
        words = f"{contents[-1]['cpu_seconds_a_lesion']} CPU-seconds a planted lesion"
        print(f"{contents[-1]['head']}: {len(contents[-1]['rows'])} lesions, {words}", flush=True)
    print("\n".join(comparison(contents)))


def comparison(contents: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines of Markdown: lesions found, planted and drawn, by kind; and the difference with its interval over heads."""
    pairs = [
        (content["head"], row["kind"], row["outcome"] == FOUND, row["drawn"]["outcome"] == FOUND, row)
        for content in contents
        for row in content["rows"]
        if row["drawn"].get("outcome") in COUNTED
    ]
    yield "| kind | lesions | found, planted | found, drawn | median score, planted | drawn |"
    yield "|---|---|---|---|---|---|"
    for kind in (*dict.fromkeys(pair[1] for pair in pairs), "all"):
        own = [pair for pair in pairs if kind in (pair[1], "all")]
        scores = [[pair[4]["score"], pair[4]["drawn"]["score"]] for pair in own]
        ours, theirs = np.median(scores, axis=0)
        found = f"{sum(pair[2] for pair in own)} | {sum(pair[3] for pair in own)}"
        yield f"| {kind} | {len(own)} | {found} | {ours:.2f} | {theirs:.2f} |"
    off = np.array([float(pair[2]) - float(pair[3]) for pair in pairs])
    heads, said = [pair[0] for pair in pairs], f"\nsensitivity, planted less drawn: {100 * off.mean():+.0f} points"
    if len(set(heads)) < 2:
        yield f"{said}; one head has no interval"
        return
    low, high = clustered_bootstrap(lambda index: float(off[index].mean()), heads)
    yield f"{said} [{100 * low:+.0f}, {100 * high:+.0f}]"


def grey(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """A plane (i, j) as `LEVELS` grey values (rows, columns), low to high; anterior is up, the left on the right."""
    steps = np.rint((LEVELS - 1) * np.clip((values - low) / (high - low), 0, 1))
    return np.asarray(255 * steps / (LEVELS - 1), dtype=np.uint8).T[::-1, ::-1]


def picture(args: argparse.Namespace) -> None:
    """Write a picture with a column for each of `SHOWN`."""
    from PIL import Image

    with quiet():
        judge = Judge(Settings(4, "cpu"))
        ground = judge.ground(judge.prepared(args.scan)[0])
    columns = []
    for number, (kind, side, volume_ml) in enumerate(SHOWN):
        lesion = planted(ground, Wish(number, kind, side, volume_ml, (args.seed, number)))
        plane = (*PLANE, int(lesion.mask.sum(axis=(0, 1)).argmax()))
        with_it, before = lesion.hu[plane], ground.hu[plane]
        columns.append(
            np.concatenate([grey(with_it, 0, 80), grey(before, 0, 80), grey(with_it - before, -MOST_HU, MOST_HU)])
        )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(columns, axis=1)).save(args.output, "PNG", optimize=True)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = parser.add_subparsers(required=True)
    one = stages.add_parser("compare")
    one.add_argument("work", type=Path)
    one.add_argument("--anatomies", type=Path, required=True)
    one.add_argument("--names", nargs="+", default=["head_12", "head_13", "head_14"])
    one.add_argument("--heads", type=int, default=12)
    one.add_argument("--lesions", type=int, default=21, help="planted into, and drawn in, each head")
    one.add_argument("--stride", type=int, default=4)
    one.add_argument("--seed", type=int, default=900, help="of the first head")
    one.set_defaults(function=compare)
    other = stages.add_parser("seam")
    other.add_argument("scans", type=Path, nargs="+")
    other.add_argument("--lesions", type=int, default=16, help="in each scan")
    other.add_argument("--seed", type=int, default=0)
    other.set_defaults(function=lambda args: seam(args.scans, args.lesions, args.seed))
    third = stages.add_parser("picture")
    third.add_argument("scan", type=Path)
    third.add_argument("-o", "--output", type=Path, required=True)
    third.add_argument("--seed", type=int, default=0)
    third.set_defaults(function=picture)
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
