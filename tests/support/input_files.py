"""Ways to make an input for the catalogue of `bad_inputs.py`: a series, a volume, with one thing changed.

A *make* is called with a path that is free, puts the input there, and returns what is to be named to the program. An
*edit* changes the data set of image k before it is written. `MIDDLE` is the image that is changed when only one is.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gdcm
import nibabel as nib
import numpy as np
import pydicom
from dicom_series import SERIES, head_hu, image, write_enhanced, write_series
from geometries import GEOMETRIES, PLAIN, Geometry
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

Make = Callable[[Path], Path]
Edit = Callable[[Dataset, int], Any]

MIDDLE, SLICES = 20, PLAIN.shape[2]
OTHER = f"{SERIES}.9"
BY_NAME = {grid.name: grid for grid in GEOMETRIES}
SYNTAXES = {"RLE": RLELossless, "JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless}
PIXEL_DATA = b"\xe0\x7f\x10\x00"
"""The tag in a little-endian file."""


def series(
    edit: Edit | None = None,
    geometry: Geometry = PLAIN,
    at: Sequence[float] | None = None,
    then: Callable[[list[Path]], Any] | None = None,
    **options: Any,
) -> Make:
    """A series of the head; `then` works on the files."""

    def make(path: Path) -> Path:
        files = write_series(path, geometry, at, edit, **options)
        if then:
            then(files)
        return path

    return make


def every(**attributes: Any) -> Edit:
    """Set attributes in all images; None takes one away."""

    def edit(dataset: Dataset, k: int) -> None:
        for name, value in attributes.items():
            if value is None:
                del dataset[name]
            else:
                setattr(dataset, name, value)

    return edit


def one(**attributes: Any) -> Edit:
    """Set attributes in one image; None takes one away."""
    change = every(**attributes)
    return lambda dataset, k: change(dataset, k) if k == MIDDLE else None


def text(name: str, values: Any) -> Edit:
    """Write an attribute as text, which takes anything."""

    def edit(dataset: Dataset, k: int) -> None:
        dataset[name] = pydicom.DataElement(pydicom.tag.Tag(name), "LO", values)

    return edit


def syntax(uid: str) -> Edit:
    """Write the files in another transfer syntax that does not change the pixels' bytes."""
    return lambda dataset, k: setattr(dataset.file_meta, "TransferSyntaxUID", uid)


def values(change: Callable[[NDArray[np.int16], int], Any], only: int | None = None) -> Edit:
    """Store other HU, `change(hu, k)` of the image (columns, rows), as signed numbers of 16 bits."""

    def edit(dataset: Dataset, k: int) -> None:
        if only in (None, k):
            hu = head_hu(PLAIN.points(np.array([k])))[:, :, 0]
            dataset.RescaleIntercept = 0
            stored = np.asarray(change(hu, k)).astype(np.int16)
            dataset.set_pixel_data(np.ascontiguousarray(stored.T), "MONOCHROME2", 16)

    return edit


def spoilt(change: Callable[[bytes], bytes], which: int = MIDDLE) -> Callable[[list[Path]], Any]:
    """Change the bytes of one file."""
    return lambda files: files[which].write_bytes(change(files[which].read_bytes()))


def reheadered(**attributes: Any) -> Callable[[list[Path]], Any]:
    """Change the header of one file whose pixels are already compressed."""

    def change(files: list[Path]) -> None:
        dataset = pydicom.dcmread(files[MIDDLE])
        for name, value in attributes.items():
            setattr(dataset, name, value)
        dataset.save_as(files[MIDDLE])

    return change


def changed_file(make: Make, change: Callable[[bytes], bytes]) -> Make:
    """An input that is one file, with other bytes."""

    def make_and_change(path: Path) -> Path:
        target = make(path)
        target.write_bytes(change(target.read_bytes()))
        return target

    return make_and_change


def syntax_from(before: bytes, after: bytes) -> Callable[[bytes], bytes]:
    """Let a file say that it has another transfer syntax; both are the ends of UIDs of one length."""
    root = b"1.2.840.10008."
    return lambda content: content.replace(root + before, root + after)


def cut(share: float) -> Callable[[bytes], bytes]:
    """Keep a share of what begins with the pixel data."""

    def change(content: bytes) -> bytes:
        start = content.index(PIXEL_DATA)
        return content[: start + int(share * (len(content) - start))]

    return change


