"""The tasks of the application: what MONAI Label asks for by name, answered from the results of the bundle.

*Options* are what a client may set in a request. They become values of the bundle's config, where a string that begins
with `$` would be run as Python; so each has a list of values, and any other is refused. Volumes are on the grid of
`head-ct-anomaly run`: the scan's own, or an orthogonal one where the gantry was tilted.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
import zipfile
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.transform.writer import Writer
from monailabel.utils.others.generic import device_list, device_map

from kept_results import OBJECTS, PAGES, SEGMENTATION, KeptResults, why_no_objects

VOLUMES = (".nii.gz", ".nii", ".nrrd")
"""Files of a volume that a client may ask for, by `result_extension`."""

DICOM = ".dcm"
"""Of the mask also the DICOM Segmentation of the bundle, which `output=dicom_seg` answers."""

ARCHIVE = ".zip"
"""Of the report also all DICOM objects of the bundle, the marked slices among them, in an archive."""


ALPHAS = (0.05, 0.01, 0.02, 0.1, 0.2)
"""Shares of healthy scans above the thresholds that are offered, the default first."""


class OptionRefused(ValueError):
    """An option has a value that is not offered, or that the scan does not allow."""


class NothingMarked(ValueError):
    """There is no DICOM Segmentation, since nothing exceeds its threshold."""


class AnomalyTask(InferTask):
    """Answer from the results of `inference.json` with the options that a client sets.

    The answer's parameters are the content of `result.json`: scores, percentiles and thresholds, findings, quality.
    """

    config_options: ClassVar[dict[str, tuple[Any, ...]]]
    """Values by id of the config, the default first."""

    extensions: ClassVar[tuple[str, ...]]
    """Files that are offered, the default first."""

    of_series: ClassVar[tuple[str, ...]] = ()
    """Those of them that only a DICOM series has."""

    def __init__(self, kept: KeptResults, kind: InferType, labels: Mapping[str, int]) -> None:
        """Answer from the results in `kept`, as a task of a kind whose volume holds `labels`."""
        metadata = json.loads((kept.bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
        offered: dict[str, Any] = {name: list(values) for name, values in self.config_options.items()}
        super().__init__(
            type=kind,
            labels=dict(labels),
            dimension=3,
            description=metadata["description"],
            config={"device": device_list(), **offered},
        )
        self.kept, self.version = kept, metadata["version"]

    def info(self) -> dict[str, Any]:
        """The facts about the task that MONAI Label tells its clients."""
        return {**super().info(), "version": self.version}

    def is_valid(self) -> bool:
        """True: the bundle is there."""
        return True

    def __call__(self, request: Mapping[str, Any], callbacks: Any = None) -> tuple[str, dict[str, Any]]:
        """Path of a file that was written, which MONAI Label deletes, and the parameters.

        Raises:
            InputRefused: of the bundle: the scan can't be judged.
            NothingMarked: a DICOM Segmentation was asked for, and there is nothing to mark.
            OptionRefused: an option has a value that is not offered, or that the scan does not allow.
        """
        began = time.monotonic()
        scan, extension = Path(request["image"]), choice("result_extension", request, self.extensions)
        chosen = {name: choice(name, request, offered) for name, offered in self.config_options.items()}
        values = {"map": "calibrated", **chosen, "device": f"$torch.device({chosen_device(request)!r})"}
        if extension in self.of_series and (reason := why_no_objects(scan)):
            raise OptionRefused(reason)
        result = self.kept.of(scan, values)
        file = self.file(result, extension, request)
        facts = {name: value for name, value in result.record.items() if name != "outputs"}
        seconds = {"total": round(time.monotonic() - began, 2)}
        return file, {**facts, "label_names": self.labels, "centroids": {}, "latencies": seconds}

    @abstractmethod
    def file(self, result: Any, extension: str, request: Mapping[str, Any]) -> str:
        """Path of a new file with the answer."""


class VolumeTask(AnomalyTask):
    """Answer with a volume on the grid of the results."""

    extensions = VOLUMES

    dtype: ClassVar[str]
    """Type of the voxels that are written."""

    def file(self, result: Any, extension: str, request: Mapping[str, Any]) -> str:
        """Path of a file with the task's volume."""
        data = {
            "pred": self.shown(result),
            "pred_meta_dict": {"affine": result.affine},
            "result_extension": extension,
            "result_dtype": self.dtype,
            "result_compress": bool(request.get("result_compress", False)),
        }
        return str(Writer(label="pred", nibabel=True)(data)[0])

    @abstractmethod
    def shown(self, result: Any) -> np.ndarray:
        """The volume (I, J, K) to write."""


