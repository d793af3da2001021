"""The words above the panels: scores, shares in view, and marks."""

from __future__ import annotations

import numpy as np
from PIL import Image

from scripts.results.drawing import WARNING
from scripts.results.header import HEADER, draw_marks, scores_in_words
from scripts.results.marks import Mark
from scripts.results.panels import PANEL


def test_scores_in_words_name_the_share_in_view_of_cut_regions_only() -> None:
    words = scores_in_words(
        {"left_hemisphere": 2.04, "right_hemisphere": 6.3, "skull": None},
        {"left_hemisphere": 81.06, "right_hemisphere": 100.0, "skull": None},
        {"left_hemisphere": 0.96, "right_hemisphere": 0.917, "skull": 0.44},
        "SD",
    )
    assert words == [
        ("left hemisphere: 2.0 SD", "percentile 81"),
        ("right hemisphere: 6.3 SD", "percentile 100, 92 % in view"),
        ("skull: no score", "44 % in view"),
    ]


def test_marks_stand_below_the_title_three_at_most_within_their_column() -> None:
    words = "skull line, parietal bone, right, 51 mm " * 3
    many = [Mark(number, words, np.zeros(3), True, 1.5) for number in range(1, 6)]
    lines = []
    for count in (0, 1, 3, 5):
        sheet = Image.new("RGB", (4 * PANEL, HEADER))
        draw_marks(sheet, many[:count])
        drawn = (np.asarray(sheet) == WARNING).all(axis=2)
        lines.append(int(np.diff(drawn.any(axis=1).astype(int)).clip(0).sum()))
        assert not drawn[:, PANEL:].any()
        assert not drawn[HEADER - 42 :].any(), "the flags stand there"
    assert lines[0] == 0
    assert 0 < lines[1] < lines[2] == lines[3]