def noise_from(offset: int, count: int) -> Callable[[bytes], bytes]:
    """Overwrite `count` bytes, `offset` after the tag of the pixel data."""

    def change(content: bytes) -> bytes:
        start = content.index(PIXEL_DATA) + offset
        noise = np.random.default_rng(0).integers(0, 255, count, np.uint8).tobytes()
        return content[:start] + noise + content[start + count :]

    return change


def jpeg_lossless(files: list[Path]) -> None:
    """Compress the files with JPEG lossless, first-order prediction, which pydicom can't write."""
    for file in files:
        reader = gdcm.ImageReader()
        reader.SetFileName(os.fspath(file))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(os.fspath(file))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()


def without_preamble(files: list[Path]) -> None:
    """Rewrite the files as implicit little endian without preamble and meta information, as old archives hold them."""
    for file in files:
        dataset = pydicom.dcmread(file)
        plain = Dataset()
        plain.update({element.tag: element for element in dataset})
        plain.save_as(file, implicit_vr=True, little_endian=True, enforce_file_format=False)


def without_prefix(files: list[Path]) -> None:
    """Take preamble and prefix away, as pydicom saves a data set without one: the meta information comes first."""
    for file in files:
        content = file.read_bytes()
        assert content[128:132] == b"DICM"
        file.write_bytes(content[132:])


def enhanced(change: Callable[[Dataset], Any] | None = None, order: Sequence[int] | None = None) -> Make:
    """One enhanced multi-frame file, changed."""

    def make(path: Path) -> Path:
        file = write_enhanced(path.with_suffix(".dcm"), order=order)
        if change:
            dataset = pydicom.dcmread(file)
            change(dataset)
            dataset.save_as(file)
        return file

    return make


def both(*makes: Make) -> Make:
    """Several inputs in one folder, each in a folder of its own."""

    def make(path: Path) -> Path:
        path.mkdir()
        for n, part in enumerate(makes):
            part(path / f"part{n}")
        return path

    return make


def beside(make_files: Callable[[Path], Any], first: Make | None = None) -> Make:
    """A series and, in the same folder, something else."""

    def make(path: Path) -> Path:
        (first or series())(path)
        make_files(path)
        return path

    return make


def file(content: bytes | str, name: str = "scan") -> Make:
    """A file with this content."""

    def make(path: Path) -> Path:
        target = path.with_name(name)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    return make


def folder(fill: Callable[[Path], Any] = lambda path: None) -> Make:
    """A folder, filled."""

    def make(path: Path) -> Path:
        path.mkdir()
        fill(path)
        return path

    return make


def nifti(
    change: Callable[[NDArray[np.int16]], Any] = lambda hu: hu,
    geometry: Geometry = PLAIN,
    codes: tuple[int, int] = (1, 1),
    spoil: Callable[[bytearray], Any] | None = None,
    suffix: str = ".nii",
    kind: type = nib.Nifti1Image,
) -> Make:
    """A volume of the head; `spoil` changes the file's bytes before they are compressed, as `.nii.gz` asks for."""

    def make(path: Path) -> Path:
        image = kind(change(head_hu(geometry.points())), None)
        image.set_sform(geometry.affine, codes[0])
        image.set_qform(geometry.affine, codes[1])
        content = bytearray(image.to_bytes())
        if spoil:
            content = spoil(content) or content
        target = path.with_name(f"scan{suffix}")
        target.write_bytes(gzip.compress(content, 1) if suffix.endswith(".gz") else content)
        return target

    return make


def put(at: int, content: bytes) -> Callable[[bytearray], None]:
    """Overwrite bytes at a place."""

    def change(data: bytearray) -> None:
        data[at : at + len(content)] = content

    return change


def report(path: Path) -> None:
    """A structured report: DICOM without an image."""
    dataset = image(PLAIN, 0, SERIES, 0)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    del dataset.Rows
    path.mkdir(exist_ok=True)
    dataset.save_as(path / "report.dcm", enforce_file_format=True)


def colour(dataset: Dataset, k: int) -> None:
    """Colour pixels, for images that are none of CT."""
    dataset.set_pixel_data(np.zeros((44, 48, 3), np.uint8), "RGB", 8)
