"""`make weights` makes every file of the models, in a copy of the bundle; what its commands do has tests of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.anomaly.evidence_files import NAME as EVIDENCE_NAME
from scripts.anomaly.files import NORMATIVE_NAME, THRESHOLDS_NAME
from scripts.anomaly.reader import DENSITIES_NAME
from scripts.commands.reference import ATLAS, FILES
from scripts.preprocessing.transforms import REGION_TARGET_NAME
from scripts.registration.transforms import TARGETS_NAME
from scripts.skull.files import NAME as SKULL_NAME

ROOT = Path(__file__).resolve().parents[1]
OF_REFERENCE = {*FILES, *ATLAS, TARGETS_NAME, DENSITIES_NAME, REGION_TARGET_NAME, SKULL_NAME}
OF_CALIBRATION = {NORMATIVE_NAME, EVIDENCE_NAME, SKULL_NAME, THRESHOLDS_NAME}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The commands of `make weights`, which are not run."""
    if shutil.which("make") is None:
        pytest.skip("make is not here")
    folder = tmp_path_factory.mktemp("weights")
    said = subprocess.run(
        ["make", "--dry-run", "weights", f"ANATOMIES={folder}", "WEIGHTS_OUT=OUT", "DEVICE=cuda:1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.replace("\\\n", " ")


def test_every_file_that_ships_is_made(recipe: str) -> None:
    named = set(re.findall(r"(?:-o|--noise) OUT/bundle/models/(\S+)", recipe))
    assert named == {"locator.pt", "model.pt", "evidence.pt", "repeat_noise.json"}
    assert all(re.search(rf"{command} .*-o OUT/bundle/models\s", recipe) for command in ("dev reference", "calibrate"))
    made = named | OF_REFERENCE | OF_CALIBRATION
    assert made == {path.name for path in (ROOT / "bundle" / "models").iterdir()}


def test_nothing_is_taken_from_the_bundle_that_is_there(recipe: str) -> None:
    """It is copied without its models; from then on each command is the copy's, and writes into the copy."""
    lines = recipe.splitlines()
    copied = next(number for number, line in enumerate(lines) if line.startswith("cp -R bundle "))
    assert lines[copied + 1] == "rm -f OUT/bundle.partial/models/*"
    later = "\n".join(lines[copied + 2 :])
    assert not re.search(r"(?<!OUT/)\bbundle/", later)
    assert "head-ct-anomaly" not in later
    trainings = [line for line in lines if "monai.bundle run" in line]
    assert len(trainings) == 5
    repeats = [line for line in lines if "benchmarks/repeats.py" in line]
    assert len(repeats) == 2
    assert all(line.startswith("BUNDLE=OUT/bundle ") for line in repeats), "judged by the copy"
    assert repeats[0].endswith("--device cuda:1"), "draw judges, measure runs no network"
    assert all("--bundle_root OUT/bundle" in line and 'torch.device("cuda:1")' in line for line in trainings)


def test_each_step_follows_what_it_needs(recipe: str) -> None:
    steps = ["dev reference", "locator_plain", "models/locator.pt", "calibrate", "repeats.py draw", "--noise"]
    places = [recipe.index(step) for step in steps]
    assert places == sorted(places)
    assert all(recipe.index(f"-o OUT/bundle/models/{name}.pt") < places[3] for name in ("model", "evidence"))
