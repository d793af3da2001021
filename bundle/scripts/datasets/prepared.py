"""A user's own healthy scans as training data: read, registered and masked once, then kept on the disk (see `cache`).

A *prepared scan* is what the pipeline makes of a scan up to the network's door: HU in reference space, int16
(1, 256, 256, 256), air around the head. Preparing costs some ten seconds a scan, so it is done before the training
begins, and only for scans that are not prepared yet. A scan that the pipeline refuses is left out, and named. What is
kept counts for the path of the scan and for what prepared it: the bundle's version and the files that it registers
with. A file that can't be read, since the process was killed while it was written, is made again. A refusal is named
again as long as the scan does not change.
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
        folder: where prepared scans are kept; those that lie there already are used again.

    Raises:
        InputRefused: no scan can be used; the reason is that of the first one.
    """
    usable, refused = without_refused(items, lambda item: prepare_scan(item, transform, folder), "preparing scans")
    if refused and not usable:
        raise next(iter(refused.values()))
    return _dataset(usable, transform, folder)


def prepare_scan(item: Item, transform: Compose, folder: str | Path) -> InputRefused | None:
    """Prepare one scan unless it is there already; what the pipeline says where it refuses the scan."""
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
    """The scans, of which each that is kept already is read."""
    dataset = PersistentDataset(items, transform, cache_dir=folder)
    dataset.transform_hash = f"_{maker_hash()}"
    return dataset


def _readable(path: Path) -> bool:
    """Whether a kept scan can be read to its end."""
    try:
        torch.load(path, weights_only=True)
    except (EOFError, OSError, RuntimeError, ValueError, pickle.UnpicklingError):
        return False
    return True
