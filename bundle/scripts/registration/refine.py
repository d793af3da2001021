"""A rigid transform refined by ITK: Mattes mutual information inside a mask (only importer of itk).

A *fixed image* stays, a *moving image* is sampled at the transformed points, each with a mask. The six parameters are
those of ITK's Euler transform about the middle of the fixed mask; regular-step gradient descent changes them, at two
levels of resolution. One thread and a fixed seed: the same images give the same matrix, bit by bit.

Both images are passed in RAS mm, although ITK's convention is LPS: the result is the same as long as both agree.

ITK wraps each class template in a module of its own, `itk.itkNAMEPython`. There, `itkNAME` plus letters for the
parameters names the class. Taken from there (`_wrapped`), the classes of the refinement load in 1 CPU-second.
`itk.NAME[...]` gives the same class but first loads all dependencies that ITK lists, mostly image filters, in 8
CPU-seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .score import Array

BINS = 32
"""Histogram bins of the mutual information."""

SHRINK, SIGMA_MM = (2, 1), (4.0, 2.0)
"""The two levels of the refinement, on images of 2 mm."""

LEARNING_RATE_MM = 1.0
"""First step of the gradient descent; with 4 mm, one right pose moved away by 19 mm."""

ROUNDS = 100
"""Most steps of the gradient descent at each level."""

SMALLEST_STEP_MM = 0.01
"""Step below which the descent ends."""

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
    from itk import ITKCommonBasePython

    # ITK's images share the memory of these arrays, which have to stay alive until the refinement ends
    images = [_image(values, affine) for values, _, affine in (fixed, moving)]
    masks = [_image(mask.astype(np.uint8), affine) for _, mask, affine in (fixed, moving)]
    transform = _transform(start, mask_centre(fixed[1], fixed[2]))
    threader = ITKCommonBasePython.itkMultiThreaderBase
    threads = threader.GetGlobalDefaultNumberOfThreads()
    threader.SetGlobalDefaultNumberOfThreads(1)
    try:
        _method(images, masks, transform).Update()
    except RuntimeError:  # all samples map outside the moving image; the start is then judged
        return start
    finally:
        threader.SetGlobalDefaultNumberOfThreads(threads)
    return _matrix(transform)


def _wrapped(name: str, parameters: str) -> Any:
    """ITK's class template `name` for `parameters` in ITK's letters, e.g. "IF3" for 3-D float images."""
    return getattr(import_module(f"itk.itk{name}Python"), f"itk{name}{parameters}")


def _method(images: list[Any], masks: list[Any], transform: Any) -> Any:
    """The ITK registration of two images and their masks, ready to run; it changes `transform` in place."""
    metric = _wrapped("MattesMutualInformationImageToImageMetricv4", "IF3IF3").New(NumberOfHistogramBins=BINS)
    metric.SetFixedImageMask(_mask(masks[0]))
    metric.SetMovingImageMask(_mask(masks[1]))
    metric.SetMaximumNumberOfWorkUnits(1)
    method = _wrapped("ImageRegistrationMethodv4", "REGv4F3F3").New()
    method.SetFixedImage(images[0])
    method.SetMovingImage(images[1])
    method.SetMetric(metric)
    method.SetOptimizer(_optimizer(metric))
    method.SetInitialTransform(transform)
    method.SetInPlace(True)
    method.SetNumberOfWorkUnits(1)
    method.SetNumberOfLevels(len(SHRINK))
    method.SetShrinkFactorsPerLevel(list(SHRINK))
    method.SetSmoothingSigmasPerLevel(list(SIGMA_MM))
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(True)
    strategies = _wrapped("ImageRegistrationMethodv4", "Enums")
    method.SetMetricSamplingStrategy(strategies.MetricSamplingStrategy_RANDOM)
    method.SetMetricSamplingPercentage(SAMPLED_SHARE)
    method.MetricSamplingReinitializeSeed(SEED)
    return method


def _optimizer(metric: Any) -> Any:
    """Regular-step gradient descent with steps in mm of the moving points."""
    scales = _wrapped("RegistrationParameterScalesFromPhysicalShift", "MMIITIMF3").New()
    scales.SetMetric(metric)
    optimizer = _wrapped("RegularStepGradientDescentOptimizerv4", "D").New()
    optimizer.SetScalesEstimator(scales)
    optimizer.SetDoEstimateLearningRateOnce(False)
    optimizer.SetDoEstimateLearningRateAtEachIteration(False)
    optimizer.SetLearningRate(LEARNING_RATE_MM)
    optimizer.SetMinimumStepLength(SMALLEST_STEP_MM)
    optimizer.SetNumberOfIterations(ROUNDS)
    optimizer.SetNumberOfWorkUnits(1)
    return optimizer


def _image(values: NDArray[np.float32] | NDArray[np.uint8], affine: Array) -> Any:
    """An ITK image of values (I, J, K) on a world-aligned grid; it shares and keeps alive the memory of its array."""
    buffer = _wrapped("PyBuffer", "IUC3" if values.dtype == np.uint8 else "IF3")
    image = buffer.GetImageViewFromArray(np.ascontiguousarray(values.T))
    image.SetSpacing(np.diag(affine)[:3].tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def _mask(image: Any) -> Any:
    """An ITK image of a mask as ITK's spatial object."""
    mask = _wrapped("ImageMaskSpatialObject", "3").New()
    mask.SetImage(image)
    mask.Update()
    return mask


def _transform(matrix: Array, centre: Array) -> Any:
    """ITK's Euler transform equal to a rigid matrix (4, 4), turning about `centre` (3,)."""
    rotation = import_module("itk.vnl_matrix_fixedPython").vnl_matrix_fixedD_3_3()
    for row in range(3):
        for column in range(3):
            rotation.put(row, column, float(matrix[row, column]))
    transform = _wrapped("Euler3DTransform", "D").New()
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(_wrapped("Matrix", "D33")(rotation))
    transform.SetTranslation((matrix[:3, :3] @ centre + matrix[:3, 3] - centre).tolist())
    return transform


def _matrix(transform: Any) -> Array:
    """The matrix (4, 4) of an ITK transform."""
    rotation = transform.GetMatrix()
    matrix = np.eye(4)
    matrix[:3, :3] = [[rotation(row, column) for column in range(3)] for row in range(3)]
    matrix[:3, 3] = list(transform.GetOffset())
    return matrix


def mask_centre(mask: NDArray[np.bool_], affine: Array) -> Array:
    """Centroid (3,) of a mask in mm."""
    centre: Array = affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]
    return centre
