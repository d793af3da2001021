"""MONAI dictionary transform: the bone series that the reader read beside a scan, under a key of its own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config.type_definitions import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils.type_conversion import convert_to_tensor

from .reader import BONE


class TakeBoneScand(MapTransform):
    """Move the bone series from the metadata of `keys` to `bone_key`: (1, I, J, K), int16 HU, with its own affine.

    Where the reader read none, as of a NIfTI file, the key is not added.
    """

    def __init__(self, keys: KeysCollection, bone_key: str = "bone_scan") -> None:
        """Take it from the one key of `keys`."""
        super().__init__(keys)
        self.bone_key = bone_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the bone series, if there is one."""
        taken = dict(data)
        for key in self.key_iterator(taken):
            image = taken[key]
            found = image.meta.pop(BONE, None) if isinstance(image, MetaTensor) else None
            if found is not None:
                hu, affine = (convert_to_tensor(found[name]) for name in ("hu", "affine"))
                taken[self.bone_key] = MetaTensor(hu[None], affine=affine)
        return taken
