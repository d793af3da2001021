"""One interpolation to reference space, one back, on any grid, with what the field of view cuts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from geometries import GEOMETRIES, world
from linear_field import MATRIX, OBLIQUE, field, reference_points, scan_of

from scripts.geometry.coordinates import grid_affine
from scripts.registration.spaces import derived_grid, to_native_space, to_reference_space


@pytest.mark.parametrize("name", ["RAS", "PLI", "sagittal", "oblique", "tilted back", "anisotropic"])
def test_a_linear_field_arrives_exactly(name: str) -> None:
    grid = next(grid for grid in GEOMETRIES if grid.name == name)
    moved, valid = to_reference_space(scan_of(grid).as_tensor(), grid.affine, MATRIX)
    inside = valid[0].bool().numpy()
    index = world(np.linalg.inv(MATRIX @ grid.affine), reference_points(4))
    expected = np.all((index >= -1e-3) & (index <= np.array(grid.shape) - 1 + 1e-3), axis=-1)
    assert np.array_equal(inside[::4, ::4, ::4], expected)
    error = np.abs(moved[0].numpy()[::4, ::4, ::4] - field(reference_points(4)))
    assert error[expected].max() < 0.02
    assert (moved[0].numpy()[~inside] == -1024).all()


def test_unknown_voxels_spoil_what_they_contribute_to_and_nothing_else() -> None:
    volume = torch.full((1, 20, 20, 20), 30.0)
    volume[0, 10, 10, 10] = -2000
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -37.5
    moved, valid = to_reference_space(volume, affine, np.eye(4))
    assert valid.dtype == torch.uint8
    cube = valid[0, 90:166, 90:166, 90:166]
    assert int((cube == 0).sum()) == 7**3
    assert (moved[valid.bool()] - 30).abs().max() < 1e-3


def test_what_is_known_everywhere_has_the_bits_of_what_is_not_known_in_a_corner() -> None:
    affine = OBLIQUE.affine
    volume = torch.randn((1, 30, 40, 20), generator=torch.Generator().manual_seed(0)) * 100
    corner = volume.clone()
    corner[0, 0, 0, 0] = -2000
    (all_hu, all_valid), (hu, valid) = (to_reference_space(scan, affine, MATRIX) for scan in (volume, corner))
    assert all_valid.dtype == valid.dtype == torch.uint8
    assert 0 < int((all_valid != valid).sum()) < 200
    assert 0 < int((all_hu != hu).sum()) < 200, "beside the corner only"


def test_where_a_derived_map_lies() -> None:
    assert np.array_equal(derived_grid((256, 256, 256), grid_affine()), grid_affine())
    assert np.array_equal(derived_grid((128, 128, 128), grid_affine()), grid_affine(2))
    assert np.array_equal(derived_grid((86, 86, 86), grid_affine()), grid_affine(3))
    own = grid_affine(2)
    own[:3, 3] += 20
    assert np.array_equal(derived_grid((50, 60, 70), own), own)
    with pytest.raises(ValueError, match="not every n-th voxel"):
        derived_grid((128, 64, 128), grid_affine())


def test_several_channels_go_back_together() -> None:
    values = torch.from_numpy(np.stack([field(reference_points(4)), -field(reference_points(4))]))
    back = to_native_space(values, grid_affine(4), MATRIX, OBLIQUE.shape, OBLIQUE.affine, "bilinear")
    assert back.shape == (2, *OBLIQUE.shape)
    assert torch.equal(back[0], -back[1])
