"""ITK's transforms against matrix algebra, and its refinement of a known motion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from analytic_head import analytic_head
from geometries import braincase, rigid

from scripts.registration.refine import _matrix, _transform, _wrapped, rigid_by_mutual_information


def test_itk_transforms_as_the_matrix_does() -> None:
    matrix, centre = rigid((20, -35, 50), (10, -4, 7)), np.array([5.0, 30.0, -12.0])
    transform = _transform(matrix, centre)
    point = [12.0, -70.0, 33.0]
    assert np.allclose(list(transform.TransformPoint(point)), (matrix @ [*point, 1])[:3])
    assert np.allclose(_matrix(transform), matrix)
    assert np.allclose(list(transform.GetCenter()), centre)


def test_mutual_information_finds_a_small_motion() -> None:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -95.0
    truth = rigid((3, -2, 4), (4, -3, 2))
    fixed, moving = analytic_head((64, 64, 60), affine), analytic_head((64, 64, 60), affine, to_world=truth)
    mask = braincase(affine, fixed.shape)
    start = rigid((0, 0, 0), (0, 0, 0))
    found = rigid_by_mutual_information(
        (np.clip(fixed, -10, 80), mask, affine), (np.clip(moving, -10, 80), np.ones_like(mask), affine), start
    )
    points = np.argwhere(mask) @ affine[:3, :3] + affine[:3, 3]
    gap = np.linalg.norm(points @ (found - truth)[:3, :3].T + (found - truth)[:3, 3], axis=1)
    assert np.percentile(gap, 95) < 1.0


def test_without_overlap_the_start_is_what_remains_and_threads_are_as_before() -> None:
    affine = np.diag([6.0, 6.0, 6.0, 1.0])
    affine[:3, 3] = -95.0
    image = np.clip(analytic_head((32, 32, 30), affine), -10, 80)
    mask = braincase(affine, image.shape)
    far = rigid((0, 0, 0), (2000, 0, 0))
    before = itk_threads()
    found = rigid_by_mutual_information((image, mask, affine), (image, np.ones_like(mask), affine), far)
    np.testing.assert_array_equal(found, far)
    assert itk_threads() == before


def test_the_classes_are_those_of_itks_front() -> None:
    import itk

    assert _wrapped("Euler3DTransform", "D") is itk.Euler3DTransform[itk.D]
    assert _wrapped("PyBuffer", "IF3") is itk.PyBuffer[itk.Image[itk.F, 3]]


def test_the_refinement_loads_no_image_filters() -> None:
    code = (
        "import sys, numpy as np, scripts.registration.refine as m;"
        "x = np.arange(512, dtype=np.float32).reshape(8, 8, 8);"
        "image = (x, x >= 0, np.eye(4)); m.rigid_by_mutual_information(image, image, np.eye(4));"
        "print(*(name[8:-6] for name in sys.modules if name.startswith('itk._ITK')))"
    )
    bundle = Path(__file__).resolve().parents[2] / "bundle"
    run = subprocess.run([sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "RegistrationMethodsv4" in loaded
    assert not loaded & {"ImageIntensity", "ImageStatistics", "Thresholding", "Smoothing", "FFT", "Convolution"}


def itk_threads() -> int:
    """ITK's number of threads."""
    import itk

    return int(itk.MultiThreaderBase.GetGlobalDefaultNumberOfThreads())


def test_itk_is_imported_only_to_register() -> None:
    code = "import sys, scripts.registration.refine, scripts.registration.register; print('itk' in sys.modules)"
    bundle = Path(__file__).resolve().parents[2] / "bundle"
    run = subprocess.run([sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
