"""Elements of HTML and SVG as text, with their attributes escaped."""

from __future__ import annotations

from html import escape
from xml.sax.saxutils import quoteattr


def element(name: str, content: str = "", **attributes: object) -> str:
    """An element of markup; `content` is markup (see `escape`).

    Attributes stand in their order. `_` in a name is `-`, and a trailing one is left out, as in `class_`; one whose
    value is None is not written.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(str(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>"


__all__ = ["element", "escape"]
