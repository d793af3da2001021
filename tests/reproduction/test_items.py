"""Each table and figure as files and a part of the page: drawn from what is written beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from label_tables import BLEED_LEFT, table_of
from paper_inputs import evaluation, memory, reproduction
from picture import pixels

from reproduction import examples
from reproduction import items as paper_items
from reproduction.figures.error_slices import Slices
from reproduction.figures.skull_surface import Skull
from reproduction.folder import Reproduction
from reproduction.items import ITEMS, Item
from reproduction.rows import HERE, Auroc, Memory, NothingToShow, RocPoint, from_csv, published_memories

BY_STEM = {item.stem: item for item in ITEMS}


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reproduction:
    """A reproduction with something for each item."""
    runs = {
        "p1": evaluation(width=1),
        "p2": evaluation(width=2, haemorrhage=0.8),
        "p2_p19": evaluation(width=2, patch_size=19),
        "a2": evaluation("autoencoder", 2, None, mode="autoencoder"),
    }
    (tmp_path / "reads.csv").write_text(table_of({1: {}, 2: {}, 3: BLEED_LEFT, 4: {"Fracture": "12"}}))
    folder = reproduction(tmp_path, runs, reads=str(tmp_path / "reads.csv"))
    rows = [*published_memories(), memory("position", 2, 256, 900), memory("autoencoder", 2, 4, 3000)]
    monkeypatch.setattr(Reproduction, "memories", lambda self: rows)
    box = np.zeros((20, 20, 20))
    box[4:16, 4:16, 4:16] = 30
    affine = np.diag((8.0, 8.0, 8.0, 1.0))
    scan = Slices("case", box, affine, box > 0, (0.0, 60.0), {"position": (box, "mm")})
    monkeypatch.setattr(examples, "slices", lambda folder, label: [scan])
    monkeypatch.setattr(examples, "skulls", lambda folder: {"case": Skull(box > 0, box, affine, "mm")})
    return folder


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.stem)
def test_every_item_is_made(item: Item, full: Reproduction) -> None:
    files, body = item.make(full, item.stem)
    kind = "png" if item.stem.startswith("figure") else "csv"
    assert f"{item.stem}.{kind}" in files
    for name, content in files.items():
        assert content, name
        assert name in body or not name.endswith("png")
    if kind == "png":
        assert f"![{item.stem}]({item.stem}.png)" in body
        assert pixels(files[f"{item.stem}.png"]).std() > 5
    else:
        assert body == files[f"{item.stem}.md"].decode()
        assert body.startswith("| ")


@pytest.mark.parametrize(
    ("stem", "name", "kind", "count"),
    [
        ("figure_3", "aurocs_rows.csv", Auroc, 8),
        ("figure_6", "roc_rows.csv", RocPoint, 24),
        ("figure_10", "memory_rows.csv", Memory, 2),
    ],
)
def test_a_figure_s_rows_are_beside_it(stem: str, name: str, kind: Any, count: int, full: Reproduction) -> None:
    files, body = BY_STEM[stem].make(full, stem)
    assert f"[{name}]({name})" in body
    assert len([row for row in from_csv(files[name].decode(), kind) if row.source == HERE]) == count


def test_the_tables_of_labels(full: Reproduction) -> None:
    composed = BY_STEM["table_2"].make(full, "table_2")[0]["table_2.csv"].decode().splitlines()
    assert composed[0].startswith("scans with,in the table,kept,training,validation,test,left")
    assert composed[1] == "anything or nothing,4,3,1,1,1,,,,"
    assert "haemorrhage (ICH),1,1,0,0,1,1,0,0,0" in composed
    files, body = BY_STEM["table_3"].make(full, "table_3")
    rows = {row.split(",")[0]: row.split(",")[1:] for row in files["table_3.csv"].decode().splitlines()}
    assert rows["ICH"] == ["1", "1.000", "1.000", "1.000", "1.000"]
    assert rows["Fracture"] == ["1", "0.400", "1.000", "1.000", "0.500"]
    assert "-: not defined" in body


def test_labels_that_are_not_there(full: Reproduction, tmp_path: Path) -> None:
    table_2, table_3 = (BY_STEM[stem].make for stem in ("table_2", "table_3"))
    (tmp_path / "reads.csv").write_text(table_of({1: {}, 2: {}}))
    with pytest.raises(NothingToShow, match="CQ500-CT-3 of the datalist is not in the label table"):
        table_2(full, "table_2")
    (tmp_path / "reads.csv").write_text("name\n")
    with pytest.raises(NothingToShow, match=r"reads.csv is not the label table of CQ500. Line 1 misses column"):
        table_3(full, "table_3")
    (tmp_path / "datalist.json").write_text('{"training": [{"image": "one"}]}')
    with pytest.raises(NothingToShow, match="the datalist does not name the cases of its scans"):
        paper_items.sections_of(full)


def test_a_datalist_with_a_byte_order_mark_and_one_that_is_lost(full: Reproduction, tmp_path: Path) -> None:
    sections, datalist = paper_items.sections_of(full), tmp_path / "datalist.json"
    assert sections == {"CQ500-CT-1": "training", "CQ500-CT-2": "validation", "CQ500-CT-3": "test"}
    datalist.write_text(datalist.read_text(), encoding="utf-8-sig")
    assert paper_items.sections_of(full) == sections
    datalist.unlink()
    with pytest.raises(NothingToShow, match="the datalist can't be read, or lists no scans"):
        BY_STEM["table_2"].make(full, "table_2")


def test_what_is_drawn_has_been_through_its_file(full: Reproduction, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file: Callable[..., Any] = paper_items.from_csv

    def without_ours(text: str, kind: Any) -> Any:
        return [row for row in from_file(text, kind) if row.source != HERE]

    monkeypatch.setattr(paper_items, "from_csv", without_ours)
    with pytest.raises(NothingToShow):
        BY_STEM["figure_3"].make(full, "figure_3")


def test_items_have_names_and_titles_of_their_own() -> None:
    assert len({item.stem for item in ITEMS}) == len({item.title for item in ITEMS}) == len(ITEMS)
    numbered = [int(item.stem.split("_")[1]) for item in ITEMS if item.stem.startswith("figure")]
    assert numbered == sorted(numbered) == [3, 4, 5, 6, 7, 9, 10]
