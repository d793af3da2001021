"""The results of a scan in memory, as `detect` gives them: numbers, volumes and pictures.

Everything comes from the files of a folder of results, whose bytes are kept, so that what is saved is what was made.
Volumes are decoded when they are first asked for; all lie on one grid.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..findings import Finding
from .checks import decoded_map
from .folder import write_results
from .pictures import OVERVIEW
from .record import ERROR_MAP, HEATMAP, REGIONS, RESULT_NAME, SCAN, ResultIncomplete, verify
from .report.files import PAGE, SHEET, report_files
from .report.volumes import Volumes


@dataclass(frozen=True, eq=False)
class Result:
    """The results of one scan.

    Attributes:
        scores: by region, left_hemisphere, right_hemisphere and skull; None where there is none.
        score_details: by region, numbers by name: `threshold` and `percentile` among healthy scans, and more.
        detections: places above a threshold, the most unusual first.
        findings: flags of the input.
        quality: of the pose; `verdict` is pass, review or unconfirmed.
        registration: `matrix` (4 rows of 4), from the scan's world to that of the reference head, RAS mm.
        record: the content of `result.json`.
        files: the bytes of every other file by name.
    """

    scores: dict[str, float | None]
    score_details: dict[str, dict[str, float | None]] = field(repr=False)
    detections: list[dict[str, Any]]
    findings: list[Finding]
    quality: dict[str, Any] = field(repr=False)
    registration: dict[str, Any] = field(repr=False)
    record: Mapping[str, Any] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def read(cls, folder: str | Path, report: bool = True) -> Result:
        """The results in a folder that `head-ct-anomaly run` wrote; `report` says whether with the report, which may
        be missing otherwise.

        Raises:
            ResultIncomplete: it is no complete set of results, or of an earlier version.
        """
        folder = Path(folder)
        record = verify(folder, () if report else (PAGE, SHEET))
        same = ("scores", "score_details", "detections", "quality", "registration")
        if lacking := [name for name in (*same, "findings") if name not in record]:
            raise ResultIncomplete(
                f"The {RESULT_NAME} in {folder} has no {lacking[0]}: it is of an earlier version. "
                "Make the results again."
            )
        found = [Finding(**one) for one in record["findings"]]
        names = [name for name in record["outputs"] if report or name not in (PAGE, SHEET)]
        files = {name: (folder / name).read_bytes() for name in names}
        return cls(**{name: record[name] for name in same}, findings=found, record=record, files=files)

    @cached_property
    def heatmap(self) -> NDArray[np.float32]:
        """Anomaly score per voxel (I, J, K); 0 outside the head."""
        return np.asarray(self._volume(HEATMAP), dtype=np.float32)

    @cached_property
    def error_map(self) -> NDArray[np.float32]:
        """Distance in mm between predicted and true position (I, J, K); 0 outside the head."""
        return np.asarray(self._volume(ERROR_MAP), dtype=np.float32)

    @cached_property
    def regions(self) -> NDArray[np.uint8]:
        """Labels (I, J, K): 1 left hemisphere, 2 right hemisphere, 3 skull, 0 elsewhere."""
        return np.asarray(self._volume(REGIONS), dtype=np.uint8)

    @cached_property
    def scan(self) -> NDArray[np.int16]:
        """The scan as it was judged (I, J, K), in HU; -2000 where nothing was measured."""
        return np.asarray(self._volume(SCAN), dtype=np.int16)

    @cached_property
    def affine(self) -> NDArray[np.float64]:
        """From voxel indices of the volumes to RAS mm (4, 4)."""
        return decoded_map(self.files[HEATMAP])[1]

    def _volume(self, name: str) -> NDArray[Any]:
        return decoded_map(self.files[name])[0]

    def show(self) -> Image.Image:
        """The overview as a picture of Pillow's, which notebooks draw; elsewhere, `.show().show()` opens a viewer."""
        return Image.open(io.BytesIO(self.files[OVERVIEW]))

    def _repr_png_(self) -> bytes:
        """The overview, for notebooks that draw the result itself."""
        return self.files[OVERVIEW]

    def save(self, folder: str | Path, overwrite: bool = False, report: bool = True) -> Path:
        """Write the files that `head-ct-anomaly run` would have written, byte for byte; the folder.

        `report` makes the report where there is none yet, as `run` does.

        Raises:
            OutputExists: the folder is there and `overwrite` is false, or it holds something else.
            OutputFailed: it can't be written.
        """
        whole = self.with_report() if report and not {PAGE, SHEET} <= self.files.keys() else self
        write_results(folder, whole.files, self.record, overwrite)
        return Path(folder)

    def with_report(self) -> Result:
        """The same results with a report, in place of the one that they may have.

        Raises:
            ResultIncomplete: they are of an earlier version, or have no pictures.
        """
        own = {name: content for name, content in self.files.items() if name not in (PAGE, SHEET)}
        there = {HEATMAP, REGIONS, SCAN} <= own.keys()
        volumes = Volumes(self.scan, self.heatmap, self.regions, self.affine) if there else None
        return replace(self, files={**self.files, **report_files(self.record, own, volumes)})
