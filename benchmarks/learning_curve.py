"""Localisation and detection on held-out anatomies against the cost of training, from `learning_curve.csv`.

    python benchmarks/learning_curve.py NAME=DIR/learning_curve.csv [NAME=FILE ...] -o docs/images/learning_curve.png

With `--in-turn` each training began with the weights of the one before, and its costs are added to those.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

TARGETS_MM = {"brain_error_mm": 10.0, "skull_error_mm": 6.0}
"""Medians that the training of a position network aims at."""

COSTS = ("epoch", "iterations", "cpu_s", "wall_s")
"""Columns that are no metrics."""


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


def in_turn(curves: list[list[dict[str, float]]]) -> list[list[dict[str, float]]]:
    """The curves with each one's costs, and epochs, added to the last ones of the curve before."""
    shifted: list[list[dict[str, float]]] = []
    for curve in curves:
        before = shifted[-1][-1] if shifted else dict.fromkeys(COSTS, 0.0)
        shifted.append(
            [{key: value + (before[key] if key in COSTS else 0) for key, value in row.items()} for row in curve]
        )
    return shifted


def metrics(curves: list[list[dict[str, float]]]) -> list[str]:
    """The metrics that some curve holds: those with an aim, then AUROCs; all of them where there is none with an aim.

    Raises:
        ValueError: there is none.
    """
    found = list(dict.fromkeys(name for curve in curves for row in curve for name in row if name not in COSTS))
    if not found:
        raise ValueError("the curves hold no metric: has the first validation been run?")
    aimed = [name for name in TARGETS_MM if name in found]
    return [*aimed, *(name for name in found if name.endswith("auroc"))] if aimed else found


def plot(read: dict[str, list[dict[str, float]]], cost: str, output: Path) -> None:
    """One panel for the brain, one for the skull, or for what else was measured, with every curve and the aim."""
    shown = metrics(list(read.values()))
    figure, panels = pyplot.subplots(
        1, len(shown), figsize=(4.5 * len(shown), 3.6), layout="constrained", squeeze=False
    )
    for panel, metric in zip(panels[0], shown, strict=True):
        for name, points in read.items():
            kept = [row for row in points if metric in row]
            panel.plot([row[cost] / 60 for row in kept], [row[metric] for row in kept], marker="o", label=name)
        unit = "median error, mm" if metric in TARGETS_MM else metric.replace("_", " ")
        if metric in TARGETS_MM:
            panel.axhline(TARGETS_MM[metric], color="grey", linestyle=":", label=f"aim, {TARGETS_MM[metric]:g} mm")
        limits = (0.5, 1) if metric.endswith("auroc") else (0, None)
        panel.set(xlabel=f"{cost.split('_')[0].upper()}-minutes of learning", ylabel=unit, ylim=limits)
        panel.set_title("detection" if metric.endswith("auroc") else metric.split("_")[0])
        panel.legend()
    figure.savefig(output, dpi=110)


def main() -> None:
    """Draw the picture and print where each training ended."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("curves", metavar="NAME=FILE", nargs="+", type=named)
    parser.add_argument("--cost", choices=("cpu_s", "wall_s"), default="cpu_s", help="wall_s for a training on a GPU")
    parser.add_argument("--in-turn", action="store_true", help="each training went on from the weights of the last one")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    curves = [rows(path) for _, path in args.curves]
    read = dict(zip((name for name, _ in args.curves), in_turn(curves) if args.in_turn else curves, strict=True))
    plot(read, args.cost, args.output)
    for name, points in read.items():
        print(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in points[-1].items()))


if __name__ == "__main__":
    main()
