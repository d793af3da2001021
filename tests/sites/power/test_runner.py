from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.anomaly.detections.lesion import place_masks
from scripts.anomaly.detections.places import Place
from scripts.datasets.datalist import Case
from scripts.errors import OutputFailed
from scripts.findings import refusal
from scripts.sites.power import judge, planting, runner
from scripts.sites.power.judge import Verdict
from scripts.sites.power.plan import Wish
from scripts.sites.power.planting import Planted
from scripts.sites.power.runner import Job, Recipe, kept, lesion_rows, listed, plant_and_judge, rows_of

RECIPE = Recipe(4, ("subdural", "infarct"), 0, 4)


def verdict(left: float | None, right: float | None = 1.0, places: list = []) -> Verdict:  # noqa: B006
    return Verdict({"left": left, "right": right}, {"left": 2.0, "right": 2.0}, places)


def rows(monkeypatch: pytest.MonkeyPatch, before: Verdict, after: Verdict, fits: bool = True) -> list[dict]:
    def planted(ground: object, wish: Wish) -> Planted:
        if not fits:
            raise ValueError("no room")
        return Planted(np.zeros((4, 4, 4), np.float32), np.ones((4, 4, 4), bool), 25.123, 1.0)

    monkeypatch.setattr(planting, "planted", planted)
    wished = [Wish(0, "subdural", "left", 5.0, (0,)), Wish(1, "infarct", "right", 5.0, (1,))]
    return list(lesion_rows(wished, None, before, lambda hu: after))


def test_a_lesion_is_found_where_its_own_hemisphere_is_above_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows(monkeypatch, verdict(1.0), verdict(2.5, 1.9))
    assert [row["outcome"] for row in found] == ["found", "missed"]
    assert found[0]["score_before"] == 1.0
    assert found[0]["score"] == 2.5
    assert found[0]["contrast_hu"] == 25.12


def test_nothing_is_said_of_a_hemisphere_above_before_or_without_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row["outcome"] for row in rows(monkeypatch, verdict(2.1, None), verdict(9.0, 9.0))] == [
        "above before",
        "no score",
    ]
    assert rows(monkeypatch, verdict(1.0), verdict(None))[0]["outcome"] == "no score"


def test_what_does_not_fit_is_no_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows(monkeypatch, verdict(1.0), verdict(2.5), fits=False)
    assert [row["outcome"] for row in found] == ["does not fit"] * 2
    assert "score" not in found[0]


def test_a_detection_counts_where_it_overlaps_and_none_was_there_before() -> None:
    mask = np.zeros((16, 16, 16), bool)
    mask[9, 9, 9] = True
    here = SimpleNamespace(voxels=np.array([[8, 8, 8]]), spacing=4)
    far = SimpleNamespace(voxels=np.array([[0, 0, 0]]), spacing=4)
    assert listed(mask, verdict(1.0), verdict(3.0, places=[far, here]))
    assert not listed(mask, verdict(1.0), verdict(3.0, places=[far]))
    assert not listed(mask, verdict(1.0, places=[here]), verdict(3.0, places=[here]))
    assert not listed(mask, verdict(1.0), verdict(3.0))


@pytest.mark.parametrize("spacing", [1, 2, 3, 4])
def test_a_detection_covers_the_cube_of_its_mask(spacing: int) -> None:
    place = Place(np.array([[8, 8, 8]]), np.float32([5]), np.array([8, 8, 8]), {}, spacing)
    cube, _ = place_masks(place, np.zeros(3, np.intp), (16, 16, 16))
    assert cube.sum() == spacing**3
    for first in range(5, 12):
        mask = np.zeros((16, 16, 16), bool)
        mask[first, 8, 8] = True
        assert listed(mask, verdict(1.0), verdict(3.0, places=[place])) == cube[first, 8, 8]


def job(folder: Path) -> Job:
    (folder / "scan.nii.gz").write_bytes(b"")
    return Job(Case("one", folder / "scan.nii.gz"), folder / "kept" / "one.json", "abc")


def test_what_a_scan_gave_is_kept_under_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"lesions": [{"number": 0, "outcome": "found"}, {"number": 1, "outcome": "does not fit"}]}
    monkeypatch.setattr(runner, "judged", lambda recipe, case, scan: content)
    one = job(tmp_path)
    assert kept(one) is None
    assert plant_and_judge(RECIPE, one).startswith("1 of 1 lesions found, ")
    assert rows_of({"one": kept(one) or {}})[0] == {"case": "one", "number": 0, "outcome": "found"}
    assert kept(Job(one.case, one.path, "other")) is None
    one.path.write_text(one.path.read_text()[:20])
    assert kept(one) is None


def test_a_scan_that_can_not_be_reached_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise refusal("path_missing", "/scans/one can't be read (Stale file handle).")

    one = job(tmp_path)
    monkeypatch.setattr(runner, "judged", away)
    assert plant_and_judge(RECIPE, one).startswith("failed. /scans/one can't be read")
    assert kept(one) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x"), "not written to /tmp/x: No space left on device"),
        (OutputFailed("No folder for temporary files can be written to."), "No folder for temporary files"),
    ],
)
def test_a_full_disk_ends_the_run(error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other scan could be judged either."""

    def full(*_: object) -> None:
        raise error

    one = job(tmp_path)
    monkeypatch.setattr(runner, "judged", full)
    with pytest.raises(OutputFailed, match=said):
        plant_and_judge(RECIPE, one)
    assert kept(one) is None


def test_a_refusal_is_kept_and_a_failure_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise refusal("registration_failed", "No head.")

    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    one = job(tmp_path)
    monkeypatch.setattr(runner, "judged", fail)
    assert plant_and_judge(RECIPE, one) == "failed. RuntimeError"
    assert not one.path.exists()
    monkeypatch.setattr(runner, "judged", refuse)
    assert plant_and_judge(RECIPE, one).startswith("refused. No head.")
    assert "No head." in json.loads(one.path.read_text())["refused"]
    assert rows_of({"one": kept(one) or {"lesions": ["none is kept"]}}) == []
    monkeypatch.setattr(runner, "manifest_sha256", lambda: "another")
    assert kept(one) is None, "a refusal counts for the bundle that made it"


def test_a_scan_without_one_hemisphere_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneSided:
        def prepared(self, scan: Path, series_uid: str | None) -> tuple[dict, list]:
            return {"image": SimpleNamespace(meta={"registration": {"verdict": "pass"}})}, []

        def ground(self, data: dict) -> None:
            raise ValueError("the scan shows no left hemisphere")

    monkeypatch.setattr(judge, "judge_of", lambda settings: OneSided())
    one = job(tmp_path)
    said = "Nothing can be planted: the scan shows no left hemisphere."
    assert plant_and_judge(RECIPE, one) == f"refused. {said}"
    assert (kept(one) or {})["refused"] == said
