"""Stands for Python in a sweep: notes which step it is started for, and leaves what that leaves, at once."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def product(words: list[str]) -> Path | None:
    """The file that a command line leaves."""

    def after(name: str) -> str:
        return words[words.index(name) + 1]

    if words[0] == "-m":
        epochs = after("--max_epochs") if "--max_epochs" in words else None
        return Path(after("--output_dir"), f"checkpoint_epoch={epochs}.pt" if epochs else "result.json")
    command, first = [word for word in words[1:] if word != "dev"][:2]
    named = {"cohort": "scores.csv", "evaluate": "evaluation.json", "paper": "paper/README.md"}
    if command == "prepare":
        return None
    if command in named:
        return Path(after("-o") if command == "cohort" else first, named[command])
    return Path(after("-o"))


def step(words: list[str]) -> str:
    """The name of the step: its rule, and what it is of."""
    path = product(words)
    if path is None or path.parent.name in ("memory", "paper"):
        return words[2] if words[1] == "dev" else words[1]
    parts = path.parts[path.parts.index("runs") + 1 :]
    rule = {"train": "train", "weights.pt": "export", "cohort": "cohort", "examples": "example"}[parts[1]]
    if path.name == "evaluation.json":
        rule = "evaluate"
    return ":".join([rule, parts[0], *parts[2:3]]) if rule == "example" else f"{rule}:{parts[0]}"


def main(words: list[str]) -> None:
    """Leave what the step leaves, or do what the environment says of it."""
    name, path = step(words), product(words)
    with open(os.environ["FAKE_LOG"], "a") as log:
        log.write(f"{name}\t{os.getpid()}\n")
    print(f"first\nprogress 1\rprogress 2\n{name} said this\n")
    doing = dict(pair.split("=") for pair in os.environ.get("FAKE_DO", "").split())
    if doing.get(name) == "fail":
        sys.exit(3)
    if doing.get(name) == "power":
        os.killpg(0, signal.SIGKILL)
    if doing.get(name) == "stop":
        os.kill(int(os.environ["FAKE_PARENT"]), signal.SIGINT)
        time.sleep(100)
    if path is not None and doing.get(name) != "nothing":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("case,status\nCQ500-CT-3,refused\nCQ500-CT-4,done\n" if path.suffix == ".csv" else "")


if __name__ == "__main__":
    main(sys.argv[1:])
