"""Head CT position anomaly as an application of MONAI Label.

Three *tasks* run the bundle from its folder, each under the name that a client asks for: the heatmap, for programs that
take real numbers, the *mask*, whole numbers for viewers that show segmentations (3D Slicer, OHIF), and the report. All
answer from the same results. There is nothing to train: the network learns from healthy heads, not from what is drawn
in a viewer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import monailabel
from fastapi import HTTPException
from monailabel.datastore.dicom import DICOMWebDatastore
from monailabel.interfaces.app import MONAILabelApp

from anomaly_tasks import HeatmapTask, MaskTask, NothingMarked, ReportTask, reason_to_refuse
from dicomweb_series import series_folder
from kept_results import KeptResults
from segmentation_answer import answer_segmentations

NAME = "head_ct_position_anomaly"

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
"""Path of the bundle in the repository; elsewhere it is named with `--conf bundle FOLDER`."""

NOT_FOUND = 404
"""The HTTP status of an answer that there is no such image."""

NOT_PROCESSABLE = 422
"""The HTTP status of an answer that refuses an input or an option."""


class PositionAnomalyApp(MONAILabelApp):
    """The bundle's heatmap, mask and report, without training."""

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
        kept = KeptResults(self.bundle)
        tasks = {NAME: HeatmapTask(kept), f"{NAME}_mask": MaskTask(kept), f"{NAME}_report": ReportTask(kept)}
        answer_segmentations(tasks.keys())
        return tasks

    def infer(self, request: dict[str, Any], datastore: Any = None) -> dict[str, Any]:
        """Run a task.

        Raises:
            HTTPException: there is no such image or nothing to mark, or the scan or an option is refused; `detail` says
                why.
        """
        store = datastore or self.datastore()
        image = scan_of(str(request.get("image") or ""), store)
        if not image:
            raise HTTPException(NOT_FOUND, "There is no image of that name. GET /datastore/ lists them.")
        try:
            return super().infer({**request, "image": image}, store)
        except NothingMarked as nothing:
            raise HTTPException(NOT_FOUND, str(nothing)) from None
        except Exception as error:
            if reason := reason_to_refuse(error):
                raise HTTPException(NOT_PROCESSABLE, reason) from None
            raise


def scan_of(image: str, store: Any) -> str:
    """The image that MONAI Label takes for a client's name: a path, or a name in a store; "" if it is neither.

    MONAI Label makes an empty path of an unknown name, which would be that of the working directory.
    """
    if not image or os.path.isabs(image):
        return image if os.path.exists(image) else ""
    if isinstance(store, DICOMWebDatastore):
        return str(series_folder(store, image) or "")
    if path := store.get_image_uri(image):
        return str(path) if os.path.exists(image) else image  # of such a name, MONAI Label would take the file
    return image if os.path.exists(image) else ""
