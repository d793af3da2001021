"""The list of detections: ranks, slices, and the table."""

from __future__ import annotations

from typing import Any

import pytest
from detection_rows import AFFINE, BRAIN, SKULL

from scripts.files.tables import from_csv
from scripts.results.detections import COLUMNS, listed, table


def test_rows_are_ranked_named_and_lie_in_a_slice_that_counts_from_1() -> None:
    brain, skull = listed([BRAIN, SKULL], AFFINE, 56, even=True)
    assert (brain["rank"], brain["slice"]) == (1, 15), "z = 12 is 42 mm above the middle of slice 1"
    assert (skull["rank"], skull["side"], skull["name"], skull["slice"]) == (2, "right", "parietal bone", 23)
    assert (brain["peak_slice"], skull["peak_slice"]) == (15, 22)
    assert skull["centre_mm"] == [52.0, 4.0, 36.0]
    assert {**brain, **BRAIN} == brain, "nothing of it is changed"
    assert "rank" not in BRAIN


def test_a_slice_is_one_of_the_scan_and_not_known_where_slices_were_uneven() -> None:
    beyond = BRAIN | {"centre_mm": [0.0, 0.0, 900.0]}
    assert listed([beyond], AFFINE, 56, even=True)[0]["slice"] == 56
    assert listed([BRAIN], AFFINE, 56, even=False)[0]["slice"] is None


def test_a_line_of_the_table_has_the_row_s_values() -> None:
    columns, rows = from_csv(table(listed([BRAIN, SKULL], AFFINE, 56, even=True)).decode())
    assert tuple(columns) == COLUMNS
    brain, skull = rows
    expected = {
        **{"rank": "1", "region": "brain", "side": "left", "name": "frontal lobe", "slice": "15"},
        **{"centre_r_mm": "-20.0", "centre_a_mm": "30.0", "centre_s_mm": "12.0", "peak_s_mm": "13.0"},
        **{"volume_ml": "12.5", "density": "brighter", "mean_hu": "61.5", "mirror_hu": "33.0", "peak": "9.25"},
        **{"seen_by": "position", "part_position": "9.0", "part_density": "1.5", "part_asymmetry": "", "width_mm": ""},
    }
    assert {name: brain[name] for name in expected} == expected
    assert (skull["length_mm"], skull["width_mm"], skull["depth_mm"], skull["volume_ml"]) == ("45.0", "1.5", "", "")


@pytest.mark.parametrize("rows", [[], ()])
def test_without_detections_there_is_the_header_alone(rows: Any) -> None:
    assert table(rows).decode() == ",".join(COLUMNS) + "\n"
