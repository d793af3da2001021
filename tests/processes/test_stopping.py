"""`stopping`: both signals stop a command, and neither cuts in two what must be whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts.processes import stopping
from scripts.processes.stopping import RECEIVED, stoppable, undisturbed

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Whatever runs the tests, both signals are handled as Python does by itself."""
    before = {number: signal.signal(number, handler) for number, handler in stopping.USUAL.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_an_interrupt_and_is_remembered(number: int) -> None:
    with pytest.raises(KeyboardInterrupt), stoppable() as received:
        send(number)
    assert received.number == number
    assert {n: signal.getsignal(n) for n in SIGNALS} == stopping.USUAL, "as before"
    with stoppable() as received:
        assert received.number is None, "that was another command"


def test_the_first_of_several_counts() -> None:
    with stoppable() as received:
        for number in (signal.SIGTERM, signal.SIGINT):
            with pytest.raises(KeyboardInterrupt):
                send(number)
    assert received.number == signal.SIGTERM


@pytest.mark.parametrize("number", SIGNALS)
def test_undisturbed_work_is_done_first(number: int) -> None:
    done = []

    def work() -> None:
        with undisturbed():
            with undisturbed():
                send(number)
                send(number)
                done.append("inner")
            done.append("outer")

    with stoppable(), pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]
    assert (RECEIVED.depth, RECEIVED.waits) == (0, False)
    with stoppable(), undisturbed():
        done.append("nothing waits any more")


def test_its_own_errors_come_through() -> None:
    with stoppable(), pytest.raises(OSError, match="full"), undisturbed():
        raise OSError("full")
    assert RECEIVED.depth == 0


def test_what_somebody_else_decided_about_a_signal_stays() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a shell's background
    with stoppable() as received:
        send(signal.SIGINT)
    assert received.number is None


def test_another_thread_gets_no_signals_and_defers_none() -> None:
    def work() -> object:
        with stoppable() as received, undisturbed():
            assert RECEIVED.depth == 0
            return received

    with ThreadPoolExecutor(1) as other:
        assert other.submit(work).result() is not RECEIVED


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_dies_of_sigterm() -> None:
    reading, writing = os.pipe()
    with stoppable():
        child = os.fork()
        if not child:
            try:
                os.write(writing, b".")
                signal.pause()
            finally:
                os._exit(0)
        os.read(reading, 1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    for descriptor in (reading, writing):
        os.close(descriptor)
    assert os.WTERMSIG(status) == signal.SIGTERM
