"""dcmqi, with which 3D Slicer reads DICOM: its arrays of the objects are equal, and lie where the objects say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray

NEAR_MM = 1e-3

QUALITATIVE = '(121106,DCM,"Comment")'
"""The name of a place, which dcmqi reads as an evaluation in words and notes that it has no list of such names."""


def converted(tools: Path, program: str, source: Path, folder: Path, *words: str) -> None:
    """Run a program of dcmqi.

    Raises:
        AssertionError: it fails, also by a signal, or says that something is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(tools / "dcmqi/bin" / program), "--inputDICOM", str(source), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{program} ends with {done.returncode} for {source.name}: {said[-300:]}"
    lines = [line for line in said.splitlines() if not line.endswith(QUALITATIVE)]
    wrong = [line for line in lines if "ERROR" in line or "not known" in line]
    assert not wrong, f"{program} of {source.name}: {wrong[0]}"


def checks(tools: Path, dicom: Path, folder: Path) -> Iterator[str]:
    """Sentences on what was found right.

    Raises:
        AssertionError: something is not.
    """
    kind = "_even" if (dicom / "parametric_map_even.dcm").exists() else ""
    yield map_check(tools, dicom / f"parametric_map{kind}.dcm", folder / "map")
    if (dicom / f"segmentation{kind}.dcm").exists():
        yield segmentation_check(tools, dicom / f"segmentation{kind}.dcm", folder / "segmentation")
    yield report_check(tools, dicom / "report.dcm", folder / "report")


def map_check(tools: Path, path: Path, folder: Path) -> str:
    """The map: every voxel is equal, and the first and the last frame lie where the object says."""
    converted(tools, "paramap2itkimage", path, folder, "--outputDirectory", str(folder), "-t", "nrrd")
    data, image = pydicom.dcmread(path), sitk.ReadImage(str(folder / "pmap.nrrd"))
    frames = np.frombuffer(data.FloatPixelData, "<f4").reshape(data.NumberOfFrames, data.Rows, data.Columns)
    values = sitk.GetArrayFromImage(image)
    np.testing.assert_array_equal(values, frames)
    for k in (0, len(frames) - 1):
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((0, 0, k)), position(data, k), atol=NEAR_MM)
    return f"dcmqi reads the map: {values.size} voxels equal, in their places"


def segmentation_check(tools: Path, path: Path, folder: Path) -> str:
    """The segments: each has the same voxels, at the same points."""
    converted(tools, "segimage2itkimage", path, folder, "--outputDirectory", str(folder), "-t", "nrrd")
    data, counts = pydicom.dcmread(path), []
    named = json.loads((folder / "meta.json").read_text())
    labels = [one["SegmentLabel"] for group in named["segmentAttributes"] for one in group]
    assert sorted(labels) == sorted(segment.SegmentLabel for segment in data.SegmentSequence)
    images = [sitk.ReadImage(str(file)) for file in sorted(folder.glob("*.nrrd"))]
    for segment in data.SegmentSequence:
        number, expected = int(segment.SegmentNumber), []
        for k, groups in enumerate(data.PerFrameFunctionalGroupsSequence):
            shown = groups if "SegmentIdentificationSequence" in groups else data.SharedFunctionalGroupsSequence[0]
            if shown.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
                expected.append(points(data, k))
        found = np.concatenate([voxels(image, number) for image in images])
        wanted = np.concatenate(expected)
        order = [np.lexsort(np.rint(part / 0.01).T) for part in (found, wanted)]
        np.testing.assert_allclose(found[order[0]], wanted[order[1]], atol=0.02)
        counts.append(len(found))
    return f"dcmqi reads the segments: {counts} voxels, at the same points, with names and colours"


def report_check(tools: Path, path: Path, folder: Path) -> str:
    """The report: its groups and their numbers."""
    target = folder / "report.json"
    converted(tools, "tid1500reader", path, folder, "--outputMetadata", str(target))
    groups = json.loads(target.read_text())["Measurements"]
    numbers = sum(len(group.get("measurementItems", [])) for group in groups)
    names = [group["TrackingIdentifier"] for group in groups]
    assert numbers >= len(names) > 0
    return f"dcmqi reads the report: {numbers} numbers of {'; '.join(names)}"


def position(data: pydicom.Dataset, k: int) -> NDArray[np.float64]:
    """The place (3,) of the first voxel of a frame, LPS mm."""
    groups = data.PerFrameFunctionalGroupsSequence[k]
    return np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)


def points(data: pydicom.Dataset, k: int) -> NDArray[np.float64]:
    """The voxels (n, 3), LPS mm, of frame `k` of a segmentation."""
    shared = data.SharedFunctionalGroupsSequence[0]
    across, down = np.split(np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float), 2)
    between_rows, between_columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    rows, columns = np.nonzero(data.pixel_array[k] if data.NumberOfFrames > 1 else data.pixel_array)
    steps = columns[:, None] * between_columns * across + rows[:, None] * between_rows * down
    return np.asarray(position(data, k) + steps)


def voxels(image: sitk.Image, number: int) -> NDArray[np.float64]:
    """The voxels (n, 3), LPS mm, of an image that have a value."""
    index = np.argwhere(sitk.GetArrayFromImage(image) == number)[:, ::-1]
    axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    return np.asarray(np.array(image.GetOrigin()) + index @ axes.T)
