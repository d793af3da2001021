"""Two scans compared: notes, content, table, difference on the later scan's grid, the place of the planes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from compared_scan import LEFT, RIGHT, judged, noise_file

from scripts.errors import WrongUsage
from scripts.files.json_text import json_text
from scripts.geometry.affines import transform_points
from scripts.results.checks import decoded_map
from scripts.sites.compare import before_after, repeats
from scripts.sites.compare.before_after import (
    COLUMNS,
    compare_results,
    content,
    difference_file,
    in_words,
    shown_mm,
    table,
)
from scripts.statistics.alpha import ALPHA


@pytest.fixture(autouse=True)
def own_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise of the stand-in's calibration."""
    path = noise_file(tmp_path)
    monkeypatch.setattr(before_after, "noise_of", lambda records: repeats.noise_of(records, path))


def test_a_new_and_a_gone_bleed_are_told_in_every_output() -> None:
    found = compare_results(judged([LEFT], seed=1), judged([RIGHT], seed=2), "A note on the patient.")
    lines = in_words(found)
    assert lines[0] == "A note on the patient."
    assert lines[1].startswith("New: parietal lobe on the right")
    assert lines[2].startswith("Gone: parietal lobe on the left")
    assert any(line.startswith("Score, right hemisphere: 0.90, then 9.00 (+8.10), beyond what") for line in lines)
    assert lines[-1].startswith("A difference says that the maps differ, not why")
    made = json.loads(json_text(content(found)))
    assert [one["change"] for one in made["changes"]] == ["new", "gone"]
    assert made["scores"]["right_hemisphere"]["repeatability_coefficient"] == 1.0  # one of both is above
    assert made["scores"]["skull"] == {"before": 3.0, "after": 3.0, "repeatability_coefficient": 0.8}
    assert made["maps"]["left_hemisphere"]["fall"] > 7
    assert made["maps"]["left_hemisphere"]["repeats_95"] == 0.5
    rows = list(csv.DictReader(io.StringIO(table(found))))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["change"], rows[0]["beyond_repeats"], rows[0]["side"]) == ("new", "yes", "right")
    assert np.allclose(shown_mm(found), RIGHT.at_mm, atol=0.1)


def test_the_difference_lies_on_the_later_scan_s_grid() -> None:
    after = judged([RIGHT], seed=2)
    values, affine = decoded_map(difference_file(compare_results(judged([LEFT], seed=1), after)))
    assert values.dtype == np.float32
    assert values.shape == after.scan.shape
    np.testing.assert_allclose(affine, after.affine, atol=1e-4)
    points = transform_points(np.asarray(after.registration["matrix"]) @ affine, np.argwhere(values > 7))
    assert np.linalg.norm(points - RIGHT.at_mm, axis=1).max() < RIGHT.radius_mm
    points = transform_points(np.asarray(after.registration["matrix"]) @ affine, np.argwhere(values < -7))
    assert len(points)
    assert np.linalg.norm(points - LEFT.at_mm, axis=1).max() < LEFT.radius_mm


def test_an_unchanged_head_says_so() -> None:
    found = compare_results(judged(seed=1), judged(seed=2))
    lines = in_words(found)
    assert "Neither scan lists anything above the threshold." in lines
    assert not any("beyond what" in line for line in lines)
    assert content(found)["changes"] == []


def test_the_same_scan_twice_is_said() -> None:
    scan = judged([RIGHT])
    found = compare_results(scan, scan)
    assert found.notes[0] == "Both are the same scan: nothing can have changed."
    assert np.allclose(shown_mm(found), RIGHT.at_mm, atol=0.1), "there is no change to show, but the bleed is there"
    plain = judged()
    assert shown_mm(compare_results(plain, plain)) == (0.0, 0.0, 0.0), "the middle, not a corner of the brain"


def test_other_weights_leave_the_noise_unknown_and_are_noted() -> None:
    other = judged([RIGHT], seed=2, weights_sha256="1" * 64, calibration={"tensors_sha256": "other"})
    found = compare_results(judged(seed=1), other)
    assert found.noise is None
    assert found.changes[0].beyond is None
    text = " ".join(found.notes)
    assert "What repeats differ by is unknown: it was measured with other weights" in text
    assert "The scans were judged differently (calibration" in text
    assert content(found)["repeats"] is None


def test_a_pose_that_did_not_pass_is_noted() -> None:
    found = compare_results(judged(seed=1), judged(seed=2, quality={"verdict": "review"}))
    assert found.notes == ["The pose of the later scan is review, not pass: differences may be those of a wrong pose."]


def test_another_stride_is_noted() -> None:
    fine = {"mode": "dense", "stride": 2, "map": "calibrated"}
    found = compare_results(judged(seed=1, settings=fine), judged(seed=2, settings=fine))
    assert "What repeats differ by was measured at stride 4, not 2." in found.notes


@pytest.mark.parametrize(("alpha", "noted"), [(ALPHA, False), (0.01, True)])
def test_results_of_a_version_without_alpha_have_the_default_one(alpha: float, noted: bool) -> None:
    before = judged(seed=1)
    after = judged(seed=2, settings={**before.record["settings"], "alpha": alpha})
    notes = compare_results(before, after).notes
    assert any("settings alpha" in note for note in notes) is noted


def test_maps_of_two_kinds_are_not_subtracted() -> None:
    with pytest.raises(WrongUsage, match="different kinds, calibrated and error"):
        compare_results(judged(), judged(settings={"map": "error"}))
