"""What the tasks for MONAI Label refuse, and how."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "apps" / "label"))
from start import import_pydicom_seg, import_torchvision

KEPT = import_torchvision()
import_pydicom_seg()
from monailabel.transform.writer import Writer  # noqa: E402

from anomaly_tasks import OptionRefused, check_geometry, choice, reason_to_refuse  # noqa: E402
from scripts.findings import refusal  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize("asked", [4, "4"])
def test_a_value_may_come_as_text(asked: object) -> None:
    assert choice("stride", asked, (2, 4, 1)) == 4


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(OptionRefused, match=r"stride must be one of 2, 4, 1, got 3\."):
        choice("stride", 3, (2, 4, 1))


@pytest.mark.parametrize("asked", [None, "", [2, 4, 1]])
def test_the_first_value_is_the_default(asked: object) -> None:
    assert choice("stride", asked, (2, 4, 1)) == 2


def test_a_tilted_grid_goes_into_nifti_only() -> None:
    tilted = np.eye(4)
    tilted[1, 2] = np.tan(np.radians(10))
    check_geometry(tilted, ".nii.gz")
    check_geometry(np.diag([0.5, 0.5, 5, 1]), ".nrrd")
    with pytest.raises(OptionRefused, match=r"gantry was tilted, which \.nrrd can't hold"):
        check_geometry(tilted, ".nrrd")


def test_a_nifti_keeps_a_tilted_grid() -> None:
    affine = np.array([[-0.4, 0, 0, 90], [0, -0.5, 1.2, 80], [0, 0, 4.0, -20], [0, 0, 0, 1]])
    heatmap = np.random.default_rng(0).random((5, 6, 7), dtype=np.float32)
    data = {
        "pred": heatmap,
        "pred_meta_dict": {"affine": affine},
        "image_path": "scan.nii.gz",
        "result_dtype": "float32",
    }
    file, _ = Writer(label="pred", json="result", nibabel=True)(data)
    image: Any = nib.load(file)
    np.testing.assert_allclose(image.affine, affine, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(image.dataobj), heatmap)
    Path(file).unlink()


def test_the_refusal_behind_an_error_is_found() -> None:
    refused = refusal("no_dicom", "None of 3 files is a DICOM image.")
    outer = RuntimeError("applying transform")
    outer.__cause__ = refused
    assert reason_to_refuse(outer) == str(refused)
    assert reason_to_refuse(OptionRefused("stride must be one of 1, 2.")) == "stride must be one of 1, 2."
    assert reason_to_refuse(ValueError("another")) == ""
