"""`output=dicom_seg` is answered with the file of the task, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.responses import FileResponse
from monailabel.endpoints import infer

from segmentation_answer import answer_segmentations

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, ...]]:
    """What MONAI Label's own function is asked for; it answers with a file."""
    (tmp_path / "answer").write_bytes(b"")
    calls: list[tuple[Any, ...]] = []

    def run_inference(*words: Any) -> FileResponse:
        calls.append(words)
        return FileResponse(tmp_path / "answer", media_type="application/octet-stream")

    monkeypatch.setattr(infer, "run_inference", run_inference)
    answer_segmentations(["mask"])
    answer_segmentations(["mask"])  # as after MONAI Label's /reload
    return calls


def test_a_segmentation_is_the_task_s_own_file(asked: list[tuple[Any, ...]]) -> None:
    answer = infer.run_inference(None, "mask", "1.2.3", "", '{"stride": 4}', None, None, infer.ResultType.dicom_seg)
    ((_, model, image, _, params, _, _, output),) = asked
    assert (model, image, output) == ("mask", "1.2.3", infer.ResultType.image)
    assert json.loads(params) == {"stride": 4, "result_extension": ".dcm"}
    assert answer.headers["content-type"] == "application/dicom"


@pytest.mark.parametrize(("model", "output"), [("mask", infer.ResultType.image), ("other", infer.ResultType.dicom_seg)])
def test_any_other_answer_is_monai_label_s(model: str, output: Any, asked: list[tuple[Any, ...]]) -> None:
    words = (None, model, "1.2.3", "", "{}", None, None, output)
    assert infer.run_inference(*words).headers["content-type"] == "application/octet-stream"
    assert asked == [words]
