"""Drifts that are put into images of simulated heads, and the scans that `audit_images.py` draws with them."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

import numpy as np
from repeated_scans import UNTRAINED
from scipy.ndimage import gaussian_filter1d

from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.person.head import LOOK_STREAM, SimulatedHead, draw_head, stream
from scripts.simulation.person.look import WIDEST_VENTRICLES, draw_look
from scripts.simulation.person.varieties import WIDENED
from scripts.simulation.registered_head import PROTOCOL_STREAM
from scripts.simulation.scanner.protocol import Protocol, draw_protocol
from scripts.simulation.scanner.scan import HIGHEST_HU, PADDING_HU, Scan, acquire

FIRST_SEED, BETWEEN_SCANNERS = 91_000, 100
"""The seed of the first head of scanner A, and the distance to that of the next scanner: no calibration, training or
other benchmark draws these."""

OFFSET_HU, NOISIER, SHARPER, SHARPENED_MM = 12.0, 3.0, 1.5, 1.0
"""The HU added to all tissue, the factor of the noise, and the share and width of the fine structure within the slice
that a sharp kernel adds to the image."""

THICKNESSES_MM = (5.0, 3.0)
"""Slice thicknesses, in turn after each round of the anatomies and within it: thin slices take three times longer."""


def unchanged(protocol: Protocol) -> Protocol:
    """The protocol as it was drawn."""
    return protocol


def brighter(protocol: Protocol) -> Protocol:
    """The protocol with a worse calibration of HU."""
    return replace(protocol, offset_hu=protocol.offset_hu + OFFSET_HU)


def noisier(protocol: Protocol) -> Protocol:
    """The protocol with a lower dose."""
    return replace(protocol, noise_hu=NOISIER * protocol.noise_hu)


def as_it_is(scan: Scan) -> Scan:
    """The scan as it was made."""
    return scan


def sharpened(scan: Scan) -> Scan:
    """The scan as a sharper kernel shows it: edges and noise are raised, within the slice."""
    soft = np.maximum(scan.hu, PADDING_HU + 1).astype(np.float32)
    pixel_mm, blurred = float(np.linalg.norm(scan.affine[:3, 0])), soft
    for axis in (0, 1):
        blurred = gaussian_filter1d(blurred, SHARPENED_MM / pixel_mm, axis=axis)
    hu = np.clip(np.rint(soft + SHARPER * (soft - blurred)), PADDING_HU + 1, HIGHEST_HU).astype(np.int16)
    return replace(scan, hu=np.where(scan.outside, np.int16(PADDING_HU), hu))


@dataclass(frozen=True)
class Drift:
    """A difference of a scanner: its words, what becomes of a protocol and of a scan, and whether all heads are
    aged."""

    words: str
    protocol: Callable[[Protocol], Protocol] = unchanged
    scan: Callable[[Scan], Scan] = as_it_is
    aged: bool = False


DRIFTS = {
    "A": Drift("none"),
    "B": Drift(f"+{OFFSET_HU:g} HU", protocol=brighter),
    "C": Drift(f"{NOISIER:g} times the noise", protocol=noisier),
    "D": Drift("sharp kernel", scan=sharpened),
    "E": Drift("aged heads", aged=True),
}
"""The drifts, by scanner."""


@lru_cache(maxsize=1)
def drawn_head(anatomy: Path, seed: int, aged: bool) -> SimulatedHead:
    """A healthy head; an aged one has the widest ventricles, and wide sulci all over."""
    look = draw_look(stream(seed, LOOK_STREAM))
    look = replace(look, ventricles=WIDEST_VENTRICLES, sulci=1.0) if aged else look
    return draw_head(load_anatomy(anatomy), seed, look=look, variety=WIDENED)


@dataclass(frozen=True)
class Planned:
    """A scan to draw: the scanner, the seed of head and protocol, and the turn of the head among its scanner's."""

    scanner: str
    seed: int
    turn: int

    @property
    def anatomy(self) -> str:
        """The anatomy of the head: these take turns."""
        return UNTRAINED[self.turn % len(UNTRAINED)]

    @property
    def thickness_mm(self) -> float:
        """The slice thickness, in turn over the anatomies and over the rounds of them."""
        return THICKNESSES_MM[sum(divmod(self.turn, len(UNTRAINED))) % len(THICKNESSES_MM)]


def scans_of_a_site(scans: int, scanners: Sequence[str]) -> dict[str, Planned]:
    """The scans of some scanners by case, each of a head of its own; scanners take turns."""
    places = {scanner: FIRST_SEED + BETWEEN_SCANNERS * place for place, scanner in enumerate(DRIFTS)}
    turns = itertools.product(range(scans), scanners)
    return {f"{name}_{turn:02d}": Planned(name, places[name] + turn, turn) for turn, name in turns}


def scans_in_pairs(heads: int) -> dict[str, Planned]:
    """The first heads of scanner A by every other scanner too, otherwise by the same protocol."""
    turns = itertools.product(range(heads), DRIFTS)
    return {
        f"A_{turn:02d}" if name == "A" else f"A_{turn:02d}_by_{name}": Planned(name, FIRST_SEED + turn, turn)
        for turn, name in turns
    }


def drawn_scan(one: Planned, anatomies: Path) -> Scan:
    """A planned scan."""
    drift = DRIFTS[one.scanner]
    head = drawn_head(anatomies / f"{one.anatomy}.nii.gz", one.seed, drift.aged)
    drawn = draw_protocol(stream(one.seed, PROTOCOL_STREAM), one.thickness_mm)
    return drift.scan(acquire(head, drift.protocol(drawn), one.seed))
