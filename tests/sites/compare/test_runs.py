"""Two runs of one list: pairs, flips, settings that differ, and what can't be compared."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import FACTS, REGIONS

from scripts.cohort.folder import CohortFolder
from scripts.cohort.table import Found, Row
from scripts.errors import WrongUsage
from scripts.sites.compare.run_words import runs_in_words
from scripts.sites.compare.runs import Run, compare_runs, measures, read_run, runs_content, runs_table
from scripts.statistics.alpha import ALPHA

LIMIT = 3.0


def row(case: str, left: float | None, right: float = 1.0, limit: float = LIMIT, **more: Any) -> Row:
    scores = dict(zip(REGIONS, (left, right, 2.0), strict=True))
    details = {region: {"threshold": limit, "raw_maximum": 10 * (v or 0)} for region, v in scores.items()}
    return Row(case, "done", "", scores, details, **more)


def run_of(rows: list[Row], verdicts: dict[str, str] | None = None, **facts: Any) -> Run:
    return Run({**FACTS, "cases": {r.case: "a" for r in rows}, **facts}, {r.case: r for r in rows}, verdicts or {})


@pytest.fixture
def two() -> tuple[Run, Run]:
    refused = Row("d", "refused", "Fewer than 15 slices.")
    settings = {"map": "calibrated", "bundle_version": "0.2.0"}
    first = [row("a", 1.0), row("b", 2.9), row("c", 5.0), refused, row("e", 1.0), row("x", 1.0)]
    second = [row("a", 1.5), row("b", 3.2), row("c", 2.5), row("d", 1.0), row("e", None), row("y", 1.0)]
    return (
        run_of(first, {"a": "pass", "b": "pass", "c": "review"}, settings=settings),
        run_of(second, {"a": "review", "b": "pass", "c": "review"}, settings={**settings, "bundle_version": "0.3.0"}),
    )


def test_differences_are_paired_and_flips_are_named(two: tuple[Run, Run]) -> None:
    found = compare_runs(*two)
    left = measures(found.of("left_hemisphere"))
    assert left["pairs"] == 3  # e has no score in the second
    assert left["mean"] == pytest.approx((0.5 + 0.3 - 2.5) / 3)
    assert left["largest"] == {"case": "c", "difference": -2.5}
    assert [(pair.case, pair.above) for pair in found.flips] == [("b", (False, True)), ("c", (True, False))]
    assert found.settings == [("settings bundle_version", "0.2.0", "0.3.0")]
    assert found.verdicts == [("a", "pass", "review")]
    assert found.unscored == [("d", "refused", "done", "Fewer than 15 slices.")]
    assert found.only == (["x"], ["y"])


def test_the_words_name_what_became_different(two: tuple[Run, Run]) -> None:
    text = "\n".join(runs_in_words(compare_runs(*two)))
    assert "settings bundle_version: 0.2.0, then 0.3.0" in text
    assert "Above the threshold in the second run only, 1: b, left hemisphere (2.90, then 3.20)." in text
    assert "Above the threshold in the first run only, 1: c, left hemisphere (5.00, then 2.50)." in text
    assert "The pose has another verdict, 1: a (pass, then review)." in text
    assert "Scored in one run only, 1: d (refused, then done: Fewer than 15 slices.)." in text
    assert "| right hemisphere | 4 | +0.000 | 0.000 | +0.00 to +0.00 | 0 | all equal |" in text


def test_a_very_small_p_value_is_not_called_zero() -> None:
    first, second = (run_of([row(f"case-{k}", 1.0 + k / 50 + rise) for k in range(20)]) for rise in (0.0, 0.1))
    (line,) = (line for line in runs_in_words(compare_runs(first, second)) if line.startswith("| left"))
    assert line.endswith("| below 0.001 |")


def test_a_run_beside_itself_differs_in_nothing(two: tuple[Run, Run]) -> None:
    found = compare_runs(two[0], two[0])
    assert not (found.flips)
    assert not (found.settings)
    assert not (found.verdicts)
    assert not (found.unscored)
    assert not (found.other_scan)
    assert {pair.difference for pair in found.pairs} == {0.0}
    words = runs_in_words(found)
    assert words[0] == "Settings: the same in both runs."
    assert "No region of 5 cases changed its side of the threshold." in words
    assert "Scored in neither, 1: d." in words


def test_a_run_of_a_version_without_alpha_has_the_default_one(two: tuple[Run, Run]) -> None:
    first, _ = two
    named = {**first.facts, "settings": {**first.facts["settings"], "alpha": ALPHA}}
    assert compare_runs(first, replace(first, facts=named)).settings == []
    named["settings"]["alpha"] = 0.01
    assert compare_runs(first, replace(first, facts=named)).settings == [("settings alpha", ALPHA, 0.01)]


def test_another_scan_under_one_name_is_in_no_pair(two: tuple[Run, Run]) -> None:
    second = Run({**two[1].facts, "cases": {**two[1].facts["cases"], "c": "b"}}, two[1].rows, {})
    found = compare_runs(two[0], second)
    assert found.other_scan == ["c"]
    assert "c" not in {pair.case for pair in found.pairs}


def test_each_run_has_its_own_threshold() -> None:
    found = compare_runs(run_of([row("a", 2.5, limit=2.0)]), run_of([row("a", 2.5, limit=3.0)]))
    assert [pair.case for pair in found.flips] == ["a"]


def test_a_named_score_has_no_flips(two: tuple[Run, Run]) -> None:
    found = compare_runs(*two, "raw_maximum")
    assert measures(found.of("left_hemisphere"))["pairs"] == 4
    assert any("Flips are not known" in line for line in runs_in_words(found))
    with pytest.raises(WrongUsage, match="No case has the score nothing"):
        compare_runs(*two, "nothing")


def test_a_skull_without_a_threshold_leaves_the_hemispheres_known() -> None:
    whole, without = row("a", 1.0), row("a", 1.0)
    details = {**without.details, "skull": {"raw_maximum": 1.0}}
    words = runs_in_words(compare_runs(run_of([whole]), run_of([replace(without, details=details)])))
    said = "No region of 1 case changed its side of the threshold. Of 1 region it is not known: there is no threshold"
    assert any(line.startswith(said) for line in words)


def test_scores_of_different_kinds_are_not_subtracted(two: tuple[Run, Run]) -> None:
    with pytest.raises(WrongUsage, match=r"different scores, .* and raw_maximum, which can't be subtracted"):
        compare_runs(two[0], Run({**two[1].facts, "score": "raw_maximum"}, two[1].rows, {}))


def test_runs_of_other_lists_are_refused() -> None:
    with pytest.raises(WrongUsage, match="no case in common"):
        compare_runs(run_of([row("a", 1.0)]), run_of([row("b", 1.0)]))


def test_one_pair_has_no_sd() -> None:
    found = compare_runs(run_of([row("a", 1.0)]), run_of([row("a", 2.0)]))
    assert measures(found.of("left_hemisphere"))["sd"] is None
    assert any("| left hemisphere | 1 | - |" in line for line in runs_in_words(found))


def test_the_table_has_a_line_a_pair(two: tuple[Run, Run]) -> None:
    lines = list(csv.DictReader(io.StringIO(runs_table(compare_runs(*two)))))
    assert len(lines) == len(compare_runs(*two).pairs)
    assert lines[3]["case"] == "b"
    assert lines[3]["first_above"] == "no"
    assert lines[3]["second_above"] == "yes"
    assert runs_content(compare_runs(*two))["flips"][0]["case"] == "b"


def test_a_run_is_read_as_cohort_wrote_it(tmp_path: Path) -> None:
    folder = CohortFolder(tmp_path / "run")
    with pytest.raises(WrongUsage, match=r"holds no cohort.json: it is no cohort run"):
        read_run(folder)
    folder.settle(FACTS, {"a": "sha"})
    folder.write_table([row("a", 1.5, found=Found("review"))])
    read = read_run(folder)
    assert read.rows["a"].score("left_hemisphere") == 1.5
    assert read.verdicts == {"a": "review"}
    (folder.root / "scores.csv").unlink()
    assert read_run(folder).verdicts == {}
