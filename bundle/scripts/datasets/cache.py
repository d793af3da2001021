"""Cache of registered scans and of refusals on the disk, so that each scan is registered once.

A *registered scan* is one small file, which several networks can score. It holds the state of the preprocessing before
the intensities: HU and regions inside the head (outside they are air and 0), the field of view, and the findings.
Nothing is rounded: a cached scan gives the same scores and the same heatmap, byte for byte. A *refusal* is a small JSON
file beside it. It is valid as long as the scan's files stay the same (`files.fingerprints`), and the bundle's manifest.
Everything else that an entry depends on, such as `maker_hash`, belongs into the name of its file.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..assets import manifest_sha256, metadata, place, sha256
from ..errors import chain
from ..files.atomic import replace_file
from ..findings import PASSING, Finding, InputRefused
from ..geometry.coordinates import REFERENCE_SIZE
from ..volume import AIR_HU
from .datalist import fingerprint

logger = logging.getLogger(__name__)

Item = Mapping[Hashable, Any]

ASSETS = {
    "reference": "reference.nii.gz",
    "masks": "reference_masks.nii.gz",
    "reference_regions": "regions.nii.gz",
    "locator": "locator.pt",
}
"""Files that a registered scan depends on: what the steps that make it call them, and the bundle's own ones."""

DECISIONS = ("accept_review", "force")
"""Decisions of the user about a pose, as the step that registers calls them."""

FORM = "with measures of the image; uneven grids end at the last slice"
"""Words for the content of an entry, which change with it."""

SHAPE = (REFERENCE_SIZE, REFERENCE_SIZE, REFERENCE_SIZE)

DAMAGED = (AttributeError, EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
"""Exceptions raised by reading a file that is incomplete, or of another form."""


def maker_hash(steps: Sequence[Any] = ()) -> str:
    """A name for the registration by some steps of a preprocessing.

    It changes with the version, with what is kept, the user's decisions, and the files to register with, which are the
    bundle's own where no step names another.
    """
    own = {name: getattr(step, name) for step in steps for name in ASSETS if hasattr(step, name)}
    files = [own.get(name, place(f"models/{file}")) for name, file in ASSETS.items()]
    decided = [name for name in DECISIONS if any(getattr(step, name, False) for step in steps)]
    marks = [metadata()["version"], FORM, *(sha256(file) if file else "none" for file in files), *decided]
    return hashlib.sha256(" ".join(marks).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class RegisteredScan:
    """A scan in reference space; arrays are (256, 256, 256).

    Attributes:
        hu: float32, -1024 outside the head.
        head: bool, the head inside the field of view.
        valid: bool, the field of view.
        regions: uint8, labels of the scan's own regions, 0 outside the head.
        coverage: share of each region in the field of view.
        meta: "registration" and "findings", JSON values.
    """

    hu: NDArray[np.float32]
    head: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    regions: NDArray[np.uint8]
    coverage: Mapping[str, float]
    meta: Mapping[str, Any]


def save_registered(path: Path, scan: RegisteredScan) -> None:
    """Keep a scan in a file that appears whole or not at all.

    Raises:
        OSError: it can't be written.
        ValueError: a HU or a region outside the head would be lost.
    """
    outside = ~scan.head
    if (scan.hu[outside] != AIR_HU).any() or scan.regions[outside].any():
        raise ValueError("a registered scan must be air, and of no region, outside the head")
    facts = {"coverage": dict(scan.coverage), "meta": dict(scan.meta)}
    arrays: dict[str, Any] = {
        "hu": scan.hu[scan.head],
        "regions": scan.regions[scan.head],
        "facts": np.array(json.dumps(facts)),
    }
    content = io.BytesIO()
    np.savez_compressed(content, head=np.packbits(scan.head), valid=np.packbits(scan.valid), **arrays)
    replace_file(path, content.getvalue())


def load_registered(path: Path) -> RegisteredScan | None:
    """The scan cached in a file; None if there is none, or the file is incomplete."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            facts = json.loads(str(arrays["facts"]))
            head, valid = (np.unpackbits(arrays[name]).reshape(SHAPE).astype(bool) for name in ("head", "valid"))
            hu, regions = np.full(SHAPE, AIR_HU, np.float32), np.zeros(SHAPE, np.uint8)
            hu[head], regions[head] = arrays["hu"], arrays["regions"]
            return RegisteredScan(hu, head, valid, regions, facts["coverage"], facts["meta"])
    except DAMAGED:
        return None


def save_refusal(path: Path, refusal: InputRefused, scan: Path) -> None:
    """Keep the findings of a refusal, unless it may be otherwise the next time.

    Raises:
        OSError: the file can't be written.
    """
    if all(finding.code not in PASSING for finding in refusal.findings):
        told = [finding.as_dict() for finding in refusal.findings]
        content = {"scan": fingerprint(scan, None), "bundle": manifest_sha256(), "refused": told}
        replace_file(path, json.dumps(content, indent=2).encode())


def load_refusal(path: Path, scan: Path) -> InputRefused | None:
    """The cached refusal; None if there is none, the file is incomplete, or scan or bundle have changed since."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        same = content["scan"] == fingerprint(scan, None) and content["bundle"] == manifest_sha256()
        return InputRefused([Finding(**finding) for finding in content["refused"]]) if same else None
    except DAMAGED:
        return None


@contextmanager
def refusals_kept(kept: Path, scan: Path) -> Iterator[None]:
    """Cache, beside the file `kept`, the refusal of a scan; a refused scan is not tried again.

    Raises:
        InputRefused: the scan is refused, now or before; without what MONAI makes of it.
    """
    path = kept.with_suffix(".refused.json")
    if known := load_refusal(path, scan):
        raise known
    try:
        yield
    except Exception as error:
        refusal = next((cause for cause in chain(error) if isinstance(cause, InputRefused)), None)
        if refusal is None:
            raise
        save_refusal(path, refusal, scan)
        raise refusal from None
    path.unlink(missing_ok=True)


def without_refused(
    items: Sequence[Item], refusal_of: Callable[[Item], InputRefused | None], task: str
) -> tuple[list[Item], dict[str, InputRefused]]:
    """The items that can be used, and why each of the others can't, by case, or by path; it is logged, too."""
    usable, refused = [], {}
    for item in tqdm(items, desc=task, unit="scan"):
        refusal = refusal_of(item)
        if refusal is None:
            usable.append(item)
        else:
            name = str(item.get("case", item["image"]))
            refused[name] = refusal
            logger.warning("%s is left out: %s", name, refusal)
    return usable, refused
