"""Stage 2 with `--register`: the pose that the product's own registration finds, in place of the true one."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scripts.files.atomic import staged
from scripts.findings import InputRefused
from scripts.workflow import parsed_configs, quiet


@lru_cache(maxsize=1)
def parts() -> tuple[Any, Any]:
    """Reference and locator of `inference.json`."""
    from scripts.registration.transforms import load_locator, load_reference

    parser = parsed_configs(["inference.json"])
    files = {name: parser.get_parsed_content(name) for name in ("reference", "reference_masks", "locator")}
    return load_reference(files["reference"], files["reference_masks"]), load_locator(files["locator"])


def found_matrix(hu: NDArray[np.int16], affine: NDArray[np.float64], kept: Path) -> NDArray[np.float64] | None:
    """The registration (4, 4) of a scan, cached in a file; None if the scan was refused."""
    from scripts.registration.transforms import register_or_refuse

    if not kept.is_file():
        reference, locator = parts()
        try:
            with quiet():
                volume = torch.from_numpy(hu.astype(np.float32))[None]
                matrix = register_or_refuse(volume, affine, reference, locator, False).matrix
        except InputRefused:
            matrix = np.full((4, 4), np.nan)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with staged(kept) as partial, partial.open("wb") as file:
            np.save(file, matrix)
    matrix = np.load(kept)
    return matrix if np.isfinite(matrix).all() else None
