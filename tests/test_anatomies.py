"""Reading label maps in any orientation."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from toy_anatomy import raw_labels

from scripts.anatomies import anatomy_paths, load_anatomy


def test_the_orientation_of_the_file_does_not_matter(tmp_path: Path) -> None:
    labels, affine = raw_labels()
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "a.nii.gz")
    turned = nibabel.Nifti1Image(labels, affine).as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    nibabel.save(turned, tmp_path / "b.nii")
    first, second = (load_anatomy(path) for path in anatomy_paths(tmp_path))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_allclose(first.affine, second.affine, atol=1e-4)


def test_what_is_no_label_map_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), 0.5, np.float32), np.eye(4)), tmp_path / "hu.nii.gz")
    with pytest.raises(ValueError, match=r"hu.nii.gz is not a label map"):
        load_anatomy(tmp_path / "hu.nii.gz")
    with pytest.raises(FileNotFoundError, match=r"no label map"):
        anatomy_paths(tmp_path / "nowhere")
