"""The files of a report, made of a result and of nothing else, so that they can be made with it or later.

`report.html` is the page and `report.pdf` the sheet. The same result gives the same bytes, with the same version of
this program and of NiiVue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..pictures import OVERVIEW, SKULL_PICTURE
from ..record import ResultIncomplete
from .content import content
from .niivue import niivue
from .page import page
from .sheet import sheet
from .volumes import Volumes

PAGE, SHEET = "report.html", "report.pdf"
"""Names of the files."""


def report_files(record: Mapping[str, Any], files: Mapping[str, bytes], volumes: Volumes | None) -> dict[str, bytes]:
    """The files of the report by name.

    Args:
        record: the content of `result.json`.
        files: the other files of the result by name, the pictures among them.
        volumes: of the result; None if it has not all of them, and the page no viewer then.

    Raises:
        ResultIncomplete: the result is of an earlier version, or has no pictures.
    """
    words = content(record)
    if OVERVIEW not in files:
        raise ResultIncomplete(f"There is no {OVERVIEW}, which a report shows. Make the results again, with pictures.")
    pictures = {name: files[name] for name in (OVERVIEW, SKULL_PICTURE) if name in files}
    return {PAGE: page(words, pictures, volumes, record, niivue()), SHEET: sheet(words, files[OVERVIEW])}
