"""Median error of the predicted position in the brain and in the skull, by both networks that ship, on whole scans.

    python benchmarks/localisation.py SCAN...

Each scan goes through the preprocessing of `inference.json`. Regions are the scan's own, so a cut through the head, and
what is not healthy, count. The position network is asked at every second voxel; the density network's position is the
expectation over its places, at its largest receptive field, asked at its own places.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

import numpy as np
import torch

from scripts.anomaly.evidence import KINDS
from scripts.anomaly.normative import residual
from scripts.files.tables import Table
from scripts.networks.density import FIELDS_MM
from scripts.preprocessing.blocks import at_places
from scripts.preprocessing.regions import SKULL
from scripts.workflow import parsed_configs

STRIDE = 2


class Networks:
    """Both networks, and the preprocessing before them."""

    def __init__(self) -> None:
        parser = parsed_configs(["inference.json"])
        parser["stride"] = STRIDE
        self.transforms = parser.get_parsed_content("preprocessing").transforms
        self.inferer, self.network = (parser.get_parsed_content(name) for name in ("inferer", "network_def"))
        weights = torch.load(parser.get_parsed_content("weights"), map_location="cpu", weights_only=True)
        self.network.load_state_dict(weights)
        self.network.eval()
        self.evidence = parser.get_parsed_content("evidence")

    def errors_mm(self, scan: Path) -> dict[str, tuple[float, float]]:
        """Median error, mm, in brain and skull of a scan, by each network."""
        data: Any = {"image": str(scan)}
        for transform in self.transforms:
            data = transform(data)
        regions = np.asarray(torch.as_tensor(data["regions"])[0]).astype(np.uint8)
        with torch.no_grad():
            predicted = self.inferer(data["image"][None], self.network)[0]
            inputs = self.evidence.intensity({"image": torch.as_tensor(data["blocks"])})["image"]
            said = self.evidence.inferer(inputs[None], self.evidence.ready())[0].numpy()
        own = np.linalg.norm(residual(torch.as_tensor(predicted).numpy(), STRIDE), axis=0)
        other = np.linalg.norm(said[-KINDS : -KINDS + 3], axis=0)
        return {
            "position network, 39 mm": medians(own, regions[::STRIDE, ::STRIDE, ::STRIDE]),
            f"density network, {FIELDS_MM[-1]} mm": medians(other, at_places(regions)),
        }


def medians(error_mm: Any, regions: Any) -> tuple[float, float]:
    """Median of an error, mm, in the brain and in the skull, where it is known."""
    known = np.isfinite(error_mm)
    brain = known & np.isin(regions, (1, 2))
    return float(np.median(error_mm[brain])), float(np.median(error_mm[known & (regions == SKULL)]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="+", type=Path, metavar="SCAN")
    networks, rows = Networks(), []
    for number, scan in enumerate(parser.parse_args().scans, start=1):
        for name, (brain, skull) in networks.errors_mm(scan).items():
            rows.append((str(number), name, f"{brain:.1f}", f"{skull:.1f}"))
    print(Table(("scan", "network", "brain, mm", "skull, mm"), tuple(rows)).markdown().rstrip())


if __name__ == "__main__":
    main()
