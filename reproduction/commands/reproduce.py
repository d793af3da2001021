"""`head-ct-anomaly reproduce`: a manifest's runs trained, scored and evaluated, then the paper's tables and figures.

The steps are command lines (`--list`). What is done is not done again: a step is done when it has ended well and what
it left is still there. A step that fails keeps those back that need it, no others. Stopped or killed, the same command
goes on; training goes on from its last epoch, scoring from its last case.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.assets import config
from scripts.commands.arguments import check_device
from scripts.datasets.datalist import check_disjoint
from scripts.errors import WrongUsage
from scripts.files.atomic import check_writable, replace_file
from scripts.files.json_text import json_text
from scripts.processes.local import LEAVING_S
from scripts.words import counted

from ..cq500.files import load_reads
from ..examples import labelled_tests
from ..folder import Reproduction, read_json
from ..memory import setup
from ..plan import Manifest, read_manifest
from ..steps import Step, steps, with_needed

SHIPPED = ("paper.yaml", "small.yaml")
"""Manifests of the bundle's configs: the published sweep, and one for the stand-in and two CPU cores."""

FAILED, STOPPED = 5, 130
"""Exit codes: a step failed; Ctrl-C."""

DONE = "done"
"""What came of a step that has ended well, now or before."""

SHOWN_LINES = 4
"""How many lines of a failed step's log are shown."""

Runner = Callable[[Step, Path], int]
"""Runs a step's command line, its output going to a file; its exit code."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("reproduce", help="train, judge and draw everything that a manifest names")
    parser.add_argument(
        "manifest", metavar="MANIFEST", type=Path, help=f"a YAML file, or one that ships: {', '.join(SHIPPED)}"
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder of all that is made")
    parser.add_argument("--datalist", metavar="FILE", type=Path, help="other than the manifest's")
    parser.add_argument("--reads", metavar="FILE", type=Path, help="CQ500's label table, other than the manifest's")
    parser.add_argument("--list", action="store_true", help="only print each step's name and command line")
    parser.add_argument("--only", metavar="NAME", nargs="+", help="only these runs or steps, which --list names")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Run what is missing; 0 when everything is done, `FAILED` when a step failed, `STOPPED` when Ctrl-C came first.

    Raises:
        WrongUsage: the manifest, the datalist or the folder is faulty, or there is no such run.
        OutputFailed: the folder can't be written to.
    """
    manifest = manifest_of(args)
    folder = Reproduction(args.output)
    if args.list:
        print("\n".join(f"{step.name}\t{shlex.join(step.words)}" for step in planned(folder, manifest, args.only)))
        return 0
    planned(folder, manifest, args.only)
    check_datalist(str(manifest.datalist))
    check_writable(folder.root)
    folder.begin(manifest)
    outcomes: dict[str, str] = {}
    try:
        for late in (False, True):
            found = [step for step in planned(folder, manifest, args.only) if step.late == late]
            work(folder, found, run_step, outcomes)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    return conclusion(folder, outcomes)


def planned(folder: Reproduction, manifest: Manifest, names: Sequence[str] | None) -> list[Step]:
    """The steps that are asked for, all where none are named, as far as they are known now."""
    found = steps(folder, manifest)
    return with_needed(found, names) if names else found


def manifest_of(args: argparse.Namespace) -> Manifest:
    """The manifest with what the arguments change of it, checked.

    Raises:
        WrongUsage: something in it is wrong, or it names no datalist.
    """
    path = args.manifest
    if not path.exists() and path.name in SHIPPED and path == Path(path.name):
        path = config(path.name)
    manifest = read_manifest(path)
    for key in ("datalist", "reads"):
        if named := getattr(args, key):
            manifest = dataclasses.replace(manifest, **{key: named.absolute()})
    if manifest.datalist is None:
        raise WrongUsage(f"{path} names no datalist. Name one: --datalist FILE; `head-ct-anomaly cq500` makes it.")
    if manifest.reads:
        load_reads(manifest.reads)
    if "#" in f"{args.output.absolute()}{manifest.datalist}":
        raise WrongUsage("MONAI takes a # in a path for something else. Choose folders without one.")
    for words in manifest.memory:
        try:
            setup(words)
        except argparse.ArgumentTypeError as error:
            raise WrongUsage(f"memory in {path}: {error}.") from error
    check_device(manifest.device)
    labelled_tests(manifest.datalist)
    return manifest


def check_datalist(path: str | Path) -> None:
    """See before hours of training that every scan is there, in one section only, and that those to test have labels.

    Raises:
        WrongUsage: one is not; the message names it.
    """
    labelled_tests(path, scans=True)
    check_disjoint(path)


def work(folder: Reproduction, found: Sequence[Step], runner: Runner, outcomes: dict[str, str]) -> None:
    """Run steps that are not done, in their order, and add what came of each: "done", "failed", or what it lacks."""
    for number, step in enumerate(found, start=1):
        lacking = [name for name in step.needs if outcomes.get(name) != DONE]
        if lacking:
            outcomes[step.name] = f"not tried: {lacking[0]} is not done"
        elif is_done(folder, step):
            outcomes[step.name] = DONE
        else:
            print(f"[{number}/{len(found)}] {step.name}", flush=True)
            outcomes[step.name] = DONE if run_and_record(folder, step, runner) else "failed"


def is_done(folder: Reproduction, step: Step) -> bool:
    """Whether a step has ended well and what it left is still there."""
    return not step.always and step.product.exists() and read_json(record_of(folder, step)).get("status") == 0


def record_of(folder: Reproduction, step: Step) -> Path:
    """Where it is written down how a step ended."""
    return folder.root / "steps" / f"{step.name.replace(':', '.')}.json"


def run_and_record(folder: Reproduction, step: Step, runner: Runner) -> bool:
    """Run a step and write down how it ended, and how long it took; whether it ended well."""
    record = record_of(folder, step)
    log = record.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.time()
    status = runner(step, log)
    if status == 0 and not step.product.exists():
        status = FAILED
    facts = {"step": step.name, "status": status, "seconds": round(time.time() - began, 1), "began": round(began)}
    replace_file(record, json_text({**facts, "words": list(step.words)}).encode())
    if status:
        print(f"{step.name} failed (exit code {status}): see {log}\n{end_of(log)}", file=sys.stderr)
    return status == 0


def run_step(step: Step, log: Path) -> int:
    """Run a step's command line, its output going to a file; when this command is stopped, the step is stopped too."""
    with log.open("ab") as stream:
        stream.write(f"$ {shlex.join(step.words)}\n".encode())
        stream.flush()
        process = subprocess.Popen(step.words, stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LEAVING_S)
        process.kill()
        process.wait()
        raise


def end_of(log: Path) -> str:
    """The last lines of a log that hold something, without what progress bars wrote over."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.rsplit("\r", 1)[-1].strip() for line in text.splitlines()]
    return "\n".join(f"  {line[:200]}" for line in [line for line in lines if line][-SHOWN_LINES:])


def conclusion(folder: Reproduction, outcomes: dict[str, str]) -> int:
    """Say what is not done; the exit code."""
    missing = {name: outcome for name, outcome in outcomes.items() if outcome != DONE}
    if not missing:
        print(f"{counted(len(outcomes), 'step')} done; {folder.root}")
        return 0
    lines = [f"  {name}: {outcome}" for name, outcome in missing.items()]
    print("\n".join([f"{len(missing)} of {len(outcomes)} steps are not done:", *lines]), file=sys.stderr)
    print("The same command tries them again.", file=sys.stderr)
    return FAILED
