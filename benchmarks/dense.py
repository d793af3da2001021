"""The dense network against itself patch by patch: exactness, work and time; one thread, CPU-seconds of the process.

    python benchmarks/dense.py [--width 16] [--precision float32]

The head is an ellipsoid of random texture that fills 30 % of 256^3, with two channels as in the bundle's default.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

from scripts.networks.inferers import TILES, DensePositionInferer
from scripts.networks.position import DensePositionNet
from scripts.networks.strides import STRIDES

WEIGHTS = ROOT / "bundle" / "models" / "model.pt"
SIDE, FILLED, CHANNELS, PATCH = 256, 0.3, 2, 39
LIMIT = 1e-5
"""Largest |difference| / std that counts as exact."""


def head() -> Tensor:
    """Network input (1, 2, 256, 256, 256)."""
    torch.manual_seed(0)
    axis = torch.arange(SIDE) - (SIDE - 1) / 2
    scale = torch.tensor([0.85, 1.1, 1.07])  # semi-axes; their product is 1
    scale = scale / scale.prod() ** (1 / 3) * SIDE * (FILLED * 3 / (4 * torch.pi)) ** (1 / 3)
    radius = sum(((axis / s) ** 2).view([-1 if n == d else 1 for n in range(3)]) for d, s in enumerate(scale))
    coarse = torch.nn.functional.interpolate(torch.rand(1, CHANNELS, 33, 33, 33), (SIDE,) * 3, mode="trilinear")
    return coarse * (radius < 1)


def cpu_seconds(work: Callable[[], object], repeats: int = 2) -> float:
    """Least CPU time of one call, after a first one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def exactness(name: str, network: DensePositionNet, volume: Tensor, count: int = 5) -> None:
    """Print the differences at each stride, also against answers shifted by one place, on the head's edge."""
    for stride in STRIDES:
        side = PATCH + (count - 1) * stride
        tile = volume[:, :, 100 : 100 + side, 100 : 100 + side, 5 : 5 + side]
        windows = tile[0].unfold(1, PATCH, stride).unfold(2, PATCH, stride).unfold(3, PATCH, stride)
        patches = windows.permute(1, 2, 3, 0, 4, 5, 6).reshape(-1, CHANNELS, PATCH, PATCH, PATCH)
        expected = network(patches).T.view(3, count, count, count)
        dense = network.dense(tile.to(memory_format=torch.channels_last_3d), stride)[0]
        difference = float((dense - expected).abs().max() / expected.std())
        shifted = float((dense[:, 1:] - expected[:, :-1]).abs().max() / expected.std())
        verdict = "exact" if difference <= LIMIT < shifted else "NOT EXACT"
        print(f"| {name} | {stride} | {difference:.1e} | {shifted:.1e} | {verdict} |")


def multiply_adds(network: DensePositionNet, inputs: Tensor, stride: int) -> float:
    """Multiply-adds of one dense evaluation."""
    with FlopCounterMode(display=False) as counter:
        network.dense(inputs, stride)
    return counter.get_total_flops() / 2


def work_per_output(network: DensePositionNet, volume: Tensor) -> None:
    """Print CPU time and multiply-adds of one output at stride 1, dense and patch by patch."""
    places, tile_side = TILES[1] ** 3, TILES[1] + PATCH - 1
    tile = volume[:, :, 90 : 90 + tile_side, 90 : 90 + tile_side, 90 : 90 + tile_side]
    tile = tile.to(memory_format=torch.channels_last_3d)
    patches = torch.rand(64, CHANNELS, PATCH, PATCH, PATCH)
    each = min(
        cpu_seconds(lambda: network(patches)),
        cpu_seconds(lambda: network(patches.to(memory_format=torch.channels_last_3d))),
    )
    dense, single = cpu_seconds(lambda: network.dense(tile, 1)) / places, each / len(patches)
    sums_dense = multiply_adds(network, tile, 1) / places
    sums_single = multiply_adds(network, patches, 4) / len(patches)
    print(f"| dense, tile of 64^3 | {dense * 1e6:.2f} | {sums_dense / 1e6:.3f} |")
    print(f"| patch by patch, batches of 64 | {single * 1e6:.0f} | {sums_single / 1e6:.1f} |")
    print(f"| ratio | {single / dense:.0f} | {sums_single / sums_dense:.0f} |")


def whole_head(network: DensePositionNet, stride: int, precision: str) -> None:
    """Print CPU time and the process's peak memory for the whole head, as deployed (margin 0)."""
    volume = head()
    inferer = DensePositionInferer(stride, margin=0, precision=precision)
    begin = time.process_time()
    inferer(volume, network)
    seconds = time.process_time() - begin
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {stride} | {precision} | {seconds:.1f} | {peak_mb:.0f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--stride", type=int, choices=STRIDES, help="only the whole head at this stride")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    network = DensePositionNet(arguments.width, PATCH, CHANNELS).eval().to(memory_format=torch.channels_last_3d)
    if arguments.stride:
        whole_head(network, arguments.stride, arguments.precision)
        return
    volume = head()
    print("| weights | stride | max difference / std | shifted by one | |\n| --- | --- | --- | --- | --- |")
    exactness("He", network, volume)
    if WEIGHTS.exists():
        trained = DensePositionNet(16, PATCH, CHANNELS).eval()
        trained.load_state_dict(torch.load(WEIGHTS, weights_only=True))
        exactness("trained", trained.to(memory_format=torch.channels_last_3d), volume)
    print("\n| one output at stride 1 | CPU-microseconds | million multiply-adds |\n| --- | --- | --- |")
    DensePositionInferer()  # sets up the allocator
    work_per_output(network, volume)
    print("\n| stride | precision | CPU-seconds, whole head | peak MB |\n| --- | --- | --- | --- |", flush=True)
    for stride in STRIDES:
        command = [sys.executable, __file__, "--stride", str(stride), "--width", str(arguments.width)]
        subprocess.run([*command, "--precision", arguments.precision], check=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
