"""Heads to validate detection on: healthy ones, and ones with a lesion of each kind, drawn as in training.

A *planted* head has a lesion on one side, in the *middle*, or the same kind on *both* sides. Where a lesion does not
fit the head, the head of the next seed is tried. A head says which of its hemispheres is `sick`: the *label* of a
hemisphere is 1 if the lesion is in it, as one in the middle or on both sides is in both, 0 if the head is healthy, and
-1 (it does not count) beside a lesion on the other side.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch

from ..simulation.anatomy.braincase import BOTH, MIDDLE, SIDES
from ..simulation.anatomy.label_map import Anatomy
from ..simulation.lesions.planting import VOLUMES_ML
from ..simulation.person.head import SimulatedHead, draw_head
from ..simulation.registered_head import lesion_in_reference_space, scanned_in_reference_space
from .anatomies import check_names
from .heads import DrawHeadd

ATTEMPTS, SEED_STEP = 5, 100_000
"""Heads that are tried for a lesion, and the distance of their seeds."""

REMEDY = "Name those to validate on (validation_anatomies in train.json)."


def planted_heads(
    folder: str, names: Sequence[str], healthy: int, per_kind: int, kinds: Sequence[str] = tuple(VOLUMES_ML)
) -> list[dict[str, Any]]:
    """One dictionary {"image": path, "seed": int, "lesion": kind or None, "side": str or None} for each head.

    Args:
        folder: of the label maps.
        names: anatomies; the heads take turns over them.
        healthy: heads without a lesion, in all.
        per_kind: heads with a lesion of each kind, in all; they take turns over the sides.
        kinds: of lesions.

    Raises:
        WrongUsage: an anatomy is not in the folder.
    """
    found = check_names(folder, names, REMEDY)
    paths = [found[name] for name in names]
    heads: list[dict[str, Any]] = [
        {"image": paths[seed % len(paths)], "seed": seed, "lesion": None, "side": None} for seed in range(healthy)
    ]
    for number in range(per_kind * len(kinds)):
        turn, kind = divmod(number, len(kinds))
        path = paths[(turn + kind) % len(paths)]
        heads.append({"image": path, "seed": 1000 + number, "lesion": kinds[kind], "side": SIDES[(turn + kind) % 2]})
    return heads


def labels_of(lesion: str | None, side: str | None) -> list[int]:
    """Labels of the left and the right hemisphere; see above."""
    return [0, 0] if lesion is None else [1 if side in (own, BOTH, MIDDLE) else -1 for own in SIDES]


class DrawPlantedd(DrawHeadd):
    """Replace the path of an anatomy by a head with the lesion that `data["lesion"]` and `data["side"]` name, if any.

    Where there is `data["lesion_size"]`, it has further arguments of `plant_lesion`.

    Adds its mask (1, 256, 256, 256), uint8, under `lesion_mask`, and the hemispheres' labels, int8 (2,), under `sick`.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw; the same entries give the same.

        Raises:
            ValueError: the lesion fits none of the heads that are tried.
        """
        drawn = dict(data)
        lesion, side = drawn.get("lesion"), drawn.get("side")
        for key in self.key_iterator(drawn):
            size = drawn.get("lesion_size")
            head, seed = self._head(self._anatomy(str(drawn[key])), int(drawn["seed"]), lesion, side, size)
            drawn[key] = torch.from_numpy(scanned_in_reference_space(head, seed))[None]
            drawn["lesion_mask"] = torch.from_numpy(lesion_in_reference_space(head, seed))[None]
        drawn["sick"] = torch.tensor(labels_of(lesion, side), dtype=torch.int8)
        return drawn

    def _head(
        self, anatomy: Anatomy, seed: int, lesion: str | None, side: str | None, size: dict[str, Any] | None
    ) -> tuple[SimulatedHead, int]:
        """A head with the lesion, and the seed that it fits."""
        reason = ""
        for tried in range(seed, seed + ATTEMPTS * SEED_STEP, SEED_STEP):
            try:
                return planted_head(anatomy, tried, lesion, side, self.variety, size), tried
            except ValueError as error:
                reason = str(error)
        raise ValueError(f"no {lesion} fits in {ATTEMPTS} heads: {reason}")


def planted_head(
    anatomy: Anatomy, seed: int, lesion: str | None, side: str | None, variety: str, size: dict[str, Any] | None = None
) -> SimulatedHead:
    """A drawn head with a lesion on a side, on both sides, in the middle, or without one.

    Raises:
        ValueError: the lesion does not fit.
    """
    return draw_head(anatomy, seed, lesion=lesion, side=side, lesion_size=size, variety=variety)
