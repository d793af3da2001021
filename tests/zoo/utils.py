"""In place of the zoo's own `ci/unit_tests/utils.py`: the function of it that the multi-GPU unit test calls."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from monai.bundle import ConfigParser


def export_config_and_run_mgpu_cmd(
    config_file: Sequence[str],
    meta_file: str,
    logging_file: str,
    override_dict: Mapping[str, Any],
    output_path: str,
    ngpu: int = 2,
) -> None:
    """Write configs with overrides into one file, and run it by torchrun in `ngpu` processes.

    Raises:
        CalledProcessError: the run failed.
    """
    parser = ConfigParser()
    parser.read_config(config_file)
    parser.update(pairs=override_dict)
    ConfigParser.export_config_file(parser.config, output_path, indent=4)
    words = ["--config_file", output_path, "--logging_file", logging_file, "--meta_file", meta_file]
    torchrun = ["torchrun", "--standalone", "--nnodes=1", f"--nproc_per_node={ngpu}"]
    subprocess.check_call([*torchrun, "-m", "monai.bundle", "run", *words])
