"""Limits of a spool: the largest image, the largest study, and the space that stays free on the disk.

Any sender could otherwise fill the disk of the node, on which the results are written, too.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

MIB = 2**20


class SpoolFull(OSError):
    """An image can't be taken: the disk is too full, or the image or its study is too large."""


@dataclass(frozen=True)
class Limits:
    """Limits in bytes: of an image and of a study, and of the disk the bytes that stay free."""

    image_bytes: int = 1024 * MIB
    study_bytes: int = 4096 * MIB
    free_bytes: int = 2048 * MIB

    def check(self, size: int, held: int, free: int) -> None:
        """See that an image may join its study.

        Args:
            size: bytes of the image.
            held: bytes of the study that are stored already.
            free: free bytes of the disk.

        Raises:
            SpoolFull: it may not.
        """
        if size > self.image_bytes:
            raise SpoolFull(errno.EFBIG, f"an image of over {self.image_bytes // MIB} MiB")
        if held + size > self.study_bytes:
            raise SpoolFull(errno.EFBIG, f"a study of over {self.study_bytes // MIB} MiB")
        if free - size < self.free_bytes:
            raise SpoolFull(errno.ENOSPC, f"only {free // MIB} MiB of the disk are free")
