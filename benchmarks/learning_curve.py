"""Localisation error on held-out anatomies against what the training cost, from the `learning_curve.csv` of trainings.

python benchmarks/learning_curve.py NAME=DIR/learning_curve.csv [NAME=FILE ...] -o docs/images/learning_curve.png
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

TARGETS_MM = {"brain_error_mm": 10.0, "skull_error_mm": 6.0}
"""Medians that the training aims at."""


def named(text: str) -> tuple[str, Path]:
    """A curve's name and file, from NAME=FILE.

    Raises:
        argparse.ArgumentTypeError: there is no such file, or no name.
    """
    name, equals, path = text.partition("=")
    if not (name and equals and Path(path).is_file()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE with a file that exists")
    return name, Path(path)


def rows(path: Path) -> list[dict[str, float]]:
    """The rows of a learning curve."""
    with path.open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def plot(curves: list[tuple[str, Path]], cost: str, output: Path) -> None:
    """One panel for the brain, one for the skull, each with every curve and the aim."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for panel, (metric, target) in zip(panels, TARGETS_MM.items(), strict=True):
        for name, path in curves:
            points = rows(path)
            panel.plot([row[cost] / 60 for row in points], [row[metric] for row in points], marker="o", label=name)
        panel.axhline(target, color="grey", linestyle=":", label=f"aim, {target:g} mm")
        panel.set(xlabel=f"{cost.split('_')[0].upper()}-minutes of learning", ylabel="median error, mm", ylim=(0, None))
        panel.set_title(metric.split("_")[0])
        panel.legend()
    figure.savefig(output, dpi=110)


def main() -> None:
    """Draw the picture and print where each training ended."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("curves", metavar="NAME=FILE", nargs="+", type=named)
    parser.add_argument("--cost", choices=("cpu_s", "wall_s"), default="cpu_s", help="wall_s for a training on a GPU")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    plot(args.curves, args.cost, args.output)
    for name, path in args.curves:
        last = rows(path)[-1]
        print(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in last.items()))


if __name__ == "__main__":
    main()
