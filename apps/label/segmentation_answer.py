"""`output=dicom_seg`, answered with the DICOM Segmentation that the bundle writes.

MONAI Label would make one of the mask itself, and name its segments by the order of the labels that are present: a mask
of the right hemisphere alone would be called "left hemisphere". The bundle's lies on the images of the series, has
coded anatomy and laterality, and needs neither a DICOMweb store nor `label_info`.
"""

from __future__ import annotations

import json
from collections.abc import Container
from functools import wraps
from typing import Any

from monailabel.endpoints import infer

from anomaly_tasks import DICOM

MEDIA_TYPE = "application/dicom"


def answer_segmentations(tasks: Container[str]) -> None:
    """Let the server answer `output=dicom_seg` so, when one of `tasks` is asked for."""
    by_monai_label = getattr(infer.run_inference, "__wrapped__", infer.run_inference)

    @wraps(by_monai_label)
    def run_inference(
        background_tasks: Any,
        model: str,
        image: str = "",
        session_id: str = "",
        params: str = "{}",
        file: Any = None,
        label: Any = None,
        output: Any = None,
    ) -> Any:
        asked = (background_tasks, model, image, session_id)
        if output != infer.ResultType.dicom_seg or model not in tasks:
            return by_monai_label(*asked, params, file, label, output)
        chosen = {**(json.loads(params) if params else {}), "result_extension": DICOM}
        answer = by_monai_label(*asked, json.dumps(chosen), file, label, infer.ResultType.image)
        answer.headers["content-type"] = MEDIA_TYPE
        return answer

    infer.run_inference = run_inference
