"""Stages are heard by who listens, and shown on a terminal only."""

from __future__ import annotations

import io

import pytest

from scripts.processes.progress import STAGES, stage_bar, tell, told_to


def test_stages_are_heard_while_someone_listens() -> None:
    heard: list[str] = []
    tell("network")
    with told_to(heard.append):
        tell("reading")
        with told_to(lambda stage: heard.append(f"inner {stage}")):
            tell("network")
        tell("scores")
    tell("writing")
    assert heard == ["reading", "inner network", "scores"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown, seen in ((Terminal(), True, True), (io.StringIO(), True, False), (Terminal(), False, False)):
        monkeypatch.setattr("sys.stderr", stream)
        with stage_bar("2/3 head", shown):
            for stage in STAGES[1:]:
                tell(stage)
        text = stream.getvalue()
        assert all(f"2/3 head: {stage}" in text for stage in STAGES) is seen
        assert bool(text) is seen
