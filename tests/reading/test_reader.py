"""The reader inside MONAI's own loading transforms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dicom_series import SERIES, head_hu, write_series
from geometries import PLAIN, THIN, geometry, tilted
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, LoadImaged
from pydicom.dataset import Dataset as DicomDataset

from scripts.files.json_text import plain
from scripts.findings import InputRefused
from scripts.reading.reader import HeadCTReader, facts_of
from scripts.reading.transforms import TakeBoneScand
from scripts.volume import UNKNOWN_HU, Volume


def load(path: Path, **options: object) -> MetaTensor:
    """The image that a config's `LoadImaged` gives."""
    parser = ConfigParser(
        {
            "load": {
                "_target_": "LoadImaged",
                "keys": "image",
                "reader": {"_target_": "scripts.reading.reader.HeadCTReader", **options},
                "ensure_channel_first": True,
            }
        }
    )
    parser.parse(True)
    image = parser.get_parsed_content("load")({"image": str(path)})["image"]
    assert isinstance(image, MetaTensor)
    return image


def test_a_config_loads_a_folder(tmp_path: Path) -> None:
    write_series(tmp_path)
    image = load(tmp_path)
    assert image.shape == (1, *PLAIN.shape)
    assert image.dtype == torch.float32
    np.testing.assert_allclose(image.affine, PLAIN.affine, atol=1e-6)
    assert image.affine.dtype == torch.float64
    np.testing.assert_array_equal(image[0], head_hu(PLAIN.points()))
    assert image.meta["filename_or_obj"] == str(tmp_path)
    assert image.meta["findings"] == []


def test_a_config_names_a_series(tmp_path: Path) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", series_uid=f"{SERIES}.9", at=range(36))
    assert load(tmp_path, series_uid=f"{SERIES}.9").shape[3] == 36
    with pytest.raises(InputRefused, match="equally good"):
        load(tmp_path, series_uid="")


def test_a_series_can_be_named_by_the_folder_that_it_is_in(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_series(tmp_path / name / "a")
        write_series(tmp_path / name / "b", series_uid=f"{SERIES}.9", at=range(36))
    reader = HeadCTReader({str(tmp_path / "one"): f"{SERIES}.9"})
    assert reader.get_data(tmp_path / "one")[0].shape[2] == 36
    with pytest.raises(InputRefused, match="equally good"):
        reader.get_data(tmp_path / "other")


def test_outside_the_field_of_view_is_marked(tmp_path: Path) -> None:
    def pad(dataset: DicomDataset, k: int) -> None:
        hu = head_hu(PLAIN.points(np.array([k])))[:, :, 0]
        hu[:3] = -2000
        dataset.RescaleIntercept = 0
        dataset.set_pixel_data(np.ascontiguousarray(hu.T), "MONOCHROME2", 16)

    write_series(tmp_path, edit=pad)
    image = load(tmp_path)
    assert (image[0, :3] == UNKNOWN_HU).all()
    assert image[0, 3:].min() >= -1024


@pytest.mark.parametrize(("age", "codes"), [("009Y", ["under_18", "files_set_aside"]), ("040Y", [])])
def test_findings_pass_through_a_data_loader(tmp_path: Path, age: str, codes: list[str]) -> None:
    write_series(tmp_path, edit=lambda d, k: setattr(d, "PatientAge", age))
    if codes:
        (tmp_path / "notes").write_text("x" * 200)
    transform = LoadImaged("image", reader=HeadCTReader, ensure_channel_first=True)
    loader = DataLoader(Dataset([{"image": str(tmp_path)}], transform), batch_size=1)
    (item,) = decollate_batch(next(iter(loader)))
    assert item["image"].shape == (1, *PLAIN.shape)
    findings = item["image"].meta["findings"] or []  # MONAI makes None of an empty list
    assert [found["code"] for found in findings] == codes


def bone(dataset: DicomDataset, k: int) -> None:
    dataset.ConvolutionKernel = "H70h"


def test_what_serves_passes_through_a_data_loader(tmp_path: Path) -> None:
    write_series(tmp_path / "soft")
    write_series(tmp_path / "bone", THIN, edit=bone, series_uid=f"{SERIES}.9")
    transform = Compose(
        [LoadImaged("image", HeadCTReader(bone_series=True), ensure_channel_first=True), TakeBoneScand("image")]
    )
    loader = DataLoader(Dataset([{"image": str(tmp_path)}], transform), batch_size=1)
    (item,) = decollate_batch(next(iter(loader)))
    assert plain(item["image"].meta["serves"]) == {
        "brain": {"series": 1, "slices": 37, "spacing_mm": 3.0},
        "skull": {"series": 2, "slices": 85, "spacing_mm": 1.25},
    }
    assert item["image"].shape == (1, *PLAIN.shape)
    assert item["bone_scan"].shape == (1, *THIN.shape)
    assert item["bone_scan"].dtype == torch.int16
    np.testing.assert_allclose(item["bone_scan"].affine, THIN.affine, atol=1e-6)
    np.testing.assert_array_equal(item["bone_scan"][0], head_hu(THIN.points()))


def test_a_bone_kernel_alone_is_only_read_where_the_reader_may(tmp_path: Path) -> None:
    write_series(tmp_path, edit=bone)
    assert load(tmp_path, bone_series=True).meta["serves"] == {"skull": {"series": 1, "slices": 37, "spacing_mm": 3.0}}
    with pytest.raises(InputRefused, match="No series suits"):
        load(tmp_path)


def test_the_distance_of_slices_is_along_their_normal_and_a_nifti_file_has_no_series() -> None:
    leaning = Volume(np.zeros((4, 5, 6), np.int16), geometry("l", tilted(20), (0.5, 0.5, 3.0), (4, 5, 6)).affine, None)
    assert facts_of(leaning, None) == {"slices": 6, "spacing_mm": 3.0}
    resampled = facts_of(replace(leaning, widest_gap_mm=7.0001), 2)
    assert resampled == {"series": 2, "slices": 6, "spacing_mm": 3.0, "widest_gap_mm": 7.0}


def test_a_refusal_is_not_swallowed(tmp_path: Path) -> None:
    """MONAI would try its other readers, which load this folder with a slice missing."""
    write_series(tmp_path, at=[k for k in range(37) if k != 20])
    with pytest.raises(InputRefused, match="Slices are missing"):
        load(tmp_path)


def test_more_than_one_path_is_an_error(tmp_path: Path) -> None:
    reader = HeadCTReader()
    assert reader.verify_suffix(["anything"])
    with pytest.raises(ValueError, match="one folder or one file, got 2 paths"):
        reader.read([tmp_path, tmp_path])
