"""`head-ct-anomaly compare`: two scans of one patient, before and after, or two runs of one list of scans.

Two *scans* are named by their folders of results, or by themselves: then they are judged first, into OUT/before and
OUT/after. Two *runs* are folders that `cohort` made. OUT appears complete or not at all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..assets import metadata
from ..errors import OutputExists, WrongUsage, as_ours
from ..files.atomic import check_writable, staged, sync, write_file
from ..files.json_text import json_text, on_one_line
from ..results.record import RESULT_NAME, ResultIncomplete
from .arguments import (
    add_alpha,
    add_calibration,
    add_device,
    add_output,
    add_stride,
    add_weights,
    check_device,
    option_of,
)
from .scan_options import check_networks, overrides, usage_problem

REFUSED = 3
"""Exit code: a folder holds no complete results, or none that can be compared."""

FORMAT = "head_ct_position_anomaly compare 1"
"""Value of `format` in `compare.json`."""

CONTENT, TABLE, PICTURE, DIFFERENCE = "compare.json", "compare.csv", "compare.png", "difference.nii.gz"
"""Files of a comparison; the difference is that of two scans."""

BEFORE, AFTER = "before", "after"
"""Folders of the results of scans that are judged here."""

JUDGED_HERE = "for scans that are judged here"
"""The purpose of some options."""

FACTS_NAME = "cohort.json"
"""The file by which a folder of `cohort` is known, as `cohort.folder.FACTS_NAME`, which loads too much for `--help`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    words = "results of the earlier scan, that scan itself, or a folder of `cohort`"
    parser.add_argument("first", metavar="A", type=Path, help=words)
    parser.add_argument("second", metavar="B", type=Path, help="the same of the later scan, or of the other run")
    add_output(parser, "folder of the comparison")
    parser.add_argument("--score", metavar="NAME", help="of two runs: the score, raw_maximum say (their default score)")
    parser.add_argument(
        "--same-patient",
        action="store_true",
        help="of two scans: I know that both are of one patient, whatever IDs say",
    )
    add_device(parser, JUDGED_HERE)
    add_stride(parser, f"{JUDGED_HERE} (2)")
    add_alpha(parser, JUDGED_HERE)
    add_calibration(parser, JUDGED_HERE)
    add_weights(parser, JUDGED_HERE)


def main(args: argparse.Namespace) -> int:
    """Compare, write and print; 0 when it is done, `REFUSED` where results are not complete.

    Raises:
        InputRefused: a scan can't be judged, or the scans are of two patients.
        WrongUsage: what is named can't be compared.
        OutputExists, OutputFailed: OUT is there, or can't be written.
    """
    runs = [is_run(path) for path in (args.first, args.second)]
    if runs[0] != runs[1]:
        run, other = (args.first, args.second) if runs[0] else (args.second, args.first)
        raise WrongUsage(f"{run} is a run of `cohort`, and {other} is none. Name two scans or two runs.")
    if args.score and not any(runs):
        raise WrongUsage("--score is for two runs of `cohort`. Leave it out for two scans.")
    if args.same_patient and any(runs):
        raise WrongUsage("--same-patient is for two scans. Leave it out for two runs of `cohort`.")
    check_free(args.output)
    try:
        with new_folder(args.output) as folder:
            files, lines = compared_runs(args) if any(runs) else compared_scans(args, folder)
            write_all(folder, files, args.output)
    except ResultIncomplete as error:
        print(error, file=sys.stderr)
        return REFUSED
    print("\n".join([*lines, *(str(args.output / name) for name in files)]))
    return 0


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """A folder that takes the name `output`, of nothing or of an empty folder, when the context ends without an error.

    Raises:
        OutputExists: something came under that name in the meantime.
        OutputFailed: it can't be made, or renamed; nothing is left of it.
    """
    with ExitStack() as stack:
        with writing(output):
            folder = stack.enter_context(staged(output.absolute()))
            folder.mkdir()
        yield folder
        with writing(output):
            if output.is_dir():
                output.rmdir()  # Windows renames no folder onto another, not even onto an empty one
            stack.close()


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """A context for writing `output`: an error of the operating system in it becomes one that says so.

    Raises:
        OutputExists, OutputFailed: it is that.
    """
    try:
        yield
    except OSError as error:
        raise as_ours(error, output) from error


def write_all(folder: Path, files: Mapping[str, bytes], output: Path) -> None:
    """Write files into a folder that will be `output`.

    Raises:
        OutputFailed: one can't be written.
    """
    with writing(output):
        for name, content in files.items():
            write_file(folder / name, content)
        sync(folder)


def is_run(path: Path) -> bool:
    """True if a path is a folder that `cohort` made."""
    return (path / FACTS_NAME).is_file()


