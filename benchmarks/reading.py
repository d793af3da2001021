"""Memory of reading a scan, in bytes a voxel, by the kind of its files.

    python benchmarks/reading.py [--slices 300]

writes one noisy head of 512 x 512 pixels a slice in each form and reads it in a process of its own. *Peak* is what the
operating system counts as that process's largest resident memory (VmHWM) above what it held after its imports.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

from scripts.simulation.scanner.series import write_series

SIZE, SPACING_MM = 512, (-0.45, -0.45, 0.6)
"""Pixels a side of a slice, and voxel sizes with the signs of RAS axes."""

SHARED_GROUPS = ("ImageOrientationPatient", "PixelSpacing", "SliceThickness")
"""Attributes that all frames of an enhanced file share here."""

CHILD = """
import sys
from scripts.reading.inputs import read_volume
from scripts.processes.memory import peak_bytes, resident_bytes, restart_peak
assert restart_peak()
before = resident_bytes()
result = read_volume(sys.argv[1])
print(peak_bytes() - before)
"""
"""The program that is measured."""


def head(slices: int) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """HU (512, 512, slices) of a ball of brain in a shell of bone, with noise, and its affine (4, 4)."""
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array([SIZE, SIZE, slices]) - 1) / 2)
    axes = [affine[n, n] * np.arange(count) + affine[n, 3] for n, count in enumerate((SIZE, SIZE, slices))]
    flat = np.add.outer(axes[0] ** 2, axes[1] ** 2)
    hu = np.empty((SIZE, SIZE, slices), dtype=np.int16)
    noise = np.random.default_rng(0)
    for k, z in enumerate(axes[2]):
        radius = np.sqrt(flat + z**2)
        hu[:, :, k] = np.select([radius < 80, radius < 86], [35, 1000], -1000) + noise.normal(0, 8, flat.shape)
    return hu, affine


def classic(folder: Path, hu: NDArray[np.int16], affine: NDArray[np.float64]) -> Path:
    """One file for each slice, not compressed."""
    write_series(folder, hu, affine)
    return folder


def padded(folder: Path, hu: NDArray[np.int16], affine: NDArray[np.float64]) -> Path:
    """The same, with padding outside a circle and the tag that names it, in two spacings."""
    steps = np.arange(SIZE) - (SIZE - 1) / 2
    outside = np.broadcast_to((np.hypot.outer(steps, steps) > SIZE / 2)[:, :, None], hu.shape)
    half = hu.shape[2] // 2
    keep = np.r_[0:half, half : hu.shape[2] : 2]
    write_series(folder, hu[:, :, keep], affine, outside=outside[:, :, keep], at=[float(k) for k in keep])
    return folder


def compressed(folder: Path, hu: NDArray[np.int16], affine: NDArray[np.float64]) -> Path:
    """One file for each slice, JPEG-LS."""
    write_series(folder, hu, affine, transfer_syntax="jpegls")
    return folder


def jpeg2000(folder: Path, hu: NDArray[np.int16], affine: NDArray[np.float64]) -> Path:
    """One file for each slice, JPEG 2000."""
    write_series(folder, hu, affine, transfer_syntax="jpeg2000")
    return folder


def enhanced(folder: Path, hu: NDArray[np.int16], affine: NDArray[np.float64]) -> Path:
    """One enhanced multi-frame file."""
    files = write_series(folder / "slices", hu, affine)
    slices = [pydicom.dcmread(file, stop_before_pixels=True) for file in files]
    whole = pydicom.dcmread(files[0])
    whole.file_meta.MediaStorageSOPClassUID = whole.SOPClassUID = pydicom.uid.EnhancedCTImageStorage
    whole.NumberOfFrames = len(files)
    whole.SharedFunctionalGroupsSequence = Items([groups(slices[0], "PlaneOrientationSequence", SHARED_GROUPS[:1])])
    shared = whole.SharedFunctionalGroupsSequence[0]
    shared.update(groups(slices[0], "PixelMeasuresSequence", SHARED_GROUPS[1:]))
    shared.update(groups(slices[0], "PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept")))
    frames = [groups(one, "PlanePositionSequence", ("ImagePositionPatient",)) for one in slices]
    whole.PerFrameFunctionalGroupsSequence = Items(frames)
    whole.PixelData = b"".join(pydicom.dcmread(file).PixelData for file in files)
    whole.save_as(folder / "enhanced.dcm", enforce_file_format=True)
    return folder / "enhanced.dcm"


def groups(source: Dataset, sequence: str, names: tuple[str, ...]) -> Dataset:
    """A data set that holds one functional group."""
    item, outer = Dataset(), Dataset()
    for name in names:
        item[name] = source[name]
    setattr(outer, sequence, Items([item]))
    return outer


def nifti(dtype: str, suffix: str) -> Callable[[Path, NDArray[np.int16], NDArray[np.float64]], Path]:
    """A writer of NIfTI files of one data type."""

    def write(folder: Path, hu: NDArray[np.int16], affine: NDArray[np.float64]) -> Path:
        folder.mkdir(parents=True)
        nib.openers.Opener.default_compresslevel = 1
        nib.save(nib.Nifti1Image(hu.astype(dtype), affine), folder / f"head{suffix}")
        return folder / f"head{suffix}"

    return write


FORMS: dict[str, Callable[[Path, NDArray[np.int16], NDArray[np.float64]], Path]] = {
    "classic DICOM": classic,
    "classic DICOM, padded, two spacings": padded,
    "JPEG-LS DICOM": compressed,
    "JPEG 2000 DICOM": jpeg2000,
    "enhanced multi-frame DICOM": enhanced,
    "NIfTI, gzip, int16": nifti("<i2", ".nii.gz"),
    "NIfTI, gzip, float32": nifti("<f4", ".nii.gz"),
    "NIfTI, float64": nifti("<f8", ".nii"),
}
"""The measured forms."""


def peak(path: Path) -> int:
    """Bytes at the peak of reading `path`, in a process of its own."""
    command = [sys.executable, "-c", CHILD, str(path)]
    done = subprocess.run(command, cwd=ROOT / "bundle", capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Write and read each form, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300, help="slices of 512 x 512 pixels (300)")
    parser.add_argument("--form", choices=FORMS, action="append", help="only this form")
    args = parser.parse_args()
    hu, affine = head(args.slices)
    print(f"| 512 x 512 x {args.slices} | peak, MB | bytes a voxel |\n|---|---|---|")
    for form in args.form or FORMS:
        with tempfile.TemporaryDirectory() as folder:
            path = FORMS[form](Path(folder) / "scan", hu, affine)
            used = peak(path)
        print(f"| {form} | {used / 2**20:.0f} | {used / hu.size:.2f} |", flush=True)


if __name__ == "__main__":
    main()
