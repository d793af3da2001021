"""Sending results: errors, refusals of single objects, and the memory of what a destination took.

Objects of a study go one by one. Those that were taken count as sent, whatever becomes of the others. A *refusal* is an
answer by which the destination does not take an object. An object that is refused *for now*, as without space, is sent
again for as long as it takes. Any other is sent `TRIES` times in all, and once if its class is not supported. Then it
is left out, with a line in the log, if the destination took others of the study.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

LOG = logging.getLogger("head_ct_anomaly")

TRIES = 5
"""Sendings of an object that is refused, while others of its study are taken."""

PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Transfer syntaxes without compression; the second one is that which every node takes (PS3.5 10.1)."""

CLASS_NOT_SUPPORTED, OTHER_OF_THE_UID = 0x0122, 0x0111

REASONS = {
    0x0110: "processing failure",
    OTHER_OF_THE_UID: "it has another object of that UID",
    0x0117: "invalid object",
    CLASS_NOT_SUPPORTED: "its class is not supported",
    0x0124: "not authorized",
    0xC122: "its transfer syntax is not supported",
}
"""Words for codes of C-STORE, and failure reasons of STOW-RS (PS3.7 annex C, PS3.18 table I.2-2)."""

FAMILIES = {0xA7: "out of resources", 0xA9: "it does not match its class", 0xC0: "it is not understood"}
"""Words for other codes by their first byte (PS3.4 table B.2-1)."""


class SendFailed(OSError):
    """The destination can't be reached, or takes nothing; results are kept, and sent again."""


class NotTaken(SendFailed):
    """The destination did not take an object of this study; those of others it may take."""


@dataclass(frozen=True)
class Refusal:
    """Why an object was not taken: the code of PS3.7, None if the destination names none, and `said`, other words."""

    code: int | None
    said: str = "no reason given"

    @property
    def for_now(self) -> bool:
        """True if the object may be taken later as it is: the destination is out of resources."""
        return self.code is not None and self.code >> 8 == 0xA7

    @property
    def may_be_of_the_syntax(self) -> bool:
        """True if an object may be taken without compression: STOW-RS does not agree on transfer syntaxes before."""
        return not self.for_now and self.code not in (CLASS_NOT_SUPPORTED, OTHER_OF_THE_UID)

    def __str__(self) -> str:
        if self.code is None:
            return self.said
        words = REASONS.get(self.code) or FAMILIES.get(self.code >> 8)
        return f"{words}, {self.code:04X}" if words else f"{self.code:04X}"


@dataclass
class Sent:
    """By UID, the objects that a destination took, and how often it refused others, of studies that are not done."""

    taken: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)

    def send(self, files: Iterable[Path], name: str, store: Callable[[Path], Refusal | None]) -> None:
        """Send the files of a study that were not taken yet to the destination `name`, each by `store`.

        Raises:
            NotTaken: some were not, and are to be sent again.
            SendFailed: as raised by `store`; what was taken before counts.
        """
        uids = {path: str(meta_of(path).MediaStorageSOPInstanceUID) for path in files}
        found: dict[Path, Refusal] = {}
        for path, uid in uids.items():
            if uid in self.taken:
                continue
            if (refusal := store(path)) is None:
                self.taken.add(uid)
            else:
                found[path] = refusal
                self.refused[uid] += 1
        works = not self.taken.isdisjoint(uids.values())
        if again := {path: why for path, why in found.items() if not (works and self.final(uids[path], why))}:
            raise NotTaken(f"{name} did not take {in_words(again)}")
        if found:
            LOG.warning("%s does not take these objects, which are left out: %s", name, in_words(found))
        for uid in uids.values():
            self.taken.discard(uid)
            self.refused.pop(uid, None)

    def final(self, uid: str, refusal: Refusal) -> bool:
        """True if an object need not be sent again to a destination that takes others of its study."""
        return not refusal.for_now and (refusal.code == CLASS_NOT_SUPPORTED or self.refused[uid] >= TRIES)


def in_words(refusals: Mapping[Path, Refusal]) -> str:
    """The refused objects by class and reason: "2 Segmentation Storage (its class is not supported, 0122)"."""
    kinds = Counter((meta_of(path).MediaStorageSOPClassUID.name, str(refusal)) for path, refusal in refusals.items())
    return ", ".join(f"{number} {name} ({reason})" for (name, reason), number in sorted(kinds.items()))


def meta_of(path: Path) -> Any:
    """The File Meta Information of a DICOM file."""
    return pydicom.dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True).file_meta


def uncompressed(path: Path) -> pydicom.Dataset:
    """The content of a DICOM file without compression, under the same UIDs."""
    data = pydicom.dcmread(path)
    syntax = data.file_meta.TransferSyntaxUID
    if syntax == DeflatedExplicitVRLittleEndian:
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    elif syntax not in PLAIN:
        data.decompress(generate_instance_uid=False)
    return data
