"""The delivery over one association, and the lines of the log about it.

The lines name AE titles, network addresses and classes of objects: never a patient.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pydicom.config import IGNORE
from pydicom.uid import UID

from ..words import counted, printable

NAMED = 5
"""Most classes that a log line names."""

PADDING = "\0 "
"""Characters that some senders fill an AE title with: DICOM has spaces (PS3.8 table 9-11), eFilm sends NULs."""


def class_name(sop_class: str) -> str:
    """The name of a class of objects; a private or unknown one has none that may be shown."""
    uid = UID(sop_class, validation_mode=IGNORE)  # it would be in the warning, and may be anything
    return "a private class" if uid.name == uid else uid.name


def peer(association: Any) -> str:
    """The AE title and network address of a sender."""
    requestor = association.requestor
    title = requestor.primitive.calling_ae_title if requestor.primitive else ""
    return f"{printable(title.strip(PADDING)) or 'a sender without an AE title'} at {requestor.address_info.address}"


@dataclass
class Delivery:
    """The objects that came over an association so far.

    Attributes:
        stored: CT images that were stored.
        held: CT images that were stored before; `changed` are those of them that came with other content.
        dropped: objects that are no CT images, by class.
        study: UID of the study of the last CT image.
    """

    stored: int = 0
    held: int = 0
    changed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    study: str = ""

    def summary(self) -> str:
        """The delivery in words; empty if nothing came."""
        images = self.stored + self.held
        parts = [counted(images, "CT image")] if images or self.dropped else []
        if self.held:
            parts.append(f"{self.held} of them stored before")
        if self.changed:
            parts.append(f"{self.changed} with other content than then, which was not taken")
        if self.dropped:
            common = self.dropped.most_common()
            listed = ", ".join(f"{count} {class_name(sop_class)}" for sop_class, count in common[:NAMED])
            rest = sum(count for _, count in common[NAMED:])
            parts.append(f"dropped, since it is not CT: {listed}{f' and {rest} more' if rest else ''}")
        return "; ".join(parts)


def refusal_reason(association: Any, own_title: str, most: int) -> str:
    """Why an association was refused, with what to do about it, from the answer to it (PS3.8 section 9.3.4)."""
    answer = association.acceptor.primitive
    called = printable(association.requestor.primitive.called_ae_title.strip(PADDING))
    reasons = {
        (1, 3): "this AE title is not named with --sender",
        (1, 7): f"it called {called}, and this node is {own_title} (--ae-title)",
        (3, 2): f"{most} senders are connected already; it may try again",
    }
    code = (int(answer.result_source), int(answer.diagnostic))
    return reasons.get(code, "source {} and diagnostic {} of DICOM PS3.8 table 9-21".format(*code))
