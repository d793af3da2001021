"""`head-ct-anomaly reproduce`: a manifest's runs trained, scored and evaluated, then the paper's tables and figures.

The manifest is checked here; Snakemake runs the missing steps, by the rules in `Snakefile`. A failed step holds back
only the steps that need it. After a stop or a kill the same command resumes: training from its last epoch, scoring from
its last case.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.assets import bundle_root, config
from scripts.commands.arguments import add_names, add_output, check_device, positive
from scripts.datasets.datalist import check_disjoint
from scripts.errors import WrongUsage
from scripts.files.atomic import check_writable
from scripts.files.locks import alone, lasting_lock
from scripts.processes.local import LEAVING_S

from ..examples import candidates, labelled_tests
from ..folder import Reproduction
from ..plan import TRAINING, check_start_weights, iterations, read_manifest

SHIPPED = ("paper.yaml", "small.yaml")
"""Manifests of the bundle's configs: the published sweep, and one for the stand-in and two CPU cores."""

FAILED, STOPPED = 5, 130
"""Exit codes: a step failed; Ctrl-C."""

WITHOUT_RUN = ("prepare", "memory", "paper")
"""Rules that belong to no run."""

PYTHON = sys.executable
"""The Python that runs the steps."""

HERE = Path(__file__).resolve().parents[1]

SNAKEMAKE = (sys.executable, "-P", str(HERE / "progress.py"), "--snakefile", str(HERE / "Snakefile"))
"""Snakemake with the rules, and with words of ours."""

