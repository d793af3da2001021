"""Stage 1: the scans of a cohort, drawn from label maps of heads.

A *cohort* is a folder of scans; each scan is a folder with `scan.nii.gz`, `lesion.nii.gz` (1 lesion, 2 swelling) and
`truth.json`, as `head-ct-anomaly simulate` writes them. Other volumes join when they are put in the same form: of the
truth, `anatomy` (who it is), `lesion` (a kind, or null) and `side` are needed, `volume_ml` where the lesion has one.

Everything follows from the seed. Kinds take turns over the anatomies and the sides; sizes alternate between small and
large: the logarithm of the volume is drawn evenly, from the lower two fifths of its range or from the rest. A lesion
that does not fit the head is tried in another one, then smaller, and left out if that does not help.

*Harder* lesions come in `GROUPS`, after all others: in the `middle` of the head, on `both sides` (every other one
mirrored), in the `posterior fossa`, with `uneven blood` (frayed, mixed, layered), and `small` bleeds of 1 to 10 ml.
`group` in the truth of a scan names its group; where there is none, the lesion is a usual one.

`plan.json` has the plan of the cohort, so that scans of another plan are not mixed into it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from scripts.commands.simulate import write_case
from scripts.files.atomic import replace_file
from scripts.simulation.anatomy.braincase import BOTH, MIDDLE
from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.case import Case, simulate_case
from scripts.simulation.lesions.blood import EVEN, LOOKS
from scripts.simulation.lesions.planting import (
    ALL_VOLUMES_ML,
    BRIGHT,
    IN_THE_MIDDLE,
    KINDS,
    POSTERIOR_FOSSA,
    VOLUMES_ML,
)
from scripts.simulation.person.varieties import PLAIN

SIDES = ("left", "right")
SIZES = ("small", "large")

GROUPS = ("middle", "both sides", "posterior fossa", "uneven blood", "small")
"""Groups of harder lesions."""

SYMMETRIC = ("subdural", "isodense_subdural", "infarct", "intraparenchymal")
"""Kinds that are planted on both sides."""

UNEVEN = ("intraparenchymal", "subdural", "epidural")
"""Kinds whose blood is drawn uneven."""

SMALL_ML = (1.0, 10.0)
"""Range of the volume of the small bleeds."""

SMALL_SHARE = 0.4
"""Share of a kind's range of volumes, in log space, that counts as small."""

ATTEMPTS = (1.0, 1.0, 0.5, 0.25, 0.125)
"""Shares of the planned volume that are tried, each with a seed of its own, where a lesion does not fit the head."""

SEED_STEP = 100_000
"""Distance of the seeds of these attempts."""


class DoesNotFit(ValueError):
    """A lesion fits none of the heads that were tried."""


@dataclass(frozen=True)
class Plan:
    """One scan to draw; `volume_ml` is None where the kind has none."""

    anatomy: str
    seed: int
    kind: str | None
    side: str | None
    volume_ml: float | None
    variety: str = PLAIN
    group: str | None = None
    blood: str = EVEN
    mirrored: bool = False

    @property
    def name(self) -> str:
        """Name of the scan's folder."""
        return f"{self.anatomy}_{self.seed:05d}_{self.kind or 'healthy'}"


