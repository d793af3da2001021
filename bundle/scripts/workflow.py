"""Runs the configs of the bundle as MONAI workflows, quietly, and finds the cause of their exceptions.

A container that is run as any number (`docker run --user`, OpenShift) has no entry in the password file for it, and
MONAI asks for the user's name while it is imported. In a folder that was removed, PyTorch's libraries can't be loaded,
and MKL ends the process. MONAI imports Matplotlib where it is installed, which makes a folder of its own while it is
imported, and raises an error of the operating system's if it can't; to judge a scan it is not needed.
"""

from __future__ import annotations

import gc
import getpass
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from .assets import bundle_root, config
from .errors import OutputExists, OutputFailed, WrongUsage, chain
from .findings import InputRefused

USER_VARIABLE = "LOGNAME"
"""The environment variable in which Python looks first for the user's name."""


def run_configs(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Run the workflow of inference.json and overlays of it with some values by id.

    Raises:
        InputRefused, OutputExists, OutputFailed, OSError: the cause of the workflow's exception, without the chain.
        Exception: anything else that it raised.
    """
    try:
        _run_workflow(names, values, "inference", False)
    finally:
        gc.collect()  # a workflow refers to itself


def train_configs(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Run the workflow of train.json and overlays of it with some values by id; it logs as `logging.conf` says.

    Raises:
        Exception: as `run_configs`.
    """
    _run_workflow(names, values, "train", str(config("logging.conf")))


def _run_workflow(names: Iterable[str], values: Mapping[str, Any], kind: str, logging_file: str | bool) -> None:
    """Make the workflow, run it, and forget it; of what it raises, the cause goes on, without the chain."""
    import_monai()
    from monai.bundle import ConfigWorkflow

    files = [str(config(name)) for name in names]
    try:
        ConfigWorkflow(files, logging_file=logging_file, workflow_type=kind, **values).run()
    except Exception as error:
        cause = root_cause(error)
        if cause is error:
            raise  # as it came: its text is shown only where this package raised it
        raise cause from None


def import_monai() -> None:
    """Import MONAI without the garbage collector, which would take a quarter of the time and find nothing.

    What it makes stays for good, so that later collections pass it over, too (`gc.freeze`).

    Raises:
        WrongUsage: the working directory does not exist any more.
    """
    if "monai" in sys.modules:
        return
    prepare_process()
    enabled = gc.isenabled()
    gc.disable()
    try:
        import_module("monai.bundle")
        gc.freeze()
    finally:
        if enabled:
            gc.enable()


def prepare_process() -> None:
    """Let MONAI be imported: a user without a name gets one, and without a place for its folder Matplotlib is hidden.

    Raises:
        WrongUsage: the working directory does not exist any more.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise WrongUsage("The working directory was removed. Change to a folder that exists and try again.") from None
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):  # KeyError until Python 3.12, OSError since
        os.environ[USER_VARIABLE] = f"uid{os.getuid()}" if hasattr(os, "getuid") else "user"
    if "MPLCONFIGDIR" not in os.environ and not has_temporary_place():
        sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]


def has_temporary_place() -> bool:
    """True if some folder for temporary files can be written to."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def quiet(warn: bool = False) -> Iterator[None]:
    """Without log lines of libraries, which may hold patient data, and without their warnings unless `warn` is true.

    What the user has to know is in the results or in the error.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            if not warn:
                warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def root_cause(error: BaseException) -> BaseException:
    """The refusal or the operating system's error behind what MONAI raised; the error itself if there is none."""
    causes = list(chain(error))
    ours = [cause for cause in causes if isinstance(cause, InputRefused | OutputExists | OutputFailed)]
    return next(iter([*ours, *(cause for cause in causes if isinstance(cause, OSError))]), error)


def device_values(name: str) -> dict[str, str]:
    """The value of the id `device` of a config for a device's name, by id; none for `auto`: the config's own stays."""
    return {} if name == "auto" else {"device": f"$torch.device({name!r})"}


def parsed_configs(names: Iterable[str]) -> Any:
    """MONAI's parser of configs of the bundle, the later over the earlier; nothing of them is made yet."""
    import_monai()
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(config(name)) for name in names])
    parser["bundle_root"] = str(bundle_root())
    return parser
