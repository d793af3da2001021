"""Stopping a command by Ctrl-C (SIGINT) or SIGTERM, so that it can clean up.

While a command is *stoppable*, both signals raise KeyboardInterrupt in the main thread, at the next line of Python; a
library call that has begun is finished first. Work that must not be interrupted, such as removing a half-written
folder, is done *undisturbed*: a signal that arrives meanwhile is raised afterwards.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""Python's own handlers; a signal with another handler was set by somebody on purpose, and keeps it."""


@dataclass
class Received:
    """The first signal that came, if any; whether it waits, and the number of undisturbed pieces of work under way."""

    number: int | None = None
    waits: bool = False
    depth: int = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        self.number = self.number or number
        if not self.depth:
            raise KeyboardInterrupt
        self.waits = True


RECEIVED = Received()
"""The state of this process."""


@contextmanager
def stoppable() -> Iterator[Received]:
    """Handle both signals while the context lasts; yields the state of the signals. Only the main thread gets any."""
    if threading.current_thread() is not threading.main_thread():
        yield Received()
        return
    _leave_children_alone()
    RECEIVED.number, RECEIVED.waits = None, False
    before = {number: signal.getsignal(number) for number in USUAL}
    ours = [number for number, usual in USUAL.items() if before[number] == usual]
    for number in ours:
        signal.signal(number, RECEIVED)
    try:
        yield RECEIVED
    finally:
        for number in ours:
            signal.signal(number, before[number])


@functools.cache
def _leave_children_alone() -> None:
    """Let processes that are forked from this one be ended by SIGTERM as any other process is."""

    def forked() -> None:
        if signal.getsignal(signal.SIGTERM) is RECEIVED:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    if hasattr(os, "register_at_fork"):  # Windows forks no process
        os.register_at_fork(after_in_child=forked)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let the signals wait while the context lasts; only the main thread gets any.

    Raises:
        KeyboardInterrupt: one has come meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    RECEIVED.depth += 1
    try:
        yield
    finally:
        RECEIVED.depth -= 1
        if RECEIVED.waits and not RECEIVED.depth:
            RECEIVED.waits = False
            raise KeyboardInterrupt
