"""The benchmark of detection, from registered scans to the table, as a user runs it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import detection
import pytest
from cohort_scans import ball, keep, residual

from cohort import features as features_module
from cohort.score import SCORES
from scripts.anomaly.scores import POOLINGS

pytestmark = pytest.mark.xdist_group("cohort")


def test_every_column_is_a_map_of_a_method() -> None:
    known = {name for maps in SCORES.values() for name in maps}
    assert all(made in known and pooling in POOLINGS for made, pooling in detection.COLUMNS.values())


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    """Run a stage as the command line does."""
    monkeypatch.setattr(sys, "argv", ["detection.py", *map(str, words)])
    detection.main()


def test_scores_and_tables_of_two_cohorts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(features_module, "features_of", lambda method, settings: residual)
    work, other = tmp_path / "work", tmp_path / "other"
    for name, anatomy in (("o1", "c"), ("o2", "d"), ("o4", "f")):
        keep(other, ball(name, anatomy))
    keep(work, ball("h1", "a"), registration={"verdict": "review"})
    keep(work, ball("s1", "b", 70))
    keep(work, ball("bad", "b"), refused="wrong")
    table = ("table", work, "--calibration", other, "--rounds", 20, "--output", tmp_path / "table.md")
    run(monkeypatch, *table, "--note", "ours=seven iterations")
    text = (tmp_path / "table.md").read_text()
    assert text in capsys.readouterr().out
    assert "| subdural | 1 | 1.00 [" in text
    assert "| cyst | 0 | - |" in text
    assert re.search(r"ours width \d+, .*stride 2, seven iterations; hu no network, stride 2\.", text)
    assert "Not measured: published, autoencoder." in text
    assert "Scans: 3. Refused by the pipeline, and in no number: 1 (bad)." in text
    assert "Registered for review, and counted: 1 (h1)." in text
    assert "2 hemispheres of healthy scans, 1 hemispheres beside a lesion" in text
    assert "from 3 healthy scans of 3 anatomies of the cohort other." in text
    assert "Anatomies: 2 (a, b)" in text

    keep(other, ball("o3", "e"))
    run(monkeypatch, *table, "--methods", "hu")
    assert "from 4 healthy scans of 4 anatomies of the cohort other." in capsys.readouterr().out, "scored anew"
    with pytest.raises(SystemExit, match="There is no network of published: name its weights"):
        run(monkeypatch, *table, "--methods", "published")


def test_notes_are_about_methods() -> None:
    assert detection.notes(["ours=long", "hu=x", "ours=a=b"], "ours") == {"note": "long; a=b"}
    assert detection.notes([], "ours") == {}
    with pytest.raises(SystemExit, match=r"--note must be one of .* got 'theirs=x'"):
        detection.notes(["theirs=x"], "ours")
