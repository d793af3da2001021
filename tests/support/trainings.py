"""Trainings by the configs of the bundle in the tests' own process, on a toy head that is drawn once.

A *slab* is a drawn head of which only some slices are left: all that a training asks of a head, and little to validate
on. It stands in for each head that the configs draw, in the workers too, which are forked.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from toy_anatomy import raw_labels, toy_anatomy

from scripts.files.nifti import nifti_bytes
from scripts.registration import transforms
from scripts.registration.register import Registration
from scripts.registration.transforms import RegisterHeadd
from scripts.simulation.person.head import SimulatedHead, draw_head
from scripts.simulation.registered_head import scanned_in_reference_space
from scripts.training import heads, locator, planted
from scripts.training.locator_scans import CoarseHead, coarse_head
from scripts.volume import AIR_HU
from scripts.workflow import train_configs

ROOT = Path(__file__).resolve().parents[2]

SLICES = slice(124, 140)
"""Slices of the reference grid that a slab keeps, through the middle of the brain."""


@cache
def drawn() -> SimulatedHead:
    """The toy head, drawn."""
    return draw_head(toy_anatomy(), 1)


@cache
def slab() -> NDArray[np.int16]:
    """Some slices of the drawn head in HU (256, 256, 256), with air above and below."""
    head = scanned_in_reference_space(drawn(), 1)
    kept = np.full_like(head, int(AIR_HU))
    kept[..., SLICES] = head[..., SLICES]
    return kept


@cache
def coarse() -> CoarseHead:
    """The drawn head at 2 mm."""
    return coarse_head(drawn())


def skip_where_forking_breaks() -> None:
    """Skip a test that forks in a process that can't be forked."""
    if sys.version_info >= (3, 13) and "ray" in sys.modules:
        pytest.skip("on Python 3.13 a process that has run Ray ends in a segmentation fault when it is forked")


def draw_the_toy_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever draws a head for a training give the toy head, or its slab."""
    skip_where_forking_breaks()
    head, kept = drawn(), slab()  # here, so that forked workers have them
    monkeypatch.setattr(heads, "draw_training_head", lambda *_, **__: kept.copy())
    monkeypatch.setattr(planted, "planted_head", lambda *_: head)
    monkeypatch.setattr(planted, "scanned_in_reference_space", lambda *_: kept.copy())
    monkeypatch.setattr(locator, "draw_coarse_head", lambda *_: coarse())


def register_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the sample, which lies as its truth says, leave some slices; elsewhere it is not resampled again."""
    register, done = RegisterHeadd._forward, {}
    lies = np.array(json.loads((ROOT / "sample" / "truth.json").read_text())["scan_to_reference"])
    monkeypatch.setattr(transforms, "load_reference", lambda *paths: None)
    monkeypatch.setattr(transforms, "register_or_refuse", lambda *_: Registration(lies, {"ncc": 1.0}, "pass"))

    def registered(step: RegisterHeadd, scan: Any) -> tuple[Any, Any]:
        known = scan.as_tensor().numpy().tobytes()
        if known not in done:
            image, validity = register(step, scan)
            kept = torch.full_like(image, AIR_HU)
            kept[..., SLICES] = image[..., SLICES]
            done[known] = kept, validity
        image, validity = done[known]
        return image.clone(), validity.clone()

    monkeypatch.setattr(RegisterHeadd, "_forward", registered)


def toy_maps(folder: Path, names: str) -> Path:
    """The folder, with label maps of these names (one letter each), which are all the same toy head."""
    folder.mkdir()
    content = nifti_bytes(*raw_labels())
    for name in names:
        (folder / f"{name}.nii.gz").write_bytes(content)
    return folder


def train(overlays: tuple[str, ...], **values: Any) -> None:
    """Run train.json under overlays, on the CPU, with values by id."""
    train_configs(("train.json", *overlays), {"bundle_root": str(ROOT / "bundle"), "device": "cpu", **values})
