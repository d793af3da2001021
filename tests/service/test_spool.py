"""The spool: states, what is held twice, what grows, what a killed process leaves, and limits."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from scripts.errors import OutputFailed
from scripts.files import atomic
from scripts.results.folder import write_results
from scripts.service import spool as module
from scripts.service.limits import Limits, SpoolFull
from scripts.service.spool import IMAGES, OUT, Added, Spool, SpoolInUse, key_of

ROOMY = Limits(free_bytes=0)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", ROOMY)


def where(spool: Spool, uid: str) -> list[str]:
    """The states in which a study is."""
    return [state for state in module.STATES if spool.place(state, key_of(uid)).exists()]


def images(spool: Spool, state: str, uid: str) -> int:
    return len(list((spool.place(state, key_of(uid)) / IMAGES).glob("*.dcm")))


def finish(spool: Spool, key: str) -> None:
    """Do the work of a study and send it."""
    write_results(spool.place("working", key) / OUT, {}, {})
    spool.move(key, "working", "results")
    spool.move(key, "results", "sent")


def test_the_way_of_a_study(spool: Spool) -> None:
    assert spool.add("1.2", "1.2.1", b"one") is Added.NEW
    assert spool.add("1.2", "1.2.2", b"two") is Added.NEW
    assert spool.take() is None, "it is not complete yet"
    assert list(spool.promote(60)) == []
    assert list(spool.promote(0)) == [key_of("1.2")]
    assert where(spool, "1.2") == ["ready"]
    assert spool.take() == key_of("1.2")
    assert spool.take() is None
    finish(spool, key_of("1.2"))
    assert where(spool, "1.2") == ["sent"]
    assert "1.2" not in key_of("1.2")


def test_the_study_that_waits_longest_comes_first(spool: Spool) -> None:
    for number, uid in enumerate(("1.5", "1.3", "1.4")):
        spool.add(uid, f"{uid}.1", b"x")
        spool.promote(0)
        os.utime(spool.place("ready", key_of(uid)), (1000 + number, 1000 + number))
    assert [spool.take() for _ in range(3)] == [key_of(uid) for uid in ("1.5", "1.3", "1.4")]


@pytest.mark.parametrize("state", module.STATES)
def test_what_is_held_is_not_stored_again(state: str, spool: Spool) -> None:
    folder = spool.place(state, key_of("1.2")) / IMAGES
    folder.mkdir(parents=True)
    (folder / f"{key_of('1.2.1')}.dcm").write_bytes(b"x")
    assert spool.add("1.2", "1.2.1", b"x") is Added.HELD
    assert spool.add("1.2", "1.2.1", b"y") is Added.OTHER
    assert where(spool, "1.2") == [state]


def test_images_that_come_before_the_work_join_the_study(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"x")
    spool.promote(0)
    spool.add("1.2", "1.2.2", b"x")
    assert where(spool, "1.2") == ["incoming"]
    assert images(spool, "incoming", "1.2") == 2


def test_a_study_that_grows_during_the_work_is_worked_again_as_a_whole(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"x")
    spool.promote(0)
    key = spool.take()
    assert key is not None
    spool.add("1.2", "1.2.2", b"x")
    assert where(spool, "1.2") == ["incoming", "working"]
    assert list(spool.promote(0)) == [], "it waits for the work to be done"
    finish(spool, key)
    assert list(spool.promote(0)) == [key]
    assert where(spool, "1.2") == ["ready"]
    assert images(spool, "ready", "1.2") == 2
    assert not (spool.place("ready", key) / OUT).exists()


def test_what_a_killed_process_left(spool: Spool) -> None:
    for uid in ("1.2", "1.3"):
        spool.add(uid, f"{uid}.1", b"x")
    spool.promote(0)
    first, second = spool.take(), spool.take()
    assert first is not None
    assert second is not None
    write_results(spool.place("working", first) / OUT, {"map": b"y"}, {})
    (spool.place("working", second) / ".out.1234abcd.partial").mkdir()
    spool.add("1.4", "1.4.1", b"x")
    half = spool.place("incoming", key_of("1.4")) / IMAGES / ".a.dcm.01234567.partial"
    half.write_bytes(b"ha")
    with Spool(spool.root, ROOMY).owned():
        assert spool.keys("results") == [first]
        assert spool.keys("ready") == [second]
        assert [path.name for path in spool.place("ready", second).iterdir()] == [IMAGES]
        assert not half.exists()
        assert images(spool, "incoming", "1.4") == 1


def test_images_that_came_late_before_a_kill_join_the_study(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"one")
    spool.promote(0)
    assert spool.take() == key_of("1.2")
    spool.add("1.2", "1.2.2", b"two")
    spool.recover()  # as after a kill
    assert where(spool, "1.2") == ["incoming"]
    assert images(spool, "incoming", "1.2") == 2
    spool.add("1.2", "1.2.3", b"three")
    assert list(spool.promote(0)) == [key_of("1.2")]
    assert images(spool, "ready", "1.2") == 3


def test_a_spool_in_which_a_study_is_ready_and_incoming_goes_on(spool: Spool) -> None:
    """Earlier versions left that."""
    spool.add("1.2", "1.2.1", b"one")
    spool.promote(0)
    (spool.place("incoming", key_of("1.2")) / IMAGES).mkdir(parents=True)
    (spool.place("incoming", key_of("1.2")) / IMAGES / "late.dcm").write_bytes(b"two")
    assert list(spool.promote(0)) == [key_of("1.2")]
    assert images(spool, "ready", "1.2") == 2


def test_a_folder_without_an_image_goes_away(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.EDQUOT, "quota")

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_file", full)
        with pytest.raises(SpoolFull):
            spool.add("1.2", "1.2.1", b"one", unfinished=True)
    assert where(spool, "1.2") == []
    (spool.place("incoming", key_of("1.3")) / IMAGES).mkdir(parents=True)
    spool.recover()
    assert where(spool, "1.3") == []


def test_incomplete_results_are_made_again(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"x")
    spool.promote(0)
    key = spool.take()
    assert key is not None
    write_results(spool.place("working", key) / OUT, {"map": b"y"}, {})
    (spool.place("working", key) / OUT / "map").write_bytes(b"damaged")
    spool.recover()
    assert where(spool, "1.2") == ["ready"]


def test_one_process_owns_a_spool(spool: Spool) -> None:
    with spool.owned(), pytest.raises(SpoolInUse, match=r"Another process works with .*another folder"), spool.owned():
        pass
    with spool.owned():
        pass


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match=r"The results were not written to .*/file/spool: Not a directory\."):
        Spool(tmp_path / "file" / "spool")


def test_a_lock_that_can_not_be_made_is_no_other_process(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(module, "lock_file", denied)
    with pytest.raises(OutputFailed, match=r"Permission denied\. Choose a folder that you may write to"), spool.owned():
        pass


def test_a_refused_study_keeps_the_reason(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"x")
    spool.promote(0)
    key = spool.take()
    assert key is not None
    spool.refuse(key, "Give a head CT.")
    assert (spool.place("refused", key) / "reason").read_text() == "Give a head CT.\n"
    assert where(spool, "1.2") == ["refused"]


def test_what_is_old_is_forgotten_but_not_what_grows(spool: Spool) -> None:
    for uid in ("1.2", "1.3"):
        spool.add(uid, f"{uid}.1", b"x")
        spool.promote(0)
        key = spool.take()
        assert key is not None
        finish(spool, key)
    spool.add("1.3", "1.3.2", b"x")
    assert spool.forget(60) == []
    assert spool.forget(-1) == [key_of("1.2")]
    assert where(spool, "1.3") == ["incoming", "sent"]


def test_a_full_disk_takes_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_bytes=2**62))
    with pytest.raises(SpoolFull, match="MiB of the disk are free"):
        spool.add("1.2", "1.2.1", b"x")
    assert where(spool, "1.2") == []


def test_a_disk_that_fills_up_while_an_image_is_written(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(atomic, "sync", full)
    with pytest.raises(SpoolFull, match="the disk is full"):
        spool.add("1.2", "1.2.1", b"x")
    assert images(spool, "incoming", "1.2") == 0


def test_limits_of_image_and_study(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(image_bytes=10, study_bytes=15, free_bytes=0))
    with pytest.raises(SpoolFull, match="an image of"):
        spool.add("1.2", "1.2.1", b"x" * 11)
    spool.add("1.2", "1.2.1", b"x" * 10)
    with pytest.raises(SpoolFull, match="a study of over"):
        spool.add("1.2", "1.2.2", b"x" * 10)
    spool.add("1.3", "1.3.1", b"x" * 10)


def test_an_image_that_comes_starts_the_quiet_time_anew(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"x")
    folder = spool.place("incoming", key_of("1.2")) / IMAGES
    os.utime(folder, (time.time() - 100,) * 2)
    spool.add("1.2", "1.2.2", b"x")
    assert list(spool.promote(50)) == []
    os.utime(folder, (time.time() - 100,) * 2)
    assert list(spool.promote(50)) == [key_of("1.2")]


def test_the_quiet_time_begins_anew_with_the_process(spool: Spool) -> None:
    spool.add("1.2", "1.2.1", b"x")
    os.utime(spool.place("incoming", key_of("1.2")) / IMAGES, (1000, 1000))
    spool.recover()
    assert list(spool.promote(50)) == []