class HeatmapTask(VolumeTask):
    """The heatmap, float32: no segmentation, so that viewers don't offer it as one."""

    config_options: ClassVar = {
        "stride": (2, 4, 1),
        "map": ("calibrated", "position", "asymmetry", "density", "density_one_sided", "error"),
        "alpha": ALPHAS,
    }
    dtype = "float32"

    def __init__(self, kept: KeptResults) -> None:
        super().__init__(kept, InferType.OTHERS, {})

    def shown(self, result: Any) -> np.ndarray:
        """The heatmap."""
        return result.heatmap


class MaskTask(VolumeTask):
    """The mask: the region's label where the heatmap exceeds the threshold of its region, 0 elsewhere; uint8."""

    config_options: ClassVar = {"stride": (2, 4, 1), "alpha": ALPHAS}
    extensions = (*VOLUMES, DICOM)
    of_series = (DICOM,)
    dtype = "uint8"

    def __init__(self, kept: KeptResults) -> None:
        super().__init__(kept, InferType.SEGMENTATION, {"left hemisphere": 1, "right hemisphere": 2, "skull": 3})

    def file(self, result: Any, extension: str, request: Mapping[str, Any]) -> str:
        """Path of a file with the mask, or with the DICOM Segmentation.

        Raises:
            NothingMarked: there is no segmentation.
        """
        if extension != DICOM:
            return super().file(result, extension, request)
        if SEGMENTATION not in result.files:
            raise NothingMarked("Nothing exceeds the threshold of its region, so there is no segmentation.")
        return new_file(result.files[SEGMENTATION], DICOM)

    def shown(self, result: Any) -> np.ndarray:
        """The mask.

        Raises:
            OptionRefused: the bundle's scores have no thresholds.
        """
        if not result.record["calibration"]:
            raise OptionRefused("The bundle is not calibrated, so there is no mask. Ask for the heatmap instead.")
        scores, settings = import_module("scripts.anomaly.scores"), result.record["settings"]
        name = scores.score_name(settings["map"], settings["score"])
        mask = np.zeros(result.heatmap.shape, np.uint8)
        for region in scores.above_threshold(
            result.heatmap, result.regions, result.record["score_details"], name
        ).values():
            mask[region] = result.regions[region]
        return mask


class ReportTask(AnomalyTask):
    """The report as a page, a PDF or a picture; of a DICOM series also all DICOM objects, in an archive."""

    config_options: ClassVar = {"stride": (2, 4, 1), "alpha": ALPHAS}
    extensions = (*PAGES, ARCHIVE)
    of_series = (ARCHIVE,)

    def __init__(self, kept: KeptResults) -> None:
        super().__init__(kept, InferType.OTHERS, {})

    def file(self, result: Any, extension: str, request: Mapping[str, Any]) -> str:
        """Path of a file with the report."""
        return new_file(archive(result.files) if extension == ARCHIVE else result.files[PAGES[extension]], extension)


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of the DICOM objects among a run's files, without dates."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in sorted(files):
            if name.startswith(OBJECTS):
                made.writestr(zipfile.ZipInfo(name.removeprefix(OBJECTS)), files[name])
    return stream.getvalue()


def new_file(content: bytes, extension: str) -> str:
    """Path of a new temporary file."""
    with tempfile.NamedTemporaryFile(suffix=extension, delete=False) as file:
        file.write(content)
    return file.name


def choice(name: str, request: Mapping[str, Any], offered: tuple[Any, ...]) -> Any:
    """The value of `offered` that a request asks for, as it is or as text; the first where it asks for none.

    A client that sends back the list that it was offered asks for none.

    Raises:
        OptionRefused: it is not offered.
    """
    asked = request.get(name)
    if asked in (None, "", list(offered)):
        return offered[0]
    for value in offered:
        if str(value) == str(asked):
            return value
    raise not_offered(name, asked, offered)


def chosen_device(request: Mapping[str, Any]) -> str:
    """PyTorch's name of the device that a request asks for, by that name or by the one that MONAI Label lists.

    Raises:
        OptionRefused: there is no such device.
    """
    listed = device_map()
    asked = request.get("device") or device_list()
    asked = str(asked[0] if isinstance(asked, list) else asked)
    names = {**listed, **{device: device for device in listed.values()}, "cpu": "cpu"}
    if asked not in names:
        raise not_offered("device", asked, names)
    return names[asked]


def not_offered(name: str, asked: Any, offered: Iterable[Any]) -> OptionRefused:
    """The refusal of a value."""
    values = [str(value) for value in offered]
    words = f"one of {', '.join(values)}" if len(values) > 1 else values[0]
    return OptionRefused(f"{name} must be {words}, got {asked!r}.")


def reason_to_refuse(error: BaseException) -> str:
    """The sentence of the refusal behind an error; empty where there is none.

    The bundle is imported when the application starts, so that its exceptions are known by name only.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OptionRefused) or type(seen).__name__ == "InputRefused":
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    return ""
