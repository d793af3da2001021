"""Temporary folders, with a sentence where the system has no place for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputFailed

PREFIX = "head_ct_"
"""Names of the folders begin so."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new, empty folder that is removed with all that is in it when the context ends.

    Raises:
        OutputFailed: no folder for temporary files can be written to.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputFailed(
            "No folder for temporary files can be written to, which zip archives and scans that Python judges need. "
            "Name one in the environment variable TMPDIR."
        ) from error
    with folder:
        yield Path(folder.name)
