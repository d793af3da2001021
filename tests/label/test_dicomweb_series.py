"""Series of a DICOMweb store: fetched once, anew when the store has more of them, and whole or not at all."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom.dataset import Dataset

from dicomweb_series import series_folder

SERIES_UID, STUDY_UID = "1.2.3", "1.2"

pytestmark = pytest.mark.filterwarnings("default")


class Client:
    """A DICOMweb store of one series, which counts what is fetched and may fail in the middle."""

    def __init__(self, images: int, fails_at: int | None = None, tells: bool = True) -> None:
        self.images, self.fails_at, self.tells, self.fetched = images, fails_at, tells, 0

    def search_for_series(self, search_filters: dict[str, str]) -> list[dict[str, Any]]:
        described = {"0020000E": {"Value": [SERIES_UID]}, "0020000D": {"Value": [STUDY_UID]}}
        return [{**described, **({"00201209": {"Value": [self.images]}} if self.tells else {})}]

    def retrieve_series(self, study_uid: str, series_uid: str) -> Any:
        assert (study_uid, series_uid) == (STUDY_UID, SERIES_UID)
        self.fetched += 1
        for number in range(self.images):
            if number == self.fails_at:
                raise ConnectionError("the store went away")
            yield Image(number)


class Image(Dataset):
    """An image that is written as its number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.SOPInstanceUID = f"1.2.3.{number}"

    def save_as(self, path: Any, **more: Any) -> None:
        Path(path).write_text(self.SOPInstanceUID)


def store(folder: Path, client: Client) -> Any:
    """A data store of MONAI Label that keeps its images in a folder."""
    return SimpleNamespace(
        _client=client, _fetch_by_frame=False, _datastore=SimpleNamespace(image_path=lambda: str(folder))
    )


def test_a_series_is_fetched_once(tmp_path: Path) -> None:
    client = Client(3)
    folder = series_folder(store(tmp_path, client), SERIES_UID)
    assert folder == tmp_path / SERIES_UID
    assert len(list(folder.iterdir())) == 3
    assert series_folder(store(tmp_path, client), SERIES_UID) == folder
    assert client.fetched == 1
    assert [path.name for path in tmp_path.iterdir()] == [SERIES_UID], "nothing is left beside it"


def test_two_requests_at_once_fetch_a_series_once(tmp_path: Path) -> None:
    class Slow(Client):
        """A store that takes its time, so that the second request comes while the first one is answered."""

        def retrieve_series(self, study_uid: str, series_uid: str) -> Any:
            time.sleep(0.3)
            return super().retrieve_series(study_uid, series_uid)

    client = Slow(3)
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: series_folder(store(tmp_path, client), SERIES_UID), range(2)))
    assert folders == [tmp_path / SERIES_UID] * 2
    assert client.fetched == 1


def test_a_series_that_grew_is_fetched_anew(tmp_path: Path) -> None:
    client = Client(3)
    series_folder(store(tmp_path, client), SERIES_UID)
    client.images = 5
    folder = series_folder(store(tmp_path, client), SERIES_UID)
    assert folder is not None
    assert len(list(folder.iterdir())) == 5


def test_a_store_that_tells_no_numbers_is_asked_once(tmp_path: Path) -> None:
    client = Client(3, tells=False)
    for _ in range(2):
        series_folder(store(tmp_path, client), SERIES_UID)
    assert client.fetched == 1


def test_half_a_series_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="the store went away"):
        series_folder(store(tmp_path, Client(3, fails_at=2)), SERIES_UID)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("uid", ["1.2.4", "", "../1.2.3", "/etc", "nothere"])
def test_what_the_store_does_not_have_is_none(uid: str, tmp_path: Path) -> None:
    assert series_folder(store(tmp_path, Client(3)), uid) is None
