"""The tables and figures of the paper, each made from the folder of a reproduction.

An *item* has files, and a body in Markdown for the page that shows all of them. Its tidy rows are among the files, and
what is drawn is drawn from these. Where an input is missing, `NothingToShow` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.errors import WrongUsage
from scripts.files.tables import Table

from .cq500.agreement import agreement, agreement_table
from .cq500.composition import composition_table
from .cq500.files import load_reads
from .cq500.reads import Reads
from .cq500.split import SPLITS
from .folder import Reproduction, read_json
from .published import FRACTURE, HAEMORRHAGE
from .rows import Auroc, Duration, Memory, NothingToShow, RocPoint, Row, as_csv, from_csv
from .tables import auroc_table, batch_table, duration_table, memory_table

Made = tuple[dict[str, bytes], str]
"""Files by name, and the body."""


@dataclass(frozen=True)
class Item:
    """A table or figure: the stem of its files, its title, its caption, and the function that makes it."""

    stem: str
    title: str
    caption: str
    make: Callable[[Reproduction, str], Made]


def table(made: Table, stem: str) -> Made:
    """A table as files and body."""
    return {f"{stem}.md": made.markdown().encode(), f"{stem}.csv": made.csv().encode()}, made.markdown()


def picture(figure: Any, stem: str, rows: dict[str, str]) -> Made:
    """A figure as files and body, with the tidy rows that it was drawn from."""
    from .figures.style import png

    files = {f"{stem}.png": png(figure), **{name: text.encode() for name, text in rows.items()}}
    drawn_from = f"\n\nDrawn from {', '.join(f'[{name}]({name})' for name in rows)}." if rows else ""
    return files, f"![{stem}]({stem}.png){drawn_from}\n"


def through_csv(rows: Sequence[Row], kind: type[Row]) -> tuple[list[Row], str]:
    """Rows as they come back from their file, and the file's text: what is drawn is what is written."""
    text = as_csv(rows, kind)
    return from_csv(text, kind), text


def table_1(folder: Reproduction, stem: str) -> Made:
    """Training memory by width."""
    return table(memory_table(through_csv(folder.memories(), Memory)[0]), stem)


def table_2(folder: Reproduction, stem: str) -> Made:
    """Table 2: the composition of the data set."""
    reads, sections = labels_of(folder), sections_of(folder)
    if unknown := [name for name in sections if name not in reads.names]:
        raise NothingToShow(f"{unknown[0]} of the datalist is not in the label table")
    return table(composition_table(reads.labels(), sections), stem)


def table_3(folder: Reproduction, stem: str) -> Made:
    """Table 3: the agreement of the readers."""
    return table(agreement_table(agreement(labels_of(folder))), stem)


def labels_of(folder: Reproduction) -> Reads:
    """The label table that the reproduction names.

    Raises:
        NothingToShow: it names none, or none that can be read.
    """
    path = folder.settings()["reads"]
    if path is None:
        raise NothingToShow("no label table was named (reproduce --reads FILE)")
    try:
        return load_reads(Path(path))
    except WrongUsage as error:
        raise NothingToShow(str(error).rstrip(".")) from error


def sections_of(folder: Reproduction) -> dict[str, str]:
    """The section of each case of the datalist.

    Raises:
        NothingToShow: it can't be read, or its scans are no named cases.
    """
    content = read_json(Path(folder.settings()["datalist"]))
    items = [(section, item) for section in SPLITS for item in content.get(section, [])]
    if not items:
        raise NothingToShow("the datalist can't be read, or lists no scans")
    if not all("case" in item for _, item in items):
        raise NothingToShow("the datalist does not name the cases of its scans")
    return {item["case"]: section for section, item in items}


def table_times(folder: Reproduction, stem: str) -> Made:
    """Training and inference times."""
    return table(duration_table(through_csv(folder.durations(), Duration)[0]), stem)


def table_aurocs(folder: Reproduction, stem: str) -> Made:
    """Every AUROC."""
    return table(auroc_table(through_csv(folder.aurocs(), Auroc)[0]), stem)


