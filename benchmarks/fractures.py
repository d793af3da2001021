"""Which score finds fractures: scores of the calvaria, compared on simulated heads at 1 mm.

    python benchmarks/fractures.py ANATOMIES --names head_09 head_10 head_11 --work WORK --weights FILE --stride 2

Healthy heads take turns over the anatomies; the fractured ones are the first of them again, with the same seeds, so
that pairs differ by the fracture alone. What is normal is learnt from the healthy heads of the other anatomies and
their mirror images. `WORK` keeps what is drawn and what the network says, and a second run goes on where the first
stopped; another simulator or other weights begin anew. Heads are drawn as for training: scanned with a drawn protocol,
aligned with a small error.

*Maps* are made of the network's residual r in the calvaria (signed, mm), or of the bone's HU alone: its size |r|; its
distance from normal at the place (Mahalanobis); what is left of it without its local mean (*high-pass*), or without the
mirror image's at the mirrored place (*left-right*), as it is and as a distance from normal; for HU the left-right
difference, and the depth of *valleys*, dark lines between brighter bone. Each map is pooled into one score by its
maximum, by the mean of its highest percent, and by the highest mean over a ball of 8 mm (*local*).

The table says, for each kind, the AUROC of heads against the healthy ones; in how many pairs the fracture raises the
score; and, for the map, *place*: the mean over the fractured heads of the AUROC of the voxels of the fracture among
those of the calvaria, which tells more than heads do where there are few.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft, ndimage
from torch import nn

from cohort.networks import inference_config, position_network
from scripts.anomaly.normative import Normative, NormativeStatistics, mahalanobis, on_grid, residual, smooth_map
from scripts.assets import sha256
from scripts.files.fingerprints import simulator_sha256
from scripts.geometry.coordinates import REFERENCE_SIZE
from scripts.networks.patches import cut, patch_radius
from scripts.networks.tiles import tile_boxes
from scripts.preprocessing.foreground import head_foreground
from scripts.preprocessing.intensity import windows
from scripts.preprocessing.regions import SKULL, own_regions
from scripts.preprocessing.transforms import load_regions
from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.lesions.planting import FRACTURES
from scripts.simulation.person.head import stream
from scripts.simulation.registered_head import PROTOCOL_STREAM, draw_training_head
from scripts.simulation.scanner.protocol import draw_protocol
from scripts.statistics.auroc import auroc

LOWEST = 150
"""Below this voxel there is no calvaria, only skull base and face."""

MARGIN = 20
"""Voxels below it that are kept, for the patches that reach there."""

TILE = 32
"""Places along a tile's side."""

BONE_HU = (0.0, 1500.0)
SMOOTHING_MM, ACROSS_MM, VALLEY_MM, HIGH_PASS_MM, LOCAL_MM = 0.8, 2.0, 7, 8.0, 8.0
"""Blur of HU and of what is compared across; width of the widest valley; scales of local means and local scores."""

CHANGED_HU, NEAR_MM = 150, 3
"""A fracture is where a head differs by this from its healthy twin, and what lies this near in the calvaria."""

LEAST_KNOWN = 0.5
"""Share of the calvaria of which healthy heads must say what is normal."""

THIN_MM = 2.0
"""Heads in slices up to this, healthy and fractured, are also counted apart."""

HU_PERCENT = 100.0
"""A difference of HU is calibrated in these units, so that the floor of the normative's spread is one of them."""

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


@functools.cache
def drawn_by() -> str:
    """A name for the simulator as it was at the start: another one draws other heads from the same seeds."""
    return simulator_sha256()[:12]


