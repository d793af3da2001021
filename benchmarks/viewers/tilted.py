"""Writes the reference head with a bleed as a series under gantry tilt: `tilted.py FOLDER left` (or `right`)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "tests" / "support")]

from tilted_head import write_tilted

if __name__ == "__main__":
    folder, side = Path(sys.argv[1]), sys.argv[2]
    shutil.rmtree(folder, ignore_errors=True)
    write_tilted(folder, side)
