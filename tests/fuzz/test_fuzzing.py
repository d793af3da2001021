"""The short run of the fuzzing, that its oracles see what is wrong, and that it tells how a process ended."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fuzz_cases
import nibabel as nib
import nifti_mutations
import numpy as np
import pytest
import slice_mutations
from dicom_elements import PIXEL_DATA, elements_of, file_of
from dicom_series import head_hu, write_series
from oracles import bad_volume, complaint, flags_of, wrong_slices
from series_mutations import GEOMETRIES, write_mutated

from scripts.findings import Finding, finding
from scripts.reading import slices
from scripts.reading.inputs import Inspection, inspect_input
from scripts.volume import Volume

FUZZING = Path(__file__).with_name("fuzzing.py")


def python(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(FUZZING.parent)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(("kind", "count"), [("slices", 50), ("enhanced", 20), ("series", 15), ("nifti", 50)])
def test_mutated_inputs_are_read_right_or_refused(kind: str, count: int) -> None:
    done = python(str(FUZZING), kind, str(count), "--seed", "1")
    assert done.stdout.startswith(f"{kind}, seed 1: {count} cases, 0 bad; "), done.stdout
    assert "accepted" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def head() -> Volume:
    place = GEOMETRIES[2]
    return Volume(head_hu(place.points()), place.affine, None)


def test_a_right_volume_passes(head: Volume) -> None:
    assert bad_volume(head) == ""
    assert wrong_slices(head) == []
    assert wrong_slices(replace(head, valid=np.zeros(head.hu.shape, bool))) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda hu, affine: (hu[::-1], affine),
        lambda hu, affine: (hu[:, :, ::-1], affine),
        lambda hu, affine: (hu + 25, affine),
        lambda hu, affine: (hu, affine @ np.diag([1, 1, 1.2, 1])),
        lambda hu, affine: (np.roll(hu, 3, axis=2), affine),
        lambda hu, affine: (np.delete(hu, 9, axis=2), affine),
    ],
    ids=["left is right", "upside down", "brighter", "longer", "moved", "without a slice"],
)
def test_a_wrong_volume_is_seen(change: object, head: Volume) -> None:
    hu, affine = change(head.hu, head.affine)  # type: ignore[operator]
    assert len(wrong_slices(Volume(hu, affine, None))) > 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hu": np.full((20, 20, 20), np.nan, np.float32)}, "perhaps not finite"),
        ({"hu": np.zeros((20, 20, 20))}, "of type float64"),
        ({"hu": np.full((20, 20, 20), -3000, np.int16)}, "values down to -3000"),
        ({"affine": np.full((4, 4), np.nan)}, "affine"),
        ({"affine": np.diag([1, 1, 0, 1])}, "singular"),
        ({"valid": np.ones((2, 2, 2), bool)}, "a mask that is none"),
    ],
)
def test_a_bad_volume_is_seen(changes: dict[str, np.ndarray], words: str, head: Volume) -> None:
    assert words in bad_volume(replace(head, **changes))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ((), "no volume, and no refusal"),
        ((Finding("not_ct", "refusal", "A line\nmore."),), "control characters"),
        ((Finding("not_ct", "refusal", "x" * 500),), "a message of 500"),
        ((finding("not_ct", "It is of invented^patient."),), "holds a name"),
        ((Finding("strange", "refusal", "No."),), "not in the table"),
        ((Finding("not_ct", "flag", "No."),), "not in the table"),
    ],
)
def test_what_a_finding_may_not_be_is_seen(found: tuple[Finding, ...], words: str) -> None:
    assert words in complaint(Inspection("dicom", (), found, None))


def test_a_volume_with_a_refusal_is_seen(head: Volume) -> None:
    refused = Inspection("dicom", (), (finding("not_ct", "No."),), head)
    assert complaint(refused) == "a volume, and a refusal"
    assert flags_of(refused) == {"not_ct"}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("spacing_kind", lambda gaps_mm: "uniform"),
        ("_step", lambda places, height: 1.2 * (places[-1] - places[0]) / (height[-1] - height[0])),
    ],
    ids=["missing slices unnoticed", "wrong spacing"],
)
def test_a_reader_that_is_silently_wrong_is_found_out(
    name: str, function: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, name, function)
    make = fuzz_cases.KINDS["series"](tmp_path)
    outcomes = (make(number, 0) for number in range(24))
    assert any(bad and "are wrong after" in text and text.endswith("nothing is said") for bad, text in outcomes)


def test_the_series_without_mutations_are_read(tmp_path: Path) -> None:
    for place in GEOMETRIES:
        write_series(tmp_path / place.name, place)
        inspection = inspect_input(tmp_path / place.name)
        assert complaint(inspection) == ""
        assert inspection.volume is not None
        assert flags_of(inspection) == set()
        assert wrong_slices(inspection.volume) == []


def test_elements_are_those_of_the_file(tmp_path: Path) -> None:
    data = write_series(tmp_path, GEOMETRIES[0], at=[9])[0].read_bytes()
    found = elements_of(data)
    assert file_of(found, data[:132]) == data
    assert found[-1].tag == PIXEL_DATA


def test_a_case_follows_from_its_number(tmp_path: Path) -> None:
    data = write_series(tmp_path / "one", GEOMETRIES[0], at=[9])[0].read_bytes()
    volume = nib.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.eye(4)).to_bytes()
    for mutations, good in ((slice_mutations.MUTATIONS, data), (nifti_mutations.MUTATIONS, volume)):
        for mutation in mutations:
            once, again = (mutation(np.random.default_rng(7), good) for _ in range(2))
            assert once == again
        assert all(any(mutation(np.random.default_rng(k), good) != good for k in range(9)) for mutation in mutations)
    names = [write_mutated(np.random.default_rng(3), tmp_path / name) for name in "ab"]
    assert names[0] == names[1]
    files = [sorted(path.name for path in (tmp_path / name).rglob("*")) for name in "ab"]
    assert files[0] == files[1]


DEEDS = {
    "while True: pass": "the process ended: over 1 CPU-seconds",
    "time.sleep(60)": "the process ended: silent for 3 seconds",
    "os.abort()": "the process ended: SIGABRT",
    "os.write(2, b'a remark')": "on standard error: b'a remark' after accepted",
    "warnings.warn('a warning')": "UserWarning: a warning",
    "global kept; kept = bytearray(60 * 2**20)": "over 0 GB of memory, accepted",
    "bytearray(2**40)": "an exception: Traceback",
    "1 / 0": "ZeroDivisionError: division by zero",
}
"""What a case does, and what is told of it; before and after each is a case that does nothing."""


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What one fuzzing tells of all of them, a line a case."""
    deeds = "".join(f"    if number == {2 * n + 1}:\n        {deed}\n" for n, deed in enumerate(DEEDS))
    done = python(
        "-c",
        "import os, time, warnings, fuzzing, fuzz_cases\n"
        "fuzzing.LIMIT_S, fuzzing.SILENCE_S, fuzzing.LIMIT_BYTES = 1, 3, 50 * 2**20\n"
        f"def make(number, seed):\n{deeds}    return False, 'accepted'\n"
        "fuzz_cases.KINDS['slices'] = lambda folder: make\n"
        f"for outcome in fuzzing.outcomes('slices', range({2 * len(DEEDS) + 1}), 0): print(*outcome)\n",
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("deed", DEEDS)
def test_how_a_case_went_wrong_is_told_and_the_next_one_is_tried(deed: str, told: list[str]) -> None:
    number = 2 * list(DEEDS).index(deed) + 1
    assert len(told) == 2 * len(DEEDS) + 1
    first, second, third = told[number - 1 : number + 2]
    assert (first, third) == (f"{number - 1} False accepted", f"{number + 1} False accepted")
    assert second.startswith(f"{number} True ")
    assert DEEDS[deed] in second
