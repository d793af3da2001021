"""A queue of studies on the disk, which loses none and works none twice, whenever the process is killed.

Each study is a folder, named by a hash of its UID, in the folder of its *state*: `incoming` (images arrive), `ready`
(complete, as far as can be told), `working`, `results` (made, not yet sent), `sent`, `refused`. A change of state is
one rename. In it: `images`, a file for each, named by a hash of its UID; `out`, the set of results; `reason`, why a
study was refused; `unfinished`, an empty file. An image is on the disk before it is confirmed; one that is held already
is not stored again, and stays as it came first.

A study is complete when nothing has come for a *quiet time*, or, as long as it is marked as *unfinished*, for a longer
one: its sender has not said that this is all, and may try again. Images that come later join it if its work has not
begun; else it waits until the work is done, and the whole study is worked again as what it is then, a larger one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from pathlib import Path

from ..errors import as_ours
from ..files.atomic import replace_file, sync
from ..files.locks import lock_file
from ..results.record import ResultIncomplete, verify
from .limits import Limits, SpoolFull

INCOMING, READY, WORKING, RESULTS, SENT, REFUSED = "incoming", "ready", "working", "results", "sent", "refused"
STATES = (INCOMING, READY, WORKING, RESULTS, SENT, REFUSED)
IMAGES, OUT, REASON, UNFINISHED = "images", "out", "reason", "unfinished"


class SpoolInUse(RuntimeError):
    """Another process works with the spool."""


class Added(Enum):
    """Outcomes of an image: stored, held already, or held already with other bytes, which stay."""

    NEW = "new"
    HELD = "held"
    OTHER = "other"


def key_of(uid: str) -> str:
    """The name by which a study or an image goes here; it does not tell the UID."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def shown(key: str) -> str:
    """A study's name in the log."""
    return key[:8]


def has_images(place: Path) -> bool:
    """True if the folder of a study holds an image."""
    return any((place / IMAGES).glob("*.dcm"))


