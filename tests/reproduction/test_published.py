"""The paper's numbers: as many as it has, and those that can be computed are right."""

from __future__ import annotations

from collections import Counter

import pytest

from reproduction.published import (
    AUTOENCODER,
    FRACTURE,
    HAEMORRHAGE,
    POSITION,
    RESULTS,
    WIDTHS,
    PublishedResult,
    published,
)
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import PATCH_SIZES, PatchPositionNet, count_parameters


def test_parameter_counts_are_those_of_our_networks() -> None:
    for name, network in ((POSITION, PatchPositionNet), (AUTOENCODER, SpatialAutoencoder)):
        rows = published("Figure 3", "parameters", name)
        assert [row.width for row in rows] == list(WIDTHS)
        for row in rows[:5]:
            assert row.width is not None
            assert row.value == count_parameters(network(row.width))


def test_the_table_holds_each_number_once() -> None:
    keys = Counter(tuple(value for name, value in vars(row).items() if name != "value") for row in RESULTS)
    assert set(keys.values()) == {1}
    assert len(RESULTS) == 2 * 7 + 4 * 7 + 2 * 7 + 6 + 8 + 7


def test_values_lie_where_they_can_lie() -> None:
    shares = ("auroc", "auroc_low", "auroc_high", "sensitivity")
    for row in RESULTS:
        assert 0 < row.value <= 1 if row.quantity in shares else row.value >= 2
    for task in (HAEMORRHAGE, FRACTURE):
        low, value, high = (
            published("Figure 6", f"auroc{end}", POSITION, task)[0].value for end in ("_low", "", "_high")
        )
        assert low < value < high


def test_the_sweep_of_patch_sizes_has_every_size() -> None:
    assert [row.patch_size for row in published("Figure 7", "auroc")] == list(PATCH_SIZES)


def test_a_few_numbers_by_hand() -> None:
    memory = {row.width: row.value for row in published("Table 1", "training_memory_mb", AUTOENCODER)}
    assert memory[32] == 12548
    assert PublishedResult("Figure 3", "auroc", 0.817, POSITION, FRACTURE, 64, 31) in RESULTS
    assert PublishedResult("Figure 6", "sensitivity", 0.66, POSITION, HAEMORRHAGE, specificity=0.80) in RESULTS


def test_what_the_paper_does_not_hold_is_said() -> None:
    with pytest.raises(KeyError, match="the paper's Figure 7 holds no parameters of any network, fracture"):
        published("Figure 7", "parameters", task=FRACTURE)
