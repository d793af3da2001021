"""One simulated case: a drawn head, its scan, and the truth about both on the scan's own grid."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .anatomy.label_map import Anatomy
from .person.head import SimulatedHead, draw_head, stream
from .person.varieties import PLAIN
from .registered_head import PROTOCOL_STREAM
from .scanner.protocol import Protocol, draw_protocol
from .scanner.sampling import sample
from .scanner.scan import Scan, acquire

PRESETS = {
    "routine": Protocol(),
    "thin": Protocol(increment_mm=1.0, thickness_mm=1.0, noise_hu=8.0),
    "tilted": Protocol(tilt_deg=15.0),
    "neck": Protocol(increment_mm=2.5, thickness_mm=2.5, bottom_mm=-120.0),
}
"""Named protocols; beside them, "drawn" draws one for each scan."""


BONE_SERIES: dict[str, Any] = {
    "blur_mm": 0.42,
    "noise_hu": 60.0,
    "increment_mm": 1.0,
    "thickness_mm": 1.0,
    "change_mm": None,
}
"""Settings of a reconstruction with a bone kernel: the least blur, and noise to match, in thin slices."""


@dataclass(frozen=True, eq=False)
class Case:
    """A scan with its lesion's mask, uint8 (I, J, K) on its grid, the head it shows, and the truth in plain values."""

    scan: Scan
    lesion: NDArray[np.uint8]
    head: SimulatedHead
    truth: dict[str, Any]


def simulate_case(
    anatomy: Anatomy,
    seed: int,
    *,
    lesion: str | None = None,
    side: str | None = None,
    lesion_size: dict[str, Any] | None = None,
    protocol: str = "drawn",
    variety: str = PLAIN,
) -> Case:
    """A scan of a head drawn from the anatomy; everything follows from the seed and the arguments, as in `draw_head`.

    Raises:
        ValueError: no such protocol, lesion or variety, or the anatomy is not complete.
    """
    made = _protocol(protocol, seed)
    head = draw_head(anatomy, seed, lesion=lesion, side=side, lesion_size=lesion_size, variety=variety)
    scan = acquire(head, made, seed)
    mask = lesion_mask(head, scan)
    truth = {
        **head.description,
        "protocol": {"name": protocol, **asdict(made)},
        "to_reference": head.to_reference.tolist(),
        "lesion_centre_mm": _centre(head.lesion == 1, head.affine),
        "lesion_centre_reference_mm": _centre(head.lesion == 1, head.to_reference @ head.affine),
        "lesion_voxels": int((mask == 1).sum()),
    }
    return Case(scan, mask, head, truth)


def bone_scan(case: Case) -> Scan:
    """The same head in the same place, with the case's own protocol but for `BONE_SERIES`."""
    own = {name: value for name, value in case.truth["protocol"].items() if name != "name"}
    return acquire(case.head, Protocol(**{**own, **BONE_SERIES}), case.truth["seed"])


def lesion_mask(head: SimulatedHead, scan: Scan) -> NDArray[np.uint8]:
    """The lesion's mask (I, J, K) at the centres of the scan's voxels; 0 where the scan knows nothing.

    It lies where the head lay; a patient who moved (one scan in ten) shows the lesion up to 3 mm beside it.
    """
    if not head.lesion.any():
        return np.zeros(scan.hu.shape, dtype=np.uint8)
    i, j, k = (np.arange(size, dtype=np.float64) for size in scan.hu.shape)
    matrix = np.linalg.inv(head.affine) @ scan.affine
    mask = sample(head.lesion.astype(np.float32), matrix, (i, j, k), mode="nearest").astype(np.uint8)
    return np.where(scan.outside, 0, mask).astype(np.uint8)


def _protocol(name: str, seed: int) -> Protocol:
    if name == "drawn":
        return draw_protocol(stream(seed, PROTOCOL_STREAM))
    if name not in PRESETS:
        raise ValueError(f"there is no protocol {name!r}; there are drawn, {', '.join(PRESETS)}")
    return replace(PRESETS[name])


def _centre(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> list[float] | None:
    """Centroid of a mask, mm; None where it is empty."""
    if not mask.any():
        return None
    return [round(float(x), 2) for x in affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]]
