"""What was taken counts as sent; what was refused is sent again as long as that may help."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pydicom
import pytest
from dicom_series import common
from pydicom.uid import CTImageStorage, SegmentationStorage

from scripts.service.sending import CLASS_NOT_SUPPORTED, TRIES, NotTaken, Refusal, SendFailed, Sent


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A segmentation among images."""
    paths = []
    for number, sop_class in enumerate((CTImageStorage, SegmentationStorage, CTImageStorage)):
        paths.append(tmp_path / f"{number}.dcm")
        common(sop_class, f"1.2.3.{number}", "1.2.3").save_as(paths[-1], enforce_file_format=True)
    return paths


class Archive:
    """A destination that refuses segmentations."""

    def __init__(self, refusal: Refusal | None, takes_none: bool = False) -> None:
        self.refusal, self.takes_none = refusal, takes_none
        self.came: list[str] = []

    def store(self, path: Path) -> Refusal | None:
        self.came.append(path.stem)
        refused = self.takes_none or pydicom.dcmread(path).SOPClassUID == SegmentationStorage
        return self.refusal if refused else None


def tries(sent: Sent, archive: Archive, files: list[Path], most: int = 20) -> int:
    """How often the files were sent until that was done; `most` if it never was."""
    for number in range(1, most + 1):
        with suppress(NotTaken):
            sent.send(files, "PACS", archive.store)
            return number
    return most


@pytest.mark.parametrize(
    ("code", "expected"), [(CLASS_NOT_SUPPORTED, 1), (0x0110, TRIES), (0xC000, TRIES), (None, TRIES), (0xA700, 20)]
)
def test_a_refused_object_keeps_no_others_and_is_left_out_in_the_end(
    code: int | None, expected: int, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    sent, archive = Sent(), Archive(Refusal(code))
    assert tries(sent, archive, files) == expected
    assert archive.came[:3] == ["0", "1", "2"], "those behind it are sent, too"
    assert archive.came[3:] == ["1"] * (expected - 1), "those that were taken are not sent again"
    assert ("which are left out: 1 Segmentation Storage (" in caplog.text) is (expected < 20)
    if expected < 20:
        assert sent == Sent(), "nothing is kept of a study that is done"


def test_a_destination_that_takes_nothing_is_no_reason_to_leave_anything_out(files: list[Path]) -> None:
    archive = Archive(Refusal(CLASS_NOT_SUPPORTED), takes_none=True)
    with pytest.raises(NotTaken, match=r"^PACS did not take 2 CT Image Storage \(.*0122\), 1 Segmentation Storage \("):
        Sent().send(files, "PACS", archive.store)
    assert tries(Sent(), archive, files) == 20


def test_what_was_taken_before_the_connection_was_lost_is_not_sent_again(files: list[Path]) -> None:
    sent, came = Sent(), []

    def lost(path: Path) -> None:
        came.append(path.stem)
        if len(came) == 2:
            raise SendFailed("PACS can't be reached")

    with pytest.raises(SendFailed, match="can't be reached"):
        sent.send(files, "PACS", lost)
    sent.send(files, "PACS", lost)
    assert came == ["0", "1", "1", "2"]


def test_an_object_that_is_taken_in_the_end_is_sent(files: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    sent, archive = Sent(), Archive(Refusal(0x0110))
    assert tries(sent, archive, files, most=2) == 2
    archive.refusal = None
    sent.send(files, "PACS", archive.store)
    assert "left out" not in caplog.text
    assert sent == Sent()


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(0x0122), "its class is not supported, 0122"),
        (Refusal(0xA701), "out of resources, A701"),
        (Refusal(0xA900), "it does not match its class, A900"),
        (Refusal(0xC122), "its transfer syntax is not supported, C122"),
        (Refusal(0xF001), "F001"),
        (Refusal(None), "no reason given"),
        (Refusal(None, "HTTP 409"), "HTTP 409"),
    ],
)
def test_reasons_in_words(refusal: Refusal, words: str) -> None:
    assert str(refusal) == words
