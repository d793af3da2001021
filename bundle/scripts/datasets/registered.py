"""A data set whose scans are read and registered once, then kept on the disk (see `registered_files`).

What is kept counts for the scan, by names, sizes and times of its files, for the series that was taken of it, and for
what registers: the bundle's version and the files that it registers with. It is made again where that has changed. The
scan on its own grid is read anew each time: results lie on it.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import Dataset, MetaTensor
from monai.transforms import Compose
from tqdm import tqdm

from ..findings import InputRefused
from ..geometry.coordinates import grid_affine
from ..preprocessing.transforms import FindForegroundd, MakeRegionsd, MaskBackgroundd, MeasureCoveraged
from ..registration.transforms import RegisterHeadd
from .datalist import fingerprint
from .prepared import maker_hash
from .registered_files import RegisteredScan, load_registered, save_registered

logger = logging.getLogger(__name__)

KEPT = (RegisterHeadd, FindForegroundd, MaskBackgroundd, MakeRegionsd, MeasureCoveraged)
"""Transforms whose outcome is kept; they follow one another in the preprocessing of inference.json."""

Item = Mapping[Hashable, Any]


class RegisteredScans(Dataset):
    """Dictionaries with a path under "image", transformed by a preprocessing whose registration is kept."""

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
            folder: where registered scans are kept.
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
        item: dict[Hashable, Any] = dict(self.data[index])
        kept = load_registered(self.file_of(item))
        if isinstance(kept, InputRefused):
            raise kept
        if kept is None:
            data = self._register(item)
        else:
            with self._refusals_kept(item):
                data = restored(_through(self.reading, item), kept, self.registering[0])
        return _through(self.finishing, data)

    def _register(self, item: Item) -> dict[Hashable, Any]:
        """One scan, read and registered, which is kept, or why it is refused.

        Raises:
            InputRefused: it can't be judged.
        """
        with self._refusals_kept(item):
            data = _through([*self.reading, *self.registering], dict(item))
        save_registered(self.file_of(item), to_keep(data))
        return data

    @contextmanager
    def _refusals_kept(self, item: Item) -> Iterator[None]:
        """Keep why a scan is refused, unless it could not be reached, which may be otherwise the next time."""
        try:
            yield
        except InputRefused as refusal:
            if all(finding.code != "path_missing" for finding in refusal.findings):
                save_registered(self.file_of(item), refusal)
            raise

    def file_of(self, item: Item) -> Path:
        """The path of the cached registered scan of an item."""
        path = str(item["image"])
        uid = self.series_uid.get(path) if isinstance(self.series_uid, Mapping) else self.series_uid
        return self.folder / f"{fingerprint(Path(path), uid or None)}_{maker_hash()}.npz"


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
    """A scan as it was read with what was kept of it: as if it had been registered and masked now."""

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
    """Registered scans without those that are refused, which are found out when the data set is made.

    `refused` says by case, or by path where items name no case, why each of the others can't be judged.
    """

    def __init__(
        self,
        data: Sequence[Item],
        transform: Compose,
        folder: str | Path,
        series_uid: str | Mapping[str, str] | None = None,
    ) -> None:
        """As of `RegisteredScans`; scans that are not registered yet are, which takes some ten seconds each."""
        super().__init__(data, transform, folder, series_uid)
        self.refused: dict[str, InputRefused] = {}
        usable = []
        for item in tqdm(data, desc="registering", unit="scan"):
            refusal = self._refusal(item)
            if refusal is None:
                usable.append(item)
            else:
                name = str(item.get("case", item["image"]))
                self.refused[name] = refusal
                logger.warning("%s is left out: %s", name, refusal)
        self.data = usable

    def _refusal(self, item: Item) -> InputRefused | None:
        """Why a scan can't be judged, after it was registered if it was not yet."""
        kept = load_registered(self.file_of(item))
        try:
            if kept is None:
                self._register(item)
        except InputRefused as refusal:
            return refusal
        return kept if isinstance(kept, InputRefused) else None
