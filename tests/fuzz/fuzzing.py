"""Fuzzing of the reader: `python tests/fuzz/fuzzing.py slices 10000`, or `enhanced`, `series` or `nifti`.

A *case* is one mutated input; all of it follows from the kind, the seed and the number, so `--first N --count 1` makes
it again. Cases run in a process of their own, which may not take more memory or time than the limits below nor write
anything to standard error; if it dies, that is the outcome of the case, and another goes on with the next one.
"""

from __future__ import annotations

import argparse
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent / "bundle"), str(TESTS / "support"), str(TESTS / "fuzz")]

import fuzz_cases  # noqa: E402

LIMIT_S, SILENCE_S = 10, 120
"""CPU time that a case may take, and how long it may say nothing (a machine can be busy with other work)."""

LIMIT_BYTES, SPARE_BYTES = 2 * 2**30, 2**30
"""Memory that a case may take, and what is left above it before the process is refused more."""


class Outcome(NamedTuple):
    """What came of a case: "accepted", the code of a refusal, or, with `bad`, what must not be."""

    number: int
    bad: bool
    text: str


def outcomes(kind: str, numbers: range, seed: int) -> Iterator[Outcome]:
    """The outcome of each case, in order."""
    at = numbers.start
    while at < numbers.stop:
        reader, child = start(lambda out, first=at: work(kind, range(first, numbers.stop), seed, out))
        try:
            for outcome in heard(reader):
                at = outcome.number + 1
                yield outcome
        finally:
            os.close(reader)
            status = ended(child)
        if status and not os.WIFSIGNALED(status):
            raise RuntimeError(f"the fuzzing itself failed at {kind} {at}")
        if status and at < numbers.stop:
            yield Outcome(at, True, f"the process ended: {death(status)}")
            at += 1


def ended(child: int) -> int:
    """The status of a process that has ended, or is ended now because it was silent."""
    for _ in range(100):
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def death(status: int) -> str:
    """Why a process ended, in words."""
    number = os.WTERMSIG(status)
    over = {signal.SIGPROF: f"over {LIMIT_S} CPU-seconds", signal.SIGKILL: f"silent for {SILENCE_S} seconds"}
    return over.get(signal.Signals(number), signal.Signals(number).name)


def start(job: Callable[[int], None]) -> tuple[int, int]:
    """Run a job in a process of its own: the pipe that it writes to, and its number."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return reader, child
    os.close(reader)
    try:
        job(writer)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def heard(reader: int) -> Iterator[Outcome]:
    """What a process says, until it ends or is silent for too long."""
    rest = b""
    while select.select([reader], [], [], SILENCE_S)[0] and (content := os.read(reader, 65536)):
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            number, bad, text = line.decode().split(" ", 2)
            yield Outcome(int(number), bad == "1", text)


def work(kind: str, numbers: range, seed: int, out: int) -> None:
    """Make the cases and say what came of each; nothing else may be heard."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + LIMIT_BYTES + SPARE_BYTES, limit))
    warnings.simplefilter("always")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        make, before = fuzz_cases.KINDS[kind](Path(folder)), memory("VmHWM")
        os.dup2(errors.fileno(), 2)
        for number in numbers:
            signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
            bad, text = judged(make, number, seed)
            signal.setitimer(signal.ITIMER_PROF, 0)
            if size := os.lseek(errors.fileno(), 0, os.SEEK_END):
                os.lseek(errors.fileno(), 0, os.SEEK_SET)
                bad, text = True, f"on standard error: {os.read(errors.fileno(), min(size, 2000))!r} after {text}"
                os.ftruncate(errors.fileno(), 0)
            elif memory("VmHWM") - before > LIMIT_BYTES:
                bad, text = True, f"over {LIMIT_BYTES >> 30} GB of memory, {text}"
                numbers = range(0)
            os.write(out, f"{number} {int(bad)} {' '.join(text.split())[:3000]}\n".encode())
            if not numbers:
                return


def judged(make: fuzz_cases.Maker, number: int, seed: int) -> tuple[bool, str]:
    """Whether a case came out badly, and how it came out."""
    try:
        return make(number, seed)
    except Exception:
        return True, "an exception: " + traceback.format_exc().replace("\n", " | ")[-1500:]


def memory(name: str) -> int:
    """A figure of this process's memory in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


def main() -> int:
    """Run cases and say what came of them; 1 if one came out badly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=fuzz_cases.KINDS)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    for outcome in outcomes(args.kind, range(args.first, args.first + args.count), args.seed):
        counts["bad" if outcome.bad else outcome.text] += 1
        if outcome.bad:
            print(f"{args.kind} {outcome.number}: {outcome.text}", flush=True)
        elif outcome.number % 500 == 499:
            print(f"{outcome.number + 1} cases", file=sys.stderr, flush=True)
    total, bad = counts.total(), counts.pop("bad", 0)
    came_out = ", ".join(f"{text} {count}" for text, count in counts.most_common())
    print(f"{args.kind}, seed {args.seed}: {total} cases, {bad} bad; {came_out}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
