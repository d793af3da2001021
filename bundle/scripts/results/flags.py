"""The flags of a result in words, as picture, page and terminal show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..findings import FLAG, KINDS


def flags_in_words(found: Sequence[Mapping[str, str]]) -> list[str]:
    """The messages of the flags among findings; a remedy that several of them share stands after the last one."""
    flags = [(one["message"], KINDS[one["code"]].remedy) for one in found if one["severity"] == FLAG]
    last = {remedy: place for place, (_, remedy) in enumerate(flags)}
    return [
        message if last[remedy] == place else message.removesuffix(remedy).strip()
        for place, (message, remedy) in enumerate(flags)
    ]
