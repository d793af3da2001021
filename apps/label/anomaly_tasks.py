"""The tasks of the application: MONAI Label's own for bundles, extended for this bundle.

*Options* are what a client may set in a request. MONAI Label writes them into the bundle's config, where a string that
begins with `$` would be run as Python; so each has a list of values, and any other is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from monai.bundle import ConfigParser
from monailabel.interfaces.tasks.infer_v2 import InferType
from monailabel.tasks.infer.bundle import BundleInferTask
from monailabel.transform.writer import Writer
from monailabel.utils.others.generic import device_list, device_map

EXTENSIONS = (".nii.gz", ".nii", ".nrrd")
"""Files that a client may ask for, by `result_extension`."""

SHEAR = 1e-3
"""Axes whose unit vectors have a larger dot product are not orthogonal: gantry tilt, which only NIfTI can hold."""


class OptionRefused(ValueError):
    """An option has a value that is not offered."""


class AnomalyTask(BundleInferTask):
    """Run `inference.json` with the options that a client sets.

    The answer's parameters are those of `result.json`: scores, percentiles and thresholds, findings, quality.
    """

    config_options: ClassVar[dict[str, tuple[Any, ...]]]
    """Values by id of the config, the default first."""

    dtype: ClassVar[str]
    """Type of the voxels that are written."""

    def __init__(self, bundle: Path, conf: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(str(bundle), dict(conf), load_strict=True, **kwargs)
        self._config.pop("model_filename")  # the other files in `models` are not weights of this network
        self._config |= {name: list(values) for name, values in self.config_options.items()}

    def __call__(self, request: Mapping[str, Any], callbacks: Any = None) -> tuple[Any, dict[str, Any]]:
        """Path of the file that was written, and the parameters.

        Raises:
            InputRefused: of the bundle: the scan can't be judged.
            OptionRefused: an option has a value that is not offered.
        """
        offered = {**self.config_options, "result_extension": EXTENSIONS}
        chosen = {name: choice(name, request.get(name), values) for name, values in offered.items()}
        if "device" in request:
            devices = (*device_list(), *device_map().values(), "cpu", "cuda")
            chosen["device"] = choice("device", request["device"], devices)
        return super().__call__({**request, **chosen}, callbacks)

    def _load_bundle_config(self, path: str, config: str) -> ConfigParser:
        """The bundle's config, whose options follow `displayable_configs`, where MONAI Label writes a client's."""
        parser = super()._load_bundle_config(path, config)
        parser["displayable_configs"] = {name: values[0] for name, values in self.config_options.items()}
        for name in self.config_options:
            parser[name] = f"@displayable_configs#{name}"
        return parser

    def writer(self, data: dict[str, Any], extension: Any = None, dtype: Any = None) -> tuple[Any, dict[str, Any]]:
        """Write the task's result, on the scan's own grid.

        Raises:
            OptionRefused: the file can't hold the geometry of the scan.
        """
        check_geometry(np.asarray(data[self.input_key].meta["original_affine"]), data["result_extension"])
        result = import_module("scripts.results.writer").case_result(data, {})
        data |= {self.output_json_key: result, "result_dtype": self.dtype}
        data[self.output_label_key] = self.shown(data, result)
        return Writer(label=self.output_label_key, json=self.output_json_key, nibabel=True)(data)

    def shown(self, data: Mapping[str, Any], result: Mapping[str, Any]) -> Any:
        """The volume (I, J, K) to write; `result` are the parameters."""
        return data[self.output_label_key]


class HeatmapTask(AnomalyTask):
    """The heatmap, float32: no segmentation, so that viewers don't offer it as one."""

    config_options: ClassVar = {
        "stride": (2, 4, 1),
        "map": ("calibrated", "position", "asymmetry", "density", "density_one_sided", "error"),
    }
    dtype = "float32"

    def __init__(self, bundle: Path, conf: Mapping[str, str]) -> None:
        super().__init__(bundle, conf, type=InferType.OTHERS)
        self.labels = {}


class MaskTask(AnomalyTask):
    """The mask: the region's label where the heatmap exceeds the threshold of its region, 0 elsewhere; uint8."""

    config_options: ClassVar = {"stride": (2, 4, 1)}
    dtype = "uint8"

    def __init__(self, bundle: Path, conf: Mapping[str, str]) -> None:
        super().__init__(bundle, conf, type=InferType.SEGMENTATION)
        self.labels = {"left hemisphere": 1, "right hemisphere": 2, "skull": 3}

    def shown(self, data: Mapping[str, Any], result: Mapping[str, Any]) -> Any:
        """The mask.

        Raises:
            OptionRefused: the bundle's scores have no thresholds.
        """
        if not result["calibration"]:
            raise OptionRefused("The bundle is not calibrated, so there is no mask. Ask for the heatmap instead.")
        scores = import_module("scripts.anomaly.scores")
        name = scores.score_name(result["map"], self.bundle_config["score"])
        heatmap, regions = np.asarray(data[self.output_label_key]), np.asarray(data["regions"])[0]
        mask = np.zeros(heatmap.shape, np.uint8)
        for region in scores.above_threshold(heatmap, regions, result["score_details"], name).values():
            mask[region] = regions[region]
        return mask


def choice(name: str, asked: Any, offered: tuple[Any, ...]) -> Any:
    """The value of `offered` that was asked for, as it is or as text; the first where none was.

    Raises:
        OptionRefused: it is not offered.
    """
    for value in offered:
        if str(value) == str(asked) or asked in (None, "", list(offered)):
            return value
    raise OptionRefused(f"{name} must be one of {', '.join(map(str, offered))}, got {asked!r}.")


def check_geometry(affine: np.ndarray, extension: str) -> None:
    """See that a file can hold the grid of `affine` (4, 4).

    Raises:
        OptionRefused: the axes are not orthogonal, and it is no NIfTI.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if not extension.startswith(".nii") and np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR:
        raise OptionRefused(f"The gantry was tilted, which {extension} can't hold. Ask for result_extension .nii.gz.")


def reason_to_refuse(error: BaseException) -> str:
    """The sentence of the refusal behind an error; empty where there is none.

    MONAI Label imports the bundle's scripts anew for each request, so that its exceptions are known by name only.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OptionRefused) or type(seen).__name__ == "InputRefused":
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    return ""
