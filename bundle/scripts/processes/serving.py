"""A *server*: threads of this process that answer *requests* of others, which its workers send over a local socket.

A request names a function and has its argument; the *reply* is what the function returns or raises. Functions run one
at a time. `AHEAD` further requests are received meanwhile, so that the next one is at hand; all others wait in the
processes that made them, and the server's memory is bounded. A process that is killed takes its request with it. Only
processes that know the key, which is random, are heard.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

AHEAD = 2
"""Requests that are received while one is worked on."""

BACKLOG = 128
"""Processes that may wait to be connected at a moment."""


@dataclass(frozen=True)
class Address:
    """The address of a server, and its key; it can be pickled."""

    place: str
    key: bytes = field(repr=False)


@dataclass
class Usage:
    """The record of a server.

    Attributes:
        requests: requests that were answered.
        waits: those of them that came while it had nothing to do.
        busy_s: seconds in its functions.
        began, ended: moments of the first request and of the last reply, by `time.perf_counter`.
    """

    requests: int = 0
    waits: int = 0
    busy_s: float = 0.0
    began: float | None = None
    ended: float = 0.0

    @property
    def open_s(self) -> float:
        """Seconds from the first request to the last reply; 0 if there was none."""
        return 0.0 if self.began is None else max(0.0, self.ended - self.began)

    @property
    def waiting(self) -> float:
        """Share of that time in which it had nothing to do, in [0, 1]; 0 if there was no request."""
        return max(0.0, 1 - self.busy_s / self.open_s) if self.open_s else 0.0


class Server:
    """Answers requests by functions that are found by their names; `serving` opens and closes one."""

    def __init__(self, functions: Mapping[str, Callable[[Any], Any]]) -> None:
        self.functions, self.usage = dict(functions), Usage()
        key = secrets.token_bytes(32)
        self.listener = Listener(backlog=BACKLOG, authkey=key)
        self.address = Address(str(self.listener.address), key)
        self.turn, self.room, self.counts = threading.Lock(), threading.BoundedSemaphore(1 + AHEAD), threading.Lock()
        self.at_hand, self.closing = 0, False
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def close(self) -> None:
        """Take no further connection; a request that is worked on ends with the process."""
        self.closing = True
        with suppress(OSError, EOFError, AuthenticationError):
            Client(self.address.place, authkey=self.address.key).close()  # wakes the thread that accepts
        self.accepting.join()

    def _accept(self) -> None:
        """Runs in a thread: one more thread for each process that connects.

        The thread closes the listener, so that whoever still waits to be connected, `close` among them, is refused.
        """
        with self.listener:
            while not self.closing:
                try:
                    connection = self.listener.accept()
                except (OSError, EOFError, AuthenticationError):
                    continue
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        """Runs in a thread: answers one process until it ends."""
        with connection:
            while not self.closing:
                try:
                    connection.poll(None)
                    with self.room:  # before the request takes any memory
                        reply = self._reply(*connection.recv())
                    connection.send(reply)
                except (EOFError, OSError):
                    return

    def _reply(self, name: str, argument: Any) -> tuple[Any, Exception | None]:
        """The answer to a request, or the error, when its turn has come."""
        with self.counts:
            self.at_hand += 1
            self.usage.waits += self.at_hand == 1
            self.usage.began = time.perf_counter() if self.usage.began is None else self.usage.began
        with self.turn:
            begin = time.perf_counter()
            try:
                return self.functions[name](argument), None
            except Exception as error:
                return None, error
            finally:
                self.usage.ended = time.perf_counter()
                with self.counts:
                    self.usage.requests += 1
                    self.usage.busy_s += self.usage.ended - begin
                    self.at_hand -= 1


@contextmanager
def serving(functions: Mapping[str, Callable[[Any], Any]]) -> Iterator[Server]:
    """A server by these functions while the context lasts."""
    server = Server(functions)
    try:
        yield server
    finally:
        server.close()


@lru_cache(maxsize=1)
def _connected(address: Address) -> tuple[Connection, threading.Lock]:
    """The connection of this process to a server, made once, and the lock of those who use it."""
    return Client(address.place, authkey=address.key), threading.Lock()


def ask(address: Address, name: str, argument: Any) -> Any:
    """The answer of a server's function to an argument; both are pickled.

    Raises:
        Exception: what the function raised.
        OSError, EOFError: the server is gone.
    """
    connection, lock = _connected(address)
    with lock:
        connection.send((name, argument))
        answer, error = connection.recv()
    if error is not None:
        raise error
    return answer
