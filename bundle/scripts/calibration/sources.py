"""Sources of healthy scans for a calibration: a folder of scans, or the simulator.

A *source* is one scan: an entry of the folder (a NIfTI file, a zip archive, or the folder of a series or a study), or
an anatomy and a seed. Scans of one *group* show the same person: entries of a folder are taken for different people,
draws from one anatomy are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import WrongUsage
from ..files.fingerprints import Source
from ..files.inputs import entries_in, is_folder, scan_of
from ..files.names import is_nifti
from ..files.zipped import is_zip
from ..simulation.anatomy.label_map import anatomy_paths
from ..simulation.person.varieties import PLAIN


def sources_in(folder: Path) -> list[Source]:
    """A source for each entry of a folder, in the order of the names; hidden entries and other files are left out.

    Raises:
        WrongUsage: there is no such folder, or it can't be read.
    """
    if not is_folder(folder):
        raise WrongUsage(f"There is no folder {folder}. Give the folder that holds the healthy scans.")
    return [Source(e.name, e.name, scan_of(e)) for e in entries_in(folder) if e.is_dir() or is_nifti(e) or is_zip(e)]


def simulated_sources(
    anatomies: Path, names: Sequence[str], count: int, seed: int, variety: str = PLAIN
) -> list[Source]:
    """`count` sources with seeds from `seed` on, which take turns over the anatomies of a folder (all, if no `names`).

    Raises:
        WrongUsage: there is no such folder, it holds no label map, or not one of the names.
    """
    found = {path.name.split(".")[0]: path for path in anatomy_paths(anatomies)}
    missing = [name for name in names if name not in found]
    if missing:
        raise WrongUsage(f"No label map in {anatomies} is called {missing[0]}. There are {', '.join(found)}.")
    chosen = list(names) or list(found)
    turns = [(chosen[number % len(chosen)], seed + number) for number in range(count)]
    return [Source(f"{name} {own_seed}", name, found[name], own_seed, variety) for name, own_seed in turns]
