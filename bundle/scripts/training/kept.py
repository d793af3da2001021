"""Drawn heads kept on the disk: drawing takes seconds, reading a kept one a hundredth of that.

A *kept* head is one NumPy archive in a folder, named after a hash of everything that the head follows from: the entries
of its dictionary, the content of its anatomy, the settings and files of the transforms, and the simulator's sources.
Another simulator, or another anatomy of the same name, keeps other heads.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..assets import sha256
from ..files.atomic import replace_file
from ..files.fingerprints import simulator_sha256

Data = dict[Hashable, Any]


class KeepDrawn:
    """A transform whose results are kept in a folder; without a folder, the transform itself."""

    def __init__(
        self,
        transform: Callable[[Mapping[Hashable, Any]], Mapping[Hashable, Any]],
        folder: str | None,
        settings: Mapping[str, Any] | None = None,
        files: Sequence[str] = (),
    ) -> None:
        """Keep what `transform` makes.

        Args:
            transform: from a dictionary of plain values, with the path of an anatomy under "image", to one of tensors
                and plain values.
            folder: where the results go; None keeps nothing.
            settings: plain values that the transform's results depend on.
            files: paths of files whose contents they depend on.
        """
        self.transform, self.settings, self.files = transform, dict(settings or {}), tuple(files)
        self.folder = None if folder is None else Path(folder)

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """The transform's result; of tensors the values are kept, not their metadata.

        Raises:
            OSError: it can't be written, or the anatomy can't be read.
        """
        if self.folder is None:
            return dict(self.transform(data))
        path = self.folder / f"{self.name(data)}.npz"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, packed(self.transform(data)))
        return unpacked(path)

    def name(self, data: Mapping[Hashable, Any]) -> str:
        """The file's name, of a dictionary of plain values: the anatomy's name, and a hash of everything."""
        anatomy = Path(str(data["image"])).name
        contents = [content_sha256(str(path)) for path in (data["image"], *self.files)]
        text = json.dumps([{**data, "image": anatomy}, self.settings, contents, simulator_sha256()], sort_keys=True)
        return f"{anatomy.split('.')[0]}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@cache
def content_sha256(path: str) -> str:
    """The sha256 of a file, which is read once in this process.

    Raises:
        OSError: it can't be read.
    """
    return sha256(Path(path))


def packed(data: Mapping[Hashable, Any]) -> bytes:
    """The archive of a dictionary: tensors as arrays, everything else as one JSON text.

    Raises:
        TypeError: a value is neither a tensor nor plain.
    """
    arrays: dict[str, Any] = {
        str(k): torch.as_tensor(v).numpy() for k, v in data.items() if isinstance(v, torch.Tensor)
    }
    plain = {str(key): value for key, value in data.items() if not isinstance(value, torch.Tensor)}
    stream = io.BytesIO()
    np.savez(stream, **arrays, plain_values=np.array(json.dumps(plain)))
    return stream.getvalue()


def unpacked(path: Path) -> Data:
    """The dictionary of an archive.

    Raises:
        OSError, ValueError: it can't be read.
    """
    with np.load(path, allow_pickle=False) as archive:
        found: Data = {name: torch.from_numpy(archive[name]) for name in archive.files if name != "plain_values"}
        plain: Data = json.loads(str(archive["plain_values"]))
    return found | plain
