"""The transform: rows and labels of the places, and neither where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from brain_scan import MATRIX, brain_scan, place_around
from monai.data import MetaTensor

from scripts.anomaly.detections.transforms import DescribeDetectionsd
from scripts.assets import place

ATLAS = place("models/atlas.nii.gz")


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    scan = brain_scan(((30.0, 5.0, 10.0), 14, 60))
    image = MetaTensor(torch.zeros(1, 2, 2, 2))
    image.meta["registration"] = {"matrix": MATRIX.tolist()}
    return {
        "image": image,
        "scan": MetaTensor(torch.from_numpy(scan.hu)[None], affine=torch.from_numpy(scan.affine)),
        "regions": torch.from_numpy(scan.regions)[None],
        "brain_places": [place_around((30.0, 5.0, 10.0), 20)],
    }


def test_each_place_gets_a_row_and_a_label(data: dict[str, Any]) -> None:
    described = DescribeDetectionsd("scan", ATLAS)(data)
    (row,) = described["detections"]
    assert (row["region"], row["side"], row["density"]) == ("brain", "right", "brighter")
    assert row["name"] == "temporal lobe"
    labels = described["detection_labels"]
    assert (labels.dtype, labels.shape) == (torch.uint8, data["scan"].shape)
    np.testing.assert_array_equal(labels.affine, data["scan"].affine)
    assert labels.sum() * 6.75 / 1000 == pytest.approx(row["volume_ml"], rel=0.05)
    assert "detections" not in data, "the input stays"


@pytest.mark.parametrize("given", [{"brain_places": []}, {}])
def test_without_places_there_are_no_rows(given: dict[str, Any], data: dict[str, Any]) -> None:
    rest = {key: value for key, value in data.items() if key != "brain_places"}
    described = DescribeDetectionsd("scan", "no file")({**rest, **given})
    assert described["detections"] == []
    assert described["detection_labels"].shape == data["scan"].shape
    assert not described["detection_labels"].any()
