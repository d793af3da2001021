"""Words: numbers with their nouns, text from headers made printable and short, and the words of a config's switches."""

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


def switched(name: str, value: object) -> bool:
    """True or False of the switch of a config that is called `name`; a command line may give it as text.

    Of `--report false` MONAI makes text, which Python takes for true.

    Raises:
        ValueError: the text is neither "true" nor "false".
    """
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in ("true", "false"):
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value.lower() == "true"
