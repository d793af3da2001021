"""The benchmark of the density network's parts: what is scored, on small made-up evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import position as module
import pytest
from position import BOX, heads_of, main, rows_of, scans_of, whole

from cohort.draw import GROUPS

SHAPE = tuple(part.stop - part.start for part in BOX)


def write(folder: Path, name: str, anatomy: str, lesion: str | None, side: str | None) -> None:
    """Evidence of noise; a lesion raises it on its side."""
    rng = np.random.default_rng(sum(map(ord, name)))
    evidence = rng.normal(size=(20, *SHAPE)).astype(np.float16)
    density = rng.normal(33, 1, SHAPE).astype(np.float32)
    regions, mask = np.ones(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    regions[SHAPE[0] // 2 :] = 2
    for own, part in (("left", slice(4, 12)), ("right", slice(32, 40))):
        if lesion and side in (own, "both"):
            evidence[3::5, part, 20:28, 20:28] += 4
            density[part, 20:28, 20:28] += 10
            mask[part, 20:28, 20:28] = 1
    folder.mkdir(parents=True, exist_ok=True)
    facts = json.dumps({"anatomy": anatomy, "lesion": lesion, "side": side})
    np.savez(folder / f"{name}.npz", facts=facts, evidence=evidence, density=density, regions=regions, lesion=mask)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "evidence" / "validation"
    for anatomy in ("a", "b"):
        for number in range(2):
            write(folder, f"{anatomy}_healthy_{number}", anatomy, None, None)
        write(folder, f"{anatomy}_bleed", anatomy, "subdural", "left")
    write(folder, "a_both", "a", "infarct", "both")
    monkeypatch.setattr(module, "PARTS", {"10 mm": (0, 1, 2, 3, 4), "density": (20,)} | {"all fields": (0, 3)})
    return tmp_path


def test_the_table_has_a_line_a_column_and_finds_what_was_planted(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["position.py", "table", str(work), "--output", str(work / "scores.json")])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| part | brain (2) | bright (2) | symmetric (2) | subdural (2) | voxel AP |"
    found = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in lines[2:-1]}
    assert found["10 mm, q"][:3] == ["1.00", "1.00", "1.00"]
    assert found["density, d"][0] == "1.00"
    assert float(found["density, d"][2]) < 0.9, "what is on both sides cancels"
    assert lines[-1] == "8 healthy hemispheres"
    kept: list[dict[str, Any]] = json.loads((work / "scores.json").read_text())
    assert {row["column"] for row in kept} == set(found)


def test_values_of_the_box_come_back_to_their_places(work: Path) -> None:
    scan = next(scans_of(work / "evidence" / "validation"))
    values = whole(scan.density)
    assert values.shape == (64, 64, 64)
    assert np.isfinite(values).sum() == np.prod(SHAPE)
    np.testing.assert_array_equal(values[BOX], scan.density)


def test_lesions_on_both_sides_have_a_row_of_their_own() -> None:
    assert rows_of(None, None) == []
    assert rows_of("subdural", "left") == ["bright", "subdural", "brain"]
    assert rows_of("cyst", "right")[0] == "dark, isodense"
    assert rows_of("subdural", "both") == ["symmetric"]
    assert rows_of("pontine_bleed", "middle", "middle") == ["harder: middle"]
    assert "brain" not in rows_of("linear_fracture", "left")


def test_the_heads_of_a_split_end_with_symmetric_ones(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.nii.gz").touch()
    heads = heads_of(str(tmp_path), ["a", "b"], 2, 1, 2)
    assert [head["side"] for head in heads[-8:]] == ["both"] * 8
    assert len({(head["image"], head["seed"], head["lesion"]) for head in heads}) == len(heads)
    more = heads_of(str(tmp_path), ["a", "b"], 2, 1, 2, harder=1)
    assert more[: len(heads)] == heads
    assert {head["group"] for head in more[len(heads) :]} == set(GROUPS)
