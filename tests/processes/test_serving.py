"""A server of requests: what it answers, in which order it is busy, and what becomes of processes that are killed."""

from __future__ import annotations

import threading
import time
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import pytest
from engine_jobs import asked, asked_while_half_is_sent
from engine_waiting import begun, jobs, wait_until

from scripts.processes.local import in_processes
from scripts.processes.serving import AHEAD, Address, Server, Usage, ask, serving


def doubled(value: Any) -> Any:
    if value is None:
        raise ValueError("nothing to double")
    return 2 * value


def send(address: Address, value: Any) -> Connection:
    """A connection of its own on which a request was made."""
    connection = Client(address.place, authkey=address.key)
    connection.send(("double", value))
    return connection


def test_what_a_function_returns_and_raises_comes_back() -> None:
    with serving({"double": doubled}) as server:
        assert [ask(server.address, "double", value) for value in (1, "a")] == [2, "aa"]
        with pytest.raises(ValueError, match="nothing to double"):
            ask(server.address, "double", None)
        with pytest.raises(KeyError, match="half"):
            ask(server.address, "half", 1)
        assert ask(server.address, "double", 3) == 6
        assert server.usage.requests == 5
    assert "key" not in repr(server.address)


def test_processes_ask_and_their_answers_are_equal_to_those_of_this_one(tmp_path: Path) -> None:
    with serving({"double": doubled}) as server:
        answers = {
            job["value"]: answer for job, answer in in_processes(partial(asked, server.address), jobs(tmp_path, 6), 3)
        }
    assert answers == {value: doubled(value) for value in range(6)}
    assert server.usage.requests == 6


def test_it_closes_though_its_thread_comes_late_from_a_connection() -> None:
    """The thread that accepts sees that the server closes before it would take the connection that shall wake it."""
    server = Server({"double": doubled})
    accept, late = server.listener.accept, threading.Event()

    def accept_late() -> Connection:
        connection = accept()
        late.set()
        wait_until(lambda: server.closing)
        return connection

    server.listener.accept = accept_late  # type: ignore[method-assign]
    connections = [send(server.address, value) for value in (1, 2)]  # the thread waits in `accept` for the first
    assert late.wait(60)
    closing = threading.Thread(target=server.close, daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()
    with pytest.raises((EOFError, OSError)):
        Client(server.address.place, authkey=server.address.key)
    for connection in connections:
        connection.close()


class Gate:
    """A function whose calls wait until the gate is opened, and that counts who is inside."""

    def __init__(self) -> None:
        self.opened, self.inside, self.most, self.calls = threading.Event(), 0, 0, 0

    def __call__(self, value: int) -> int:
        self.inside += 1
        self.calls += 1
        self.most = max(self.most, self.inside)
        assert self.opened.wait(60)
        self.inside -= 1
        return value


@pytest.mark.parametrize("workers", range(1, 2 + AHEAD))
def test_of_so_many_workers_one_request_finds_it_idle(workers: int) -> None:
    """While one request is worked on, those of all other workers come: only the first one was waited for."""
    gate = Gate()
    with serving({"double": gate}) as server:
        connections = [send(server.address, number) for number in range(workers)]
        wait_until(lambda: server.at_hand == workers)
        gate.opened.set()
        assert [connection.recv() for connection in connections] == [(number, None) for number in range(workers)]
        assert (server.usage.requests, server.usage.waits) == (workers, 1)
    assert gate.most == 1, "one at a time"


def test_no_more_requests_than_ahead_take_memory_at_a_time() -> None:
    gate = Gate()
    with serving({"double": gate}) as server:
        connections = [send(server.address, number) for number in range(AHEAD + 4)]
        wait_until(lambda: server.at_hand == 1 + AHEAD)
        time.sleep(0.1)
        assert server.at_hand == 1 + AHEAD
        assert gate.calls == 1
        gate.opened.set()
        assert sorted(connection.recv()[0] for connection in connections) == list(range(AHEAD + 4))


def test_a_worker_that_is_killed_with_its_request_loses_nothing(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 4)
    todo[1]["half_sent"] = True
    todo[2]["deaths"] = 1
    with serving({"double": doubled}) as server:
        found = in_processes(partial(asked_while_half_is_sent, server.address), todo, 2)
        assert {job["value"]: answer for job, answer in found} == {0: 0, 1: 2, 2: 4, 3: 6}
        wait_until(lambda: server.at_hand == 0)
        for _ in range(1 + AHEAD):
            assert server.room.acquire(timeout=60), "the place of the killed one is free again"
    assert sorted(begun(tmp_path)) == [0, 1, 1, 2, 2, 3]


def test_a_process_that_leaves_before_its_answer_holds_up_nobody() -> None:
    gate = Gate()
    with serving({"double": gate}) as server:
        leaver = send(server.address, 1)
        wait_until(lambda: server.at_hand == 1)
        leaver.close()
        other = send(server.address, 2)
        gate.opened.set()
        assert other.recv() == (2, None)


def test_who_does_not_know_the_key_is_not_heard() -> None:
    with serving({"double": doubled}) as server:
        with pytest.raises(AuthenticationError):
            Client(server.address.place, authkey=b"another")
        assert ask(server.address, "double", 4) == 8


def test_after_it_is_closed_nobody_is_answered() -> None:
    with serving({"double": doubled}) as server:
        pass
    with pytest.raises(OSError):  # noqa: PT011 (the text is the system's)
        ask(server.address, "double", 1)
    assert not Path(server.address.place).exists()


def test_the_share_of_waiting() -> None:
    assert Usage().waiting == 0
    assert Usage(requests=2, busy_s=1.0, began=5.0, ended=9.0).waiting == 0.75
