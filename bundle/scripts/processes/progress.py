"""Stages of a run, told to whoever listens, and the bar that shows them on a terminal.

Whoever works says which *stage* begins; nothing happens if nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STAGES = ("loading", "reading", "registration", "network", "scores", "writing")
"""The stages of judging a scan, in their order."""

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def tell(stage: str) -> None:
    """Say that a stage begins."""
    if listener := _LISTENER.get():
        listener(stage)


@contextmanager
def told_to(listener: Callable[[str], None]) -> Iterator[None]:
    """Let a function hear of each stage that begins, while the context lasts."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def stage_bar(name: str = "", shown: bool = True) -> Iterator[None]:
    """A bar of the stages on standard error, while the context lasts; none if that is no terminal, or not `shown`."""
    from tqdm import tqdm

    before = f"{name}: " if name else ""
    look = {"desc": before + STAGES[0], "bar_format": "{desc} |{bar:24}| {elapsed}", "leave": False}
    with tqdm(total=len(STAGES), disable=None if shown else True, **look) as bar:

        def show(stage: str) -> None:
            bar.set_description_str(before + stage, refresh=False)
            bar.n = STAGES.index(stage)
            bar.refresh()

        with told_to(show):
            yield