def figure_3(folder: Reproduction, stem: str) -> Made:
    """AUROC by number of parameters."""
    from .figures.auroc_by_width import draw

    rows, text = through_csv(folder.aurocs(), Auroc)
    return picture(draw(rows), stem, {"aurocs_rows.csv": text})


def figure_4(folder: Reproduction, stem: str) -> Made:
    """Haemorrhages beside maps."""
    from .examples import slices
    from .figures.error_slices import draw

    return picture(draw(slices(folder, HAEMORRHAGE)), stem, {})


def figure_5(folder: Reproduction, stem: str) -> Made:
    """Skulls coloured by error."""
    from .examples import skulls
    from .figures.skull_surface import draw

    return picture(draw(skulls(folder)), stem, {})


def figure_6(folder: Reproduction, stem: str) -> Made:
    """ROC curves."""
    from .figures.roc_curves import draw

    points, text = through_csv(folder.roc_points(), RocPoint)
    return picture(draw(points, folder.aurocs()), stem, {"roc_rows.csv": text})


def figure_7(folder: Reproduction, stem: str) -> Made:
    """AUROC by patch size."""
    from .figures.auroc_by_patch_size import draw

    rows, text = through_csv(folder.aurocs(), Auroc)
    return picture(draw(rows), stem, {"aurocs_rows.csv": text})


def figure_9(folder: Reproduction, stem: str) -> Made:
    """Fractures beside maps."""
    from .examples import slices
    from .figures.error_slices import draw

    return picture(draw(slices(folder, FRACTURE)), stem, {})


def figure_10(folder: Reproduction, stem: str) -> Made:
    """Training memory by width and batch."""
    from .figures.training_memory import draw

    rows, text = through_csv(folder.memories(), Memory)
    files, body = picture(draw(rows), stem, {"memory_rows.csv": text})
    return files, f"{body}\n{batch_table(rows).markdown()}"


ITEMS = (
    Item("table_1", "Table 1: memory of a training", "The published batches, by the width m of the network.", table_1),
    Item("table_2", "Table 2: composition of the data set", "Scans by vote of three readers.", table_2),
    Item(
        "table_3",
        "Table 3: agreement of the readers",
        "Over the whole label table; the AUROC of a reader is that of its marks for the vote.",
        table_3,
    ),
    Item(
        "times",
        "Times",
        "Training without validations; the network's share of a scan's inference, median over the test scans.",
        table_times,
    ),
    Item(
        "aurocs",
        "AUROC of every run",
        "Haemorrhage by hemisphere, fracture by head; the interval draws scans.",
        table_aurocs,
    ),
    Item(
        "figure_3",
        "Figure 3: AUROC by number of parameters",
        "Both networks at the published patch size, and the dense one; bars are 95 % bootstrap intervals.",
        figure_3,
    ),
    Item(
        "figure_4",
        "Figure 4: haemorrhages beside error maps",
        "The first test scans with a haemorrhage on one side and no fracture, in the slice with the first network's "
        "largest error in a hemisphere; the patient's right is on the left.",
        figure_4,
    ),
    Item(
        "figure_5",
        "Figure 5: skulls coloured by the error at their surface",
        "The first test scans with a fracture and no haemorrhage; the largest error within 5 mm below the surface.",
        figure_5,
    ),
    Item(
        "figure_6",
        "Figure 6: ROC curves",
        "The widest run of each network; circles are the points that the paper names.",
        figure_6,
    ),
    Item("figure_7", "Figure 7: AUROC by patch size", "The width of which most sizes were run.", figure_7),
    Item(
        "figure_9",
        "Figure 9: fractures beside error maps",
        "As Figure 4, for the first test scans with a fracture and no haemorrhage, in a bone window, in the slice with "
        "the largest error in the skull.",
        figure_9,
    ),
    Item(
        "figure_10",
        "Figure 10: memory of a training by width and batch",
        "The smaller the batch, the fainter.",
        figure_10,
    ),
)
"""Every item, in the order of the page."""
