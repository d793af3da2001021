"""Errors of the coarse network's poses, before any refinement, by population.

    python benchmarks/locator.py --work WORK --population widened=ANATOMIES --population uneven=UNEVEN
    python benchmarks/locator.py --work WORK --population widened=ANATOMIES --locator OTHER.pt

locates each scan of these populations (see `populations.py`) in the header's orientation. A pose is *trusted* if its
inlier fraction is at least `TRUSTED`: the registration then refines it. The *error* is the mean distance between the
points of the head under the pose and under the true one. Heads are kept in WORK, as those of `verdict.py` are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from populations import POPULATIONS, Options, add_options, options_of
from registration_cases import ROOT, Case, gaps_mm

from scripts.files.tables import Table
from scripts.geometry.coordinates import CENTRE_MM
from scripts.networks.position import DensePositionNet
from scripts.registration.locator import locate
from scripts.registration.register import TRUSTED, prepare_scan, without_scale
from scripts.registration.transforms import load_locator

WRONG_MM = (10.0, 20.0)
"""Errors over which poses are counted."""


class Row(NamedTuple):
    """The population of a scan, the inlier fraction of the pose found in it (0 without one), and its error."""

    population: str
    inlier_fraction: float
    error_mm: float


def located(population: str, case: Case, network: DensePositionNet) -> Row:
    """The row of one scan."""
    found = locate(network, prepare_scan(case.volume, case.affine).head, turned=False)
    if found is None:
        return Row(population, 0.0, np.inf)
    matrix = without_scale(found.fit.matrix, found.fit.scale, np.array(CENTRE_MM))
    return Row(population, found.fit.inlier_fraction, float(gaps_mm(matrix, case).mean()))


def rows(chosen: Sequence[tuple[str, Path]], options: Options, network: DensePositionNet) -> Iterator[Row]:
    """The rows of all scans of some populations, each with its folder."""
    for kind, folder in chosen:
        for scan in POPULATIONS[kind](folder, options):
            yield located(kind, scan.make(), network)


def table(found: Sequence[Row]) -> Table:
    """Counts of scans and of trusted poses by population, and their errors."""
    header = ("scans", "trusted", "median error, mm", *(f"over {limit:g} mm" for limit in WRONG_MM))
    lines = []
    for population in dict.fromkeys(row.population for row in found):
        mine = [row for row in found if row.population == population]
        errors = np.array([row.error_mm for row in mine if row.inlier_fraction >= TRUSTED])
        wrong = [int((errors > limit).sum()) for limit in WRONG_MM]
        middle = f"{np.median(errors):.1f}" if len(errors) else ""
        lines.append((f"{population}, {len(mine)}", len(errors), middle, *wrong))
    return Table(header, tuple(lines))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="errors of the coarse network alone")
    add_options(parser)
    parser.add_argument("--locator", type=Path, default=ROOT / "bundle" / "models" / "locator.pt", help="its weights")
    args = parser.parse_args()
    network = load_locator(str(args.locator))
    print(table(list(rows(args.population, options_of(args), network))).markdown())


if __name__ == "__main__":
    main()