ALWAYS = ("--keep-going", "--rerun-incomplete", "--rerun-triggers", "mtime", "input", "--nolock", "--scheduler=greedy")
"""Options of each run. The folder has a lock of ours; Snakemake's own would outlive a Snakemake that is killed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "manifest", metavar="MANIFEST", type=Path, help=f"a YAML file, or one that ships: {', '.join(SHIPPED)}"
    )
    add_output(parser, "folder of all that is made")
    parser.add_argument("--datalist", metavar="FILE", type=Path, help="other than the manifest's")
    parser.add_argument("--reads", metavar="FILE", type=Path, help="CQ500's label table, other than the manifest's")
    parser.add_argument("--list", action="store_true", help="only print the steps to do, each with its command line")
    add_names(parser, f"only these runs, or steps of none ({', '.join(WITHOUT_RUN)})", "--only")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cores", metavar="N", type=positive, help="cores of this machine (the manifest's workers)")
    where.add_argument("--profile", metavar="DIR", help="a profile of Snakemake's: where and how steps run, e.g. Slurm")


def main(args: argparse.Namespace) -> int:
    """Run the missing steps; 0 if everything is done, `FAILED` if a step failed, `STOPPED` after Ctrl-C.

    Raises:
        WrongUsage: the manifest, the datalist or the folder is faulty, there is no such run, or Snakemake is missing.
        OutputExists: another sweep works in the folder.
        OutputFailed: the folder can't be written to.
    """
    if find_spec("snakemake") is None:
        raise WrongUsage("A sweep needs Snakemake. Install it: pip install 'head-ct-position-anomaly[reproduce]'")
    folder, manifest = Reproduction(args.output), manifest_of(args)
    told = settings(folder, manifest, args.cores or manifest["workers"])
    words = [*ALWAYS, *resources(args, told), "--", *targets(folder, manifest, args.only)]
    if args.list:
        with TemporaryDirectory() as place:
            Reproduction(place).write(told)
            return FAILED if snakemake(Path(place), ["--dry-run", *words]) else 0
    check_datalist(manifest["datalist"])
    check_writable(folder.root)
    taken = f"Another sweep works in {folder.root}. Wait for it to end."
    try:
        with alone(lasting_lock(folder.root / ".lock"), folder.root, taken) as lock:
            folder.begin(told)
            failed = snakemake(folder.root, words, (lock,))
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    if failed:
        print(f"Not everything is done. The same command tries again; logs: {folder.root / 'steps'}", file=sys.stderr)
        return FAILED
    print(f"Done: {folder.root}")
    return 0


def manifest_of(args: argparse.Namespace) -> dict[str, Any]:
    """The manifest with the arguments' changes, checked.

    Raises:
        WrongUsage: something in it is wrong, or it names no datalist.
    """
    path = args.manifest
    if not path.exists() and path.name in SHIPPED and path == Path(path.name):
        path = config(path.name)
    manifest = read_manifest(path)
    manifest |= {key: str(named.absolute()) for key in ("datalist", "reads") if (named := getattr(args, key))}
    if manifest["datalist"] is None:
        raise WrongUsage(f"{path} names no datalist. Name one: --datalist FILE; `head-ct-anomaly cq500` makes it.")
    if manifest["reads"]:
        from ..cq500.files import load_reads

        load_reads(Path(manifest["reads"]))
    if set("#{}") & set(f"{args.output.absolute()}{manifest['datalist']}"):
        raise WrongUsage("MONAI and Snakemake take #, { and } in a path for something else. Choose folders without.")
    check_device(manifest["device"])
    return manifest


def settings(folder: Reproduction, manifest: Mapping[str, Any], cores: int) -> dict[str, Any]:
    """The settings of the rules: the manifest, and values that follow from it and from the datalist.

    Raises:
        WrongUsage: the datalist is not one, or a run sets an id that its config does not have, or can't start from the
            weights that its training starts from; or the path of a scan that figures may show has a # in it.
    """
    numbers = {run["name"]: iterations(run, manifest["datalist"]) for run in manifest["runs"]}
    for run in manifest["runs"]:
        check_start_weights(run)
    shown = candidates(manifest["datalist"])
    for case in (case for cases in shown.values() for case in cases):
        if "#" in str(case["image"]):
            raise WrongUsage(f"MONAI takes # in the path of a scan for something else: {case['image']}. Rename it.")
    return {
        **manifest,
        "folder": str(folder.root),
        "bundle": str(bundle_root()),
        "python": PYTHON,
        "training": TRAINING,
        "cores": cores,
        "iterations": numbers,
        "candidates": shown,
    }


def check_datalist(path: str | Path) -> None:
    """Check before hours of training that every scan exists, in one section only, and that test scans have labels.

    Raises:
        WrongUsage: one is not; the message names it.
    """
    labelled_tests(path, scans=True)
    check_disjoint(path)


def resources(args: argparse.Namespace, told: Mapping[str, Any]) -> list[str]:
    """Snakemake's options for the place and number of steps: one for each `workers` cores, and only one on a GPU."""
    if args.profile:
        return ["--profile", args.profile]
    return ["--cores", str(told["cores"]), "--resources", "device=1"]


def targets(folder: Reproduction, manifest: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The targets of Snakemake; none, for all, if no run or rule is named.

    Raises:
        WrongUsage: there is no such run or rule.
    """
    runs = [run["name"] for run in manifest["runs"]]
    if unknown := [name for name in names if name not in (*runs, *WITHOUT_RUN)]:
        raise WrongUsage(f"There is no run {unknown[0]}. There are {', '.join(runs)}, and {', '.join(WITHOUT_RUN)}.")
    return [name if name in WITHOUT_RUN else str(folder.cohort(name) / "evaluation.json") for name in names]


def snakemake(place: Path, words: Sequence[str], descriptors: Sequence[int] = ()) -> int:
    """Run Snakemake on the manifest.json in a folder; its exit code. When this is stopped, so are all of its steps."""
    command = [*SNAKEMAKE, "--configfile", str(place / "manifest.json"), "--directory", str(place), *words]
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / ".snakemake")}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        pass_fds=descriptors,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stderr or ():
                print(line, end="", file=sys.stderr)
            return process.wait()
        except BaseException:
            end(process)
            raise


def end(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started; those that do not end by themselves are killed."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(LEAVING_S)
