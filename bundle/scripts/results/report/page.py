"""The page: one file with everything in it, that opens from a disk, without a server and without a network.

Text, tables, strips of healthy scores and pictures need no script. Where NiiVue is installed and the volumes are there,
the page holds them too, and `viewer.js` shows them: slices of the scan with the heatmap over it, and the skull.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...files.templates import rendered
from ...statistics.alpha import ALPHA
from ..overlay import BONE_WINDOW_HU, BRAIN_WINDOW_HU, CONTOURS, HEAT
from ..pictures import meaning
from ..planes import head_box_mm
from .content import Content
from .niivue import HOW, Script
from .skull_mesh import skull_mesh
from .volumes import TABLE_HU, Volumes, cut_to_head, shown

WINDOWS_HU = {"brain": BRAIN_WINDOW_HU, "subdural": (-25.0, 175.0), "stroke": (20.0, 60.0), "bone": BONE_WINDOW_HU}
"""The windows of the page, in the order of its buttons."""

WIDTH, MOST = 300.0, 1.25
"""Width of a strip, and its end as a multiple of the largest healthy score or threshold, as in the picture."""

LEVEL = 6
"""Of zlib, for the script."""


def page(
    content: Content,
    pictures: Mapping[str, bytes],
    volumes: Volumes | None,
    record: Mapping[str, Any],
    script: Script | None,
) -> bytes:
    """The page of a result, in UTF-8.

    Args:
        content: the words.
        pictures: PNG by name, overview.png and, where the skull was assessed, skull.png.
        volumes: None where the result has none of them; there is no viewer then.
        record: the content of `result.json`.
        script: of NiiVue; None where it is not installed.
    """
    viewer = viewer_data(volumes, record) if volumes and script else None
    text = rendered(
        Path(__file__).with_name("page.html"),
        content=content,
        strips=[strip(row) for row in content.scores],
        pictures={name: base64_text(pictures.get(f"{name}.png", b"")) for name in ("overview", "skull")},
        windows=WINDOWS_HU,
        heat=what_heat_is(record),
        viewer=viewer,
        niivue=script and {"text": base64_text(zlib.compress(script.text, LEVEL)), "version": script.version},
        why_no_viewer="" if viewer else why_no_viewer(volumes),
    )
    return text.encode()


def what_heat_is(record: Mapping[str, Any]) -> str:
    """A sentence on what the colours of the heatmap mean."""
    shown = str(record["settings"].get("map"))
    if shown == "error" or not any(record["compared_with"]["contours"].values()):
        return "Colours show the heatmap as it is: it has no threshold."
    words = meaning(shown, float(record["settings"].get("alpha", ALPHA)))
    return f"Colours begin at the threshold of a region ({words}) and end at twice it."


def why_no_viewer(volumes: Volumes | None) -> str:
    """A sentence on why a page has pictures alone, with the remedy."""
    if volumes is None:
        return "The result holds no scan, so this page shows pictures alone. To browse the slices, run with --maps all."
    return (
        f"This page shows pictures alone. To browse the slices, install NiiVue: {HOW}, then head-ct-anomaly report OUT."
    )


def viewer_data(volumes: Volumes, record: Mapping[str, Any]) -> dict[str, Any]:
    """The data that `viewer.js` needs: volumes and surface in base64, thresholds, windows, colours and detections."""
    unscaled = record["settings"].get("map") == "error"
    limits = {} if unscaled else record["compared_with"]["contours"]
    head = cut_to_head(volumes)
    drawn = shown(head, record["scores"], limits)
    skull = None if record["scores"].get("skull") is None else limits.get("skull")
    along = np.linalg.inv(volumes.affine)[2]  # gives the index of the slice of a point
    slices = {"count": volumes.scan.shape[2], "along": along.tolist()}
    return {
        "scan": base64_text(drawn.scan),
        "heat": base64_text(drawn.heat),
        "skull": base64_text(skull_mesh(head, skull)),
        "facts": {
            "table_hu": TABLE_HU.tolist(),
            "top": drawn.top,
            "scaled": drawn.scaled,
            "windows_hu": WINDOWS_HU,
            "contour_rgb": [list(colour) for _, colour in CONTOURS],
            "heat_rgb": HEAT.astype(int).tolist(),
            "slices": slices if record["grid"]["kind"] == "native" else None,
            "middle_mm": head_box_mm(head.scan, head.affine).mean(axis=0).tolist(),
            "detections": [{"at_mm": row["peak_mm"], "bone": row["region"] == "skull"} for row in record["detections"]],
        },
        "spacing_mm": " x ".join(f"{size:g}" for size in drawn.spacing_mm),
    }


def strip(row: Mapping[str, Any]) -> dict[str, Any]:
    """The places of healthy scores, threshold and score in a strip of `WIDTH`; a score beyond its end is an arrow."""
    end = MOST * max([*row["values"], row["limit"] or 0.0, 1e-6])

    def at(value: float) -> float:
        return float(round(min(max(value, 0.0) / end, 1.0) * WIDTH, 1))

    return {
        "width": WIDTH,
        "ticks": " ".join(f"M{at(value)} 14v8" for value in row["values"]),
        "threshold": at(row["limit"]) if row["limit"] else None,
        "score": None if row["value"] is None else at(row["value"]),
        "beyond": row["value"] is not None and row["value"] > end,
    }


def base64_text(content: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(content).decode()
