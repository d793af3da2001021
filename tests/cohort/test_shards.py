"""Shards: every case in one of them, by its name alone; and which shard a task is to score."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.cohort.shards import Shard, list_sha256, shard_named, shard_of
from scripts.datasets.datalist import Case
from scripts.errors import WrongUsage

CASES = [Case(f"case-{number}", Path("scan")) for number in range(400)]


def test_each_case_is_in_one_shard_and_a_longer_list_moves_none() -> None:
    numbers = [shard_of(case.name, 8) for case in CASES]
    assert set(numbers) == set(range(1, 9))
    assert max(map(numbers.count, set(numbers))) < 80, "of 50 a shard"
    for number, case in zip(numbers, CASES, strict=True):
        assert [Shard(n, 8).holds(case.name) for n in range(1, 9)] == [n == number for n in range(1, 9)]
    assert [shard_of(name, 200) for name in ("case-1", "CQ500-CT-7")] == [167, 50], "and stays so"


def test_the_place_of_a_shard_has_the_rows_of_its_cases_in_the_whole_list() -> None:
    places = [Shard(number, 3).place(CASES) for number in (1, 2, 3)]
    assert sorted(row for place in places for row in place["rows"].values()) == list(range(400))
    assert all(CASES[row].name == name for place in places for name, row in place["rows"].items())
    assert {(place["list"], place["listed"], place["of"]) for place in places} == {(list_sha256(CASES), 400, 3)}
    assert list_sha256(CASES[:-1]) != list_sha256(CASES)


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("3/200", {}, Shard(3, 200)),
        ("3/200", {"SLURM_ARRAY_TASK_ID": "9"}, Shard(3, 200)),
        ("auto/200", {"SLURM_ARRAY_TASK_ID": "200"}, Shard(200, 200)),
        ("auto/8", {"JOB_COMPLETION_INDEX": "0"}, Shard(1, 8)),
    ],
)
def test_a_shard_is_named_or_the_scheduler_says_which(text: str, environment: dict[str, str], expected: Shard) -> None:
    assert shard_named(text, environment) == expected


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("3", {}, "say 3/200 for the third of 200"),
        ("a/b", {}, "say 3/200"),
        ("0/4", {}, "--shard is number 0 of 4 shards: numbers go from 1 to 4"),
        ("5/4", {}, "number 5 of 4"),
        ("1/0", {}, "number 1 of 0"),
        ("auto/4", {}, "needs SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX, and neither is set"),
        ("auto/4", {"SLURM_ARRAY_TASK_ID": "0"}, "SLURM_ARRAY_TASK_ID=0 is number 0 of 4"),
        ("auto/4", {"JOB_COMPLETION_INDEX": "4"}, "JOB_COMPLETION_INDEX=4 is number 5 of 4"),
    ],
)
def test_what_is_no_shard_is_a_sentence(text: str, environment: dict[str, str], words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        shard_named(text, environment)


def test_folders_of_shards_sort_by_number() -> None:
    names = [Shard(number, 12).folder_name for number in range(1, 13)]
    assert names[0] == "shard_01_of_12"
    assert names == sorted(names)
