"""Two scans of one unchanged simulated head, drawn and judged for `repeats.py`.

They differ in pose, dose, slice thickness, kernel, field of view and tilt, each drawn as `simulate` draws them; there
is no motion, and no metal. Every second head has a lesion, the same in both scans. Heads come from anatomies that no
network was trained on. Each scan is judged at stride 4 into a folder of its own.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from scripts.anomaly.files import THRESHOLDS_NAME, read_thresholds
from scripts.assets import place
from scripts.files.atomic import replace_file
from scripts.files.json_text import json_text
from scripts.files.nifti import nifti_bytes
from scripts.files.temporary import temporary_folder
from scripts.findings import InputRefused
from scripts.results.judging import judge
from scripts.results.record import RESULT_NAME
from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.person.head import POSE_STREAM, SimulatedHead, draw_head, draw_pose, stream
from scripts.simulation.registered_head import PROTOCOL_STREAM
from scripts.simulation.scanner.protocol import Protocol, draw_protocol
from scripts.simulation.scanner.scan import acquire
from scripts.sites.compare.repeats import TIES
from scripts.volume import UNKNOWN_HU
from scripts.workflow import device_values

FIRST_SEED = 77_000
"""The seed of the first head: no calibration, training or other benchmark draws these."""

UNTRAINED = tuple(f"head_{number:02d}" for number in range(9, 15))
"""Anatomies that no network was trained on; heads take turns over them."""

LESIONS = (None, "intraparenchymal", None, "subdural", None, "epidural", None, "infarct", None, "intraparenchymal")
"""The lesions that are planted into the heads, in turn."""

THICKNESSES_MM = ((5.0, 2.5), (1.25, 4.0), (3.0, 5.0), (2.0, 1.25), (5.0, 3.0))
"""Slice thicknesses of the first and the second scan, in turn; never the same."""

SCANS, TRUTH_NAME = ("first", "second"), "truth.json"
STRIDE = 4
ROTATION_DEG = 12.0
"""Bound of the pitch of a pose, as `simulate` draws it."""

SECOND_SCAN = 500_000
"""Added to the seed of a head: the seed of pose, protocol and noise of its second scan."""


def in_new_pose(head: SimulatedHead, seed: int) -> SimulatedHead:
    """The same head as it lies in the scanner at another time."""
    upright = head.to_reference @ head.affine
    pose = draw_pose(stream(seed, POSE_STREAM), ROTATION_DEG)
    return replace(head, to_reference=pose, affine=np.linalg.inv(pose) @ upright)


def protocol_of(seed: int, thickness_mm: float) -> Protocol:
    """A drawn protocol of one thickness, without what is the patient's: motion and metal; slices lie side by side."""
    drawn = draw_protocol(stream(seed, PROTOCOL_STREAM), thickness_mm)
    return replace(drawn, increment_mm=thickness_mm, motion_mm=0.0, ghost=0.0, metal=None)


def draw(anatomies: Path, work: Path, count: int, device: str = "auto") -> None:
    """Draw the heads, scan and judge each twice, with the networks on a device, and say how each went."""
    for number in range(count):
        seed, name, lesion = FIRST_SEED + number, UNTRAINED[number % len(UNTRAINED)], LESIONS[number % len(LESIONS)]
        folder = work / f"{number:02d}"
        if (folder / TRUTH_NAME).is_file() and all(is_current(folder / scan) for scan in SCANS):
            continue
        started = time.process_time()
        head = draw_head(load_anatomy(anatomies / f"{name}.nii.gz"), seed, lesion=lesion, variety="widened")
        for scan, thickness in zip(SCANS, THICKNESSES_MM[number % len(THICKNESSES_MM)], strict=True):
            own = seed if scan == SCANS[0] else seed + SECOND_SCAN
            said = judge_scan(in_new_pose(head, own), protocol_of(own, thickness), own, folder / scan, device)
            print(f"{number:02d} {scan}: {name}, {lesion or 'healthy'}, {thickness:g} mm. {said}".rstrip(), flush=True)
        truth = {"anatomy": name, "lesion": lesion, "side": head.description.get("side"), "head": head.description}
        truth["protocols"] = [
            asdict(protocol_of(seed + shift, thickness))
            for shift, thickness in zip((0, SECOND_SCAN), THICKNESSES_MM[number % len(THICKNESSES_MM)], strict=True)
        ]
        replace_file(folder / TRUTH_NAME, json_text(truth).encode())
        print(f"{number:02d}: {time.process_time() - started:.0f} CPU-seconds", flush=True)


def is_current(folder: Path) -> bool:
    """True if a scan was judged into a folder, by the weights and the calibration that the bundle has now."""
    try:
        found = json.loads((folder / RESULT_NAME).read_text(encoding="utf-8"))["calibration"] or {}
    except (OSError, ValueError, KeyError):
        return False
    facts = read_thresholds(place(f"models/{THRESHOLDS_NAME}")).facts
    return all(found.get(name) == facts.get(name) for name in TIES)


def judge_scan(head: SimulatedHead, protocol: Protocol, seed: int, output: Path, device: str = "auto") -> str:
    """Scan a head and judge it into a folder; why it was refused, or ""."""
    with temporary_folder() as folder:
        path = folder / "scan.nii.gz"
        path.write_bytes(scan_of(head, protocol, seed))
        try:
            judge(path, output, {"stride": STRIDE, "report": False, **device_values(device)}, overwrite=True)
        except InputRefused as refused:
            return str(refused)
    return ""


def scan_of(head: SimulatedHead, protocol: Protocol, seed: int) -> bytes:
    """A scan of a head, as the bytes of a NIfTI file."""
    scan = acquire(head, protocol, seed)
    return nifti_bytes(np.where(scan.outside, np.int16(UNKNOWN_HU), scan.hu), scan.affine)


def pair(anatomy: Path, output: Path, seed: int, lesion: str) -> None:
    """Write a head before and after a lesion, in two poses and by two protocols: before.nii.gz and after.nii.gz."""
    label_map = load_anatomy(anatomy)
    for name, kind, own, thickness in (("before", None, seed, 5.0), ("after", lesion, seed + SECOND_SCAN, 3.0)):
        head = in_new_pose(draw_head(label_map, seed, lesion=kind, variety="widened"), own)
        replace_file(output / f"{name}.nii.gz", scan_of(head, protocol_of(own, thickness), own))
        print(f"{output / name}.nii.gz: {kind or 'healthy'}, {head.description.get('side', '')}".rstrip(", "))
