"""Seams of planted lesions: a test of whether a lesion's edge can be told when the lesion itself is not there.

`power.py seam` runs it. Brain is pushed aside as by a lesion, nothing is painted, and the change takes the usual way
into the scan. A random forest learns profiles across the lesion's boundary, of the scan with this change and of the
scan without it at the same places, and judges those of other lesions; .5 is chance. *Grain* is the fine structure of HU
along the profile, and how large it is: there a seam would be. *All* adds the HU themselves, so that brain that is
pushed aside can be told by its shape, as it can beside a drawn lesion. Beside them stands a scan whose noise was
smoothed away in the lesion, as by blending, which has to be told, or the test could not tell anything. Kinds that push
nothing leave no trace without their lesion.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scripts.simulation.anatomy.braincase import SIDES, Braincase
from scripts.simulation.lesions.mass_effect import push
from scripts.sites.power.judge import Judge, Settings
from scripts.sites.power.plan import Wish
from scripts.sites.power.planting import SPACING_MM, Ground, planted, with_change
from scripts.statistics.auroc import OneKindOnly, auroc, clustered_bootstrap
from scripts.workflow import quiet

PUSHING = ("intraparenchymal", "subdural", "epidural", "isodense_subdural")
SHARE = 1.2
"""Kinds that push the brain aside, and by which share of their volume they do so here."""

PROFILE_MM, PLACES = np.arange(-5.0, 5.5, 1.0), 60
"""Places of a profile across the boundary, and profiles of each lesion."""

Volume = NDArray[np.float32]


def pushed_only(ground: Ground, wish: Wish) -> tuple[Volume, NDArray[np.bool_]]:
    """The scan (256, 256, 256) with brain pushed aside as by a lesion that is not there, and the lesion's mask."""
    mask, box = planted(ground, wish, SHARE).mask, ground.tissue.box
    case = Braincase(ground.tissue.labels, np.full(3, SPACING_MM))
    whole = tuple(slice(0, size) for size in ground.calm.shape)
    moved = push(ground.calm, case, wish.side, whole, SHARE * mask[box])[0]
    return with_change(ground, moved - ground.calm, mask[box]), mask


def smoothed_away(ground: Ground, mask: NDArray[np.bool_]) -> Volume:
    """The scan without its noise in a lesion, with a soft edge, as blending does."""
    own = ndimage.gaussian_filter(mask[ground.tissue.box].astype(np.float32), 1.0)
    hu = ground.hu.copy()
    block = hu[ground.tissue.box]
    block += own * (ground.calm - block) * (np.abs(block - ground.tissue.brain_hu) < 60)
    return hu


def places_at(mask: NDArray[np.bool_], ground: Ground, rng: np.random.Generator) -> tuple[Any, Any]:
    """Places (n, 3) at the boundary of a lesion inside the brain, and its normals there (n, 3)."""
    near = ndimage.gaussian_filter(mask.astype(np.float32), 2.0)
    inside = np.zeros(mask.shape, bool)
    calm = ground.calm
    inside[ground.tissue.box] = ndimage.binary_erosion(np.abs(calm - ground.tissue.brain_hu) < 25, iterations=1)
    edge = np.argwhere(mask & ~ndimage.binary_erosion(mask) & inside)
    chosen = edge[rng.permutation(len(edge))[:PLACES]]
    slope = np.stack([ndimage.sobel(near, axis=axis)[tuple(chosen.T)] for axis in range(3)], axis=1)
    return chosen, slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)


def profiles(hu: Volume, places: Any, normals: Any) -> NDArray[np.float64]:
    """Features (n, m) of places: HU along the normal, their fine structure, and its size on both sides of the edge."""
    points = places[:, None, :] + PROFILE_MM[None, :, None] * normals[:, None, :]
    fine = hu - ndimage.uniform_filter(hu, 3)
    level, detail, loud = (
        ndimage.map_coordinates(volume, points.reshape(-1, 3).T, order=1).reshape(points.shape[:2])
        for volume in (hu, fine, ndimage.uniform_filter(fine * fine, 3))
    )
    level = np.clip(level - np.median(level, axis=1, keepdims=True), -40, 40)
    return np.concatenate([detail, np.sqrt(np.maximum(loud, 0)), level, np.diff(level, axis=1)], axis=1)


def grain(features: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The features (n, m) of fine structure alone."""
    return [one[:, : 2 * len(PROFILE_MM)] for one in features]


def told_apart(changed: Sequence[Any], untouched: Sequence[Any], rounds: int = 5) -> str:
    """The AUROC of a random forest between features of changed and untouched places, by lesion, with its interval."""
    from sklearn.ensemble import RandomForestClassifier

    values = np.concatenate([*changed, *untouched])
    truth = np.repeat([True, False], [sum(map(len, changed)), sum(map(len, untouched))])
    parts = [np.repeat(np.arange(len(found)), [len(one) for one in found]) for found in (changed, untouched)]
    group = np.concatenate(parts)
    scores = np.zeros(len(values))
    for fold in range(rounds):
        test = group % rounds == fold
        forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1)
        forest.fit(values[~test], truth[~test])
        scores[test] = forest.predict_proba(values[test])[:, 1]

    def statistic(index: Any) -> float:
        kinds = truth[index]
        if kinds.all() or not kinds.any():
            raise OneKindOnly("one kind")
        return auroc(scores[index], kinds)

    low, high = clustered_bootstrap(statistic, group.tolist(), rounds=300)
    return f"{auroc(scores, truth):.3f} [{low:.3f}, {high:.3f}]"


def seam(scans: Sequence[Path], lesions: int, seed: int) -> None:
    """Print how well the edge of a lesion that is not there is told, of so many lesions in each scan."""
    rng = np.random.default_rng(seed)
    changed: list[Any] = []
    untouched: list[Any] = []
    blended: list[Any] = []
    with quiet():
        judge = Judge(Settings(4, "cpu"))
        for scan in scans:
            ground = judge.ground(judge.prepared(scan)[0])
            for number in range(lesions):
                kind, side = PUSHING[number % len(PUSHING)], SIDES[number // len(PUSHING) % 2]
                wish = Wish(number, kind, side, (10.0, 20.0, 30.0)[number % 3], (seed, number))
                hu, mask = pushed_only(ground, wish)
                where = places_at(mask, ground, rng)
                for found, volume in ((changed, hu), (untouched, ground.hu), (blended, smoothed_away(ground, mask))):
                    found.append(profiles(volume, *where))
    print(f"{len(changed)} lesions, {sum(map(len, changed))} profiles across their boundaries")
    print(f"brain pushed aside, no lesion: AUROC of the grain {told_apart(grain(changed), grain(untouched))}")
    print(f"brain pushed aside, no lesion: AUROC of all {told_apart(changed, untouched)}")
    print(f"noise smoothed away in the lesion: AUROC of the grain {told_apart(grain(blended), grain(untouched))}")
