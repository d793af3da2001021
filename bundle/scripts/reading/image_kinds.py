"""Image kinds by header: kind, contrast agent (see `contrast_words`), bone kernel, body part.

An image's *kind* is "image", or why it is no part of a head CT: "not CT", "colour", "capture" (of a screen),
"localizer" (the projection on which a scan is planned).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ..words import counted
from .contrast_words import denies_contrast, in_capitals, mentions_contrast
from .headers import ImageHeader

KIND_WORDS = {
    "image": ("CT image", "CT images"),
    "not CT": ("image that is not CT", "images that are not CT"),
    "colour": ("colour image", "colour images"),
    "capture": ("screen capture", "screen captures"),
    "localizer": ("localizer", "localizers"),
}
"""Kinds in words, one and many."""

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""Prefix of the UIDs of the SOP classes of secondary captures."""

LOCALIZER = re.compile(r"LOCALI[SZ]ER|SCOUT|TOPOGRAM|SURVIEW|SCANOGRAM")
"""Vendors' words for the projection on which the scan is planned."""

BONE_KERNEL = re.compile(r"BONE|EDGE|LUNG|\bYD\b|\bYE\b|^[DEL]\b|^FC(3\d|8\d)|^[BHIJUTD][A-Z]?(5[5-9]|[6-9]\d)")
"""Sharp kernels by vendor: GE names, Philips letters, Canon FC30-39 and FC80-89, Siemens numbers from 55 on."""

SOFT_KERNEL = re.compile(r"^STD|STANDARD|SOFT|SMOOTH|DETAIL|^U?[ABC]\b|^FC\d|^[BHIJUTD][A-Z]?\d\d")
"""Other kernels, which are no sharp ones whatever the description says: GE names, Philips letters, Canon and
Siemens numbers."""

BONE_DESCRIPTION = re.compile(r"\bBONES?\b|KNOCHEN|\bOSSEUX\b|\bHUESO\b")
"""Series descriptions of bone reconstructions."""

HEAD_WORDS = (
    r"HEAD|BRAIN|SKULL|CRAN|\bKRANI|CEREB|ENCEF|ENCEPH|KOPF|SCHAE?DEL|TETE|CABE[CZ]A|\b(?:TESTA|CAPO|HODET?)\b"
    r"|HOOFD|SCHEDEL|HERSEN|HUVUD|HJARN|HOVED|HJERNE|\bGLOW[AY]|\bMOZG|CZASZK|\bKAFA|BEYIN"
)
"""Words for the head, in the languages of `contrast_words`."""

HEAD = re.compile(rf"{HEAD_WORDS}|NEURO|ORBIT|SINUS|FACE")
"""Body parts that are, or hold, the head."""

OTHER_PARTS = re.compile(
    r"\b(?:[CTL]?SPINE|CERVICALE?S?|HWS|RACHIS|NECK|HALS\w*|CHEST|THORAX|ABDOMEN|PELVIS|BECKEN"
    r"|CUELLO|COLUMNA|TORAX|PESCOCO|COLUNA|COLLO|RACHIDE|COLONNA|TORACE|ADDOME|BACINO|COU|NEK|NAKKE|BUIK|BEKKEN"
    r"|SZYJ\w*|KREGOSLUP\w*|KLATK\w*|BRZUCH\w*|BOYUN|TORAKS|SERVIKAL)\b"
)
"""Words of series descriptions for other body parts."""

HEAD_NAMED = re.compile(HEAD_WORDS)
"""Words of series descriptions for the head, of which a series may show more than that."""


def counted_kinds(kinds: Iterable[str]) -> str:
    """The kinds of some images in words, as in "1 localizer, 4 images that are not CT"."""
    return ", ".join(counted(count, *KIND_WORDS[kind]) for kind, count in sorted(Counter(kinds).items()))


def kind_of(image: ImageHeader) -> str:
    """The kind of an image: "image", or why it can't be part of a head CT."""
    if image.modality != "CT":
        return "not CT"
    if image.sop_class.startswith(SECONDARY_CAPTURE):
        return "capture"
    if image.samples != 1 or not image.photometric.startswith("MONOCHROME"):
        return "capture" if "SECONDARY" in image.image_type else "colour"
    if LOCALIZER.search(" ".join(image.image_type)):
        return "localizer"
    return "image"


def suggests_contrast(image: ImageHeader) -> bool:
    """True if the agent or the description suggests contrast agent."""
    if image.contrast:
        return not denies_contrast(image.contrast) and image.contrast not in ("N", "0", "NA", "N/A")
    return mentions_contrast(image.description)


def has_bone_kernel(image: ImageHeader) -> bool:
    """True if the kernel, or, where it says neither, the series' description, tells a reconstruction for bone."""
    if BONE_KERNEL.search(image.kernel):
        return True
    if SOFT_KERNEL.search(image.kernel):
        return False
    return bool(BONE_DESCRIPTION.search(in_capitals(image.series_description)))


def is_of_head(image: ImageHeader) -> bool:
    """True if the body part is, or includes, the head, or is not stated; False if the series is described as another.

    A study has one body part for all its series in many a header.
    """
    if image.body_part and not HEAD.search(in_capitals(image.body_part)):
        return False
    text = in_capitals(image.series_description)
    return not OTHER_PARTS.search(text) or bool(HEAD_NAMED.search(text))
