"""The cases of each kind: a good input, mutated, given to the reader, and what the reader said of it, judged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import nifti_mutations
import numpy as np
import slice_mutations
from dicom_series import head_hu, write_enhanced, write_series
from oracles import complaint, flags_of, is_resampled, wrong_slices
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless
from series_mutations import GEOMETRIES, write_mutated

from scripts.findings import REFUSAL
from scripts.reading.inputs import Inspection, inspect_input

Maker = Callable[[int, int], tuple[bool, str]]
"""Makes and judges the case of a number and a seed: whether it came out badly, and how it came out."""

SYNTAXES: tuple[UID | None, ...] = (None, None, RLELossless, JPEGLSLossless, JPEG2000Lossless)
"""Transfer syntaxes of the series in which a slice is mutated."""

MOST_WRONG, MOST_WRONG_RESAMPLED = 1, 3
"""Slices that a mutation of one slice can change: its own, and those that are interpolated from it."""


def slices(folder: Path) -> Maker:
    """One file of a series is mutated."""
    series = []
    for number, syntax in enumerate(SYNTAXES):
        paths = write_series(folder / str(number), GEOMETRIES[number % 2], compress=syntax)
        series.append([(path, path.read_bytes()) for path in paths])

    def make(number: int, seed: int) -> tuple[bool, str]:
        rng = np.random.default_rng([seed, 1, number])
        chosen = series[rng.integers(len(series))]
        path, good = chosen[rng.integers(len(chosen))]
        mutation = slice_mutations.MUTATIONS[rng.integers(len(slice_mutations.MUTATIONS))]
        path.write_bytes(mutation(rng, good))
        try:
            inspection = inspect_input(path.parent)
        finally:
            path.write_bytes(good)
        bad, text = verdict(inspection)
        if not bad and inspection.volume is not None:
            most = MOST_WRONG_RESAMPLED if is_resampled(inspection.volume) else MOST_WRONG
            if len(wrong := wrong_slices(inspection.volume)) > most:
                return True, f"slices {wrong} are wrong after {mutation.__name__}"
        return bad, f"{mutation.__name__}: {text}" if bad else text

    return make


def enhanced(folder: Path) -> Maker:
    """An enhanced file, which holds all slices, is mutated; what its headers say of the whole can't be known wrong."""
    path = write_enhanced(folder / "enhanced.dcm", GEOMETRIES[0])
    good = path.read_bytes()

    def make(number: int, seed: int) -> tuple[bool, str]:
        rng = np.random.default_rng([seed, 4, number])
        mutation = slice_mutations.MUTATIONS[rng.integers(len(slice_mutations.MUTATIONS))]
        path.write_bytes(mutation(rng, good))
        bad, text = verdict(inspect_input(path))
        return bad, f"{mutation.__name__}: {text}" if bad else text

    return make


def series(folder: Path) -> Maker:
    """A series is mutated as a whole."""

    def make(number: int, seed: int) -> tuple[bool, str]:
        place = folder / str(number)
        honest, names = write_mutated(np.random.default_rng([seed, 2, number]), place)
        try:
            inspection = inspect_input(place)
        finally:
            shutil.rmtree(place)
        bad, text = verdict(inspection)
        known = honest or not flags_of(inspection)
        if not bad and known and inspection.volume is not None and (wrong := wrong_slices(inspection.volume)):
            return True, f"slices {wrong} are wrong after {names}, and nothing is said"
        return bad, f"{names}: {text}" if bad else text

    return make


def nifti(folder: Path) -> Maker:
    """A NIfTI file is mutated."""
    place = GEOMETRIES[0]
    image = nib.Nifti1Image(head_hu(place.points()), place.affine)
    good = image.to_bytes()
    voxels = np.asarray(image.dataobj)

    def make(number: int, seed: int) -> tuple[bool, str]:
        rng = np.random.default_rng([seed, 3, number])
        packed = rng.random() < 0.4
        mutation = nifti_mutations.MUTATIONS[rng.integers(len(nifti_mutations.MUTATIONS))]
        plain = packed and rng.random() < 0.5
        content = good if plain else mutation(rng, good)
        path = folder / ("volume.nii.gz" if rng.random() < (0.9 if packed else 0.1) else "volume.nii")
        path.write_bytes(nifti_mutations.compressed(rng, content) if packed else content)
        try:
            inspection = inspect_input(path)
        finally:
            path.unlink()
        bad, text = verdict(inspection)
        if not bad and plain and inspection.volume is not None:
            same = np.array_equal(inspection.volume.hu, voxels) and np.allclose(inspection.volume.affine, place.affine)
            bad, text = not same, text if same else "a damaged gzip file was read as something else"
        return bad, f"{mutation.__name__}: {text}" if bad else text

    return make


def verdict(inspection: Inspection) -> tuple[bool, str]:
    """Whether something is wrong with what the reader said, and what, or else "accepted" or why it refused."""
    if wrong := complaint(inspection):
        return True, wrong
    if inspection.accepted:
        return False, "accepted"
    return False, next(finding.code for finding in inspection.findings if finding.severity == REFUSAL)


KINDS: dict[str, Callable[[Path], Maker]] = {"slices": slices, "enhanced": enhanced, "series": series, "nifti": nifti}
