"""`result_checks`: every way in which a folder of results can be wrong is seen, and named."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scripts.files.nifti import nifti_bytes
from scripts.results.checks import problems
from scripts.results.folder import write_results

MAP, LABELS = np.ones((4, 5, 6), np.float32), np.full((4, 5, 6), 3, np.uint8)


def results(folder: Path, **changed: bytes) -> Path:
    """A complete set of results, with other bytes in some of its volumes from the beginning."""
    files = {"heatmap": nifti_bytes(MAP, np.eye(4)), "regions": nifti_bytes(LABELS, np.eye(4)), **changed}
    write_results(folder / "out", {"overview.png": b"png", **{f"{n}.nii.gz": b for n, b in files.items()}}, {})
    return folder / "out"


def raw(values: np.ndarray[Any, Any]) -> bytes:
    """A volume that `nifti_bytes` would not write."""
    return gzip.compress(nib.Nifti1Image(values, np.eye(4)).to_bytes())


def test_complete_results_have_none(tmp_path: Path) -> None:
    assert problems(results(tmp_path)) == {}
    write_results(tmp_path / "scores", {}, {"scores": {}})
    assert problems(tmp_path / "scores") == {}


def set_result(**values: Any) -> Callable[[Path], object]:
    """A change of `result.json`."""

    def change(out: Path) -> None:
        result = json.loads((out / "result.json").read_text())
        (out / "result.json").write_text(json.dumps({**result, **values}))

    return change


DAMAGED = "is damaged, or not of this program"
CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "no result": (lambda out: (out / "result.json").unlink(), {"result.json": "is missing"}),
    "half a result": (lambda out: os.truncate(out / "result.json", 40), {"result.json": DAMAGED}),
    "other bytes": (lambda out: (out / "result.json").write_bytes(b"\xff\xfe"), {"result.json": DAMAGED}),
    "a list": (lambda out: (out / "result.json").write_text("[]"), {"result.json": DAMAGED}),
    "very deep": (lambda out: (out / "result.json").write_text("[" * 100_000), {"result.json": DAMAGED}),
    "another format": (set_result(format="theirs"), {"result.json": DAMAGED}),
    "a file outside": (set_result(outputs={"../x": "0" * 64}), {"result.json": DAMAGED}),
    "no hash": (set_result(outputs={"overview.png": 1}), {"result.json": DAMAGED}),
    "outputs are a list": (set_result(outputs=["overview.png"]), {"result.json": DAMAGED}),
    "a file less": (lambda out: (out / "overview.png").unlink(), {"overview.png": "is missing"}),
    "a pipe": (
        lambda out: ((out / "overview.png").unlink(), os.mkfifo(out / "overview.png")),
        {"overview.png": "is missing"},
    ),
    "a byte less": (
        lambda out: os.truncate(out / "heatmap.nii.gz", 50),
        {"heatmap.nii.gz": "is not the file that was written"},
    ),
    "two files": (
        lambda out: [(out / name).write_bytes(b"") for name in ("overview.png", "regions.nii.gz")],
        dict.fromkeys(("overview.png", "regions.nii.gz"), "is not the file that was written"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_afterwards_is_named(name: str, tmp_path: Path) -> None:
    change, expected = CHANGES[name]
    out = results(tmp_path)
    change(out)
    assert problems(out) == expected


INFINITE, FRACTION = MAP.copy(), MAP.copy()
INFINITE[1, 2, 3] = np.inf
FRACTION[1, 2, 3] = 1.5
SHIFTED = np.eye(4)
SHIFTED[0, 3] = 0.01


@pytest.mark.parametrize(
    ("which", "content", "problem"),
    [
        ("heatmap", raw(INFINITE), "holds voxels that are NaN or infinite"),
        ("heatmap", raw(MAP[..., None]), "has 4 dimensions"),
        ("heatmap", b"", "can't be read as a volume (WrapStructError)"),
        ("heatmap", nifti_bytes(MAP, np.eye(4))[:-9], "can't be read as a volume (EOFError)"),
        ("regions", raw(LABELS + 1), "holds other labels than 0 to 3"),
        ("regions", raw(FRACTION), "holds other labels than 0 to 3"),
        ("regions", raw(LABELS.astype(np.int16) - 4), "holds other labels than 0 to 3"),
        ("regions", nifti_bytes(LABELS, SHIFTED), "lies on another grid than heatmap.nii.gz"),
        ("regions", nifti_bytes(LABELS[:-1], np.eye(4)), "lies on another grid than heatmap.nii.gz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_volumes_that_were_written_so_are_seen_too(which: str, content: bytes, problem: str, tmp_path: Path) -> None:
    out = results(tmp_path, **{which: content})
    recorded = json.loads((out / "result.json").read_text())["outputs"][f"{which}.nii.gz"]
    assert recorded == hashlib.sha256(content).hexdigest(), "the hash alone finds nothing"
    assert problems(out) == {f"{which}.nii.gz": problem}
