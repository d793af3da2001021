"""Head CT position anomaly as an application of the MONAI Deploy App SDK.

The *bundle's folder* is the application's model, the *input* a folder with one series or study, or a NIfTI, and in the
*output* the folder `anomaly` appears: the same files as of `python -m monai.bundle run`, all of them or none. Further
operators connect to the ports of `PositionAnomalyOperator`, as `ScoreLogOperator` does here.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from monai.deploy.core import AppContext, Application

from operators import PositionAnomalyOperator, ScanOperator, ScoreLogOperator

OVERRIDES = "HEAD_CT_ANOMALY_OVERRIDES"
"""Environment variable: values of `inference.json` by name, as a JSON object like `{"stride": 4, "device": "cpu"}`."""

RESULTS = "anomaly"
"""Folder of the results in the output."""


class PositionAnomalyApp(Application):
    """Scan → position anomaly → log of the scores."""

    def compose(self) -> None:
        """Make the operators and connect them.

        Raises:
            ValueError: the model is no bundle, or the overrides are no values of its config.
        """
        context: AppContext = Application.init_app_context(self.argv)
        bundle = bundle_root(Path(context.model_path))
        scan = ScanOperator(self, folder=Path(context.input_path), name="scan")
        anomaly = PositionAnomalyOperator(
            self,
            bundle=bundle,
            output=Path(context.output_path).resolve() / RESULTS,
            overrides=overrides(bundle, os.environ.get(OVERRIDES, "{}")),
            name="position_anomaly",
        )
        self.add_flow(scan, anomaly, {("scan", "scan")})
        self.add_flow(anomaly, ScoreLogOperator(self, name="score_log"), {("result", "result")})


def bundle_root(model: Path) -> Path:
    """The bundle's folder: the model's path itself, or the one folder in it that holds a bundle.

    Raises:
        ValueError: there is none, or there are several.
    """
    found = [path for path in (model, *sorted(model.glob("*"))) if (path / "configs" / "inference.json").is_file()]
    if len(found) != 1:
        raise ValueError(f"{len(found)} bundles are in {model}. Give the folder of one with -m; it holds configs/.")
    return found[0].resolve()


def overrides(bundle: Path, text: str) -> dict[str, Any]:
    """The values of a JSON object, which name ids of the bundle's `inference.json`.

    Raises:
        ValueError: it is no JSON object, or names what the config has not.
    """
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'{OVERRIDES} is no JSON ({error}). Write it as {{"stride": 4}}.') from None
    known = json.loads((bundle / "configs" / "inference.json").read_text(encoding="utf-8"))
    if not isinstance(values, dict) or set(values) - set(known):
        raise ValueError(f"{OVERRIDES} must be an object with ids of inference.json, got {text}.")
    return values


def main() -> int:
    """Run the application; 1, and a sentence on stderr, when it could not be done."""
    try:
        PositionAnomalyApp().run()
    except Exception as error:
        first: BaseException = error
        while first.__cause__ is not None:
            first = first.__cause__
        print(first, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
