"""Names of places: the atlas of the reference head, in which lobes have straight borders and are approximate.

A person's border may lie 10 to 15 mm away, and a lesion that pushes the brain aside moves it further: `docs/design.md`
says how the atlas was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAMES_NAME = "atlas.json"
"""The file beside the atlas with the name of each label."""

LEAST_SHARE = 0.25
"""A structure is in the name from this share of the voxels on."""

MOST_NAMES = 2
"""Structures in a name, the one with the largest share first."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Labels (256, 256, 256) on the reference grid, 0 outside the skull, and the name of each label."""

    labels: NDArray[np.uint8]
    names: Mapping[int, str]

    def name(self, voxels: NDArray[np.intp]) -> str:
        """The structures that hold at least `LEAST_SHARE` of voxels (m, 3): "temporal lobe, extra-axial space", say.

        Where none does, the one with the largest share; "brain" where the voxels are in none.
        """
        counts = np.bincount(self.labels[tuple(voxels.T)], minlength=max(self.names) + 1)
        counts[0] = 0
        order = [int(label) for label in np.argsort(-counts, kind="stable") if counts[label]]
        large = [label for label in order[:MOST_NAMES] if counts[label] >= LEAST_SHARE * len(voxels)]
        return ", ".join(self.names[label] for label in large or order[:1]) or "brain"


def read_names(path: Path) -> dict[int, str]:
    """The name of each label, from `NAMES_NAME`.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is of another form.
    """
    try:
        return {int(label): str(name) for label, name in json.loads(path.read_text(encoding="utf-8"))["names"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path.name} holds no names of an atlas. Install the bundle again.") from error
