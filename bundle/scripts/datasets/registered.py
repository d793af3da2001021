"""A data set whose scans are read and registered once, then cached on the disk (see `cache`).

The key of the cache is the scan (names, sizes, times and samples of the content of its files), the series chosen from
it, the bundle's version, the files to register with, and what the user decided about poses. A change of any of these
makes the entry anew.
The scan on its own grid is read each time: results lie on it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import Dataset, MetaTensor
from monai.transforms import Compose

from ..findings import InputRefused
from ..geometry.coordinates import grid_affine
from ..preprocessing.transforms import FindForegroundd, MakeRegionsd, MaskBackgroundd, MeasureCoveraged, MeasureImaged
from ..registration.transforms import RegisterHeadd
from .cache import Item, RegisteredScan, load_registered, maker_hash, refusals_kept, save_registered, without_refused
from .datalist import fingerprint

KEPT = (RegisterHeadd, FindForegroundd, MaskBackgroundd, MakeRegionsd, MeasureImaged, MeasureCoveraged)
"""Transforms whose outcome is cached; they follow one another in the preprocessing of inference.json."""


class RegisteredScans(Dataset):
    """Dictionaries with a path under "image", transformed by a preprocessing whose registration is cached."""

    def __init__(
        self,
        data: Sequence[Item],
        transform: Compose,
        folder: str | Path,
        series_uid: str | Mapping[str, str] | None = None,
    ) -> None:
        """Keep registered scans in a folder.

        Args:
            data: one dictionary a scan.
            transform: the preprocessing, from such a dictionary to network input.
            folder: cache of registered scans.
            series_uid: the series that the preprocessing takes, or one by path of the scan.

        Raises:
            ValueError: the preprocessing is not made of reading, registering and more, in this order.
        """
        super().__init__(data, transform)
        self.folder, self.series_uid = Path(folder), series_uid
        steps = list(transform.transforms)
        places = [place for place, step in enumerate(steps) if isinstance(step, KEPT)]
        if [type(steps[place]) for place in places] != list(KEPT) or places != list(range(places[0], places[-1] + 1)):
            raise ValueError(f"the preprocessing must hold {', '.join(kind.__name__ for kind in KEPT)} in this order")
        self.reading = steps[: places[0]]
        self.registering = steps[places[0] : places[-1] + 1]
        self.finishing = steps[places[-1] + 1 :]

    def _transform(self, index: int) -> dict[Hashable, Any]:
        """One scan as network input.

        Raises:
            InputRefused: it can't be judged.
        """
        return _through(self.finishing, self._registered(dict(self.data[index])))

    def _registered(self, item: dict[Hashable, Any]) -> dict[Hashable, Any]:
        """One scan, read, registered and cached; a refusal is cached too.

        Raises:
            InputRefused: it can't be judged.
        """
        path = self.file_of(item)
        with refusals_kept(path, Path(item["image"])):
            if kept := load_registered(path):
                return restored(_through(self.reading, item), kept, self.registering[0])
            data = _through([*self.reading, *self.registering], item)
        save_registered(path, to_keep(data))
        return data

    def file_of(self, item: Item) -> Path:
        """The path of the cached registered scan of an item."""
        path = str(item["image"])
        uid = self.series_uid.get(path) if isinstance(self.series_uid, Mapping) else self.series_uid
        return self.folder / f"{fingerprint(Path(path), uid or None)}_{maker_hash(self.registering)}.npz"


def _through(steps: Sequence[Any], data: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """Through transforms one by one: MONAI's Compose would hide a refusal in an error of its own."""
    for step in steps:
        data = step(data)
    return data


def to_keep(data: Item) -> RegisteredScan:
    """The cached form of a scan that was registered and masked."""
    hu, head, valid, regions = (
        torch.as_tensor(data[key])[0].numpy() for key in ("image", "foreground", "validity", "regions")
    )
    meta = {name: data["image"].meta[name] for name in ("registration", "findings")}
    kinds = hu.astype(np.float32), head.astype(bool), valid.astype(bool), regions.astype(np.uint8)
    return RegisteredScan(*kinds, {name: float(share) for name, share in data["coverage"].items()}, meta)


def restored(data: Item, kept: RegisteredScan, register: RegisterHeadd) -> dict[Hashable, Any]:
    """A scan as it was read, joined with its cached form: as if it had been registered and masked now."""

    def volume(values: Any) -> MetaTensor:
        return MetaTensor(torch.from_numpy(values)[None], affine=torch.from_numpy(grid_affine()))

    return {
        **data,
        "image": register.registered(data["image"], torch.from_numpy(kept.hu)[None], kept.meta),
        "foreground": volume(kept.head),
        "validity": volume(kept.valid.astype(np.uint8)),
        "regions": volume(kept.regions),
        "coverage": dict(kept.coverage),
    }


class UsableScans(RegisteredScans):
    """Registered scans without the refused ones, which are found when the data set is made.

    `refused` has the reason of each refusal, by case, or by path if items name no case.
    """

    def __init__(self, data: Sequence[Item], *args: Any, **kwargs: Any) -> None:
        """As of `RegisteredScans`; scans that are not registered yet are, which takes some ten seconds each."""
        super().__init__(data, *args, **kwargs)
        self.data, self.refused = without_refused(data, self._refusal, "registering")

    def _refusal(self, item: Item) -> InputRefused | None:
        """The refusal of a scan, if any; registers the scan first unless it is cached."""
        try:
            if load_registered(self.file_of(item)) is None:
                self._registered(dict(item))
        except InputRefused as refusal:
            return refusal
        return None