def load_head(work: Path, anatomy: Path, seed: int, kind: str | None) -> tuple[NDArray[np.int16], Mask]:
    """A drawn head (256, 256, 256) in HU, air outside of the head, and its calvaria; kept in `work`."""
    target = work / f"heads_{drawn_by()}" / f"{anatomy.name.split('.')[0]}_{seed}_{kind or 'healthy'}.npz"
    if not target.is_file():
        hu = draw_training_head(load_anatomy(anatomy), seed, lesion=kind)
        head = head_foreground(hu.astype(np.float32), [1.0] * 3)
        reference = load_regions(str(ROOT / "bundle" / "models" / "regions.nii.gz"))
        calvaria = own_regions(hu, head, reference) == SKULL
        calvaria[:, :, :LOWEST] = False
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            seen = np.where(head, np.maximum(hu, -999), -1000).astype(np.int16)[:, :, LOWEST - MARGIN :]
            np.savez(file, hu=seen, calvaria=np.packbits(calvaria[:, :, LOWEST - MARGIN :]))
        partial.replace(target)
    hu, calvaria = np.full([REFERENCE_SIZE] * 3, -1000, np.int16), np.zeros([REFERENCE_SIZE] * 3, bool)
    with np.load(target) as file:
        seen = file["hu"]
        hu[:, :, LOWEST - MARGIN :] = seen
        calvaria[:, :, LOWEST - MARGIN :] = np.unpackbits(file["calvaria"], count=seen.size).reshape(seen.shape)
    return hu, calvaria


def load_residual(path: Path, network: nn.Module, hu: NDArray[np.int16], calvaria: Mask, stride: int) -> Array:
    """The network's residual (3, n, n, n), mm, on every stride-th voxel of the calvaria; NaN elsewhere; kept."""
    wanted = calvaria[::stride, ::stride, ::stride]
    if not path.is_file():
        values = _predicted(network, hu, torch.from_numpy(wanted), stride)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, residual(values, stride)[:, wanted].astype(np.float16))
        partial.replace(path)
    found = np.full((3, *wanted.shape), np.nan, np.float32)
    found[:, wanted] = np.load(path)
    return found


@torch.no_grad()
def _predicted(network: nn.Module, hu: NDArray[np.int16], wanted: torch.Tensor, stride: int) -> Array:
    """Predicted positions (3, n, n, n) at the wanted places."""
    volume = torch.from_numpy(hu).float()[None]
    inputs = windows(volume, foreground=volume > -1000)
    size: int = network.patch_size
    predicted = torch.full((3, *wanted.shape), float("nan"))
    for box in tile_boxes(wanted, TILE):
        start = [part.start * stride - patch_radius(size) for part in box]
        shape = [(part.stop - part.start - 1) * stride + size for part in box]
        tile = cut(inputs, start, shape)[None].to(memory_format=torch.channels_last_3d)
        predicted[(slice(None), *box)] = network.dense(tile, stride)[0]
    return predicted.numpy()


def mean_inside(vectors: Array, inside: Mask, sigma_mm: float, stride: int) -> Array:
    """Vectors (3, n, n, n) averaged by a Gaussian inside a mask; 0 outside."""
    return np.stack([smooth_map(part, inside, sigma_mm, stride) for part in vectors])


def mirror(values: NDArray[Any]) -> NDArray[Any]:
    """Values (..., n, n, n) on every stride-th voxel at the mirrored places; the first place keeps its own."""
    flipped = np.roll(values[..., ::-1, :, :], 1, axis=-3)
    flipped[..., 0, :, :] = values[..., 0, :, :]
    return flipped


def vectors_of(found: Array, inside: Mask, stride: int) -> dict[str, Array]:
    """The vectors (3, n, n, n) that maps of positions are made of; NaN where there are none."""
    filled = np.where(inside, found, 0)
    high_pass = filled - mean_inside(filled, inside, HIGH_PASS_MM, stride)
    sides = np.array([-1, 1, 1], np.float32)[:, None, None, None]
    both = inside & mirror(inside)
    across = filled - sides * mean_inside(mirror(filled), mirror(inside), ACROSS_MM, stride)
    return {
        "residual": np.where(inside, filled, np.nan),
        "high-pass": np.where(inside, high_pass, np.nan),
        "left-right": np.where(both, across, np.nan),
    }


