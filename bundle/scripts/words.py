"""Words of messages: numbers with their nouns, and text from headers made printable and short."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` in one line, with a question mark for what can't be shown: control characters, bytes that are no text."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def shortened(text: str, length: int) -> str:
    """`text`, cut to `length` characters if it is longer."""
    return text if len(text) <= length else f"{text[: length - 4].rstrip()} ..."


def counted(count: int, thing: str, things: str = "") -> str:
    """A number with its noun: "1 image", "3 images"; `things` where the plural is not made by an s."""
    return f"{count} {thing if count == 1 else things or f'{thing}s'}"
