"""Head CT position anomaly as an application of MONAI Label.

Two *tasks* run the bundle from its folder, each under the name that a client asks for: the heatmap, for programs that
take real numbers, and the *mask*, whole numbers for viewers that show segmentations (3D Slicer, OHIF). There is nothing
to train: the network learns from healthy heads, not from what is drawn in a viewer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import monailabel
from fastapi import HTTPException
from monailabel.interfaces.app import MONAILabelApp

from anomaly_tasks import HeatmapTask, MaskTask, reason_to_refuse

NAME = "head_ct_position_anomaly"

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
"""Path of the bundle in the repository; elsewhere it is named with `--conf bundle FOLDER`."""

NOT_FOUND = 404
"""The HTTP status of an answer that there is no such image."""

NOT_PROCESSABLE = 422
"""The HTTP status of an answer that refuses an input or an option."""


class PositionAnomalyApp(MONAILabelApp):
    """The bundle's heatmap and mask, without training."""

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        """Serve the scans of the folder, or DICOMweb address, `studies`.

        Raises:
            ValueError: `--conf bundle` names no bundle.
        """
        self.bundle = Path(conf.get("bundle", BUNDLE)).resolve()
        if not (self.bundle / "configs" / "inference.json").is_file():
            raise ValueError(f"{self.bundle} holds no bundle. Name its folder: --conf bundle FOLDER.")
        super().__init__(
            app_dir,
            studies,
            conf,
            name="Head CT position anomaly",
            description="Unsupervised anomaly heatmaps of head CT. For research only: not a medical device.",
            version=monailabel.__version__,
        )

    def init_infers(self) -> dict[str, Any]:
        """The tasks by name."""
        return {NAME: HeatmapTask(self.bundle, self.conf), f"{NAME}_mask": MaskTask(self.bundle, self.conf)}

    def infer(self, request: dict[str, Any], datastore: Any = None) -> dict[str, Any]:
        """Run a task.

        Raises:
            HTTPException: there is no such image, or the scan or an option is refused; `detail` says why.
        """
        image = request.get("image")
        if isinstance(image, str) and not self.found(image, datastore or self.datastore()):
            raise HTTPException(NOT_FOUND, "There is no image of that name. GET /datastore/ lists them.")
        try:
            return super().infer(request, datastore)
        except Exception as error:
            if reason := reason_to_refuse(error):
                raise HTTPException(NOT_PROCESSABLE, reason) from None
            raise

    @staticmethod
    def found(image: str, datastore: Any) -> bool:
        """True if there is a path, or an image of the data store, of that name.

        Of an unknown name, MONAI Label makes an empty path, which would be that of the working directory.
        """
        return bool(image) and (Path(image).exists() or bool(datastore.get_image_uri(image)))
