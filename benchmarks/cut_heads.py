"""What a cut field of view does to the scores of healthy heads, by the coverage of the region.

Each registered head is cut at planes of reference space, from above and from below; its regions are found anew, and the
network sees what is left. Prints, by coverage: regions, mean and spread of the ratio of cut to whole score, and the
share above the threshold before and after.

    python benchmarks/cut_heads.py SCAN...
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.files.tables import Table
from scripts.preprocessing.regions import REGIONS
from scripts.preprocessing.transforms import MakeRegionsd, MeasureCoveraged, with_meta
from scripts.volume import AIR_HU
from scripts.workflow import parsed_configs

SHARES = (1.0, 0.9, 0.75, 0.6, 0.45)
"""Shares of the hemispheres' height that are left in view."""

BINS = (0.95, 0.8, 0.65, 0.5, 0.35)
"""Least coverage of each row of the table."""

Scored = dict[str, dict[str, Any]]


class Pipeline:
    """The shipped pipeline at stride 4, from a scan to the scores of any cut of it."""

    def __init__(self) -> None:
        self.parser = parsed_configs(["inference.json"])
        self.parser["stride"], self.parser["accept_review"], self.parser["force"] = 4, True, True
        self.parser["postprocessing"]["transforms"].pop()
        *self.before, self.intensity = self.parser.get_parsed_content("preprocessing").transforms
        self.network = self.parser.get_parsed_content("network").eval()
        self.network.load_state_dict(torch.load(self.parser.get_parsed_content("weights"), weights_only=True))
        self.inferer, self.post = (self.parser.get_parsed_content(name) for name in ("inferer", "postprocessing"))
        self.device = self.parser.get_parsed_content("device")

    def registered(self, scan: Path) -> dict[Any, Any]:
        """A scan in reference space, with everything that is found before the intensities."""
        data: Any = {"image": str(scan)}
        for transform in self.before:
            data = transform(data)
        return dict(data)

    def scores(self, registered: dict[Any, Any], below: bool, share: float) -> Scored:
        """Numbers by region of a registered head with a share of the brain's height in view, the lower or the upper."""
        data = self.cut(registered, below, share)
        data = self.intensity(data)
        with torch.no_grad():
            positions = self.inferer(data["image"][None].to(self.device), self.network)[0]
        data["pred"] = with_meta(torch.as_tensor(positions), data["image"])
        scored: Scored = self.post(data)["score_details"]
        return scored

    def cut(self, registered: dict[Any, Any], below: bool, share: float) -> dict[Any, Any]:
        """A registered head cut at a plane, with regions and coverage of its own."""
        data = dict(registered)
        heights = np.flatnonzero(np.isin(np.asarray(data["regions"][0]), (1, 2)).any(axis=(0, 1)))
        plane = round(float(heights[0] + share * np.ptp(heights) if below else heights[-1] - share * np.ptp(heights)))
        hidden = slice(plane + 1, None) if below else slice(None, plane)
        if share < 1:
            for key, empty in (("image", AIR_HU), ("foreground", 0), ("validity", 0)):
                left = data[key].clone()
                left[..., hidden] = empty
                data[key] = left
        remade = [step for step in self.before if isinstance(step, (MakeRegionsd, MeasureCoveraged))]
        for step in remade:
            data = step(data)
        return data


def compared(pipeline: Pipeline, scan: Path) -> Iterator[tuple[str, float, float, float, float]]:
    """Region, coverage, whole score, cut score and threshold of every cut of a scan."""
    registered = pipeline.registered(scan)
    name = "calibrated_top_1_percent_mean"
    whole = pipeline.scores(registered, True, 1.0)
    for below in (True, False):
        for share in SHARES[1:]:
            found = pipeline.scores(registered, below, share)
            for region in REGIONS:
                values = whole[region][name], found[region][name]
                if None not in values and whole[region]["coverage"] >= BINS[0]:
                    yield region, found[region]["coverage"], *values, whole[region]["threshold"]


def table(rows: Sequence[tuple[str, float, float, float, float]]) -> str:
    """The comparison as Markdown, a row for each kind of region and range of coverage."""
    header = ("region", "coverage", "cuts", "cut / whole, median", "10 to 90 %", "above the threshold whole", "cut")
    lines = []
    for kind in ("hemisphere", "skull"):
        for least, most in zip(BINS, (1.0, *BINS), strict=False):
            top = np.inf if most == 1 else most
            found = np.array([row[1:] for row in rows if row[0].endswith(kind) and least <= row[1] < top])
            if len(found):
                ratio = found[:, 2] / found[:, 1]
                low, middle, high = np.percentile(ratio, (10, 50, 90))
                above = [f"{np.mean(found[:, column] > found[:, 3]):.2f}" for column in (1, 2)]
                ratios = f"{middle:.2f}", f"{low:.2f} to {high:.2f}"
                lines.append((kind, f"{least:g} to {most:g}", len(found), *ratios, *above))
    return Table(header, tuple(lines)).markdown().rstrip()


def main() -> None:
    """Print the table of some scans."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="+", type=Path, metavar="SCAN")
    pipeline, rows = Pipeline(), []
    for scan in parser.parse_args().scans:
        rows += list(compared(pipeline, scan))
        print(table(rows), flush=True)


if __name__ == "__main__":
    main()
