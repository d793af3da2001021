"""One healthy scan, in any process: lesions planted into it one after another, and each judged; kept as one file.

The outcome is on the disk when the function returns: a row for each lesion, or the reason why there is none. A scan
that failed leaves no file, so that it is tried again. A scan is kept under a *key* of its files and all settings; a
file of another key is made anew.

What became of a lesion is one of `OUTCOMES`:

* `found`: the score of its hemisphere is above the threshold in use.
* `missed`: it is not.
* `above before`: that hemisphere was above the threshold before anything was planted, so nothing can be said.
* `does not fit`: the scan has no room for it.
* `no score`: the hemisphere has no score, in the scan or with the lesion.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...anomaly.chosen_calibration import SHIPPED, Chosen
from ...assets import manifest_sha256
from ...datasets.datalist import Case
from ...errors import described, origin, see_output
from ...files.atomic import write_output
from ...files.json_text import json_text
from ...files.zipped import unpacked
from ...findings import PASSING, InputRefused
from ...processes.memory import give_back_free_memory
from ...simulation.anatomy.braincase import SIDES
from ...statistics.alpha import ALPHA
from ...workflow import quiet
from .plan import Wish, wishes

FOUND, MISSED, BEFORE, NO_ROOM, NO_SCORE = ("found", "missed", "above before", "does not fit", "no score")
OUTCOMES = (FOUND, MISSED, BEFORE, NO_ROOM, NO_SCORE)
COUNTED = (FOUND, MISSED)
"""Outcomes that say something about what is found."""

DIGITS = 4


@dataclass(frozen=True)
class Recipe:
    """Settings: how many lesions of which kinds are planted into each scan, and how they are judged; it can be pickled.

    Attributes:
        lesions: planted into each scan.
        kinds: of them.
        seed: of the run.
        stride: mm between predictions.
        device: auto, cpu, cuda or cuda:N.
        chosen: the weights and the calibration.
        alpha: the share of healthy scores above the threshold in use.
    """

    lesions: int
    kinds: tuple[str, ...]
    seed: int
    stride: int
    device: str = "auto"
    chosen: Chosen = SHIPPED
    alpha: float = ALPHA

    def wishes(self, case: Case) -> list[Wish]:
        """The lesions of a scan."""
        return wishes(case.name, case.row, self.lesions, self.kinds, self.seed)


@dataclass(frozen=True)
class Job:
    """A scan, the file that keeps its rows, and the key that the file must have."""

    case: Case
    path: Path
    key: str


def kept(job: Job) -> dict[str, Any] | None:
    """The kept rows of a scan; None if nothing is, it is of another key, incomplete, or refused by another bundle."""
    try:
        content = json.loads(job.path.read_text(encoding="utf-8"))
        fitting = isinstance(content, dict) and content.get("key") == job.key
    except (OSError, ValueError):
        return None
    same = fitting and ("refused" not in content or content.get("bundle") == manifest_sha256())
    return content if same else None


def plant_and_judge(recipe: Recipe, job: Job) -> str:
    """Keep the rows of a scan, or why it was refused; a line about it. It begins with "failed" if nothing is kept.

    Raises:
        OutputFailed: it can't be written, as with a full disk, also one for temporary files, so that no scan can.
    """
    began = time.process_time()
    content: dict[str, Any] = {"key": job.key, "case": job.case.name}
    try:
        with quiet(), unpacked(job.case.image) as place:
            content |= judged(recipe, job.case, place)
    except InputRefused as refused:
        if refused.code in PASSING:  # it may be within reach the next time
            return f"failed. {refused}"
        content |= {"refused": " ".join(str(refused).split())}
    except Exception as error:
        see_output(error, job.path)
        return f"failed. {described(origin(error))}"
    finally:
        give_back_free_memory()
    if "refused" in content:
        content["bundle"] = manifest_sha256()
    write_output(job.path, json_text(content).encode())
    if "refused" in content:
        return f"refused. {content['refused']}"
    counts = [row["outcome"] for row in content["lesions"]]
    said = f"{counts.count(FOUND)} of {counts.count(FOUND) + counts.count(MISSED)} lesions found"
    return f"{said}, {time.process_time() - began:.0f} CPU-seconds"


def judged(recipe: Recipe, case: Case, scan: Path) -> dict[str, Any]:
    """The content of a scan: its state before, its noise, and a row for each lesion; or why nothing can be planted.

    Raises:
        InputRefused: it can't be judged.
    """
    from .judge import Settings, judge_of

    judge = judge_of(Settings(recipe.stride, recipe.device, recipe.chosen, recipe.alpha))
    data, remaining = judge.prepared(scan, case.series_uid)
    try:
        ground = judge.ground(data)
    except ValueError as error:
        return {"refused": f"Nothing can be planted: {error}."}
    before = judge(data, remaining)
    facts = {
        "verdict": data["image"].meta["registration"]["verdict"],
        "noise_hu": round(ground.noise_hu, 2),
        "before": {side: {"score": before.scores[side], "above": before.above(side)} for side in SIDES},
        "places_before": len(before.places),
    }
    rows = lesion_rows(recipe.wishes(case), ground, before, partial(judge, data, remaining))
    return {**facts, "lesions": list(rows)}


def lesion_rows(wished: list[Wish], ground: Any, before: Any, judge: Any) -> Iterator[dict[str, Any]]:
    """A row for each lesion: what was planted, and what became of it.

    Args:
        wished: the lesions.
        ground: the scan, a `planting.Ground`.
        before: the `judge.Verdict` on it.
        judge: a function from HU (256, 256, 256) to the verdict on them.
    """
    for wish in wished:
        row = {name: value for name, value in asdict(wish).items() if name != "seed"}
        if before.above(wish.side) is not False:
            yield {**row, "outcome": NO_SCORE if before.above(wish.side) is None else BEFORE}
            continue
        yield {**row, **_planted_row(wish, ground, before, judge)}


def _planted_row(wish: Wish, ground: Any, before: Any, judge: Any) -> dict[str, Any]:
    """The planted lesion of a wish, and what became of it."""
    from .planting import planted

    try:
        lesion = planted(ground, wish)
    except ValueError:
        return {"outcome": NO_ROOM}
    after = judge(lesion.hu)
    above, score = after.above(wish.side), after.scores[wish.side]
    return {
        "outcome": NO_SCORE if above is None else FOUND if above else MISSED,
        "planted_ml": round(lesion.volume_ml, 2),
        "contrast_hu": round(lesion.contrast_hu, 2),
        "midline_mm": round(lesion.midline_mm, 2),
        "score_before": rounded(before.scores[wish.side]),
        "score": rounded(score),
        "threshold": rounded(after.thresholds[wish.side]),
        "listed": listed(lesion.mask, before, after),
    }


def listed(mask: Any, before: Any, after: Any) -> bool:
    """True if a detection overlaps the lesion (256, 256, 256) at a voxel that was in none before.

    Detections know every n-th voxel: each stands for the cube of n voxels a side around it.
    """
    from scipy import ndimage

    if not after.places:
        return False
    spacing = after.places[0].spacing
    reached = ndimage.maximum_filter(mask, size=spacing, origin=-((spacing + 1) % 2))  # the cube of `place_masks`
    for place in before.places:
        reached[tuple(place.voxels.T)] = False
    return any(bool(reached[tuple(place.voxels.T)].any()) for place in after.places)


def rounded(value: float | None) -> float | None:
    """A number with `DIGITS` digits after the point."""
    return None if value is None else round(float(value), DIGITS)


def rows_of(contents: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All rows, each with its case, of what is kept of scans by case."""
    return [{"case": case, **row} for case, content in contents.items() for row in content.get("lesions", ())]
