"""The application's operators.

The SDK's own operator for bundles casts every result to whole numbers and gives it no `bundle_root`, so that a heatmap
below 1 becomes 0 everywhere and scores are lost; its DICOM reader drops what the bundle's looks at. Here the bundle
runs its own `inference.json` instead, on the path of the scan, as `python -m monai.bundle run` does.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from monai.bundle import ConfigWorkflow
from monai.deploy.conditions import CountCondition
from monai.deploy.core import ConditionType, Fragment, Image, Operator, OperatorSpec


class ScanOperator(Operator):
    """The path of the application's input, once. Output `scan`: a Path."""

    def __init__(self, fragment: Fragment, *args: Any, folder: Path, **kwargs: Any) -> None:
        self.folder = folder
        # Without the count the scheduler asks for a scan for ever, and the application never ends.
        super().__init__(fragment, CountCondition(fragment, 1), *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """One output."""
        spec.output("scan")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Emit the path: the only file of the folder, or the folder."""
        inside = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        alone = len(inside) == 1 and inside[0].name.endswith((".nii", ".nii.gz"))
        op_output.emit((inside[0] if alone else self.folder).resolve(), "scan")


class PositionAnomalyOperator(Operator):
    """Run the bundle on a scan and write its results.

    Input `scan`: a Path. Outputs, each of which may stay unconnected: `heatmap`, an Image of float32 on the grid of the
    files that are written, axes (I, J, K), whose metadata hold the `affine` to RAS mm; `result`, the content of
    `result.json`. The grid is the scan's own, or an orthogonal one where the gantry was tilted (`grid` in the result).
    """

    def __init__(
        self,
        fragment: Fragment,
        *args: Any,
        bundle: Path,
        output: Path,
        overrides: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Run the bundle in the folder `bundle`, with values of its config replaced, and write to the folder `output`.

        Args:
            fragment: the application.
            args: conditions, as of any operator.
            bundle: the folder that holds `configs`, `models` and `scripts`.
            output: folder of the results, which must not be there yet.
            overrides: values by id of `inference.json`.
            kwargs: as of any operator.
        """
        self.bundle, self.output, self.overrides = bundle, output, dict(overrides or {})
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """One input, two outputs that need no receiver."""
        spec.input("scan")
        spec.output("heatmap").condition(ConditionType.NONE)
        spec.output("result").condition(ConditionType.NONE)

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Run and emit."""
        heatmap, result = self.run(op_input.receive("scan"))
        op_output.emit(heatmap, "heatmap")
        op_output.emit(result, "result")

    def run(self, scan: Path) -> tuple[Image, dict[str, Any]]:
        """Heatmap and result of a scan.

        Raises:
            RuntimeError: a transform failed; the scan was refused if an InputRefused is the first cause.
        """
        flow = ConfigWorkflow(
            config_file=str(self.bundle / "configs" / "inference.json"),
            meta_file=str(self.bundle / "configs" / "metadata.json"),
            logging_file=False,
            workflow_type="infer",
            bundle_root=str(self.bundle),
            dataset_dir=str(scan),
            output_dir=str(self.output),
            **self.overrides,
        )
        flow.initialize()
        flow.run()
        flow.finalize()
        output = flow.parser.get_parsed_content("evaluator").state.output[0]
        result = json.loads((self.output / "result.json").read_text(encoding="utf-8"))
        return heatmap_image(output, result), result


def heatmap_image(output: Mapping[str, Any], result: Mapping[str, Any]) -> Image:
    """The heatmap of a case, on the grid of the files that the bundle writes."""
    grid = import_module("scripts.results.writer").grid_of(output, result)
    affine = np.asarray(output["pred"].affine, dtype=np.float64)
    values = import_module("scripts.results.maps").moved(output["pred"], affine, grid)
    return Image(values.astype(np.float32), {"affine": grid.affine})


class ScoreLogOperator(Operator):
    """Log the scores of a result. Input `result`: the content of `result.json`."""

    def setup(self, spec: OperatorSpec) -> None:
        """One input."""
        spec.input("result")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Log one line; a score that was not taken is "none"."""
        scores = op_input.receive("result")["scores"]
        line = ", ".join(f"{name} {'none' if value is None else f'{value:.2f}'}" for name, value in scores.items())
        logging.getLogger(__name__).info("scores: %s", line)
