"""MONAI dictionary transforms from a scan to network input.

The forward transform registers a scan and brings it to the reference grid; the inverse brings maps back to the native
grid and gives the native affine back, so that nothing stays in the moved space. Words as in `spaces`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, LoadImage, MapTransform
from monai.utils.enums import TraceKeys
from numpy.typing import NDArray
from torch import Tensor

from ..assets import beside
from ..files.derived import read_derived
from ..findings import SLICES_SET_ASIDE, finding, refusal
from ..geometry.coordinates import grid_affine
from ..networks.position import DensePositionNet
from ..processes.progress import tell
from ..words import switched
from .locator import coarse_network
from .register import Reference, Registration, prepare_reference, register
from .spaces import REFERENCE_SHAPE, derived_grid, to_native_space, to_reference_space
from .verdict import REVIEW_ROTATION_DEG

HEAD_BIT, INTRACRANIAL_BIT = 1, 2
"""Bits of the reference's mask file."""

MOST_REASONS = 3
"""Number of reasons in a refusal: the others mostly follow from these."""

ACCEPTED = ", and the user accepted it"
"""Text added to the flag of a pose that the user accepted."""

TARGETS_NAME = "reference_targets.npz"
"""The derived file (see `files.derived`) of the reference head, prepared for registration."""

Array = NDArray[np.float64]


@lru_cache(maxsize=2)
def load_reference(reference: str, masks: str) -> Reference:
    """The reference head, prepared for registration from the files of its volume and its masks.

    It is read once per process from `TARGETS_NAME` beside the reference, or made again if that belongs to other files.

    Raises:
        BundleChanged: the file is not the one that the bundle was made with.
        ValueError: the files do not lie on the reference grid.
    """
    kept = read_derived(beside(reference, TARGETS_NAME), Reference, (reference, masks))
    return make_reference(reference, masks) if kept is None else kept


def make_reference(reference: str, masks: str) -> Reference:
    """The reference head (HU) and its masks (bits: 1 head, 2 inside the skull), read and prepared.

    Raises:
        ValueError: the files do not lie on the reference grid.
    """
    load = LoadImage(image_only=True, reader="NibabelReader")
    head, bits = load(reference), load(masks)
    for path, volume in ((reference, head), (masks, bits)):
        if tuple(volume.shape) != REFERENCE_SHAPE or not np.allclose(volume.affine.numpy(), grid_affine(), atol=1e-4):
            raise ValueError(
                f"{path} does not lie on the reference grid: make it with `head-ct-anomaly dev reference`."
            )
    values = bits.numpy().astype(np.uint8)
    hu = head.numpy().astype(np.float32)
    return prepare_reference(hu, (values & HEAD_BIT) > 0, (values & INTRACRANIAL_BIT) > 0, grid_affine())


@lru_cache(maxsize=2)
def load_locator(path: str) -> DensePositionNet:
    """The coarse network with its trained weights, read once per process.

    Raises:
        RuntimeError: the file holds the weights of another network.
    """
    network = coarse_network()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


