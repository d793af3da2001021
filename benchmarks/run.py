"""Cost of a whole run: wall and CPU time by stage, and the peak memory of the process.

    python benchmarks/run.py [ANATOMY.nii.gz]

draws a head from the label map, scans it with 512 x 512 x 140 voxels, writes the scan as a DICOM series, and runs the
inference config on it at stride 2 and at stride 1, each in a process of its own with one thread. A *stage* is a
transform, the network, or a part of the writing; "import and set up" is what comes before the first, and "other" is
what belongs to none. `--scan SCAN` measures a scan of your own instead, `--stride` one stride only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

ANATOMY = ROOT.parent / "shared" / "data" / "anatomies" / "head_12.nii.gz"
"""The label map if none is named; it is not one that the reference was made from."""

BOTTOM_MM, INCREMENT_MM, SLICES = -61.0, 1.25, 140
"""The lowest slice, the distance of slices, and their number: from below the foramen magnum to above the vertex."""

STAGES: tuple[tuple[str, str, str], ...] = (
    ("read", "monai.transforms", "LoadImaged.__call__"),
    ("copy the scan", "monai.transforms", "CopyItemsd.__call__"),
    ("copy the scan", "monai.transforms", "CastToTyped.__call__"),
    ("prepare the reference", "scripts.registration.transforms", "load_reference"),
    ("register", "scripts.registration.transforms", "register_or_refuse"),
    ("resample", "scripts.registration.transforms", "to_reference_space"),
    ("foreground", "scripts.preprocessing.transforms", "FindForegroundd.__call__"),
    ("mask", "scripts.preprocessing.transforms", "MaskBackgroundd.__call__"),
    ("regions", "scripts.preprocessing.transforms", "MakeRegionsd.__call__"),
    ("noise and fluid", "scripts.preprocessing.transforms", "MeasureImaged.__call__"),
    ("coverage", "scripts.preprocessing.transforms", "MeasureCoveraged.__call__"),
    ("intensities", "scripts.preprocessing.transforms", "ScaleWindowsd.__call__"),
    ("network", "scripts.networks.inferers", "DensePositionInferer.__call__"),
    ("error map", "scripts.anomaly.transforms", "ErrorMapd.__call__"),
    ("scores", "scripts.anomaly.transforms", "ScoreRegionsd.__call__"),
    ("inverse", "monai.transforms", "Invertd.__call__"),
    ("evidence", "scripts.anomaly.measure", "MeasureEvidence.__call__"),
    ("anomaly map", "scripts.anomaly.transforms", "AnomalyMapd.__call__"),
    ("detections", "scripts.anomaly.detections.transforms", "DescribeDetectionsd.__call__"),
    ("unrolled skull", "scripts.skull.transforms", "AssessSkulld.__call__"),
    ("picture", "scripts.results.writer", "case_pictures"),
    ("compress", "scripts.results.maps", "nifti_bytes"),
    ("write", "scripts.results.writer", "write_results"),
)
"""Name of the stage, module, and the function in it that is timed."""

Costs = dict[str, list[float]]
"""Wall and CPU seconds by stage."""


class Clock:
    """Adds up the cost of the timed functions; the cost of an inner one is subtracted from the outer one."""

    def __init__(self) -> None:
        self.costs: Costs = {}
        self.inner: list[list[float]] = [[0.0, 0.0]]

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def run(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter(), time.process_time()
            self.inner.append([0.0, 0.0])
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - begin[0], time.process_time() - begin[1]
                inside = self.inner.pop()
                total = self.costs.setdefault(stage, [0.0, 0.0])
                for n in range(2):
                    total[n] += spent[n] - inside[n]
                    self.inner[-1][n] += spent[n]

        return run

    def install(self, stages: Iterable[tuple[str, str, str]] = STAGES) -> None:
        """Time every stage."""
        for stage, module, path in stages:
            owner: Any = import_module(module)
            *classes, name = path.split(".")
            for part in classes:
                owner = getattr(owner, part)
            setattr(owner, name, self.timed(stage, getattr(owner, name)))


def measure(scan: Path, output: Path, stride: int) -> dict[str, Any]:
    """Run one scan in this process; its costs, and its peak memory in GB."""
    begin = time.perf_counter() - time.process_time(), 0.0  # what passed before this line was CPU time, mostly
    clock = Clock()
    main = import_module("scripts.commands.main").main
    import_module("monai.bundle")
    clock.install()
    clock.costs["import and set up"] = [time.perf_counter() - begin[0], time.process_time()]
    if main(["run", str(scan), "-o", str(output), "--stride", str(stride), "--device", "cpu"]) != 0:
        raise SystemExit("the run failed")
    whole = [time.perf_counter() - begin[0], time.process_time()]
    named = [sum(cost[n] for cost in clock.costs.values()) for n in range(2)]
    clock.costs["other"] = [whole[n] - named[n] for n in range(2)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"costs": clock.costs, "whole": whole, "peak_gb": peak}


def draw_scan(anatomy: Path, folder: Path) -> None:
    """Write a simulated scan of 512 x 512 x 140 voxels as a DICOM series."""
    from scripts.simulation.anatomy.label_map import load_anatomy
    from scripts.simulation.person.head import draw_head
    from scripts.simulation.scanner.protocol import Protocol
    from scripts.simulation.scanner.scan import acquire
    from scripts.simulation.scanner.series import write_series

    top = BOTTOM_MM + INCREMENT_MM * (SLICES + 8)  # a head that lies aslant has fewer slices between two heights
    protocol = Protocol(increment_mm=INCREMENT_MM, thickness_mm=INCREMENT_MM, bottom_mm=BOTTOM_MM, top_mm=top)
    scan = acquire(draw_head(load_anatomy(anatomy), 1), protocol, 1)
    hu = scan.hu[:, :, :SLICES]
    print(f"scan: {' x '.join(map(str, hu.shape))} voxels, from {anatomy.name}", flush=True)
    write_series(folder, hu, scan.affine)


def report(stride: int, measured: dict[str, Any]) -> None:
    """Print one table."""
    print(f"\nstride {stride}{'wall s':>25}{'CPU s':>9}")
    for stage, (wall, cpu) in [*measured["costs"].items(), ("in all", measured["whole"])]:
        print(f"  {stage:<24}{wall:>7.1f}{cpu:>9.1f}")
    print(f"  peak memory {measured['peak_gb']:.2f} GB", flush=True)


def main() -> None:
    """Draw the scan and run it, a process for each stride."""
    parser = argparse.ArgumentParser(description="time by stage and peak memory of a whole run")
    parser.add_argument("anatomy", nargs="?", type=Path, default=ANATOMY, help="label map of a head")
    parser.add_argument("--scan", type=Path, help="measure this scan instead")
    parser.add_argument("--stride", type=int, action="append", choices=(1, 2, 4), help="2 and 1 unless given")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        (args.inside / "costs.json").write_text(json.dumps(measure(args.scan, args.inside / "out", args.stride[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        scan = args.scan or Path(folder) / "scan"
        if not args.scan:
            draw_scan(args.anatomy, scan)
        for stride in args.stride or (2, 1):
            inside = Path(folder) / f"stride_{stride}"
            inside.mkdir()
            words = [sys.executable, __file__, "--scan", str(scan), "--stride", str(stride), "--inside", str(inside)]
            subprocess.run(words, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
            report(stride, json.loads((inside / "costs.json").read_text()))


if __name__ == "__main__":
    main()
