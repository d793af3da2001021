"""A GPU against the CPU on the reference head: the same answers, wall seconds after a first run, CUDA peak memory.

    python benchmarks/gpu.py [--devices cuda cpu] [--widths 4 16]

Needs neither ITK nor pydicom. With `--devices cpu` alone it prints what a CPU can tell.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from monai.transforms import LoadImage
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

from reproduction.memory import Setup, one_batch, setup, trainer, training_config
from scripts.networks.inferers import DensePositionInferer, PatchPositionInferer
from scripts.networks.position import DensePositionNet, PatchPositionNet
from scripts.networks.precision import PRECISIONS
from scripts.networks.strides import STRIDES
from scripts.preprocessing.transforms import EqualizeHistogramd, FindForegroundd, ScaleWindowsd

MODELS = ROOT / "bundle" / "models"
TRAININGS = ("dense:16:4", "dense:16:64", "position:16:256", "autoencoder:32:4", "autoencoder_box:16:4")
MB = 2**20
GRID_MM = 256


def reference_head() -> dict[Any, Tensor]:
    """The reference as a registered scan in HU (1, 256, 256, 256) with its foreground."""
    load = LoadImage(image_only=True, reader="NibabelReader", ensure_channel_first=True)
    head = FindForegroundd("image")({"image": load(MODELS / "reference.nii.gz")})
    return {key: head[key] for key in ("image", "foreground")}


def shipped_network() -> DensePositionNet:
    """The network that ships, for evaluation."""
    network = DensePositionNet(16, 39, 2).eval()
    network.load_state_dict(torch.load(MODELS / "model.pt", weights_only=True))
    return network


def measured(device: torch.device, work: Callable[[], Any], repeats: int) -> tuple[float, int, Any]:
    """Least wall seconds of a call (on a GPU after a first one), the CUDA peak in bytes, and the result."""
    times: list[float] = []
    if device.type == "cuda":
        result = work()
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(repeats):
        wait(device)
        begin = time.perf_counter()
        result = work()
        wait(device)
        times.append(time.perf_counter() - begin)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return min(times), peak, result


def wait(device: torch.device) -> None:
    """Until the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def dense_rows(head: dict[Any, Tensor], gpus: list[torch.device], strides: list[int]) -> None:
    """Print the shipped network at each stride; differences are to float32 on the CPU, in mm."""
    image = torch.as_tensor(ScaleWindowsd("image")(dict(head))["image"])[None]
    network, expected = shipped_network(), {}
    print("| device | stride | precision | seconds | CUDA peak, MB | largest difference, mm | median |")
    print("|---|---|---|---|---|---|---|")
    cpu = torch.device("cpu")
    for stride in strides:
        inferer = DensePositionInferer(stride, margin=0)
        seconds, _, found = measured(cpu, lambda i=inferer: i(image, network), 1)
        expected[stride] = found.as_tensor() * GRID_MM
        print(f"| CPU, {torch.get_num_threads()} threads | {stride} | float32 | {seconds:.1f} | | | |", flush=True)
    for device, stride, precision in itertools.product(gpus, strides, PRECISIONS):
        inferer = DensePositionInferer(stride, margin=0, precision=precision)
        there, inputs = network.to(device), image.to(device)
        seconds, peak, found = measured(device, lambda i=inferer, n=there, x=inputs: i(x, n), 3)
        apart = (found.as_tensor().cpu() * GRID_MM - expected[stride]).abs()
        apart = apart[~apart.isnan()]
        row = f"{seconds:.3f} | {peak / MB:.0f} | {float(apart.max()):.1e} | {float(apart.median()):.1e}"
        print(f"| {device} | {stride} | {precision} | {row} |", flush=True)
    network.cpu()


def exported_rows(head: dict[Any, Tensor], device: torch.device) -> None:
    """Print how far a TorchScript copy on the device lies from the network itself."""
    image = torch.as_tensor(ScaleWindowsd("image")(dict(head))["image"])[None]
    tile = image[:, :, 100:163, 100:163, 100:163].to(device)
    with torch.no_grad():
        network = shipped_network().to(device)
        script = torch.jit.script(network)
        print(f"TorchScript on {device}: largest difference {float((script(tile) - network(tile)).abs().max()):.1e}")


