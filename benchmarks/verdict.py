"""Counts of verdicts (pass, review, refused) on right poses, wrong poses and broken inputs.

    python benchmarks/verdict.py --work WORK --population simulator=ANATOMIES --population uneven=UNEVEN
    python benchmarks/verdict.py --work WORK --population simulator=ANATOMIES --anatomies 9,10,11
    python benchmarks/verdict.py --work WORK --population series=SERIES

judges each scan of these populations (see `populations.py`) as the command does. Once per head, it also judges the
wrong poses of `wrong_poses.py`, refined by ITK like right ones. The *error* of a pose is the mean distance between the
points of the head under it and under the true pose: *right* under 10 mm, *near* under 20, otherwise *far*. *Broken
inputs* are made from the simulator's heads without bleeds (see `broken.py`): no head, half of one, an upside-down one,
wrong HU, a wrong spacing. They should be refused, either by the checks of their values or by the verdict. Results are
kept in WORK, one line each: a rerun continues after the last one, and judges all of them by the current limits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from broken import BREAKS, Break
from numpy.typing import NDArray
from populations import POPULATIONS, Options, add_options, head_scans, options_of, turned
from registration_cases import ROOT, Array, Case, gaps_mm
from wrong_poses import STARTS, wrong_poses

from scripts.findings import InputRefused
from scripts.networks.position import DensePositionNet
from scripts.registration.locator import locate
from scripts.registration.register import Reference, Registration, prepare_scan, register
from scripts.registration.transforms import load_locator, load_reference
from scripts.registration.verdict import judge
from scripts.volume import Volume, check_values, split_padding

RIGHT_MM, FAR_MM = 10.0, 20.0
"""Mean error below which a pose is right, and from which it is far."""

BROKEN = 7
"""Number of broken inputs per head."""

Row = dict[str, Any]
"""The result of one input or pose: population, name, group ("scan", "start" or a break), quality, error."""


@dataclass(frozen=True)
class Model:
    """The reference head and the coarse network."""

    reference: Reference
    locator: DensePositionNet | None


def read_and_registered(volume: NDArray[np.float32], affine: Array, model: Model) -> tuple[Registration | None, str]:
    """The registration of a volume, None if the input is refused, and its description."""
    hu = volume.copy()
    try:
        read = Volume(hu, affine, split_padding(hu))
        check_values(read)
        result = register(read.with_unknown(), affine, model.reference, model.locator)
    except (InputRefused, ValueError) as error:
        return None, str(error)
    numbers = " ".join(f"{name} {value:.2f}" for name, value in result.quality.items())
    return result, f"{result.start:7} {result.verdict:6} {numbers}"


def judged(case: Case, model: Model) -> tuple[Row, Registration | None]:
    """The row of an input, and its registration."""
    begin = time.process_time()
    result, said = read_and_registered(case.volume, case.affine, model)
    row = {"said": said, "quality": {}, "lesion": case.lesion, "cpu_s": time.process_time() - begin}
    if result is not None:
        row |= {"quality": result.quality, "start": result.start, **error_of(result.matrix, case)}
    return row, result


def error_of(matrix: Array, case: Case) -> dict[str, float]:
    """The mean error of a pose; empty if the true pose is unknown."""
    return {"error_mm": float(gaps_mm(matrix, case).mean())} if len(case.points) else {}


def started(case: Case, found: Registration, model: Model, seed: int) -> Iterator[Row]:
    """The rows of the poses that result from wrong starts."""
    scan = prepare_scan(case.volume, case.affine)
    located = None if model.locator is None else locate(model.locator, scan.head)
    for matrix, quality in wrong_poses(case, found, scan, model.reference, located, np.random.default_rng(seed)):
        yield {"said": "", "quality": quality, "lesion": case.lesion, **error_of(matrix, case)}


def population_rows(kind: str, folder: Path, options: Options, model: Model, done: frozenset[str]) -> Iterator[Row]:
    """The rows of a population that are not done yet."""
    for count, scan in enumerate(POPULATIONS[kind](folder, options)):
        if f"{kind} {scan.name}" in done:
            continue
        case = scan.make()
        row, found = judged(case, model)
        started_before = f"{kind} {scan.name} start {STARTS - 1}" in done
        if found is not None and scan.first and len(case.points) and not started_before:
            for n, start in enumerate(started(case, found, model, count)):
                yield {"population": kind, "name": f"{kind} {scan.name} start {n}", "group": "start", **start}
        yield {"population": kind, "name": f"{kind} {scan.name}", "group": "scan", **row}
    if kind == "simulator":
        yield from broken_rows(folder, options, model, done)


def broken_rows(folder: Path, options: Options, model: Model, done: frozenset[str]) -> Iterator[Row]:
    """The rows of broken inputs that are not done yet; the kinds take turns from head to head."""
    heads = (head for head in head_scans(folder, options) if not head.lesion)
    for turn, head in enumerate(heads):
        for name, kind, make in broken_inputs(head, turn * BROKEN):
            if name not in done:
                yield {"population": "broken", "name": name, "group": kind, **judged(make(), model)[0]}


def broken_inputs(head: Case, first: int) -> Iterator[tuple[str, str, Callable[[], Case]]]:
    """Name, kind and maker of the broken inputs of a head, whose kinds begin with the one of number `first`."""
    for row in range(first, first + BROKEN):
        kind = list(BREAKS)[row % len(BREAKS)]
        rng = np.random.default_rng([head.anatomy, int(head.kind), 1000 + row])
        name = f"head_{head.anatomy:02d}_{head.kind}_{row}"
        yield name, kind, lambda rng=rng, kind=kind: broken_case(head, kind, BREAKS[kind], rng)


def broken_case(case: Case, kind: str, change: Break, rng: np.random.Generator) -> Case:
    """A broken input, turned like a fair pose; it has no right pose."""
    volume, affine = change(case, rng)
    lies = turned(replace(case, kind=kind, volume=volume, affine=affine), rng)
    return replace(lies, points=np.zeros((0, 3)))


def verdict_of(row: Row) -> str:
    """The verdict on a stored quality by the current limits; "unread" if there is none."""
    return judge(row["quality"]).verdict if row["quality"] else "unread"


def counts(rows: Sequence[Row]) -> str:
    """Numbers of passed, review and refused rows: three cells of a table."""
    verdicts = [verdict_of(row) for row in rows]
    refused = len(verdicts) - verdicts.count("pass") - verdicts.count("review")
    return f"{verdicts.count('pass')} | {verdicts.count('review')} | {refused}"


def confusion_table(rows: Sequence[Row]) -> Iterator[str]:
    """Lines of the table of verdicts by the error of the pose, for each population."""
    yield "| poses | right: pass | review | refused | near: pass | review | refused | far: pass | review | refused |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    known = [row for row in rows if "error_mm" in row]
    for population in sorted({row["population"] for row in known}):
        mine = [row for row in known if row["population"] == population]
        scans = [row for row in mine if row["group"] == "scan"]
        yield confusion_line(f"{population}, healthy", [row for row in scans if not row["lesion"]])
        yield confusion_line(f"{population}, lesions", [row for row in scans if row["lesion"]])
        yield confusion_line(f"{population}, wrong starts", [row for row in mine if row["group"] == "start"])


def confusion_line(name: str, rows: Sequence[Row]) -> str:
    """A line of this table."""
    errors = [row["error_mm"] for row in rows]
    right, near, far = (
        [row for row, error in zip(rows, errors, strict=True) if low <= error < high]
        for low, high in ((0.0, RIGHT_MM), (RIGHT_MM, FAR_MM), (FAR_MM, np.inf))
    )
    return f"| {name}, {len(rows)} | {counts(right)} | {counts(near)} | {counts(far)} |"


def error_table(rows: Sequence[Row]) -> Iterator[str]:
    """Lines of the table of errors and costs of the scans."""
    yield "| scans | error, mm: median | most | search kept | CPU-s: median | most |"
    yield "|---|---|---|---|---|---|"
    scans = [row for row in rows if row["group"] == "scan" and "error_mm" in row]
    for population in sorted({row["population"] for row in scans}):
        mine = [row for row in scans if row["population"] == population]
        errors, seconds = ([row[name] for row in mine] for name in ("error_mm", "cpu_s"))
        searched = sum(row["start"] == "search" for row in mine)
        yield (
            f"| {population}, {len(mine)} | {np.median(errors):.1f} | {max(errors):.1f} | {searched} "
            f"| {np.median(seconds):.1f} | {max(seconds):.1f} |"
        )


def broken_table(rows: Sequence[Row]) -> Iterator[str]:
    """Lines of the table of broken inputs."""
    yield "| broken | inputs | refused when read | refused after registration | let through |"
    yield "|---|---|---|---|---|"
    broken = [row for row in rows if row["population"] == "broken"]
    for kind in (*BREAKS, "all"):
        verdicts = [verdict_of(row) for row in broken if kind in (row["group"], "all")]
        unread, failed = verdicts.count("unread"), verdicts.count("fail")
        yield f"| {kind} | {len(verdicts)} | {unread} | {failed} | {len(verdicts) - unread - failed} |"


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """The lines that are printed at the end."""
    yield from confusion_table(rows)
    yield from ("", *error_table(rows), "")
    if any(row["population"] == "broken" for row in rows):
        yield from broken_table(rows)
    for row in rows:
        if row["population"] == "series":
            yield f"{row['name']}: {verdict_of(row)}, {row['said']}"


def main() -> None:
    """Judge all inputs without a result, and print the tables."""
    parser = argparse.ArgumentParser(description="right and wrong poses, broken inputs, and the verdict on them")
    add_options(parser)
    args = parser.parse_args()
    options = options_of(args)
    models, results = ROOT / "bundle" / "models", args.work / "results.jsonl"
    reference = load_reference(str(models / "reference.nii.gz"), str(models / "reference_masks.nii.gz"))
    model = Model(reference, load_locator(str(models / "locator.pt")))
    lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    rows = {row["name"]: row for row in map(json.loads, lines)}
    done = frozenset(rows)
    for kind, folder in args.population:
        for row in population_rows(kind, folder, options, model, done):
            rows[row["name"]] = row
            with results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            print(row["name"], verdict_of(row), f"{row.get('error_mm', np.nan):.1f} mm:", row["said"], flush=True)
    print("\n".join(["", *summary(list(rows.values()))]))


if __name__ == "__main__":
    main()