def hu_vectors(hu: NDArray[np.int16], calvaria: Mask, stride: int) -> dict[str, Array]:
    """The features of bone alone, each as the second component of a vector (3, n, n, n); others are 0."""
    j, k = (slice(max(int(a.min()) - 8, 0), int(a.max()) + 9) for a in np.nonzero(calvaria.any(axis=0)))
    box = (slice(None), j, k)
    bone = ndimage.gaussian_filter(hu[box].astype(np.float32).clip(*BONE_HU), SMOOTHING_MM, truncate=3.0)
    smooth = smooth_map(bone, calvaria[box], ACROSS_MM, 1)
    both = calvaria & calvaria[::-1]
    features = {
        "bone left-right": (smooth[::-1] - smooth, both),
        "bone valleys": (ndimage.grey_closing(bone, size=VALLEY_MM) - bone, calvaria),
    }
    found, thinned = {}, (slice(None, None, stride),) * 3
    for name, (feature, inside) in features.items():
        values = np.zeros(hu.shape, np.float32)
        values[box] = ndimage.maximum_filter(feature, size=stride) / HU_PERCENT  # so that thinning keeps thin lines
        there = inside[thinned]
        found[name] = np.full((3, *there.shape), np.nan, np.float32)
        found[name][:, there] = 0
        found[name][1, there] = values[thinned][there]
    return found


def packed(vectors: Array) -> tuple[Mask, NDArray[np.float16]]:
    """Vectors (3, n, n, n) in little memory: where they are, and what."""
    inside = np.isfinite(vectors).all(axis=0)
    return inside, vectors[:, inside].astype(np.float16)


def unpacked(inside: Mask, values: NDArray[np.float16]) -> Array:
    """The vectors again, NaN where there are none."""
    vectors = np.full((3, *inside.shape), np.nan, np.float32)
    vectors[:, inside] = values
    return vectors


def pooled(values: Array, inside: Mask, stride: int) -> dict[str, float]:
    """Scores of a map (n, n, n) in a mask."""
    inner = values[inside]
    top = np.sort(inner)[-max(1, round(0.01 * inner.size)) :]
    box = tuple(slice(a.min(), a.max() + 1) for a in np.nonzero(inside))
    reach = int(LOCAL_MM / stride)
    ball = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3)), axis=0) <= LOCAL_MM / stride
    total, count = (
        _convolved(part[box], ball)
        for part in (np.where(inside, values, 0).astype(np.float32), inside.astype(np.float32))
    )
    enough = inside[box] & (count > 0.3 * np.median(count[inside[box]]))
    local = float((total[enough] / count[enough]).max())
    return {"maximum": float(inner.max()), "top 1 %": float(top.mean()), "local": local}