def fallback_rows(head: dict[Any, Tensor], device: torch.device) -> None:
    """Print that the inferer takes smaller tiles, and then the CPU, when the GPU's memory runs out."""
    image = torch.as_tensor(ScaleWindowsd("image")(dict(head))["image"])[None]
    network = shipped_network()
    expected = DensePositionInferer(4, margin=0)(image, network).as_tensor()
    total = torch.cuda.get_device_properties(device).total_memory
    print("| memory for PyTorch, MB | ran on | tile | largest difference, mm |\n|---|---|---|---|")
    for limit_mb in (4096, 256, 96, 64, 32):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(limit_mb * MB / total, device)
        found = DensePositionInferer(4, margin=0)(image, shipped_network().to(device))
        facts = found.meta["inference"]
        where, tile = (value[0] if isinstance(value, list) else value for value in (facts["device"], facts["tile"]))
        apart = (found.as_tensor().cpu() - expected).abs().nan_to_num().max() * GRID_MM
        print(f"| {limit_mb} | {where} | {tile} | {float(apart):.1e} |", flush=True)
    torch.cuda.set_per_process_memory_fraction(1.0, device)


def published_rows(head: dict[Any, Tensor], devices: list[torch.device], widths: list[int], stride: int) -> None:
    """Print the published network patch by patch, as published.json runs it, with random weights."""
    image = torch.as_tensor(EqualizeHistogramd("image")(dict(head))["image"])[None]
    print("| device | width | patches | seconds | CUDA peak, MB |\n|---|---|---|---|---|")
    for device, width in itertools.product(devices, widths):
        torch.manual_seed(0)
        network: nn.Module = PatchPositionNet(width).eval().to(device)
        inferer = PatchPositionInferer(stride, 256 if device.type == "cuda" else 64, margin=4)
        inputs = image.to(device)
        seconds, peak, found = measured(device, lambda i=inferer, n=network, x=inputs: i(x, n), 1)
        count = int((~found.as_tensor()[0, 0].isnan()).sum())
        print(f"| {device} | {width} | {count} | {seconds:.2f} | {peak / MB:.0f} |", flush=True)


def training_rows(devices: list[torch.device], setups: list[Setup], iterations: int) -> None:
    """Print the time of one iteration of each training, on a batch that is ready."""
    print("| device | training | seconds an iteration |\n|---|---|---|")
    for device, wanted in itertools.product(devices, setups):
        parser = training_config(wanted, str(device))
        batch = one_batch(parser)
        engine = trainer(parser, [batch] * iterations)
        with contextlib.redirect_stdout(sys.stderr):
            seconds, _, _ = measured(device, engine.run, 1)
        print(f"| {device} | {wanted.name} | {seconds / iterations:.4f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", nargs="+", type=torch.device, default=[torch.device("cuda"), torch.device("cpu")])
    parser.add_argument("--strides", nargs="+", type=int, default=list(STRIDES), help="of the network that ships")
    parser.add_argument("--widths", nargs="+", type=int, default=[16], help="of the published network")
    parser.add_argument("--stride", type=int, default=4, help="of the published network")
    parser.add_argument("--trainings", nargs="*", type=setup, default=[setup(name) for name in TRAININGS])
    parser.add_argument("--iterations", type=int, default=20)
    args = parser.parse_args()
    gpus = [device for device in args.devices if device.type == "cuda"]
    for device in gpus:
        print(f"{torch.cuda.get_device_name(device)}, PyTorch {torch.__version__}\n")
    head = reference_head()
    dense_rows(head, gpus, args.strides)
    for device in args.devices:
        exported_rows(head, device)
    published_rows(head, gpus or args.devices, args.widths, args.stride)
    training_rows(gpus or args.devices, args.trainings, args.iterations)
    for device in gpus:
        fallback_rows(head, device)


if __name__ == "__main__":
    main()
