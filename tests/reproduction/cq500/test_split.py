"""Groups, healthy pools and the split."""

from __future__ import annotations

import pytest
from label_tables import BLEED_LEFT, FRACTURE, reads_of

from reproduction.cq500.reads import number_of
from reproduction.cq500.split import POOLS, TooFewHealthy, check_enough, groups, split

READS = reads_of(
    {
        0: {},
        1: {"ICH": "1"},
        2: {"MassEffect": "123"},
        3: BLEED_LEFT,
        4: FRACTURE,
        5: {**BLEED_LEFT, **FRACTURE},
        6: {"CalvarialFracture": "123"},
    }
)


def test_groups_go_by_the_vote_and_by_any_mark() -> None:
    assert list(groups(READS).values()) == [
        "clean",
        "doubtful",
        "doubtful",
        "haemorrhage",
        "fracture",
        "haemorrhage+fracture",
        "doubtful",
    ]


def many(clean: int, doubtful: int = 0, fractures: int = 0) -> dict[str, str]:
    kinds = ["clean"] * clean + ["doubtful"] * doubtful + ["fracture"] * fractures
    return {f"CQ500-CT-{number}": kind for number, kind in enumerate(kinds)}


def test_healthy_scans_are_dealt_and_all_others_are_for_the_test() -> None:
    parts = split(many(121, 10, 7), "strict", 21)
    healthy = {name: part for name, part in parts.items() if number_of(name) < 121}
    assert [list(healthy.values()).count(part) for part in ("test", "validation", "training")] == [21, 10, 90]
    assert {part for name, part in parts.items() if number_of(name) >= 131} == {"test"}
    assert len(parts) == 128, "doubtful scans are in no part of the strict pool"


def test_the_published_pool_takes_the_doubtful_ones_too() -> None:
    parts = split(many(20, 20), "published", 21, seed=3)
    assert len(parts) == 40
    assert {"doubtful", "clean"} == {many(20, 20)[name] for name, part in parts.items() if part == "test"}


def test_a_split_follows_from_seed_and_names_alone() -> None:
    scans = many(60)
    backwards = dict(reversed(scans.items()))
    assert split(scans, "strict", 21, seed=4) == split(backwards, "strict", 21, seed=4)
    assert split(scans, "strict", 21, seed=4) != split(scans, "strict", 21, seed=5)


def test_the_smallest_split_has_one_in_each_part() -> None:
    assert sorted(split(many(3), "strict", 1).values()) == ["test", "training", "validation"]


def test_too_few_healthy_scans_are_counted_with_the_remedy() -> None:
    with pytest.raises(
        TooFewHealthy, match=r"22 healthy scans \(pool strict\) are too few for 21 in the .*--pool published"
    ):
        split(many(22, 5), "strict", 21)
    with pytest.raises(TooFewHealthy, match=r"Use a smaller --healthy-test, or add scans\."):
        check_enough(2, 1, "published")
    check_enough(3, 1, "published")


def test_every_pool_is_made_of_groups_without_findings_by_vote() -> None:
    assert {group for pool in POOLS.values() for group in pool} == {"clean", "doubtful"}
