"""The paper's numbers: as many as it has, and those that can be computed are right."""

from __future__ import annotations

from itertools import product

from reproduction import published as paper
from reproduction.published import AUTOENCODER, FRACTURE, HAEMORRHAGE, POSITION, WIDTHS
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import PATCH_SIZES, PatchPositionNet, count_parameters


def test_parameter_counts_are_those_of_our_networks() -> None:
    for name, network in ((POSITION, PatchPositionNet), (AUTOENCODER, SpatialAutoencoder)):
        assert paper.PARAMETERS[name][:5] == tuple(count_parameters(network(width)) for width in WIDTHS[:5])


def test_every_width_and_patch_size_has_its_number() -> None:
    by_width = (*paper.PARAMETERS.values(), *paper.AUROCS.values(), *paper.MEMORY_MB.values())
    assert {len(values) for values in by_width} == {len(WIDTHS)}
    assert set(paper.AUROCS) == set(product((POSITION, AUTOENCODER), (HAEMORRHAGE, FRACTURE)))
    assert list(paper.PATCH_SIZE_AUROCS) == list(PATCH_SIZES)


def test_values_lie_where_they_can_lie() -> None:
    shares = [value for values in paper.AUROCS.values() for value in values] + list(paper.PATCH_SIZE_AUROCS.values())
    shares += [value for _, *point in paper.ROC_POINTS for value in point]
    assert all(0 < value <= 1 for value in shares)
    assert all(0 < low < value < high < 1 for value, low, high in paper.ROC_AUROCS.values())


def test_a_few_numbers_by_hand() -> None:
    assert paper.MEMORY_MB[AUTOENCODER][WIDTHS.index(32)] == 12548
    assert paper.AUROCS[POSITION, FRACTURE][-1] == 0.817
    assert (HAEMORRHAGE, 0.66, 0.80) in paper.ROC_POINTS