def plans(names: Sequence[str], healthy: int, per_kind: int, seed: int, variety: str = PLAIN) -> Iterator[Plan]:
    """The scans of a cohort: `healthy` ones, and `per_kind` of each kind of lesion, taking turns over the anatomies.

    The heads come from a population, see `simulation.person.variety`.

    Raises:
        ValueError: no anatomy is named.
    """
    if not names:
        raise ValueError("a cohort needs at least one anatomy: name them with --names")
    for number in range(healthy):
        yield Plan(names[number % len(names)], seed + number, None, None, None, variety)
    rng = np.random.default_rng(seed)
    for number in range(per_kind * len(KINDS)):
        kind, turn = KINDS[number // per_kind], number % per_kind
        where = (number + number // per_kind) % len(names)
        size = SIZES[turn % 2]
        volume = lesion_volume(kind, size, rng) if kind in VOLUMES_ML else None
        side = SIDES[(turn // 2 + number // per_kind) % 2]
        yield Plan(names[where], seed + healthy + number, kind, side, volume, variety)


def harder_plans(names: Sequence[str], per_kind: int, first_seed: int, variety: str = PLAIN) -> Iterator[Plan]:
    """Harder lesions, `per_kind` of each kind, or of each kind and look, of each group, in turns over the anatomies.

    Raises:
        ValueError: no anatomy is named.
    """
    if not names:
        raise ValueError("a cohort needs at least one anatomy: name them with --names")
    rng, seeds = np.random.default_rng(first_seed), itertools.count(first_seed)
    for where, (group, kind, blood) in enumerate(_harder_kinds()):
        for turn in range(per_kind):
            volume = _evenly(*(SMALL_ML if group == "small" else ALL_VOLUMES_ML[kind]), rng)
            side = {"middle": MIDDLE, "both sides": BOTH}.get(group, SIDES[(turn + where) % 2])
            mirrored = group == "both sides" and turn % 2 == 1
            name = names[(turn + where) % len(names)]
            yield Plan(name, next(seeds), kind, side, volume, variety, group, blood, mirrored)


def _harder_kinds() -> Iterator[tuple[str, str, str]]:
    """Group, kind and look of the blood of every harder lesion."""
    plain = {"middle": IN_THE_MIDDLE, "both sides": SYMMETRIC, "posterior fossa": POSTERIOR_FOSSA, "small": BRIGHT}
    for group in GROUPS:
        if group == "uneven blood":
            yield from ((group, kind, look) for kind in UNEVEN for look in LOOKS if look != EVEN)
        else:
            yield from ((group, kind, EVEN) for kind in plain[group])


def _evenly(low: float, high: float, rng: np.random.Generator) -> float:
    """A volume in ml, evenly in log space."""
    return round(float(np.exp(rng.uniform(math.log(low), math.log(high)))), 2)


def lesion_volume(kind: str, size: str, rng: np.random.Generator) -> float:
    """A volume in ml, evenly in log space, from the small or the large part of the kind's range."""
    low, high = (math.log(limit) for limit in VOLUMES_ML[kind])
    border = low + SMALL_SHARE * (high - low)
    part = (low, border) if size == "small" else (border, high)
    return round(float(np.exp(rng.uniform(*part))), 2)


def size_of(kind: str | None, volume_ml: float | None) -> str | None:
    """The size of a lesion, small or large; None if its kind has no volume.

    Raises:
        ValueError: the kind has volumes, but none is given.
    """
    if kind is None or kind not in ALL_VOLUMES_ML:
        return None
    if volume_ml is None:
        raise ValueError(f"the truth of a scan with {kind} needs its volume_ml")
    low, high = (math.log(limit) for limit in ALL_VOLUMES_ML[kind])
    return SIZES[int(math.log(max(volume_ml, 1e-3)) > low + SMALL_SHARE * (high - low))]


def keep_plan(cohort: Path, chosen: Sequence[Plan]) -> None:
    """Write the plan of a cohort to its folder.

    Raises:
        ValueError: the folder was drawn for another plan.
    """
    path, text = cohort / "plan.json", json.dumps([_words(plan) for plan in chosen], indent=1)
    if path.is_file():
        if path.read_text(encoding="utf-8") != text:
            raise ValueError(
                f"{cohort} was drawn for another plan (other anatomies, numbers or seed): choose another folder, or "
                f"remove its scans and {path.name}"
            )
        return
    cohort.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode())


LATER = ("group", "blood", "mirrored")
"""Fields of a plan that are written only where they differ from their defaults, as plans of old have none."""


def _words(plan: Plan) -> dict[str, Any]:
    """A plan in plain values."""
    usual = {field.name: field.default for field in fields(plan) if field.default is not MISSING}
    return {name: value for name, value in asdict(plan).items() if name not in LATER or value != usual[name]}


def draw(folder: Path, plan: Plan, anatomies: Path) -> str:
    """Draw one scan into `folder`, unless it exists; returns a sentence on the outcome."""
    if (folder / plan.name / "truth.json").is_file():
        return "kept"
    try:
        case = _fitting(anatomies / f"{plan.anatomy}.nii.gz", plan)
    except DoesNotFit as error:
        return f"left out: {error}"
    if plan.group is not None:
        case = replace(case, truth={**case.truth, "group": plan.group})
    write_case(folder / plan.name, case, plan.anatomy, "nifti")
    volume = case.truth.get("volume_ml")
    return f"drawn{f', {volume:.1f} ml' if volume else ''}"


def _fitting(path: Path, plan: Plan) -> Case:
    """The case, with the next seed, and then smaller, where the lesion does not fit.

    Raises:
        DoesNotFit: it never does.
    """
    anatomy = load_anatomy(path)
    for attempt, share in enumerate(ATTEMPTS):
        try:
            return simulate_case(
                anatomy,
                plan.seed + attempt * SEED_STEP,
                lesion=plan.kind,
                side=plan.side,
                lesion_size=_size(plan, share),
                variety=plan.variety,
            )
        except ValueError as error:
            reason = error
    raise DoesNotFit(f"no lesion fits in {len(ATTEMPTS)} heads: {reason}")


def _size(plan: Plan, share: float) -> dict[str, Any] | None:
    """A share of the planned volume, but no less than its kind has at least; None where it has none."""
    if plan.kind is None or plan.volume_ml is None:
        return None
    least_ml = SMALL_ML[0] if plan.group == "small" else ALL_VOLUMES_ML[plan.kind][0]
    size: dict[str, Any] = {"volume_ml": max(share * plan.volume_ml, min(plan.volume_ml, least_ml))}
    if plan.blood != EVEN:
        size["blood"] = plan.blood
    return size | ({"mirrored": True} if plan.mirrored else {})
