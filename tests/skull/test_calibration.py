from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.skull.atlas import atlas
from scripts.skull.calibration import Healthy, calibrated, cross_fitted, fit, mirrored_map, peaks_of, score, unusual
from scripts.skull.directions import LINES
from scripts.skull.measure import MAPS
from scripts.skull.pooling import envelope

COUNT = len(atlas().pooled)
PLACE = int((atlas().pooled @ (0.6, 0.0, 0.8)).argmax())


def healthy(seed: int) -> Healthy:
    rng = np.random.default_rng(seed)
    rows = {"lines": LINES, "wide": LINES, "dents": 1}
    maps = {name: rng.uniform(0, 1, (rows[name], COUNT)).astype(np.float32) for name in MAPS}
    return maps, np.ones(COUNT, bool)


SKULLS = [healthy(seed) for seed in range(6)]


def near(place: int) -> NDArray[np.intp]:
    return np.flatnonzero(atlas().pooled @ atlas().pooled[place] > np.cos(6 / 85))


def test_mean_and_sd_are_those_of_all_envelopes_and_their_mirror_images() -> None:
    usual = fit(SKULLS, atlas())
    images = [envelope(maps["lines"], atlas()) for maps, _ in SKULLS]
    images += [mirrored_map(image) for image in images]
    np.testing.assert_allclose(usual.mean["lines"], np.mean(images, axis=0), rtol=1e-5)
    sd = np.std(images, axis=0, ddof=1)
    np.testing.assert_allclose(usual.sd["lines"], np.maximum(sd, 0.5 * np.median(sd)), rtol=1e-3)
    for name in MAPS:
        np.testing.assert_allclose(mirrored_map(usual.mean[name]), usual.mean[name], rtol=1e-5)


def test_a_line_on_one_side_is_unusual_and_a_pair_is_not() -> None:
    usual = fit(SKULLS, atlas())
    maps, known = healthy(9)
    lines = maps["lines"].copy()
    lines[4, near(PLACE)] = 6
    alone = unusual(lines, known, "lines", usual, atlas())
    place = alone.max(axis=0).argmax()
    assert place in near(PLACE)
    assert alone.argmax() // COUNT == 4
    both = np.maximum(lines, mirrored_map(lines))
    assert unusual(both, known, "lines", usual, atlas()).max() < 0.2 * alone.max()


def test_what_the_scan_or_no_healthy_one_shows_is_no_finding() -> None:
    hidden = [(maps, np.arange(COUNT) != PLACE) for maps, _ in SKULLS]
    usual = fit(hidden, atlas())
    maps, known = healthy(9)
    maps["dents"][0, PLACE] = 50
    assert unusual(maps["dents"], known, "dents", fit(SKULLS, atlas()), atlas()).argmax() == PLACE
    mirror = (PLACE + COUNT // 2) % COUNT
    blind = [(maps, known & (np.arange(COUNT) != mirror)) for maps, known in hidden]
    assert unusual(maps["dents"], known, "dents", fit(blind, atlas()), atlas())[0, PLACE] == -np.inf
    known[PLACE] = False
    assert unusual(maps["dents"], known, "dents", usual, atlas())[0, PLACE] == -np.inf


def test_the_score_of_a_fracture_is_above_those_of_healthy_skulls_left_out() -> None:
    found, scores = cross_fitted(SKULLS, ["a", "a", "b", "b", "c", "c"], atlas())
    assert len(scores) == 6
    maps, known = healthy(9)
    maps["wide"][2, near(PLACE)] = 6
    peaks = peaks_of(maps, known, found.usual, atlas())
    assert peaks["wide"].place in near(PLACE)
    assert score(peaks, found) > max(scores) + 3


def test_too_few_skulls_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 healthy skulls at least, got 1"):
        fit(SKULLS[:1], atlas())
    with pytest.raises(ValueError, match="peaks of 2 healthy scans at least, got 0"):
        calibrated(fit(SKULLS, atlas()), [])
