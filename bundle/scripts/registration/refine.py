"""A rigid transform refined by ITK: Mattes mutual information inside a mask (only importer of itk).

A *fixed image* stays, a *moving image* is sampled at the transformed points, each with a mask. The six parameters are
those of ITK's Euler transform about the middle of the fixed mask; regular-step gradient descent changes them, at two
levels of resolution. One thread and a fixed seed: the same images give the same matrix, bit by bit.

ITK's images are given in RAS here, on both sides; the library does not care what the axes are called.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .score import Array

BINS = 32
"""Histogram bins of the mutual information."""

SHRINK, SIGMA_MM = (2, 1), (4.0, 2.0)
"""The two levels of the refinement, on images of 2 mm."""

LEARNING_RATE_MM = 1.0
"""First step of the gradient descent; 4 mm once threw a right pose away by 19 mm."""

ROUNDS = 100
"""Most steps of the gradient descent at each level."""

SMALLEST_STEP_MM = 0.01
"""The descent ends below this step."""

SAMPLED_SHARE = 0.1
"""Share of the voxels that the mutual information samples."""

SEED = 20220707
"""Seed of the sampling: the same scan gives the same registration."""

Masked = tuple[NDArray[np.float32], NDArray[np.bool_], Array]
"""An image (I, J, K) with its mask and its affine."""


def rigid_by_mutual_information(fixed: Masked, moving: Masked, start: Array) -> Array:
    """Refine a rigid transform by ITK: Mattes mutual information, regular-step gradient descent, two levels.

    Args:
        fixed: values, mask and affine (world-aligned axes) of the image that stays.
        moving: the same of the image that is sampled at the transformed points.
        start: matrix (4, 4) from fixed mm to moving mm.

    Returns:
        The refined matrix, or `start` when ITK finds no overlap.
    """
    import itk

    transform = _transform(itk, start, mask_centre(fixed[1], fixed[2]))
    threader = itk.MultiThreaderBase
    threads = threader.GetGlobalDefaultNumberOfThreads()
    threader.SetGlobalDefaultNumberOfThreads(1)
    try:
        _method(itk, fixed, moving, transform).Update()
    except RuntimeError:  # all samples map outside the moving image; the checks judge the pose as it is
        return start
    finally:
        threader.SetGlobalDefaultNumberOfThreads(threads)
    return _matrix(itk, transform)


def _method(itk: ModuleType, fixed: Masked, moving: Masked, transform: Any) -> Any:
    """The ITK registration, ready to run; it changes `transform` in place."""
    kind = itk.Image[itk.F, 3]
    metric = itk.MattesMutualInformationImageToImageMetricv4[kind, kind].New(NumberOfHistogramBins=BINS)
    metric.SetFixedImageMask(_mask(itk, fixed))
    metric.SetMovingImageMask(_mask(itk, moving))
    metric.SetMaximumNumberOfWorkUnits(1)
    method = itk.ImageRegistrationMethodv4[kind, kind].New()
    method.SetFixedImage(_image(itk, fixed[0].astype(np.float32), fixed[2]))
    method.SetMovingImage(_image(itk, moving[0].astype(np.float32), moving[2]))
    method.SetMetric(metric)
    method.SetOptimizer(_optimizer(itk, metric))
    method.SetInitialTransform(transform)
    method.SetInPlace(True)
    method.SetNumberOfWorkUnits(1)
    method.SetNumberOfLevels(len(SHRINK))
    method.SetShrinkFactorsPerLevel(list(SHRINK))
    method.SetSmoothingSigmasPerLevel(list(SIGMA_MM))
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(True)
    method.SetMetricSamplingStrategy(itk.ImageRegistrationMethodv4Enums.MetricSamplingStrategy_RANDOM)
    method.SetMetricSamplingPercentage(SAMPLED_SHARE)
    method.MetricSamplingReinitializeSeed(SEED)
    return method


def _optimizer(itk: ModuleType, metric: Any) -> Any:
    """Regular-step gradient descent whose steps are in mm of the moving points."""
    scales = itk.RegistrationParameterScalesFromPhysicalShift[type(metric)].New()
    scales.SetMetric(metric)
    optimizer = itk.RegularStepGradientDescentOptimizerv4[itk.D].New()
    optimizer.SetScalesEstimator(scales)
    optimizer.SetDoEstimateLearningRateOnce(False)
    optimizer.SetDoEstimateLearningRateAtEachIteration(False)
    optimizer.SetLearningRate(LEARNING_RATE_MM)
    optimizer.SetMinimumStepLength(SMALLEST_STEP_MM)
    optimizer.SetNumberOfIterations(ROUNDS)
    optimizer.SetNumberOfWorkUnits(1)
    return optimizer


def _image(itk: ModuleType, values: NDArray[Any], affine: Array) -> Any:
    """An ITK image of values (I, J, K) on a world-aligned grid."""
    image = itk.image_from_array(np.ascontiguousarray(values.T))
    image.SetSpacing(np.diag(affine)[:3].tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def _mask(itk: ModuleType, masked: Masked) -> Any:
    """The mask of a masked image as ITK's spatial object."""
    mask = itk.ImageMaskSpatialObject[3].New()
    mask.SetImage(_image(itk, masked[1].astype(np.uint8), masked[2]))
    mask.Update()
    return mask


def _transform(itk: ModuleType, matrix: Array, centre: Array) -> Any:
    """ITK's Euler transform equal to a rigid matrix (4, 4), turning about `centre` (3,)."""
    transform = itk.Euler3DTransform[itk.D].New()
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(itk.matrix_from_array(np.ascontiguousarray(matrix[:3, :3])))
    transform.SetTranslation((matrix[:3, :3] @ centre + matrix[:3, 3] - centre).tolist())
    return transform


def _matrix(itk: ModuleType, transform: Any) -> Array:
    """The matrix (4, 4) of an ITK transform."""
    matrix = np.eye(4)
    matrix[:3, :3] = itk.array_from_matrix(transform.GetMatrix())
    matrix[:3, 3] = list(transform.GetOffset())
    return matrix


def mask_centre(mask: NDArray[np.bool_], affine: Array) -> Array:
    """Centroid (3,) of a mask in mm."""
    centre: Array = affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]
    return centre
