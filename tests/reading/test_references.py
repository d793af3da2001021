"""References: images that share a UID are flagged, and refused where DICOM objects shall refer to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_series import write_enhanced, write_series
from pydicom.dataset import Dataset

from scripts.findings import InputRefused
from scripts.reading.headers import read_headers
from scripts.reading.inputs import read_volume
from scripts.reading.references import check_referable, sharing_uid
from scripts.reading.series import choose, stacks_of


def one_uid(dataset: Dataset, k: int) -> None:
    """What an anonymiser writes into all images."""
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"


def test_one_uid_in_all_images_is_flagged_and_can_not_be_referred_to(tmp_path: Path) -> None:
    write_series(tmp_path, edit=one_uid)
    (found,) = read_volume(tmp_path).findings
    assert found.code == "uids_repeated"
    assert found.message.startswith("37 of 37 images share a SOPInstanceUID. The heatmap is as usual")
    with pytest.raises(InputRefused, match=r"^37 of 37 images share .*anonymise the series again"):
        check_referable(tmp_path)


def test_copies_and_frames_share_it_rightly(tmp_path: Path) -> None:
    write_series(tmp_path / "once")
    write_series(tmp_path / "once", prefix="copy")
    write_enhanced(tmp_path / "enhanced.dcm")
    for path in (tmp_path / "once", tmp_path / "enhanced.dcm"):
        assert sharing_uid(choose(stacks_of(read_headers(path)))) == 0
        check_referable(path)


def test_a_series_without_a_study_is_refused(tmp_path: Path) -> None:
    def edit(data: Dataset, _: int) -> None:
        del data.StudyInstanceUID

    write_series(tmp_path, edit=edit)
    with pytest.raises(InputRefused, match="have no StudyInstanceUID, so that DICOM objects can't belong"):
        check_referable(tmp_path)