class Spool:
    """The queue in the folder `root`, which is made if it is not there; OutputFailed if it can't be made."""

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        self.root, self.limits = root.absolute(), limits or Limits()
        self.lock = threading.RLock()
        try:
            for state in STATES:
                (self.root / state).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise as_ours(error, self.root) from error

    def place(self, state: str, key: str) -> Path:
        """The folder of a study that is in a state."""
        return self.root / state / key

    def keys(self, state: str) -> list[str]:
        """The studies in a state, the one that has been in it longest first."""
        with self.lock:
            folders = [path for path in (self.root / state).iterdir() if path.is_dir()]
            return [path.name for path in sorted(folders, key=lambda path: (path.stat().st_mtime, path.name))]

    def coming(self) -> list[str]:
        """The studies of which images have come, and whose sender has said that these are all."""
        places = {key: self.place(INCOMING, key) for key in self.keys(INCOMING)}
        return [key for key, place in places.items() if has_images(place) and not (place / UNFINISHED).exists()]

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Keep all other processes away, and clean up after a killed one.

        Raises:
            SpoolInUse: another process works with it.
            OutputFailed: the lock can't be made.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(lock_file(self.root / "lock"))
            except BlockingIOError as error:
                text = f"Another process works with {self.root}. Stop it, or choose another folder."
                raise SpoolInUse(text) from error
            except OSError as error:
                raise as_ours(error, self.root) from error
            self.recover()
            yield

    def recover(self) -> None:
        """Makes interrupted studies ready again, unless their results are complete; removes half-written files."""
        with self.lock:
            for key in self.keys(WORKING):
                if self.has_results(self.place(WORKING, key)):
                    self.move(key, WORKING, RESULTS)
                else:
                    self.again(key)
            for file in (self.root / INCOMING).rglob("*.partial"):
                file.unlink()
            for key in self.keys(INCOMING):  # while nobody listened, nothing could come: the quiet time begins anew
                self.remove_empty(key)
                self.touch_key(key)

    def has_results(self, folder: Path) -> bool:
        """True if the folder of a study has a complete set of results."""
        try:
            verify(folder / OUT)
        except (OSError, ResultIncomplete):
            return False
        return True

    def move(self, key: str, old: str, new: str) -> None:
        """Change the state of a study."""
        with self.lock:
            target = self.place(new, key)
            self.place(old, key).rename(target)
            os.utime(target)
            for state in (old, new):
                sync(self.root / state)

    def add(self, study_uid: str, image_uid: str, content: bytes, unfinished: bool = False) -> Added:
        """Store an image, a DICOM file, unless it is held already. When it returns, the image is on the disk.

        Args:
            unfinished: mark the study as unfinished, if it waits for more: until `finish` is called.

        Raises:
            SpoolFull: there is no room for it.
        """
        key, name = key_of(study_uid), f"{key_of(image_uid)}.dcm"
        with self.lock:
            held = next(filter(Path.exists, (self.place(state, key) / IMAGES / name for state in STATES)), None)
            try:
                if held is None:
                    self.check_room(key, len(content))
                    self.back_to_incoming(key, READY)
                    (self.place(INCOMING, key) / IMAGES).mkdir(parents=True, exist_ok=True)
                if unfinished:
                    self.mark_unfinished(key)
                if held is None:
                    self.write(self.place(INCOMING, key) / IMAGES / name, content)
                    return Added.NEW
            except OSError as error:
                with suppress(OSError):
                    self.remove_empty(key)
                if error.errno in (errno.ENOSPC, errno.EDQUOT) and not isinstance(error, SpoolFull):
                    raise SpoolFull(errno.ENOSPC, "the disk is full") from error
                raise
            self.touch(study_uid)
            same = held.stat().st_size == len(content) and held.read_bytes() == content
            return Added.HELD if same else Added.OTHER

    def mark_unfinished(self, key: str) -> None:
        """Mark a study that waits for more images as unfinished."""
        place = self.place(INCOMING, key)
        if place.exists() and not (place / UNFINISHED).exists():
            self.write(place / UNFINISHED, b"")

    def finish(self, study_uid: str) -> None:
        """A sender has said that this is all of a study: the mark is removed."""
        with self.lock:
            (self.place(INCOMING, key_of(study_uid)) / UNFINISHED).unlink(missing_ok=True)

    def touch(self, study_uid: str) -> None:
        """Begin the quiet time of a study that waits for more images anew: something else of it has come."""
        self.touch_key(key_of(study_uid))

    def touch_key(self, key: str) -> None:
        """The same of the study of a key."""
        with self.lock, suppress(FileNotFoundError):
            os.utime(self.place(INCOMING, key) / IMAGES)

    def remove_empty(self, key: str) -> None:
        """Remove the folder of a study of which no image came, as where the disk was full."""
        with self.lock:
            if (place := self.place(INCOMING, key)).exists() and not has_images(place):
                shutil.rmtree(place)

    def back_to_incoming(self, key: str, state: str) -> None:
        """Let a study in a state wait for more images, joined with those that have come meanwhile."""
        place, waiting = self.place(state, key), self.place(INCOMING, key)
        if waiting.exists():
            self.join(place, waiting)
        elif place.exists():
            self.move(key, state, INCOMING)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file that is there completely or not at all."""
        replace_file(path, content)
        sync(path.parent)

    def check_room(self, key: str, size: int) -> None:
        """See that an image of `size` bytes may join a study.

        Raises:
            SpoolFull: it may not.
        """
        held = sum(file.stat().st_size for file in (self.place(INCOMING, key) / IMAGES).glob("*"))
        self.limits.check(size, held, shutil.disk_usage(self.root).free)

    def promote(self, quiet_s: float, unfinished_s: float = 0.0) -> dict[str, bool]:
        """The studies that became ready, and whether they are finished.

        Args:
            quiet_s: time in seconds in which nothing came.
            unfinished_s: time in seconds for studies that are marked as unfinished, if it is longer.
        """
        promoted = {}
        for key in self.keys(INCOMING):
            with self.lock:
                place = self.place(INCOMING, key)
                finished = not (place / UNFINISHED).exists()
                wait_s = quiet_s if finished else max(quiet_s, unfinished_s)
                if time.time() - self.changed(place) < wait_s or not has_images(place):
                    continue
                if any(self.place(state, key).exists() for state in (WORKING, RESULTS)):
                    continue
                for state in (SENT, REFUSED, READY):
                    self.join(self.place(state, key), place)
                self.move(key, INCOMING, READY)
                promoted[key] = finished
        return promoted

    def changed(self, place: Path) -> float:
        """The time at which an image last came to a study, in seconds since 1970."""
        with suppress(FileNotFoundError):
            return (place / IMAGES).stat().st_mtime
        return place.stat().st_mtime

    def join(self, earlier: Path, place: Path) -> None:
        """Add the images of a study that was worked before to those that came later, and forget the former."""
        if not earlier.exists():
            return
        for image in (earlier / IMAGES).glob("*.dcm"):
            image.replace(place / IMAGES / image.name)
        sync(place / IMAGES)
        shutil.rmtree(earlier)

    def take(self) -> str | None:
        """The study to work next, which is in work from now on; None if there is none."""
        with self.lock:
            for key in self.keys(READY):
                self.move(key, READY, WORKING)
                return key
        return None

    def again(self, key: str) -> None:
        """Make a study in work ready again, or, if images came meanwhile, let it wait; leftovers are removed."""
        with self.lock:
            for path in self.place(WORKING, key).iterdir():
                if path.is_dir() and path.name != IMAGES:
                    shutil.rmtree(path, ignore_errors=True)
            if self.place(INCOMING, key).exists():
                self.back_to_incoming(key, WORKING)
            else:
                self.move(key, WORKING, READY)

    def refuse(self, key: str, reason: str) -> None:
        """A study in work can't be judged."""
        try:
            self.write(self.place(WORKING, key) / REASON, f"{reason}\n".encode())
        except OSError as error:
            raise as_ours(error, self.root) from error
        self.move(key, WORKING, REFUSED)

    def forget(self, age_s: float) -> list[str]:
        """Remove studies that were sent or refused over `age_s` seconds ago; returns them."""
        forgotten = []
        for state in (SENT, REFUSED):
            for key in self.keys(state):
                with self.lock:
                    place = self.place(state, key)
                    if time.time() - place.stat().st_mtime > age_s and not self.place(INCOMING, key).exists():
                        shutil.rmtree(place)
                        forgotten.append(key)
        return forgotten
