"""Starts Snakemake with words of ours: a line for each step that begins, a sentence for each that fails.

A program of its own, `python -P progress.py ARGUMENTS`, with the arguments of `snakemake`. What Snakemake says of a job
has its whole command line in it; here it is left out, except in a dry run, whose lines are name, tab, command line.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from snakemake.cli import main
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

SHOWN_LINES = 4
"""Number of lines of a failed step's log that are shown."""

NAME = "lines"
"""Snakemake's name of this program's log handler."""

SAID_BEFORE = ("RuleException", "Exiting because a job execution failed", "WorkflowError:\nAt least one job did not")
"""Beginnings of errors that follow from a failed job, which `failed` has reported."""


class LogHandler(LogHandlerBase):
    """Prints the part of Snakemake's log that concerns the user."""

    writes_to_stream = has_filter = has_formatter = True
    writes_to_file = needs_rulegraph = False

    def __post_init__(self) -> None:
        """Begin with no steps."""
        self.names: dict[int, str] = {}
        self.failures: set[int] = set()
        self.total = self.others = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print the meaning of a record, if it has one for the user."""
        event, known = getattr(record, "event", None), vars(record)
        if event == LogEvent.RUN_INFO:
            self.others = known["stats"].get("all", 0)
            self.total = known["stats"]["total"] - self.others
        elif event == LogEvent.PROGRESS:
            self.total = known["total"] - self.others
        elif event == LogEvent.JOB_INFO and known["rule_msg"]:
            self.begun(known["jobid"], known["rule_msg"], known["shellcmd"])
        elif event == LogEvent.JOB_ERROR:
            self.failed(known["jobid"], known["log"])
        elif record.levelno >= logging.WARNING and not record.getMessage().startswith(SAID_BEFORE):
            say(record.getMessage(), sys.stderr)

    def begun(self, job: int, name: str, command: str) -> None:
        """Print that a step begins, or in a dry run its command."""
        self.names[job] = name
        say(f"{name}\t{command}" if self.common_settings.dryrun else f"[{len(self.names)}/{self.total}] {name}")

    def failed(self, job: int, logs: Iterable[str]) -> None:
        """Say, once, that a step has failed, and how its log ends."""
        if job not in self.failures:
            self.failures.add(job)
            lines = [f"{self.names.get(job, 'A step')} failed: see {', '.join(logs)}"]
            say("\n".join([*lines, *(f"  {line[:200]}" for log in logs for line in end_of(Path(log)))]), sys.stderr)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a text, unless nobody reads any more."""
    with suppress(BrokenPipeError):
        print(text, file=stream or sys.stdout, flush=True)


def end_of(log: Path) -> list[str]:
    """The last lines of a log that are not empty, without overwritten lines of progress bars."""
    text = log.read_bytes().decode(errors="replace") if log.exists() else ""
    lines = [line.rsplit("\r", 1)[-1].strip() for line in text.split("\n")]
    return [line for line in lines if line][-SHOWN_LINES:]


if __name__ == "__main__":
    # Started by nohup, or in the background of a script, it is deaf to Ctrl-C, by which it is to be stopped.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", sys.modules[__name__])
    main(["--logger", NAME, *sys.argv[1:]])