class RegisterHeadd(MapTransform, InvertibleTransform):
    """Register a head CT to the reference head and bring it into reference space; invertible.

    The input is (1, I, J, K) in HU with its native affine; voxels below -1500 HU are outside the field of view. The
    output is (1, 256, 256, 256) in HU, -1024 where unknown; `validity_key` holds 1 where the scan is known. Metadata
    gain "registration" (matrix, quality, verdict), and "findings" gains a flag if the verdict is not "pass".

    The user may accept a pose that is for review, which is recorded. For research, the user may force a pose that can't
    be confirmed: its verdict is then "unconfirmed". A scan in which no head is recognised is refused in any case.

    The inverse takes any map on the reference grid or on every n-th voxel of it to the native grid.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: str,
        masks: str,
        validity_key: str = "validity",
        mode: str = "bilinear",
        allow_missing_keys: bool = False,
        locator: str | None = None,
        accept_review: bool = False,
        force: bool = False,
    ) -> None:
        """Register `keys` (one key).

        Args:
            keys: the key of the scan.
            reference: path of the reference head, in HU.
            masks: path of its masks.
            validity_key: the key of the validity mask.
            mode: of the inverse, "bilinear" or "nearest"; `Invertd(nearest_interp=True)` overrides it.
            allow_missing_keys: do nothing if the key is missing.
            locator: path of the coarse network's weights; without it only the search finds starts.
            accept_review: record that the user accepts a pose that is for review.
            force: keep a pose of a head that can't be confirmed.

        Raises:
            ValueError: another mode, more than one key, or a switch that is neither true nor false.
        """
        super().__init__(keys, allow_missing_keys)
        if mode not in ("bilinear", "nearest"):
            raise ValueError(f'mode must be "bilinear" or "nearest", got {mode!r}')
        if len(self.keys) != 1:
            raise ValueError(f"one key is registered, got {self.keys}")
        self.reference, self.masks, self.locator = reference, masks, locator
        self.validity_key, self.mode = validity_key, mode
        self.accept_review, self.force = switched("accept_review", accept_review), switched("force", force)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Register each key and add the validity mask.

        Raises:
            InputRefused: `registration_failed`.
        """
        tell("registration")
        registered = dict(data)
        for key in self.key_iterator(registered):
            registered[key], registered[self.validity_key] = self._forward(registered[key])
        return registered

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Bring each key back to the native grid of the scan."""
        restored = dict(data)
        for key in self.key_iterator(restored):
            restored[key] = self._backward(restored[key])
        return restored

    def _forward(self, scan: MetaTensor) -> tuple[MetaTensor, MetaTensor]:
        """The registered scan and its validity."""
        volume = scan.as_tensor().detach().to("cpu", torch.float32)
        affine = scan.affine.cpu().numpy().astype(np.float64)
        locator = load_locator(self.locator) if self.locator else None
        reference = load_reference(self.reference, self.masks)
        result = register_or_refuse(volume, affine, reference, locator, self.force)
        result = with_doubt(result, scan.meta.get("findings") or ())
        moved, valid = to_reference_space(volume, affine, result.matrix)
        described = describe(result)
        if result.verdict == "review":
            described["accepted"] = self.accept_review
        findings = [*scan.meta.get("findings", []), *pose_findings(result, self.accept_review)]
        registered = self.registered(scan, moved, {"registration": described, "findings": findings})
        return registered, MetaTensor(valid, affine=torch.from_numpy(grid_affine()))

    def registered(self, scan: MetaTensor, moved: Tensor, meta: Mapping[str, Any]) -> MetaTensor:
        """The output of this transform, from results computed before; its inverse leads back to the scan's grid.

        Args:
            scan: the scan on its native grid.
            moved: (1, 256, 256, 256) in HU, the scan in reference space.
            meta: its "registration" and its "findings".
        """
        registered: MetaTensor = MetaTensor(moved).copy_meta_from(scan)
        registered.meta = {**scan.meta, **meta}
        registered.affine = torch.from_numpy(grid_affine())
        affine = scan.affine.cpu().numpy().astype(np.float64)
        undo = {"mode": self.mode, "affine": affine.tolist(), "matrix": meta["registration"]["matrix"]}
        size = tuple(scan.shape[1:])
        self.push_transform(registered, orig_size=size, extra_info=undo)  # type: ignore[no-untyped-call]
        return registered

    def _backward(self, values: MetaTensor) -> MetaTensor:
        """One map on the native grid; the input map keeps its record of applied transforms."""
        restored_meta = MetaTensor(torch.zeros(1)).copy_meta_from(values)
        restored_meta.applied_operations = list(values.applied_operations)
        applied = self.pop_transform(restored_meta)
        undo = applied[TraceKeys.EXTRA_INFO]
        affine, matrix = (np.array(undo[name], dtype=np.float64) for name in ("affine", "matrix"))
        grid = derived_grid(tuple(values.shape[1:]), values.affine.cpu().numpy().astype(np.float64))
        shape = tuple(int(n) for n in applied[TraceKeys.ORIG_SIZE])
        moved = to_native_space(values.as_tensor(), grid, matrix, (shape[0], shape[1], shape[2]), affine, undo["mode"])
        restored: MetaTensor = MetaTensor(moved).copy_meta_from(restored_meta)
        restored.affine = torch.from_numpy(affine)
        return restored


def register_or_refuse(
    volume: Tensor, affine: Array, reference: Reference, locator: DensePositionNet | None = None, force: bool = False
) -> Registration:
    """Register a scan (1, I, J, K); with `force`, a pose of a head that can't be confirmed is "unconfirmed".

    Raises:
        InputRefused: `registration_failed`, if there is no head or its pose can't be confirmed.
        ValueError: the scan is not (1, I, J, K).
    """
    if volume.ndim != 4 or volume.shape[0] != 1:
        raise ValueError(f"a scan must be (1, I, J, K), got {tuple(volume.shape)}")
    try:
        result = register(volume[0].numpy(), affine, reference, locator)
    except ValueError as error:
        raise refusal("registration_failed", f"The scan can't be registered: {error}") from error
    if result.verdict != "fail":
        return result
    if force and result.head:
        return replace(result, verdict="unconfirmed")
    seen = "The pose can't be confirmed" if result.head else "No whole head of an adult was recognised"
    raise refusal("registration_failed", f"{seen}: {'; '.join(result.reasons[:MOST_REASONS])}.")


def with_doubt(result: Registration, findings: Sequence[Mapping[str, str]]) -> Registration:
    """The registration of a scan with these findings: for review if it passed, and slices may be missing."""
    if result.verdict == "pass" and any(found["code"] == SLICES_SET_ASIDE for found in findings):
        return replace(result, verdict="review", reasons=("slices of the scan may be missing",))
    return result


def describe(result: Registration) -> dict[str, Any]:
    """A registration as JSON types, for `meta["registration"]`."""
    words = {"start": result.start, "verdict": result.verdict}
    return {"matrix": result.matrix.tolist(), **result.quality, **words}


def pose_findings(result: Registration, accepted: bool = False) -> list[dict[str, str]]:
    """Flags for a pose that needs review or was forced, and for a doubtful orientation in the header."""
    reasons = "; ".join(result.reasons)
    if result.verdict == "unconfirmed":
        return [finding("registration_unconfirmed", f"The pose can't be confirmed: {reasons}.").as_dict()]
    if result.verdict != "review":
        return []
    found = [finding("registration_review", f"The pose is for review{ACCEPTED if accepted else ''}: {reasons}.")]
    turned = result.quality["rotation_deg"]
    if turned > REVIEW_ROTATION_DEG:
        found.append(finding("orientation_doubtful", f"The head lies turned by {turned:.0f} degrees."))
    return [one.as_dict() for one in found]
