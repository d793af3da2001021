"""What several test modules share."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest
from pipeline_runs import IN_COHORT, Run, run_cohort, run_planted, write_scans

from scripts.commands.main import main

if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In a shell's background it is ignored, also by all that is started from here and shall be stopped with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

OF_MONAI_LABEL = ("anomaly_tasks", "dicomweb_series", "label_app", "segmentation_answer")
collect_ignore = ["zoo", *([] if find_spec("monailabel") else [f"label/test_{name}.py" for name in OF_MONAI_LABEL])]
"""The one runs in the model zoo's folder: test_package.py has it run in one. The others need MONAI Label."""

LONG_LIVED, EVERYWHERE = ("module", "package", "session"), ("", "tests")
"""Scopes of fixtures that several tests share; and places whose fixtures are pytest's own, or in this file."""

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of later garbage collections: each looked through a million objects."""
    gc.collect()
    gc.freeze()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep tests that share a fixture of their module or folder in one process: else each process makes it."""
    if not item.get_closest_marker("xdist_group") and (place := shared_place(item)):
        item.add_marker(pytest.mark.xdist_group(place))


def shared_place(item: pytest.Item) -> str:
    """The module or folder whose longest-lived fixture a test uses; "" if it uses none, or only those of this file."""
    found = getattr(item, "_fixtureinfo", None)
    used = [made[-1] for made in found.name2fixturedefs.values()] if found else []
    return min((one.baseid for one in used if one.scope in LONG_LIVED and one.baseid not in EVERYWHERE), default="")


@pytest.fixture(autouse=True)
def no_handler_stays() -> Iterator[None]:
    """Takes back what a training sets for the logs of the process: its handlers write to a stream that is closed."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data beside the checkout; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the development data (../shared/data) is not here")
    return SHARED


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, packaged: Path, request: pytest.FixtureRequest) -> Run:
    """Folder of the results of a case, which is run when it is first asked for."""
    folder = tmp_path_factory.mktemp("runs")
    done: dict[tuple[str, str, str], Path] = {}

    def results(side: str, order: str, kind: str) -> Path:
        case = (side, order, kind)
        if case in IN_COHORT:
            return Path(request.getfixturevalue("first_cohort")) / "cases" / IN_COHORT[case]
        if case not in done:
            done[case] = run_planted(folder / "_".join(case), packaged, *case)
        return done[case]

    return results


@pytest.fixture(scope="session")
def first_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a cohort run of three heads, see `run_cohort`; the scans and what was registered lie beside it."""
    folder = tmp_path_factory.mktemp("cohort #1")
    write_scans(folder)
    return run_cohort(folder)


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as a user of the model zoo has it: packed, and unpacked elsewhere; the zip lies beside it."""
    folder = tmp_path_factory.mktemp("zoo")
    assert main(["dev", "package", "-o", str(folder)]) == 0
    (zipped,) = folder.iterdir()
    with ZipFile(zipped) as content:
        content.extractall(folder)
    return folder / "head_ct_position_anomaly"
