"""The comparison of planted and drawn lesions: both sensitivities, their difference and its interval."""

from __future__ import annotations

import power


def test_the_comparison_names_the_difference_with_its_interval() -> None:
    def row(planted: bool, drawn: bool) -> dict[str, object]:
        words = {True: "found", False: "missed"}
        return {
            "kind": "subdural",
            "outcome": words[planted],
            "score": 3.0,
            "drawn": {"outcome": words[drawn], "score": 2.0},
        }

    heads = [{"head": str(n), "rows": [row(True, True), row(True, n % 2 == 0)]} for n in range(6)]
    lines = list(power.comparison(heads))
    assert "| subdural | 12 | 12 | 9 | 3.00 | 2.00 |" in lines
    assert lines[-1].startswith("\nsensitivity, planted less drawn: +25 points [")
    assert list(power.comparison(heads[:1]))[-1].endswith("; one head has no interval")
