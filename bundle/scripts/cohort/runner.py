"""One case of a cohort, in any process: through the configs, as in `run`, into the cohort's folder.

The outcome is on the disk when the function returns: a folder of results, or the reason why there is none. It can be
called again for any case at any time: a finished case is skipped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..assets import bundle_root
from ..datasets.datalist import Case
from ..errors import OutputExists, described, origin, see_output
from ..files.zipped import unpacked
from ..findings import PASSING, InputRefused
from ..processes.memory import give_back_free_memory
from ..workflow import quiet, run_configs
from .folder import CASES, CohortFolder, shortened
from .table import DONE, FAILED, REFUSED, Row

INVERSE, WRITER = "scripts.skull.transforms.InvertWithSkulld", "scripts.results.writer.ResultWriter"
"""The transform that makes maps on the scan's own grid, and the handler that writes them."""


@dataclass(frozen=True)
class Plan:
    """Settings by which the cases of a cohort are scored; it can be pickled.

    Attributes:
        configs: inference.json and its overlays.
        values: of ids of the configs.
        root: the cohort's folder.
        cache: folder of registered scans.
    """

    configs: tuple[str, ...]
    values: Mapping[str, Any]
    root: Path
    cache: Path

    def values_of(self, case: Case) -> dict[str, Any]:
        """Values by id for one case; paths stay `Path` objects, since MONAI looks for references in strings."""
        return {
            **self.values,
            "bundle_root": str(bundle_root()),
            "dataset_dir": case.image,
            "series_uid": case.series_uid,
            "output_dir": self.root / CASES / case.name,
            "dataset#_target_": "scripts.datasets.registered.RegisteredScans",
            "dataset#folder": self.cache,
            "dataset#series_uid": "@series_uid",
        }


def without_maps(parser: Any) -> dict[str, Any]:
    """Values of ids with which parsed configs write `result.json` alone, and make no map on the scan's own grid."""
    steps = _places(parser, "postprocessing#transforms", INVERSE)
    writers = _places(parser, "handlers", WRITER)
    nothing = {"maps": "none", "pictures": False}
    written = {f"{place}#{name}": value for place in writers for name, value in nothing.items()}
    return {**{f"{place}#_disabled_": True for place in steps}, **written}


def _places(parser: Any, name: str, target: str) -> Iterator[str]:
    """The ids of the components of a kind in a list of a config."""
    for place, component in enumerate(parser[name]):
        if isinstance(component, Mapping) and component.get("_target_") == target:
            yield f"{name}#{place}"


def run_case(plan: Plan, case: Case) -> Row:
    """The row of a case, which is scored unless it is finished.

    Raises:
        OutputFailed: it can't be written, as with a full disk, so that no case can.
    """
    folder, began = CohortFolder(plan.root), time.perf_counter()
    if (row := folder.row(case.name)) and row.status in (DONE, REFUSED):
        return row
    try:
        with quiet(), unpacked(case.image) as place:
            run_configs(plan.configs, plan.values_of(replace(case, image=place)))
    except InputRefused as error:  # a scan that can't be reached may be the next time
        status, reason = FAILED if error.code in PASSING else REFUSED, str(error)
    except OutputExists as error:
        place = folder.root / CASES / case.name
        status, reason = FAILED, f"{place} holds no complete results. Remove it." if place.exists() else str(error)
    except Exception as error:
        see_output(error, plan.root)
        status, reason = FAILED, described(origin(error))
    else:
        status, reason = FAILED, "It left no results."
    finally:
        give_back_free_memory()  # a process that scores many cases holds as much after each as after the first
    if (row := folder.row(case.name)) and row.status == DONE:  # by this process, or by one that was taken for dead
        return row
    row = shortened(Row(case.name, status, reason, seconds=round(time.perf_counter() - began, 3)))
    folder.keep_reason(row)
    return row
