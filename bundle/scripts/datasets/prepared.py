"""A user's own healthy scans as training data: read, registered and masked once, then kept on the disk.

A *prepared scan* is what the pipeline makes of a scan up to the network's door: HU in reference space, int16
(1, 256, 256, 256), air around the head. Preparing costs some ten seconds a scan, so it is done before the training
begins, and only for scans that are not prepared yet. A scan that the pipeline refuses is left out, and named. What is
kept counts for the path of the scan and for what prepared it: the bundle's version and the files that it registers
with. A file that can't be read, since the process was killed while it was written, is made again. A refusal is kept
beside the prepared scans (see `refusal_files`), and named again as long as the scan does not change.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data import PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose
from tqdm import tqdm

from ..assets import metadata, place, sha256
from ..findings import InputRefused
from .refusals import load_refusal, save_refusal

logger = logging.getLogger(__name__)

ASSETS = ("reference.nii.gz", "reference_masks.nii.gz", "regions.nii.gz", "locator.pt")
"""Files of the bundle's models that decide what a prepared scan is."""


def prepare(items: Sequence[Mapping[Hashable, Any]], transform: Compose, folder: str | Path) -> PersistentDataset:
    """The scans that can be used, each prepared by `transform` and kept under `folder`.

    Args:
        items: one dictionary a scan, with its path under "image".
        transform: from such a dictionary to a prepared scan.
        folder: where prepared scans are kept; those that lie there already are used again.

    Raises:
        InputRefused: no scan can be used; the reason is that of the first one.
    """
    usable, refusals = [], []
    for item in tqdm(items, desc="preparing scans", unit="scan"):
        refusal = prepare_scan(item, transform, folder)
        if refusal is None:
            usable.append(item)
        else:
            refusals.append(refusal)
            logger.warning("%s is left out: %s", item["image"], refusal)
    if refusals and not usable:
        raise refusals[0]
    return _dataset(usable, transform, folder)


def prepare_scan(item: Mapping[Hashable, Any], transform: Compose, folder: str | Path) -> InputRefused | None:
    """Prepare one scan unless it is there already; what the pipeline says where it refuses the scan."""
    dataset, scan = _dataset([item], transform, folder), Path(item["image"])
    kept = Path(folder) / f"{pickle_hashing(item).decode()}{dataset.transform_hash}.pt"
    refused = kept.with_suffix(".refused.json")
    if kept.is_file() and not _readable(kept):
        logger.warning("%s was not kept whole: it is prepared again", item["image"])
        kept.unlink()
    if kept.is_file():
        return None
    if known := load_refusal(refused, scan):
        return known
    try:
        dataset[0]
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        save_refusal(refused, refusal, scan)
        return refusal
    refused.unlink(missing_ok=True)
    return None


def maker_hash() -> str:
    """A name for what prepares scans: it changes with the bundle's version and the files to register with."""
    marks = [metadata()["version"], *(sha256(place(f"models/{name}")) for name in ASSETS)]
    return hashlib.sha256(" ".join(marks).encode()).hexdigest()[:16]


def _dataset(items: Sequence[Mapping[Hashable, Any]], transform: Compose, folder: str | Path) -> PersistentDataset:
    """The scans, of which each that is kept already is read."""
    dataset = PersistentDataset(items, transform, cache_dir=folder)
    dataset.transform_hash = f"_{maker_hash()}"
    return dataset


def _readable(path: Path) -> bool:
    """True if a cached scan can be read to its end."""
    try:
        torch.load(path, weights_only=True)
    except (EOFError, OSError, RuntimeError, ValueError, pickle.UnpicklingError):
        return False
    return True


def _refusal(error: BaseException | None) -> InputRefused | None:
    """The refusal behind what MONAI raised, if there is one."""
    while error is not None and not isinstance(error, InputRefused):
        error = error.__cause__ or error.__context__
    return error
