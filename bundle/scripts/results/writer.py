"""Event handlers of the inference workflow: how long each stage took, and the results on disk.

*Stages*: "prepare" is everything before the network (reading, registration, intensities, masks), "network" the dense
evaluation, "score" the error map, the scores and the way back to the scan's own grid.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents

from ..anomaly.detections.places import VOXEL_SCORE
from ..anomaly.scores import UNITS
from ..assets import bundle_root, metadata, sha256
from ..files.atomic import Content
from ..files.json_text import json_text, plain
from ..findings import UNEVEN, finding
from ..integrity import changes
from ..processes.progress import tell
from ..words import counted, switched
from .compared import compared_with
from .comparison import PLACES_IN_BRAIN, alpha_findings, comparison_findings
from .detections import NAME, listed, table
from .folder import check_target, write_results
from .maps import MapGrid, map_bytes, map_grid, map_volumes
from .pictures import alpha_of, case_pictures, leave_unscored_out, limits_of
from .record import HEATMAP, MAP_LEVELS, REGIONS, SCAN
from .report.files import report_files
from .report.volumes import Volumes
from .sentences import summary

PACKAGES = (
    *("monai", "torch", "numpy", "scipy", "itk", "nibabel"),
    *("pydicom", "python-gdcm", "pylibjpeg-openjpeg", "pyjpegls"),
)
"""Packages whose versions can change a result."""


FOLLOWING = {"prepare": "network", "network": "scores"}
"""The stage that a user is told to begin (see `processes.progress`) when a measured stage ends."""


class StageClock:
    """Measure the wall time of each stage of a case, in seconds."""

    STAGES = (
        (Events.GET_BATCH_COMPLETED, "prepare"),
        (IterationEvents.FORWARD_COMPLETED, "network"),
        (Events.ITERATION_COMPLETED, "score"),
    )

    def __init__(self) -> None:
        self.timings_s: dict[str, float] = {}
        self.last = 0.0

    def attach(self, engine: Engine) -> None:
        """Start the clock when a case is fetched and read it at the end of each stage."""
        engine.add_event_handler(Events.GET_BATCH_STARTED, self.start)
        for event, stage in self.STAGES:
            engine.add_event_handler(event, self.stop, stage)

    def start(self) -> None:
        """A case begins."""
        tell("reading")
        self.timings_s.clear()
        self.last = time.perf_counter()

    def stop(self, stage: str) -> None:
        """A stage ends."""
        now = time.perf_counter()
        self.timings_s[stage] = round(now - self.last, 3)
        self.last = now
        if following := FOLLOWING.get(stage):
            tell(following)


class ResultWriter:
    """Write maps, pictures, detections, report and `result.json` of a scored case; all of them or nothing."""

    def __init__(
        self,
        output_dir: str | Path,
        weights: str | Path,
        clock: StageClock,
        settings: Mapping[str, Any],
        overwrite: bool = False,
        maps: str = "all",
        dicom: bool = False,
        series_uid: str | None = None,
        pictures: bool = True,
        report: bool = True,
    ) -> None:
        """Write to the folder `output_dir`.

        Args:
            output_dir: where the results go.
            weights: the file whose sha256 the result names.
            clock: the stages' times.
            settings: what of the config tells how the numbers were made.
            overwrite: replace earlier results.
            maps: which volumes to write: "all", "heatmap" or "none".
            dicom: write DICOM objects too, which takes pictures, a scan that was read from DICOM, and the package
                highdicom.
            series_uid: the series that was named, if any.
            pictures: draw the pictures and write `detections.csv`; without them and without volumes the result is
                `result.json` alone.
            report: make the report too, which takes pictures.

        Raises:
            ValueError: `maps` or a switch is something else, or `output_dir` is text with `::`, which MONAI makes of
                `#`.
        """
        if maps not in MAP_LEVELS:
            raise ValueError(f"maps must be one of {', '.join(MAP_LEVELS)}, got {maps!r}")
        if isinstance(output_dir, str) and "::" in output_dir:  # a `Path` comes from a program, as it was meant
            raise ValueError(
                f"output_dir is {output_dir!r}: MONAI makes :: of # in a path. Choose a path without either."
            )
        self.output_dir, self.weights, self.clock, self.settings = Path(output_dir), weights, clock, dict(settings)
        self.maps, self.pictures, self.series_uid = maps, pictures, series_uid
        self.overwrite, self.dicom = switched("overwrite", overwrite), switched("dicom", dicom)
        self.report = switched("report", report)

    def attach(self, engine: Engine) -> None:
        """Look at the target before the work begins, write when a case is done."""
        engine.add_event_handler(Events.STARTED, self.check)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def check(self) -> None:
        """See that the results may be written.

        Raises:
            ImportError: DICOM objects are wanted and highdicom is not there.
            OutputExists: the folder is there and `overwrite` is false, or it holds something else.
        """
        check_target(self.output_dir.resolve(), self.overwrite)
        if self.dicom:
            import_module(".dicom.objects", __package__)

    def __call__(self, engine: Engine) -> None:
        """Write the results of each case of the batch."""
        tell("writing")
        cases: Any = engine.state.batch
        outputs: Any = engine.state.output
        for case, output in zip(cases, outputs, strict=True):
            data = {**case, **output}
            result, score = case_result(data, self.clock.timings_s), str(self.settings.get("score", ""))
            result["compared_with"] = plain(compared_with(data, result, score))
            files: dict[str, Content] = {}
            volumes = None
            if self.maps != "none":
                grid = grid_of(data, result)
                maps = map_volumes(data, grid, result["unit"], self.maps)
                volumes = volumes_of(maps, grid) if self.report else None
                files |= map_bytes(maps, grid)
                result["grid"] = grid.facts()
            pictures = case_pictures(data, result, score) if self.pictures else {}
            files |= pictures
            files |= {NAME: table(result["detections"])} if self.pictures else {}
            shown = {"map": result.pop("map"), "unit": result.pop("unit")}
            result |= {"settings": {**self.settings, **shown}, "weights_sha256": sha256(self.weights)}
            if self.report and pictures:
                files |= report_files(json.loads(json_text(result)), pictures, volumes)
            if self.dicom and pictures:
                files |= dicom_objects(data, files, result | shown, self.series_uid)
            write_results(self.output_dir, files, result, self.overwrite)


def grid_of(data: Mapping[str, Any], result: Mapping[str, Any]) -> MapGrid:
    """The grid of a case's volumes."""
    shape, affine = tuple(data["pred"].shape[1:]), np.asarray(data["pred"].affine, dtype=np.float64)
    return map_grid((shape[0], shape[1], shape[2]), affine, [found["code"] for found in result["findings"]])


