"""Two real heads, fetched by package name, through the whole run: scores against thresholds, and the pictures.

    python benchmarks/real.py [-o out/real] [--archive FILE]

`ARCHIVE` is the source archive of the package dicom2stl, which pip fetches, checks and puts into the output folder. Its
code isn't used; pip alone runs its build step, to read the metadata. Two CTs in it are unpacked beside it with its
licence, and each is run. What is known of the heads is in `HEADS`; nobody has read them for this project. They aren't
part of the repository, since nothing in the archive says whose heads they are. Exit codes: 0 done, 1 a run failed,
3 the archive was refused, `UNREACHABLE` if pip can't fetch it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

PACKAGE, VERSION = "dicom2stl", "0.5.0"
"""The package on the index."""

ARCHIVE = f"{PACKAGE}-{VERSION}.tar.gz"
"""Name of its source archive, 12 MB, MIT licence (some of its code: Apache 2.0)."""

SHA256 = "fb214135f811315203829abbc579cfdb8108d6af4fe49bd513620f4a4fae023d"
"""What the archive hashes to."""

HEADS = {"ct_head": "no lesion known, 2.5 mm slices", "ct_example": "dark mass in the right temporal lobe, 4 mm slices"}
"""What is known of each head, by the name of its file in the archive's folder `DATA`."""

DATA, LICENCE = f"{PACKAGE}-{VERSION}/examples/Data", f"{PACKAGE}-{VERSION}/LICENSE.txt"
"""Where the archive holds its heads, and its licence."""

REFUSED, UNREACHABLE = 3, os.EX_UNAVAILABLE
"""Exit codes: the archive is another one or unsafe; the package index can't be reached, or lacks the package."""


class ArchiveRefused(ValueError):
    """The archive is not the one that is known, or would write outside its folder."""


class IndexUnreachable(OSError):
    """Pip could not fetch the archive."""


def fetch(folder: Path) -> Path:
    """Path of the archive in `folder`, fetched by pip unless it lies there already.

    Pip compares the hash before anything in the archive is run.

    Raises:
        ArchiveRefused: what the index has is another file.
        IndexUnreachable: pip failed otherwise.
    """
    path = folder / ARCHIVE
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory() as place:
        wanted = Path(place) / "requirements.txt"
        wanted.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n", encoding="ascii")
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", PACKAGE]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "-r", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise ArchiveRefused(f"The index has another {ARCHIVE} than the one whose sha256 is known ({SHA256}).")
    if done.returncode or not path.is_file():
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "no answer")
        raise IndexUnreachable(
            f"The package index gave no {ARCHIVE} ({reason}). Fetch it elsewhere and name it: --archive FILE."
        )
    return path


def unpack(archive: Path, folder: Path, sha256: str = SHA256) -> dict[str, Path]:
    """Write the heads and the licence of an archive to `folder`; the heads' paths by name.

    Raises:
        ArchiveRefused: its sha256 differs, it lacks a head, or an entry is a link or leaves the archive's folder.
    """
    content = archive.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ArchiveRefused(f"{archive} has the sha256 {found}, not {sha256}. Remove it, and fetch it again.")
    paths = {f"{DATA}/{name}.nii.gz": folder / f"{name}.nii.gz" for name in HEADS}
    paths[LICENCE] = folder / f"LICENSE-{PACKAGE}.txt"
    with tarfile.open(archive) as entries:
        members = {member.name: member for member in entries.getmembers()}
        for name, member in members.items():
            if not (member.isfile() or member.isdir()) or ".." in PurePosixPath(name).parts or name.startswith("/"):
                raise ArchiveRefused(f"{archive} holds {name!r}, which is a link or leaves the archive's folder.")
        if missing := [name for name in paths if name not in members or not members[name].isfile()]:
            raise ArchiveRefused(f"{archive} lacks {missing[0]}.")
        for name, path in paths.items():
            path.write_bytes(entries.extractfile(members[name]).read())  # type: ignore[union-attr]
    return {name: folder / f"{name}.nii.gz" for name in HEADS}


def judged(scan: Path, output: Path) -> dict[str, Any] | None:
    """What `result.json` says about a scan after a run of the product into `output`; None if the run failed."""
    command = [sys.executable, "-m", "head_ct_position_anomaly", "run", str(scan), "-o", str(output), "--overwrite"]
    if subprocess.run(command, check=False).returncode:
        return None
    result: dict[str, Any] = json.loads((output / "result.json").read_text(encoding="utf-8"))
    return result


def table(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Lines of Markdown: each region's score beside its threshold, by head, and the codes of the findings."""
    yield "| head | known of it | region | score | 95 % of healthy scores are below | |"
    yield "|---|---|---|---|---|---|"
    for name, result in results.items():
        for region, score in result["scores"].items():
            threshold = result["score_details"][region].get("threshold")
            above = score is not None and threshold is not None and score > threshold
            numbers = " | ".join("none" if value is None else f"{value:.2f}" for value in (score, threshold))
            row = f"{name} | {HEADS[name]} | {region.replace('_', ' ')} | {numbers}"
            yield f"| {row} | {'**above**' if above else 'below' if threshold is not None else ''} |"
    for name, result in results.items():
        codes = dict.fromkeys(found["code"] for found in result["findings"])
        yield f"{name}: pose {result['quality']['verdict']}; flags: {', '.join(codes) or 'none'}"


def main() -> int:
    """Fetch, unpack, run, report; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/real"), help="folder of archive and results")
    parser.add_argument("--archive", type=Path, help="the archive, fetched before")
    args = parser.parse_args()
    folder = args.output.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        scans = unpack(args.archive or fetch(folder), folder)
    except (ArchiveRefused, IndexUnreachable) as error:
        print(error, file=sys.stderr)
        return REFUSED if isinstance(error, ArchiveRefused) else UNREACHABLE
    results = {name: judged(scan, folder / name) for name, scan in scans.items()}
    done = {name: result for name, result in results.items() if result is not None}
    print("\n".join(table(done)))
    for name in done:
        print(f"picture: {folder / name / 'overview.png'}")
    return int(len(done) < len(results))


if __name__ == "__main__":
    sys.exit(main())
