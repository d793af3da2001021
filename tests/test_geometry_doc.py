"""`docs/geometry.md`: its examples run, and the numbers in its prose are those that the examples compute."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "geometry.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The variables of the examples after they all ran."""
    runner = doctest.DocTestRunner()
    # Without the fence at the end of each example, which would be taken for output.
    text = TEXT.replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, "geometry.md", "geometry.md", 0)
    failures = []
    runner.run(test, out=failures.append, clear_globs=False)
    assert failures == []
    assert runner.tries > 20
    return test.globs


def triple(row: str) -> np.ndarray:
    """The three numbers in the last column of a row of the table of spaces."""
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {row}"))
    return np.array([float(number) for number in re.findall(r"-?\d+\.?\d*", line.split("|")[-2])])


def test_the_table_of_spaces(names: dict[str, Any]) -> None:
    bleed = names["bleed"]
    assert np.array_equal(triple("native voxel grid"), bleed[:3])
    np.testing.assert_allclose(triple("DICOM patient"), (names["lps"] @ bleed)[:3], atol=1e-9)
    np.testing.assert_allclose(triple("world"), (names["affine"] @ bleed)[:3], atol=1e-9)
    np.testing.assert_allclose(triple("reference"), names["reference_mm"], atol=0.05)


def test_the_numbers_in_the_prose(names: dict[str, Any]) -> None:
    position = ", ".join(f"{value:.3f}" for value in names["position"])
    assert f"divided by 255: ({position})." in TEXT
    assert TEXT.count(f"by {names['tilt']:.1f} degrees") == 2
    left = (names["lps"] @ names["bleed"])[0]
    assert f"{left:.0f} mm towards the patient's left" in TEXT
    nearest = np.floor(names["voxel"] / 2 + 0.5).astype(int)
    assert f"output {tuple(nearest.tolist())}" in TEXT


def test_the_orientation_is_one_that_dicom_allows(names: dict[str, Any]) -> None:
    row, column = names["along_row"], names["along_column"]
    assert np.linalg.norm(row) == pytest.approx(1)
    assert np.linalg.norm(column) == pytest.approx(1)
    assert row @ column == pytest.approx(0)
    assert np.linalg.det(names["to_reference"][:3, :3]) == pytest.approx(1)


def test_the_reference_grid_is_that_of_the_code(names: dict[str, Any]) -> None:
    voxel = np.linalg.inv(names["grid_affine"]()) @ [*names["reference_mm"], 1]
    np.testing.assert_allclose(voxel[:3], names["voxel"])