def check_free(folder: Path) -> None:
    """See that a folder is empty, or not there and may be made.

    Raises:
        OutputExists: it holds something, or is a file.
        OutputFailed: it can't be made.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise OutputExists(f"{folder} exists. Choose another folder for the comparison.")
    check_writable(folder.absolute().parent, folder)


def compared_runs(args: argparse.Namespace) -> tuple[dict[str, bytes], list[str]]:
    """The files and the lines about two runs.

    Raises:
        WrongUsage: they can't be compared, or an option is for scans that are judged here.
    """
    from ..cohort.folder import CohortFolder
    from ..sites.compare.run_words import runs_in_words
    from ..sites.compare.runs import compare_runs, read_run, runs_content, runs_picture, runs_table

    check_judging(args, "Both are runs of `cohort`")
    first, second = (read_run(CohortFolder(path)) for path in (args.first, args.second))
    found = compare_runs(first, second, args.score)
    files = {TABLE: runs_table(found).encode(), PICTURE: runs_picture(found), CONTENT: text(runs_content(found))}
    return files, runs_in_words(found)


def compared_scans(args: argparse.Namespace, folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """The files and the lines about two scans, of which those without results are judged into `folder`.

    Raises:
        InputRefused, WrongUsage: as of `main`.
        ResultIncomplete: a folder holds no complete results.
    """
    from ..reading.patients import check_one_patient
    from ..sites.compare.before_after import compare_results, content, difference_file, in_words, picture, table

    check_device(args.device)
    with ExitStack() as stack:
        first, second = (at(stack, path) for path in (args.first, args.second))
        if are_results(first) and are_results(second):
            check_judging(args, "Both are folders of results")
        args.config, args.map = [], None
        if problem := usage_problem(args):
            raise WrongUsage(problem)
        check_networks(args)
        note = check_one_patient(patient_of(first), patient_of(second), args.same_patient)
        before = results_of(args, first, folder / BEFORE)
        after = results_of(args, second, folder / AFTER)
        found = compare_results(read(before), read(after), note)
    files = {TABLE: table(found).encode(), PICTURE: picture(found), DIFFERENCE: difference_file(found)}
    return {**files, CONTENT: text(content(found))}, in_words(found)


def check_judging(args: argparse.Namespace, what: str) -> None:
    """See that no option for judging is given where nothing is judged; `what` says what is compared.

    Raises:
        WrongUsage: one is.
    """
    for name in ("stride", "alpha", "calibration", "weights", "evidence_weights"):
        if getattr(args, name) is not None:
            words = f"leave {option_of(name)} out, it is {JUDGED_HERE}."
            raise WrongUsage(f"{what}, which are compared as they are: {words}")


def are_results(path: Path) -> bool:
    """True if a path is a folder of results, and not a scan."""
    return (path / RESULT_NAME).is_file()


def at(stack: ExitStack, path: Path) -> Path:
    """The path of results or of a scan, unpacked where it is a zip archive, while a stack is open.

    Raises:
        InputRefused: there is no such path, or the archive can't be read.
    """
    from ..files.zipped import unpacked

    return stack.enter_context(unpacked(path))


def patient_of(path: Path) -> Any:
    """The patient of a scan, or of the DICOM objects in results."""
    from ..reading.patients import patient_at

    return patient_at(path / "dicom" if are_results(path) else path)


def results_of(args: argparse.Namespace, path: Path, output: Path) -> Path:
    """The folder of the results at a path; a scan is judged into `output` first.

    Raises:
        InputRefused: it can't be judged.
    """
    if are_results(path):
        return path
    from ..processes.progress import stage_bar
    from ..results.judging import judge

    chosen: dict[str, Any] = {**vars(args), "input": path, "output": output, "series_uid": None, "maps": None}
    chosen |= dict.fromkeys(("overwrite", "dicom", "accept_review", "force", "report"), False)
    with stage_bar(output.name):
        judge(path, output, overrides(argparse.Namespace(**chosen)), warn=args.debug)
    return output


def read(folder: Path) -> Any:
    """The results in a folder, without their report, which may be missing.

    Raises:
        ResultIncomplete: they are not complete, or have no volumes; the message names the folder.
    """
    from ..results.result import Result
    from ..sites.compare.placed import check_volumes

    try:
        result = Result.read(folder, report=False)
        check_volumes(result)
        return result
    except ResultIncomplete as error:
        raise error if str(folder) in str(error) else ResultIncomplete(f"{folder}: {error}") from error


def text(content: Mapping[str, Any]) -> bytes:
    """The bytes of `compare.json`."""
    whole = {"format": FORMAT, "bundle_version": metadata()["version"], **content}
    return on_one_line(json_text(whole)).encode()
