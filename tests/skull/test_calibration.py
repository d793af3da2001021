from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.skull.atlas import atlas
from scripts.skull.calibration import (
    Image,
    calibrated,
    cross_fitted,
    fit,
    image_of,
    mirrored_map,
    peaks_of,
    score,
    unusual,
)
from scripts.skull.directions import LINES
from scripts.skull.measure import MAPS
from scripts.skull.pooling import envelope

COUNT = len(atlas().pooled)
PLACE = int((atlas().pooled @ (0.6, 0.0, 0.8)).argmax())


def near(place: int) -> NDArray[np.intp]:
    return np.flatnonzero(atlas().pooled @ atlas().pooled[place] > np.cos(6 / 85))


def healthy(seed: int, hidden: Sequence[int] = (), **lines: tuple[int, float]) -> Image:
    """A random skull; places that it hides, and by map the row and the value of a line at `PLACE`."""
    rng, known = np.random.default_rng(seed), np.ones(COUNT, bool)
    rows = {"lines": LINES, "wide": LINES, "dents": 1}
    maps = {name: rng.uniform(0, 1, (rows[name], COUNT)).astype(np.float32) for name in MAPS}
    for name, (row, value) in lines.items():
        maps[name][row, near(PLACE)] = value
    known[list(hidden)] = False
    return image_of(maps, known, atlas())


SKULLS = [healthy(seed) for seed in range(6)]


def test_mean_and_sd_are_those_of_all_envelopes_and_their_mirror_images() -> None:
    usual = fit(SKULLS)
    images = [envelope(skull.maps["lines"], atlas()) for skull in SKULLS]
    images += [mirrored_map(image) for image in images]
    np.testing.assert_allclose(usual.mean["lines"], np.mean(images, axis=0), rtol=1e-5)
    sd = np.std(images, axis=0, ddof=1)
    np.testing.assert_allclose(usual.sd["lines"], np.maximum(sd, 0.5 * np.median(sd)), rtol=1e-3)
    for name in MAPS:
        np.testing.assert_allclose(mirrored_map(usual.mean[name]), usual.mean[name], rtol=1e-5)


def test_a_line_on_one_side_is_unusual_and_a_pair_is_not() -> None:
    usual, skull = fit(SKULLS), healthy(9, lines=(4, 6.0))
    alone = unusual(skull, "lines", usual)
    assert alone.max(axis=0).argmax() in near(PLACE)
    assert alone.argmax() // COUNT == 4
    both = np.maximum(skull.maps["lines"], mirrored_map(skull.maps["lines"]))
    pair = image_of({**skull.maps, "lines": both}, skull.known, atlas())
    assert unusual(pair, "lines", usual).max() < 0.2 * alone.max()


def test_what_the_scan_or_no_healthy_one_shows_is_no_finding() -> None:
    mirror = (PLACE + COUNT // 2) % COUNT
    dented = healthy(9, dents=(0, 50.0))
    assert unusual(dented, "dents", fit(SKULLS))[0, PLACE] > 5
    blind = fit([healthy(seed, hidden=[PLACE, mirror]) for seed in range(6)])
    assert unusual(dented, "dents", blind)[0, PLACE] == -np.inf
    unseen = healthy(9, hidden=[PLACE], dents=(0, 50.0))
    assert unusual(unseen, "dents", fit(SKULLS))[0, PLACE] == -np.inf


def test_the_score_of_a_fracture_is_above_those_of_healthy_skulls_left_out() -> None:
    found, scores = cross_fitted(SKULLS, ["a", "a", "b", "b", "c", "c"])
    assert len(scores) == 6
    peaks = peaks_of(healthy(9, wide=(2, 6.0)), found.usual)
    assert peaks["wide"].place in near(PLACE)
    assert score(peaks, found) > max(scores) + 3


def test_too_few_skulls_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 healthy skulls at least, got 1"):
        fit(SKULLS[:1])
    with pytest.raises(ValueError, match="peaks of 2 healthy scans at least, got 0"):
        calibrated(fit(SKULLS), [])
