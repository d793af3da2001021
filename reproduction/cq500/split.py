"""The seeded split of CQ500's scans into training, validation and test, with groups and healthy pools.

A scan's *group* follows from its labels. `haemorrhage` and `fracture` go by the vote. Of the others, those in which no
reader marked anything are `clean`; in the rest somebody marked something (mass effect, a bleed that no other reader
saw): they are `doubtful`. A *pool* is what counts as healthy: `strict` takes the clean scans, `published`, as the paper
has it, the doubtful ones too, among them scans with tumours and infarcts.

The *split* deals the healthy scans: some are for the test, most of the others for training, and the rest for
validation. All scans with haemorrhage or fracture are for the test. CQ500 has one scan a patient, so that no patient is
in two parts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .reads import FRACTURE, HAEMORRHAGE, Reads, number_of

CLEAN, DOUBTFUL = "clean", "doubtful"
"""The groups without haemorrhage and fracture."""

POOLS: Mapping[str, tuple[str, ...]] = {"strict": (CLEAN,), "published": (CLEAN, DOUBTFUL)}
"""The groups that each pool takes for healthy."""

SPLITS = ("training", "validation", "test")
"""The sections of a datalist."""

HEALTHY_TEST = 21
"""Healthy test scans of the published evaluation."""

VALIDATION_SHARE = 0.1
"""Share of the healthy scans that are not for the test which goes to validation, at least one scan: a learning curve
needs few, and each is lost for training."""

FEWEST_OTHERS = 2
"""Healthy scans that must be left beside those for the test: one for training, one for validation."""


class TooFewHealthy(ValueError):
    """There are not enough healthy scans for the split."""


def groups(reads: Reads) -> dict[str, str]:
    """The group of each scan of a label table: clean, doubtful, haemorrhage, fracture, or haemorrhage+fracture."""
    marked = reads.marked()
    found = {}
    for name, labels in reads.labels().items():
        words = [word for word, label in (("haemorrhage", HAEMORRHAGE), ("fracture", FRACTURE)) if labels[label]]
        found[name] = "+".join(words) or (DOUBTFUL if marked[name] else CLEAN)
    return found


def check_enough(healthy: int, healthy_test: int, pool: str) -> None:
    """See that so many healthy scans can be split.

    Raises:
        TooFewHealthy: they can't.
    """
    if healthy < healthy_test + FEWEST_OTHERS:
        other = " or --pool published" if pool == "strict" else ""
        raise TooFewHealthy(
            f"{healthy} healthy scans (pool {pool}) are too few for {healthy_test} in the test and {FEWEST_OTHERS} "
            f"beside them. Use a smaller --healthy-test{other}, or add scans."
        )


def split(groups_: Mapping[str, str], pool: str, healthy_test: int = HEALTHY_TEST, seed: int = 0) -> dict[str, str]:
    """The section of each scan, by name; scans that are healthy by no pool or not by this one have none.

    Args:
        groups_: the group of each scan, by name.
        pool: one of `POOLS`.
        healthy_test: how many healthy scans are for the test.
        seed: who is where follows from it, and from the names.

    Raises:
        TooFewHealthy: fewer than two healthy scans would be left.
    """
    names = sorted(groups_, key=number_of)
    healthy = [name for name in names if groups_[name] in POOLS[pool]]
    check_enough(len(healthy), healthy_test, pool)
    dealt = [healthy[k] for k in np.random.default_rng(seed).permutation(len(healthy))]
    others = len(dealt) - healthy_test
    validation = healthy_test + max(1, round(VALIDATION_SHARE * others))
    sections = {name: "test" for name in names if groups_[name] not in (CLEAN, DOUBTFUL)}
    sections |= dict.fromkeys(dealt[:healthy_test], "test")
    sections |= dict.fromkeys(dealt[healthy_test:validation], "validation")
    sections |= dict.fromkeys(dealt[validation:], "training")
    return {name: sections[name] for name in names if name in sections}
