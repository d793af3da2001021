"""The volumes of a result: what they hold, and that ITK, SimpleITK and NiBabel find a bleed at its place in each.

The scans are the balls of `dicom_series`, read as the pipeline reads them; the map is made of their positions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import itk
import nibabel as nib
import numpy as np
import pytest
import torch
from dicom_results import POSITIONS, maps
from dicom_series import BALLS, write_series
from geometries import GEOMETRIES, Geometry, world
from monai.data import MetaTensor
from numpy.typing import NDArray

from scripts.geometry.affines import is_sheared, orthogonal_grid
from scripts.reading.inputs import read_volume
from scripts.results.maps import MapGrid, in_steps, map_bytes, map_grid, map_volumes, moved, moved_scan
from scripts.volume import UNKNOWN_HU, Volume

BLEED_MM = np.array(BALLS[2][0])
LPS = np.diag([-1.0, -1.0, 1.0])
NAMES = ["error_map.nii.gz", "heatmap.nii.gz", "regions.nii.gz", "scan.nii.gz"]
Array = NDArray[np.float64]


def data_of(volume: Volume) -> dict[str, Any]:
    """A case on the scan's own grid: the map is 8 in the bleed and 1 in the rest of the head, plus a ramp."""
    heatmap, regions, _ = maps(volume.affine, volume.hu.shape)
    made = {"pred": heatmap, "error_map": 3 * heatmap, "regions": regions}
    made["scan"] = volume.with_unknown().astype(np.int16)
    return {key: MetaTensor(torch.from_numpy(values)[None], affine=volume.affine) for key, values in made.items()}


def map_files(data: dict[str, Any], grid: MapGrid, *more: Any) -> dict[str, bytes]:
    return map_bytes(map_volumes(data, grid, *more), grid)


def by_itk(path: Path) -> tuple[NDArray[Any], Array]:
    """Voxels (I, J, K) and affine to RAS mm, as ITK reads them."""
    image = itk.imread(str(path))
    axes = np.asarray(image.GetDirection()) * np.asarray(image.GetSpacing())
    return itk.array_from_image(image).transpose(2, 1, 0), to_ras(axes, np.asarray(image.GetOrigin()))


def by_simpleitk(path: Path) -> tuple[NDArray[Any], Array]:
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(path))
    axes = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), to_ras(axes, np.array(image.GetOrigin()))


def by_nibabel(path: Path) -> tuple[NDArray[Any], Array]:
    image: Any = nib.load(path)
    return np.asarray(image.dataobj), image.affine


def to_ras(axes: Array, origin: Array) -> Array:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = LPS @ axes, LPS @ origin
    return affine


READERS = {"ITK": by_itk, "SimpleITK": by_simpleitk, "NiBabel": by_nibabel}


@pytest.mark.parametrize("position", POSITIONS)
def test_three_readers_find_the_bleed_at_its_place_in_each_file(position: str, tmp_path: Path) -> None:
    geometry, at = POSITIONS[position]
    write_series(tmp_path / "in", geometry, at)
    volume = read_volume(tmp_path / "in", None)
    grid = map_grid(volume.hu.shape, volume.affine, [found.code for found in volume.findings])
    native = position in ("plain", "feet first", "prone")
    assert grid.kind == ("native" if native else "resampled")
    files = map_files(data_of(volume), grid, "standard deviations")
    assert sorted(files) == NAMES
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        read = {reader: READERS[reader](tmp_path / name) for reader in READERS}
        for reader, (values, affine) in read.items():
            assert values.shape == grid.shape
            np.testing.assert_allclose(affine, grid.affine, atol=1e-4, err_msg=reader)
            np.testing.assert_allclose(values, read["NiBabel"][0], rtol=1e-6, err_msg=reader)
            check_places(name, values, affine)
        header: Any = nib.load(tmp_path / name).header
        assert int(header["qform_code"]) == int(header["sform_code"]) == 1
        np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-3)
    if native:
        np.testing.assert_array_equal(by_nibabel(tmp_path / "scan.nii.gz")[0], volume.hu)


def check_places(name: str, values: NDArray[Any], affine: Array) -> None:
    """See that a volume shows bleed or regions where they are in the world."""
    points = world(affine, np.stack(np.indices(values.shape), axis=-1).astype(float))
    radius = np.linalg.norm(points, axis=-1)
    if name == "regions.nii.gz":
        assert (values[(radius < 64) & (points[..., 0] < -6)] == 1).all()
        assert (values[(radius < 64) & (points[..., 0] > 6)] == 2).all()
        assert (values[radius > 84] == 0).all()
        return
    lowest, highest = {"heatmap.nii.gz": (4.5, 9), "error_map.nii.gz": (13.5, 27), "scan.nii.gz": (54, 86)}[name]
    bleed = (values > lowest) & (values < highest) & (radius < 62)
    assert np.linalg.norm(points[bleed].mean(axis=0) - BLEED_MM) < 1.2
    volume_mm3 = bleed.sum() * abs(np.linalg.det(affine[:3, :3]))
    assert 0.8 < volume_mm3 / (4 / 3 * np.pi * BALLS[2][1] ** 3) < 1.2


