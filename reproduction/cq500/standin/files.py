"""A simulated data set on the disk, in the form of CQ500, with its truth apart from it.

    ROOT/CQ500CT7 CQ500CT7/Unknown Study/CT Thin Plain/CT000012.dcm    as in CQ500
    ROOT/reads.csv                                                     the label table; it comes last
    ROOT/truth/plan.json, ROOT/truth/CQ500-CT-7.json, ROOT/truth.csv   what was planned, and what truly is there

The numbers of the files are not the order of the slices.

A case's folder is written atomically, after its truth. The commands that make datalists never read the truth.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scripts.errors import OutputExists, as_ours
from scripts.files.atomic import write_output
from scripts.files.tables import as_csv
from scripts.simulation.scanner.scan import PADDING_HU

from ..reads import LABELS, Reads, number_of, reads_text
from .patients import CasePlan
from .readers import read_scan
from .recipes import RECIPES
from .studies import Series

STUDY, TRUTH = "Unknown Study", "truth"
"""Folders of a case's series, and of the truth."""

FILES_STREAM, READERS_STREAM = 32, 33
"""Streams of random numbers for the numbers of files, and for the readers."""

SYNTAXES = ("explicit", "jpegls")
"""Cases take turns over them."""

CATEGORIES = ("B1", "B2")
"""Categories of the label table, the two batches in which CQ500 was gathered."""

TRUTH_COLUMNS = ("case", "anatomy", "seed", "recipe", "lesions", "best_series", *LABELS)
"""The columns of `truth.csv`; `best_series` is the folder that shall be chosen, empty where none can be."""


def series_folder(description: str, repeat: int = 1) -> str:
    """The name of a series' folder: slashes and plus signs are lost, repeats are counted from -2 on."""
    return f"CT {re.sub('[/+]', '', description)}{f'-{repeat}' if repeat > 1 else ''}"


def keep_plan(root: Path, plans: Sequence[CasePlan], settings: Mapping[str, Any]) -> None:
    """Write the plan of a data set to its folder, which may hold what an interrupted run with the same plan left.

    Raises:
        OutputExists: the folder holds something else, or a data set of another plan.
    """
    path = root / TRUTH / "plan.json"
    text = json.dumps({**settings, "cases": [asdict(plan) for plan in plans]}, indent=1) + "\n"
    if path.is_file():
        if path.read_text(encoding="utf-8") != text:
            raise OutputExists(
                f"{root} was drawn for another plan (other anatomies, numbers or seed). Choose another folder, or "
                "remove this one."
            )
    elif root.is_dir() and any(root.iterdir()):
        raise OutputExists(f"{root} holds something else. Choose another folder.")
    else:
        write_output(path, text.encode())


def is_complete(root: Path, plan: CasePlan) -> bool:
    """True if a case is complete."""
    return (root / plan.folder).is_dir() and truth_path(root, plan).is_file()


def write_case(root: Path, plan: CasePlan, series: Sequence[tuple[str, Series]], truth: Mapping[str, Any]) -> None:
    """Write a case's truth, then its folder.

    Raises:
        OutputFailed: they can't be written.
    """
    write_output(truth_path(root, plan), f"{json.dumps(truth, indent=1)}\n".encode())
    target, staging = root / plan.folder, root / f".{plan.folder}.partial"
    shutil.rmtree(staging, ignore_errors=True)  # what a run that was killed left
    try:
        rng, repeats, earlier = np.random.default_rng([plan.seed, FILES_STREAM]), Counter[str](), 0
        for number, (description, images) in enumerate(series, start=1):
            repeats[description] += 1
            folder = staging / STUDY / series_folder(description, repeats[description])
            earlier = earlier if images.copied else number
            _write_series(folder, plan, description, earlier, images, rng)
        staging.rename(target)
    except OSError as error:
        raise as_ours(error, target) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_tables(root: Path, plans: Sequence[CasePlan]) -> None:
    """Write `truth.csv`, and then the label table, of a data set whose cases are all there."""
    ordered = sorted(plans, key=lambda plan: number_of(plan.name))
    truths = [json.loads(truth_path(root, plan).read_text(encoding="utf-8")) for plan in ordered]
    write_output(root / "truth.csv", truth_text(ordered, truths).encode())
    write_output(root / "reads.csv", reads_text(simulated_reads(ordered, truths)).encode())


def simulated_reads(plans: Sequence[CasePlan], truths: Sequence[Mapping[str, Any]]) -> Reads:
    """The labels that three simulated readers give each case, from its true labels."""
    marks, categories = [], []
    for plan, truth in zip(plans, truths, strict=True):
        rng = np.random.default_rng([plan.seed, READERS_STREAM])
        marks.append(read_scan(truth["labels"], rng))
        categories.append(CATEGORIES[int(rng.integers(len(CATEGORIES)))])
    return Reads(tuple(plan.name for plan in plans), tuple(categories), np.stack(marks))


def truth_text(plans: Sequence[CasePlan], truths: Sequence[Mapping[str, Any]]) -> str:
    """The truth of all cases as comma-separated values."""
    rows = []
    for plan, truth in zip(plans, truths, strict=True):
        lesions = "; ".join(f"{lesion['lesion']} {lesion['side']}" for lesion in truth["lesions"])
        best = RECIPES[plan.recipe].best
        row = (plan.name, plan.anatomy, plan.seed, plan.recipe, lesions, series_folder(best) if best else "")
        rows.append((*row, *(int(label in truth["labels"]) for label in LABELS)))
    return as_csv(TRUTH_COLUMNS, rows)


def truth_path(root: Path, plan: CasePlan) -> Path:
    """The file with a case's truth."""
    return root / TRUTH / f"{plan.name}.json"


def _write_series(
    folder: Path, plan: CasePlan, description: str, number: int, images: Series, rng: np.random.Generator
) -> None:
    """Write one series; its files are numbered at random."""
    from scripts.simulation.scanner.series import SeriesText, write_series

    patient = plan.folder.split(" ")[0]
    text = SeriesText(
        PatientName=patient,
        PatientID=patient,
        StudyDescription="",
        SeriesNumber=number,
        SeriesDescription=description,
        BodyPartExamined=images.body_part,
        ConvolutionKernel=images.kernel,
    )
    files = write_series(
        folder,
        images.hu,
        images.affine,
        seed=plan.seed,
        transfer_syntax=SYNTAXES[plan.number % len(SYNTAXES)],
        text=text,
        thickness_mm=images.thickness_mm,
        outside=images.hu == PADDING_HU,
        at=images.at,
        attributes=images.attributes,
    )
    for file, own in zip(files, rng.permutation(len(files)).tolist(), strict=True):
        file.rename(folder / f"CT{own:06d}.dcm")
