"""A user's own healthy scans as training data: read, registered and masked once, then cached (see `cache`).

A *prepared scan* is the pipeline's input to the intensities: HU in reference space, int16 (1, 256, 256, 256), air
around the head. Preparing takes about ten seconds a scan, so it is done before the training begins, and only for scans
that are not in the cache. A scan that the pipeline refuses is left out, and named. The key of the cache is the path of
the scan, the bundle's version and the files to register with. A file that can't be read, because the process was killed
while writing it, is made again. A refusal is named again as long as the scan does not change.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from monai.data import PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose

from ..findings import InputRefused
from .cache import Item, maker_hash, refusals_kept, without_refused

logger = logging.getLogger(__name__)


def prepare(items: Sequence[Item], transform: Compose, folder: str | Path) -> PersistentDataset:
    """The scans that can be used, each prepared by `transform` and kept under `folder`.

    Args:
        items: one dictionary a scan, with its path under "image".
        transform: from such a dictionary to a prepared scan.
        folder: cache of prepared scans; existing ones are used again.

    Raises:
        InputRefused: no scan can be used; the reason is that of the first one.
    """
    usable, refused = without_refused(items, lambda item: prepare_scan(item, transform, folder), "preparing scans")
    if refused and not usable:
        raise next(iter(refused.values()))
    return _dataset(usable, transform, folder)


def prepare_scan(item: Item, transform: Compose, folder: str | Path) -> InputRefused | None:
    """Prepare one scan unless it is cached; returns the refusal if the pipeline refuses it."""
    dataset = _dataset([item], transform, folder)
    kept = Path(folder) / f"{pickle_hashing(item).decode()}{dataset.transform_hash}.pt"
    if kept.is_file() and not _readable(kept):
        logger.warning("%s was not kept whole: it is prepared again", item["image"])
        kept.unlink()
    try:
        if not kept.is_file():
            with refusals_kept(kept, Path(item["image"])):
                dataset[0]
    except InputRefused as refusal:
        return refusal
    return None


def _dataset(items: Sequence[Item], transform: Compose, folder: str | Path) -> PersistentDataset:
    """The scans; cached ones are read from the folder."""
    dataset = PersistentDataset(items, transform, cache_dir=folder)
    dataset.transform_hash = f"_{maker_hash(transform.transforms)}"
    return dataset


def _readable(path: Path) -> bool:
    """True if a cached scan can be read to its end."""
    try:
        torch.load(path, weights_only=True)
    except (EOFError, OSError, RuntimeError, ValueError, pickle.UnpicklingError):
        return False
    return True
