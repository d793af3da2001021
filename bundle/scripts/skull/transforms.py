"""MONAI dictionary transforms: the score of the skull by its unrolled calvaria, and its heatmap on the scan's grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms import Invertd, MapTransform

from ..assets import sha256
from ..findings import finding
from ..preprocessing.regions import LEAST_COVERAGE, SKULL
from ..preprocessing.transforms import as_array, with_meta
from ..reading.reader import skull_gap_mm
from ..statistics.alpha import ALPHA, checked_alpha
from ..statistics.standing import UNKNOWN
from .assessment import Assessment, assess
from .atlas import atlas
from .files import Calibration, read_calibration
from .heatmap import paint
from .surface import SkullNotJudged

REGION = "skull"
"""Name of the region whose score this is."""

FORMER = {name: f"region_{name}" for name in ("percentile", "threshold", *UNKNOWN)}
"""Names that numbers of the pooled map get in `score_details`, where those of the unrolled skull take theirs."""


def load_calibration(path: str) -> Calibration:
    """The calibration in a file, read once per process and anew when its content changes.

    Raises:
        SkullNotJudged: there is none.
    """
    if not Path(path).is_file():
        raise SkullNotJudged(f"There is no {Path(path).name} to compare it with.")
    return _read(path, sha256(path))


@lru_cache(maxsize=2)
def _read(path: str, digest: str) -> Calibration:
    """The calibration in a file whose sha256 is `digest`."""
    return read_calibration(path)


class AssessSkulld(MapTransform):
    """Score the skull by the lines and dents of the unrolled calvaria.

    `keys` is the scan on its own grid, (1, I, J, K) in HU with its affine; a bone series under `bone_key`, if there is
    one, is assessed in its place, on its own grid. Adds `skull_assessment` (None where it can't be judged),
    `detections` (rows, see `detections`) and findings. Where the heatmap is calibrated, the score replaces
    that of the skull's region in `scores`, `score_details` and `result`, and the region's own becomes `region_score`,
    `region_percentile` and `region_threshold`; a skull that can't be judged has no score then. With another map, the
    published error say, all scores stay, and those of the unrolled skull stand beside them.
    """

    def __init__(
        self,
        keys: KeysCollection,
        calibration: str,
        registered_key: str = "image",
        bone_key: str = "bone_scan",
        alpha: float = ALPHA,
    ) -> None:
        """Assess `keys` by the calibration in a file, and by the `alpha` of the threshold.

        The metadata of `registered_key` hold the registration.

        Raises:
            ValueError: there is no such alpha.
        """
        super().__init__(keys)
        self.calibration, self.registered_key, self.bone_key = calibration, registered_key, bone_key
        self.alpha = checked_alpha(alpha)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the assessment, its numbers, detections and findings."""
        assessed = dict(data)
        for key in self.key_iterator(assessed):
            meta = assessed[self.registered_key].meta
            matrix = np.asarray(meta["registration"]["matrix"], dtype=np.float64)
            found, reasons = None, []
            try:
                found = self._assess(assessed.get(self.bone_key, assessed[key]), matrix, skull_gap_mm(meta))
            except SkullNotJudged as reason:
                if assessed.get("map") == "calibrated":
                    reasons = [finding("skull_not_judged", str(reason)).as_dict()]
            rows = [one.row(matrix) for one in found.detections] if found and enough_in_view(assessed) else []
            assessed |= {"skull_assessment": found, "detections": [*assessed.get("detections", []), *rows]}
            assessed["region_findings"] = [*assessed["region_findings"], *reasons, *skull_findings(found)]
            details = dict(assessed["score_details"])
            details[REGION] = {**details[REGION], **({} if found is None else found.numbers)}
            assessed["score_details"] = details
            if assessed.get("map") == "calibrated":
                publish(assessed, found)
        return assessed

    def _assess(self, scan: Any, matrix: Any, widest_gap_mm: float) -> Assessment:
        """The assessment of a scan with its registration; see `measure.measure` for the gap.

        Raises:
            SkullNotJudged: there is too little to judge, or nothing to compare it with.
        """
        hu = torch.as_tensor(scan)[0].cpu().numpy()
        affine = np.asarray(scan.affine, dtype=np.float64)
        return assess(hu, affine, matrix, load_calibration(self.calibration), widest_gap_mm, self.alpha)


def enough_in_view(data: Mapping[Hashable, Any]) -> bool:
    """True if the field of view holds as much of the skull as a region needs for a score, or nobody measured it."""
    coverage = data["score_details"][REGION].get("coverage")
    return coverage is None or bool(coverage >= LEAST_COVERAGE)


def publish(assessed: dict[Hashable, Any], found: Assessment | None) -> None:
    """Make the unrolled skull's score that of the region, and keep the region's own under names of its own.

    A region of which less is in view than any region needs keeps no score.
    """
    numbers = dict(assessed["score_details"][REGION])
    former = {new: numbers.get(old) for old, new in FORMER.items()} | {"region_score": assessed["scores"][REGION]}
    score, own = None, dict[str, float | int | None].fromkeys(FORMER)
    if found is not None and enough_in_view(assessed):
        score = found.scores["score"]
        own = {"percentile": found.percentile, "threshold": found.threshold, **found.standing.numbers()}
    assessed["score_details"] = {**assessed["score_details"], REGION: {**numbers, **own, **former}}
    assessed["scores"] = {**assessed["scores"], REGION: score}
    given = {name: value for name, value in assessed["scores"].items() if value is not None}
    assessed["result"] = {**assessed.get("result", {}), "scores": given}


def skull_findings(found: Assessment | None) -> list[dict[str, str]]:
    """The findings about the holes of a skull, if it has any of note, and about motion."""
    if found is None:
        return []
    listed = []
    if found.defects:
        sizes = ", ".join(f"{hole.diameter_mm:.0f}" for hole in found.defects[:3])
        what = "surgery or a defect" if found.defect else "a burr hole, or a foramen"
        listed.append(finding("skull_defect", f"Bone is missing over {sizes} mm: {what}."))
    if found.moved:
        text = f"Slices are displaced by {found.skull.motion_mm:.1f} mm against their neighbours: the patient moved."
        listed.append(finding("skull_motion", text))
    return [one.as_dict() for one in listed]


class InvertWithSkulld(Invertd):
    """MONAI's `Invertd`; then the skull of the heatmap holds what the unrolled skull shows, on the scan's own grid.

    That is done where the heatmap is calibrated: the skull's voxels take how unusual the place in their direction is, 0
    beside the calvaria. The largest of them is the skull's score. Without an assessment they are 0.
    """

    def __init__(self, *args: Any, heatmap_key: str = "pred", regions_key: str = "regions", **kwargs: Any) -> None:
        """As `Invertd`; `heatmap_key` and `regions_key` are among the keys that are inverted."""
        super().__init__(*args, **kwargs)
        self.heatmap_key, self.regions_key = heatmap_key, regions_key

    def __call__(self, data: Any) -> dict[Any, Any]:
        """Invert, and fill the skull of the heatmap."""
        restored: dict[Any, Any] = super().__call__(data)
        if restored.get("map") == "calibrated" and "skull_assessment" in restored:
            heatmap = restored[self.heatmap_key]
            values = torch.as_tensor(heatmap).detach().to("cpu", torch.float32)
            self._fill(values[0].numpy(), as_array(restored[self.regions_key]), restored)
            restored[self.heatmap_key] = with_meta(values, heatmap)
        return restored

    def _fill(self, values: Any, regions: Any, data: Mapping[Any, Any]) -> None:
        """Write the skull's part of a heatmap (I, J, K)."""
        found: Assessment | None = data["skull_assessment"]
        if found is None or data["scores"][REGION] is None:
            values[regions == SKULL] = 0
            return
        matrix = np.asarray(data["image"].meta["registration"]["matrix"], dtype=np.float64)
        affine = np.asarray(data["scan"].affine, dtype=np.float64)
        paint(values, regions, found.values, affine, matrix, found.skull.surface, atlas())
