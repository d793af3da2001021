"""One scan judged through the configs, from its path to a folder of results: what `run`, `demo` and `detect` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..assets import bundle_root
from ..files.zipped import unpacked
from ..processes.memory import give_back_free_memory
from ..workflow import quiet, run_configs
from .folder import reserved

INFERENCE = "inference.json"


def judge(
    scan: Path,
    output: Path,
    values: Mapping[str, Any] | None = None,
    *,
    overlays: Sequence[str] = (),
    overwrite: bool = False,
    warn: bool = False,
) -> None:
    """Write the results of a scan into the folder `output`.

    Args:
        scan: a folder (series or study), a DICOM file, a NIfTI, or a zip archive of one of these.
        output: the folder; it appears complete or not at all.
        values: of ids of inference.json. Paths stay `Path` objects: in strings, MONAI looks for references.
        overlays: configs over inference.json.
        overwrite: replace earlier results.
        warn: let warnings of libraries through.

    Raises:
        InputRefused: the scan can't be judged.
        OutputExists, OutputFailed: the results can't be written.
    """
    from ..reading import inputs, references

    values = dict(values or {})
    try:
        with reserved(output, overwrite), quiet(warn=warn), unpacked(scan) as place:
            inputs.check_input(place, values.get("series_uid"))  # by headers alone, before torch is loaded
            if values.get("dicom"):
                references.check_referable(inputs.scan_at(place), values.get("series_uid"))
            own = {"dataset_dir": place.absolute(), "output_dir": output.absolute(), "overwrite": overwrite}
            run_configs((INFERENCE, *overlays), {"bundle_root": str(bundle_root()), **values, **own})
    finally:
        give_back_free_memory()  # a process that judges many scans holds as much after each as after the first
