"""The text of every JSON file that is written here: the same content gives the same bytes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any


def json_text(content: Any) -> str:
    """JSON in the order given, with an indent of 2 and a line feed at the end; numbers that are not finite are null.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    return json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(content: Any) -> Any:
    """The same content as plain JSON values: arrays and tensors unpacked, numbers that are not finite None."""
    if hasattr(content, "tolist"):
        return plain(content.tolist())
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def on_one_line(text: str) -> str:
    """JSON with each list of numbers on one line."""
    return re.sub(r"\[([-+.\deE,\s]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text)
