"""The reader that configs put into `LoadImaged`: any accepted head CT as an array with its true affine.

Voxels outside the scanner's field of view hold `volume.UNKNOWN_HU`; whatever is below -1500 is such a voxel. Words as
in `inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config.type_definitions import PathLike
from monai.data.image_reader import ImageReader
from monai.utils.enums import MetaKeys, SpaceKeys
from monai.utils.misc import ensure_tuple
from numpy.typing import NDArray

from ..files.inputs import named_path
from ..volume import Volume
from ..words import switched
from .inputs import Scans, read_scans, read_volume

SERVES, BONE = "serves", "bone_volume"
"""Keys of the metadata: what serves brain and skull, and the bone series, until `transforms.TakeBoneScand` takes it."""


class HeadCTReader(ImageReader):
    """Reads a folder of DICOM files, an enhanced CT file or a NIfTI file.

    `series_uid` names a series of the folder, or says by path which series to read of which folder. With `bone_series`,
    a bone series beside a soft one is read, too; with `bone_alone` as well, one alone is accepted, by which no brain
    can be judged.

    The work is done in `get_data`: what `read` raises, MONAI's `LoadImage` swallows to try its other readers, which
    would load what was refused here.
    """

    def __init__(
        self, series_uid: str | Mapping[str, str] | None = None, bone_series: bool = False, bone_alone: bool = True
    ) -> None:
        """Raises ValueError where a switch is neither true nor false."""
        super().__init__()
        self.series_uid = series_uid or None
        self.bone_series, self.bone_alone = switched("bone_series", bone_series), switched("bone_alone", bone_alone)

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Any path is looked at; what it holds decides."""
        return True

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> Path:
        """The path to read.

        Raises:
            ValueError: more than one path.
            InputRefused: `path_missing`, if it is empty.
        """
        paths = ensure_tuple(data)
        if len(paths) != 1:
            raise ValueError(f"a head CT is one folder or one file, got {len(paths)} paths")
        return named_path(str(paths[0]))

    def get_data(self, img: Path) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Voxels (I, J, K) in HU and their metadata.

        "findings" is a list of dictionaries; after a `DataLoader`, MONAI has made None of it if it was empty.

        Raises:
            InputRefused: with the finding that says why.
        """
        uid = self.series_uid.get(str(img)) if isinstance(self.series_uid, Mapping) else self.series_uid
        scans = read_scans(img, uid, self.bone_alone) if self.bone_series else None
        volume = scans.volume if scans else read_volume(img, uid)
        return volume.with_unknown(), {
            MetaKeys.AFFINE: volume.affine.copy(),
            MetaKeys.ORIGINAL_AFFINE: volume.affine.copy(),
            MetaKeys.SPATIAL_SHAPE: np.array(volume.hu.shape),
            MetaKeys.ORIGINAL_CHANNEL_DIM: "no_channel",
            MetaKeys.SPACE: SpaceKeys.RAS,
            "findings": [found.as_dict() for found in volume.findings],
            **(bone_meta(scans) if scans else {}),
        }


def bone_meta(scans: Scans) -> dict[str, Any]:
    """Metadata: the bone series, and of what serves the brain and the skull the facts, see `facts_of`."""
    volumes = {"brain": scans.volume, "skull": scans.bone or scans.volume}
    serves = {what: facts_of(volumes[what], place) for what, place in scans.serves.items()}
    bone = scans.bone
    held = {} if bone is None else {BONE: {"hu": bone.with_unknown().astype(np.int16), "affine": bone.affine.copy()}}
    return {SERVES: serves, **held}


def facts_of(volume: Volume, place: int | None) -> dict[str, Any]:
    """Place of a series in the list of `inspect`, its slices and their distance, mm, as they were read.

    Where they were interpolated, the widest gap before is there, too. There is no None, which can't be collated, and no
    patient data.
    """
    distance = abs(np.linalg.det(volume.affine[:3, :3])) / np.linalg.norm(np.cross(*volume.affine[:3, :2].T))
    facts = {"slices": volume.hu.shape[2], "spacing_mm": round(float(distance), 3)}
    if volume.widest_gap_mm:
        facts |= {"widest_gap_mm": round(volume.widest_gap_mm, 3)}
    return facts if place is None else {"series": place, **facts}


def skull_gap_mm(meta: Mapping[str, Any]) -> float:
    """Widest gap between the slices that serve the skull, mm, of a scan's metadata; 0 if none were interpolated."""
    return float(meta.get(SERVES, {}).get("skull", {}).get("widest_gap_mm", 0.0))
