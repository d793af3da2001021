"""`flags`: each flag in its order, and a remedy once."""

from __future__ import annotations

from scripts.findings import KINDS, finding
from scripts.results.flags import flags_in_words


def test_flags_in_words_say_a_remedy_once() -> None:
    found = [
        finding("region_cut", "One."),
        finding("files_set_aside", "Two."),
        finding("region_cut", "Three."),
        finding("thick_slices", "Four."),
        finding("path_missing", "No flag."),
        finding("files_set_aside", "Five."),
    ]
    assert flags_in_words([one.as_dict() for one in found]) == [
        "One.",
        "Two.",
        f"Three. {KINDS['region_cut'].remedy}",
        f"Four. {KINDS['thick_slices'].remedy}",
        "Five.",
    ]