def test_negative_control_another_place_is_seen() -> None:
    volume = POSITIONS["plain"][0]
    heatmap, *_ = maps(volume.affine, volume.shape)
    check_places("heatmap.nii.gz", heatmap, volume.affine)
    with pytest.raises(AssertionError):
        check_places("heatmap.nii.gz", heatmap[::-1], volume.affine)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_the_orthogonal_grid_holds_the_scan_at_its_finest_spacing(geometry: Geometry) -> None:
    shape, affine = orthogonal_grid(geometry.shape, geometry.affine)
    assert not is_sheared(affine)
    axes, before = affine[:3, :3], geometry.affine[:3, :3]
    assert (np.linalg.norm(axes, axis=0) <= np.linalg.norm(before, axis=0) + 1e-9).all()
    assert np.linalg.det(axes) == pytest.approx(np.linalg.det(before)), "the density of voxels, and the sense of axes"
    assert (np.diag(axes.T @ before) > 0).all()
    index = world(np.linalg.inv(affine), geometry.points())
    assert (index > -1e-4).all()
    assert (index < np.array(shape) - 1 + 1e-4).all()
    np.testing.assert_allclose(index[0, 0, 0], np.rint(index[0, 0, 0]), atol=1e-4)
    if not is_sheared(geometry.affine):
        assert shape == geometry.shape
        np.testing.assert_allclose(affine, geometry.affine, atol=1e-9)


def test_a_tilted_map_is_interpolated_and_labels_are_not() -> None:
    geometry = POSITIONS["tilted"][0]
    grid = map_grid(geometry.shape, geometry.affine, [])
    ramp = geometry.points()[..., 1].astype(np.float32)
    on_grid = moved(torch.from_numpy(ramp)[None], geometry.affine, grid)
    points = world(grid.affine, np.stack(np.indices(grid.shape), axis=-1).astype(float))
    index = world(np.linalg.inv(geometry.affine), points)
    inside = ((index > 0.01) & (index < np.array(geometry.shape) - 1.01)).all(axis=-1)
    np.testing.assert_allclose(on_grid[inside], points[..., 1][inside], atol=1e-3)
    assert (on_grid[((index < -0.1) | (index > np.array(geometry.shape) - 0.9)).any(axis=-1)] == 0).all()
    labels = torch.from_numpy(np.random.default_rng(0).choice([0, 3], geometry.shape).astype(np.uint8))[None]
    assert set(np.unique(moved(labels, geometry.affine, grid, "nearest"))) == {0, 3}


def test_what_was_not_measured_stays_unknown_and_mixes_with_nothing() -> None:
    geometry = POSITIONS["tilted"][0]
    grid = map_grid(geometry.shape, geometry.affine, [])
    scan = np.full(geometry.shape, 40, np.int16)
    scan[:10] = UNKNOWN_HU
    found = moved_scan(torch.from_numpy(scan)[None], geometry.affine, grid)
    assert set(np.unique(found)) == {UNKNOWN_HU, 40}
    assert (found[:10] == UNKNOWN_HU).all()
    assert (found == 40).mean() > 0.5


def test_a_map_is_stored_in_the_finest_step_that_holds_it() -> None:
    values = np.array([0.0, 0.004, 0.006, 2.5, 300.0], np.float32)
    for largest, unit, step in [(327, "SD", 0.01), (330, "SD", 0.1), (3300, "SD", 1.0), (330, "mm", 0.2)]:
        stored, found = in_steps(np.append(values, np.float32(largest)), unit)
        assert found == step
        assert stored.dtype == np.int16
        np.testing.assert_allclose(stored * step, [*values, largest], atol=step / 2 + 1e-5)
        assert stored[0] == 0, "outside the head"
    assert in_steps(np.array([1e6, -1e6], np.float32), "SD")[0].tolist() == [32767, -32767]


def test_the_same_volumes_give_the_same_bytes_and_none_are_written_if_not_wanted() -> None:
    volume = Volume(np.full(POSITIONS["plain"][0].shape, 40, np.int16), POSITIONS["plain"][0].affine, None)
    data, grid = data_of(volume), MapGrid("native", volume.hu.shape, volume.affine)
    assert map_files(data, grid, "SD") == map_files(data, grid, "SD")
    assert list(map_files(data, grid, "SD", "heatmap")) == ["heatmap.nii.gz"]
    assert map_files(data, grid, "SD", "none") == {}
