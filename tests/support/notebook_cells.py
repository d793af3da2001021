"""Runs the code cells of a notebook in one namespace, as Jupyter would, and prints what the last line of a cell says.

With `copied` in place of its pipeline, the scans of a cohort are read and refused as always, and those that are
accepted get the results of the sample instead of being judged, so that the notebook costs one whole run.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from head_ct_position_anomaly import Result

from scripts.reading.inputs import read_scans


def code_cells(path: Path) -> list[str]:
    """The code of each code cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run_cells(path: Path) -> None:
    """Run every code cell; a cell that ends in an expression has its value printed.

    Raises:
        Exception: what a cell raised.
    """
    names: dict[str, Any] = {"__name__": "notebook"}
    for number, code in enumerate(code_cells(path), start=1):
        body = ast.parse(code).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
            if value is not None:
                print(f"shown: {value!r}")


def copied(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Stands for the pipeline: the scan is read, and may be refused; the results are those of the folder `sample`."""
    read_scans(Path(values["dataset_dir"]), None)
    Result.read(Path(values["output_dir"]).parents[2] / "sample").save(values["output_dir"])
