"""Zip archives of scans, unpacked for the time that a scan is read.

Names inside an archive are not used: they may lead out of the folder, and may be those of patients. Files are numbered
in the order of the archive; a NIfTI and the JSON beside it keep their suffixes, for these tell what they are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from ..errors import FULL, OutputFailed
from ..findings import InputRefused, refusal
from ..words import counted
from .inputs import named_path
from .names import SIDECAR, only_nifti
from .temporary import temporary_folder

MOST_BYTES, MOST_FILES = 16 * 2**30, 100_000
"""Largest archive that is unpacked: a study is far smaller."""

MADE_BY_SYSTEMS = "__MACOSX"
"""A folder that a Mac adds to archives."""

FIRST_S = 10**9
"""Times of unpacked files, in seconds, follow from their checksums from here on: other contents never look the same."""


def is_zip(path: Path) -> bool:
    """True if the name is that of a zip archive."""
    return path.name.lower().endswith(".zip")


@contextmanager
def unpacked(path: str | Path) -> Iterator[Path]:
    """The path of a scan while the context lasts: for a zip archive its files in a temporary folder, or its only NIfTI.

    Any other path is given back as it is.

    Raises:
        InputRefused: `zip_unusable`; or the path is missing, or a disk fails.
        OutputFailed: there is no folder for temporary files, or no space in it.
    """
    path = named_path(path)
    if not (is_zip(path) and os.path.isfile(path)):
        yield path
        return
    with temporary_folder() as folder:
        place = folder / "scan"
        place.mkdir()
        files = _unpack(path, place)
        yield only_nifti(files) or place


def _unpack(path: Path, folder: Path) -> list[Path]:
    """The files of an archive, written into a folder.

    Raises:
        InputRefused: `zip_unusable`; or the archive may not be opened, or a disk fails.
        OutputFailed: there is no space for them.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _counts(member)]
            _check_size(members)
            return [_written(archive, member, folder / f"{n:06d}") for n, member in enumerate(members, 1)]
    except InputRefused:
        raise
    except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, ValueError) as error:
        raise refusal("zip_unusable", f"The zip archive can't be read ({type(error).__name__}).") from error
    except OSError as error:
        if error.filename == os.fspath(path):
            raise refusal("path_missing", f"{str(path)[-200:]} can't be read ({error.strerror}).") from error
        if error.errno in FULL:
            raise OutputFailed(
                f"The zip archive can't be unpacked into {tempfile.gettempdir()}: {error.strerror}. Free some space "
                "there, or name another folder in the environment variable TMPDIR."
            ) from error
        if error.errno is not None:  # of the disk, not of the bytes that bzip2 was given
            raise refusal("read_failed", f"The zip archive can't be unpacked ({error.strerror}).") from error
        raise refusal("zip_unusable", "The zip archive can't be read (its bzip2 is damaged).") from error
    except RuntimeError as error:  # zipfile says so of a missing password
        raise refusal("zip_unusable", "The zip archive is encrypted.") from error


def _check_size(members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive of too many files or bytes, by its own list of them."""
    size = sum(member.file_size for member in members)
    if len(members) > MOST_FILES or size > MOST_BYTES:
        raise refusal(
            "zip_unusable", f"The zip archive holds {counted(len(members), 'file')} of {size / 2**30:.1f} GB."
        )


def _counts(member: zipfile.ZipInfo) -> bool:
    """True if a member is a file that may belong to a scan; BadZipFile if it has no name."""
    parts = PurePosixPath(member.filename).parts
    if not parts:
        raise zipfile.BadZipFile("a member has no name")
    return not member.is_dir() and MADE_BY_SYSTEMS not in parts and not parts[-1].startswith(".")


def _written(archive: zipfile.ZipFile, member: zipfile.ZipInfo, stem: Path) -> Path:
    """The path of a member that was written, which begins with `stem`."""
    name = member.filename.lower()
    suffix = next((suffix for suffix in (".nii.gz", ".nii", SIDECAR) if name.endswith(suffix)), "")
    file = stem.with_name(stem.name + suffix)
    with archive.open(member) as source, file.open("xb") as target:
        shutil.copyfileobj(source, target, 2**20)
    time_ns = (FIRST_S + (member.CRC >> 2)) * 10**9 + (member.CRC & 3)
    os.utime(file, ns=(time_ns, time_ns))
    return file
