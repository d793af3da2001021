"""A user's own healthy scans as training data: read, registered and masked once, then kept on the disk.

A *prepared scan* is what the pipeline makes of a scan up to the network's door: HU in reference space, int16
(1, 256, 256, 256), air around the head. Preparing costs some ten seconds a scan, so it is done before the training
begins, and only for scans that are not prepared yet. A scan that the pipeline refuses is left out, and named.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.data import PersistentDataset
from monai.transforms import Compose
from tqdm import tqdm

from .findings import InputRefused

logger = logging.getLogger(__name__)


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
        refusal = _prepare(item, transform, folder)
        if refusal is None:
            usable.append(item)
        else:
            refusals.append(refusal)
            logger.warning("%s is left out: %s", item["image"], refusal)
    if refusals and not usable:
        raise refusals[0]
    return PersistentDataset(usable, transform, cache_dir=folder)


def _prepare(item: Mapping[Hashable, Any], transform: Compose, folder: str | Path) -> InputRefused | None:
    """Prepare one scan unless it is there already; what the pipeline says where it refuses the scan."""
    try:
        PersistentDataset([item], transform, cache_dir=folder)[0]
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        return refusal
    return None


def _refusal(error: BaseException | None) -> InputRefused | None:
    """The refusal behind what MONAI raised, if there is one."""
    while error is not None and not isinstance(error, InputRefused):
        error = error.__cause__ or error.__context__
    return error