def volumes_of(maps: Mapping[str, Any], grid: MapGrid) -> Volumes | None:
    """The volumes of a report, as the files hold them; None if one is lacking."""
    if not {SCAN, HEATMAP, REGIONS} <= maps.keys():
        return None
    affine = grid.affine.astype(np.float32).astype(np.float64)  # as in the header of a file
    return Volumes(maps[SCAN], maps[HEATMAP], maps[REGIONS], affine)


def dicom_objects(
    data: Mapping[str, Any], files: Mapping[str, Content], result: Mapping[str, Any], series_uid: str | None
) -> Mapping[str, Content]:
    """The DICOM objects of a case by name; of its other `files` some become objects, too (see `dicom_files`)."""
    from .dicom.objects import dicom_files
    from .dicom.places import Scanned

    heatmap = data["pred"][0].cpu().numpy().astype(np.float32)
    regions = data["regions"][0].cpu().numpy().astype(np.uint8)
    leave_unscored_out(heatmap, regions, result["scores"])
    ranks = data["detection_labels"][0].cpu().numpy().astype(np.uint8) if "detection_labels" in data else None
    affine = np.asarray(data["pred"].affine, dtype=np.float64)
    scanned = Scanned(np.asarray(data["scan"][0]), heatmap, regions, affine, ranks, limits_of(data, result))
    path, thresholds = str(data["image"].meta["filename_or_obj"]), data.get("thresholds")
    told = {**result, "calibration_sha256": thresholds.sha256 if thresholds else ""}
    return dicom_files(path, series_uid, scanned, told, files)


def case_result(data: Mapping[str, Any], timings_s: Mapping[str, float]) -> dict[str, Any]:
    """The contents of `result.json` for a case; no patient data."""
    meta = data["image"].meta
    registration = plain(meta["registration"])
    matrix = registration.pop("matrix")
    quality = {"verdict": registration.pop("verdict"), **registration}
    shown, thresholds = data.get("map", "error"), data.get("thresholds")
    if "inference" in data:
        quality["inference"] = plain(data["inference"])
    details, calibration = plain(data["score_details"]), plain(thresholds.facts) if thresholds else None
    findings = [
        *(plain(meta["findings"]) or []),
        *plain(data.get("calibration_findings", [])),
        *plain(data["region_findings"]),
        *comparison_findings(calibration, details.get("skull", {})),
        *alpha_findings(alpha_of(data), healthy_counts(data, details)),
        *bundle_findings(),
    ]
    result = {
        "summary": "",
        "scores": plain(data["scores"]),
        "score_details": details,
        "detections": case_detections(data, {found["code"] for found in findings}),
        "map": shown,
        "unit": UNITS[shown],
        "calibration": calibration,
        "findings": findings,
        "input": served(meta.get("serves", {})),
        "quality": quality,
        "registration": {"matrix": matrix},
        "timings_s": dict(timings_s),
        "versions": versions(),
    }
    return result | {"summary": summary(result, alpha_of(data))}


def healthy_counts(data: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, int | None]:
    """The number of healthy scores that each threshold of a case is taken from; None where there is none."""
    thresholds = data.get("thresholds")
    counts = {f"the {name.replace('_', ' ')}": numbers.get("healthy_scores") for name, numbers in details.items()}
    places = None if thresholds is None else len(thresholds.scores_of("left_hemisphere", VOXEL_SCORE)) or None
    return {**counts, PLACES_IN_BRAIN: places}


def case_detections(data: Mapping[str, Any], codes: set[str]) -> list[dict[str, Any]]:
    """The detections of a case, complete (see `detections.listed`); `codes` are those of its findings."""
    rows = plain(data.get("detections", []))
    if not rows:  # without any, the scan is not asked for its grid
        return []
    scan = data["scan"]
    affine = np.asarray(scan.affine, dtype=np.float64)
    return listed(rows, affine, int(scan.shape[-1]), even=UNEVEN.isdisjoint(codes))


def served(serves: Mapping[str, Any]) -> dict[str, Any]:
    """The series that served the brain and the skull, by each; None if nothing did, or it is not known.

    A series is its place in the list of `inspect` (from 1; not of a NIfTI file), its slices and their distance.
    """
    return {what: plain(serves.get(what)) for what in ("brain", "skull")}


def bundle_findings() -> list[dict[str, str]]:
    """A flag where the bundle is not as it was made; the command refuses to run then, `monai.bundle run` does not."""
    found = changes(bundle_root())
    if not found:
        return []
    more = f" ({counted(len(found), 'file')} in all)" if len(found) > 1 else ""
    return [finding("bundle_changed", f"The bundle is not as it was made: {found[0]}{more}.").as_dict()]


def versions() -> dict[str, str]:
    """Versions of the bundle, of Python, and of the packages that can change a result."""
    found = {"bundle": str(metadata()["version"]), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
