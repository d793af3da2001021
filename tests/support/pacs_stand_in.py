"""A node whose pipeline is a stand-in: it writes real DICOM objects of made-up maps, but no marked slices, in a second.

`python pacs_stand_in.py DONE ARGUMENTS` runs `head-ct-anomaly listen ARGUMENTS` with it; each time a study is done, the
name of its folder is added to the file DONE.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

DONE = "HEAD_CT_ANOMALY_TEST_DONE"


def work(job: object) -> str:
    """In place of `listen.work`."""
    from dicom_results import picture, result, scanned_of

    from scripts.reading.inputs import read_volume
    from scripts.results.dicom.objects import dicom_files
    from scripts.results.folder import write_results

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        volume = read_volume(job.images)  # type: ignore[attr-defined]
        scanned = scanned_of(volume.hu, volume.affine, result())
        pictures = {"overview.png": picture(), "report.pdf": b"%PDF-1.4 of a stand-in"}
        files = dicom_files(job.images, None, scanned, result(), pictures)  # type: ignore[attr-defined]
        files = {name: write for name, write in files.items() if "slice_" not in name}
        write_results(job.out, files, {"scores": result()["scores"]})  # type: ignore[attr-defined]
    with Path(os.environ[DONE]).open("a") as done:
        done.write(f"{job.out.parent.name}\n")  # type: ignore[attr-defined]
    return ""


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parents[1] / "bundle"), str(here)]
    import pacs_stand_in

    from scripts.commands import listen
    from scripts.commands.main import main

    os.environ[DONE] = sys.argv[1]
    listen.work = pacs_stand_in.work
    sys.exit(main(["listen", *sys.argv[2:]]))