def _convolved(values: Array, ball: Mask) -> Array:
    """Sums over balls."""
    shape = [a + b - 1 for a, b in zip(values.shape, ball.shape, strict=True)]
    product = fft.irfftn(fft.rfftn(values, shape) * fft.rfftn(ball.astype(np.float32), shape), shape)
    start = [size // 2 for size in ball.shape]
    return product[tuple(slice(s, s + n) for s, n in zip(start, values.shape, strict=True))].astype(np.float32)


class Normal:
    """Sums over the healthy heads of each anatomy, for each kind of vectors."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], NormativeStatistics] = {}

    def add(self, anatomy: str, vectors: dict[str, Array], stride: int) -> None:
        """Add a healthy head and its mirror image."""
        for name, values in vectors.items():
            part = self.parts.setdefault((anatomy, name), NormativeStatistics(features=3))
            coarse = on_grid(values, stride)
            part.add(coarse, np.isfinite(coarse).all(axis=0))

    def without(self, anatomy: str, name: str) -> Normative:
        """The normative of the other anatomies."""
        others = [part.sums for (other, kind), part in self.parts.items() if kind == name and other != anatomy]
        if not others:
            raise ValueError(f"no healthy head of another anatomy than {anatomy}: name more anatomies with --names")
        return NormativeStatistics(np.sum(others, axis=0)).finish()


def scores_of(
    vectors: dict[str, Array], normatives: dict[str, Normative], stride: int, broken: Mask | None
) -> dict[str, float]:
    """Every score of one head, by "map | pooling"; "place" is the AUROC of the voxels of `broken`."""
    scores = {}
    for name, values in vectors.items():
        inside = np.isfinite(values).all(axis=0)
        size = np.where(inside, values[1] if "bone" in name else np.linalg.norm(values, axis=0), 0).astype(np.float32)
        calibrated = mahalanobis(values, inside, normatives[name], stride)
        if (calibrated[inside] > 0).mean() < LEAST_KNOWN:
            raise ValueError("too few healthy heads to say what is normal in most of the calvaria: raise --healthy")
        for label, made in ((name, size), (f"{name}, calibrated", calibrated)):
            scores |= {f"{label} | {pooling}": value for pooling, value in pooled(made, inside, stride).items()}
            if broken is not None and (broken & inside).any():
                scores[f"{label} | place"] = auroc(made[inside], broken[inside])
    return scores


def broken_at(hu: NDArray[np.int16], twin: NDArray[np.int16], calvaria: Mask, stride: int) -> Mask:
    """True where a head differs from its healthy twin, on every stride-th voxel of the calvaria."""
    differs = calvaria & (np.abs(hu - twin) > CHANGED_HU)
    near = ndimage.binary_dilation(differs[:, :, LOWEST:], iterations=NEAR_MM)
    found = np.zeros_like(calvaria)
    found[:, :, LOWEST:] = near & calvaria[:, :, LOWEST:]
    return found[::stride, ::stride, ::stride]


def heads(
    anatomies: Path, names: list[str], healthy: int, per_kind: int, seed: int
) -> Iterator[tuple[Path, int, str | None]]:
    """Anatomy, seed and kind of each head: each healthy one, and the same with each kind of fracture, one by one."""
    for number in range(healthy):
        for kind in (None, *FRACTURES) if number < per_kind else (None,):
            yield anatomies / f"{names[number % len(names)]}.nii.gz", seed + number, kind


def table(rows: list[tuple[str | None, int, dict[str, float]]]) -> str:
    """AUROC of each score for each kind, in all slices and in thin ones; pairs and place: as a Markdown table."""
    thin = {seed: draw_protocol(stream(seed, PROTOCOL_STREAM)).thickness_mm <= THIN_MM for _, seed, _ in rows}
    columns: dict[str, list[tuple[int, dict[str, float]]]] = {
        kind.removesuffix("_fracture"): [(seed, scores) for other, seed, scores in rows if other == kind]
        for kind in FRACTURES
    }
    columns["all"] = [pair for found in list(columns.values()) for pair in found]
    columns[f"slices up to {THIN_MM:g} mm"] = [(seed, scores) for seed, scores in columns["all"] if thin[seed]]
    healthy = {seed: scores for kind, seed, scores in rows if kind is None}
    thin_healthy = [scores for seed, scores in healthy.items() if thin[seed]]
    beside = {name: thin_healthy if name.startswith("slices") else list(healthy.values()) for name in columns}
    header = [f"{name} ({len(found)})" for name, found in columns.items()]
    lines = [f"| score | {' | '.join(header)} | pairs | place |", "|---" * (len(header) + 3) + "|"]
    for score in next(iter(healthy.values())):
        cells = [_auroc_of(score, beside[name], [scores for _, scores in found]) for name, found in columns.items()]
        risen = [scores[score] > healthy[seed][score] for seed, scores in columns["all"] if seed in healthy]
        place = f"{score.split(' | ')[0]} | place"
        places = [scores[place] for _, scores in columns["all"] if place in scores]
        cells += [f"{np.mean(values):.2f}" if values else "-" for values in (risen, places)]
        lines.append(f"| {score.replace(' | ', ', ')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _auroc_of(score: str, healthy: list[dict[str, float]], broken: list[dict[str, float]]) -> str:
    """AUROC of a score, as a cell."""
    if not broken or not healthy:
        return "-"
    values = [scores[score] for scores in healthy + broken]
    return f"{auroc(values, [False] * len(healthy) + [True] * len(broken)):.2f}"


Heads = list[tuple[Path, int, str | None]]
Kept = list[tuple[Mask | None, dict[str, tuple[Mask, NDArray[np.float16]]]]]


def look(plan: Heads, work: Path, weights: Path, stride: int) -> tuple[Normal, Kept]:
    """The normal values, and for each head its fracture and its vectors, packed."""
    network = position_network(inference_config(), weights)
    folder = work / f"stride{stride}_{sha256(weights)[:12]}_{drawn_by()}"
    normal, kept, twins = Normal(), [], {}
    began = time.process_time()
    for anatomy, seed, kind in plan:
        hu, calvaria = load_head(work, anatomy, seed, kind)
        path = folder / f"{anatomy.name.split('.')[0]}_{seed}_{kind or 'healthy'}.npy"
        found = load_residual(path, network, hu, calvaria, stride)
        made = {**vectors_of(found, calvaria[::stride, ::stride, ::stride], stride), **hu_vectors(hu, calvaria, stride)}
        if kind is None:
            twins[seed] = hu
            normal.add(anatomy.name, made, stride)
        broken = None if kind is None else broken_at(hu, twins[seed], calvaria, stride)
        kept.append((broken, {name: packed(values) for name, values in made.items()}))
        used = time.process_time() - began
        print(f"{anatomy.name} {seed} {kind or 'healthy'}: {used:.0f} CPU-s", file=sys.stderr, flush=True)
    return normal, kept


def score(plan: Heads, normal: Normal, kept: Kept, stride: int) -> list[tuple[str | None, int, dict[str, float]]]:
    """Kind, seed and scores of each head, by what is normal in the other anatomies."""
    normatives = {
        anatomy: {name: normal.without(anatomy, name) for name in kept[0][1]}
        for anatomy in {anatomy.name for anatomy, _, _ in plan}
    }
    rows = []
    for (anatomy, seed, kind), (broken, parts) in zip(plan, kept, strict=True):
        vectors = {name: unpacked(*part) for name, part in parts.items()}
        rows.append((kind, seed, scores_of(vectors, normatives[anatomy.name], stride, broken)))
    return rows


def main() -> None:
    """Draw, look, score, print the table."""
    parser = argparse.ArgumentParser(description="Which score finds fractures, on simulated heads.")
    parser.add_argument("anatomies", type=Path, help="folder of label maps")
    parser.add_argument("--names", nargs="+", default=["head_09", "head_10", "head_11"], help="(default: %(default)s)")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps heads and predictions")
    parser.add_argument("--weights", type=Path, default=ROOT / "bundle" / "models" / "model.pt")
    parser.add_argument("--stride", type=int, choices=(1, 2), default=2)
    parser.add_argument("--healthy", type=int, default=16, help="healthy heads (default: %(default)s)")
    parser.add_argument("--per-kind", type=int, default=8, help="of these, heads with each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=3000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    plan = list(heads(args.anatomies, args.names, args.healthy, args.per_kind, args.seed))
    normal, kept = look(plan, args.work, args.weights, args.stride)
    print(f"{args.healthy} healthy heads, stride {args.stride}, weights {args.weights.name}\n")
    print(table(score(plan, normal, kept, args.stride)))


if __name__ == "__main__":
    main()
