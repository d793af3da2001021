"""RegisterHeadd: one interpolation there, one back, on any grid, with what the field of view cuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from geometries import world
from linear_field import MATRIX, OBLIQUE, field, reference_field, scan_of
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd
from numpy.typing import NDArray

from scripts.files.nifti import nifti_bytes
from scripts.findings import InputRefused
from scripts.geometry.coordinates import grid_affine
from scripts.registration import transforms
from scripts.registration.locator import coarse_network
from scripts.registration.register import Registration
from scripts.registration.transforms import RegisterHeadd, load_locator, load_reference
from scripts.registration.verdict import judge

QUALITY = {"ncc": 0.8, "symmetry": 0.9, "bone_distance_mm": 1.0, "overlap": 0.7, "rotation_deg": 16.0, "scale": 1.0}


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Registration replaced by the known matrix, with a verdict that the test can change."""
    said: dict[str, Any] = {"verdict": "pass", "reasons": ()}

    def known(
        volume: NDArray[np.float32], affine: NDArray[np.float64], reference: object, locator: object
    ) -> Registration:
        said["locator"] = locator
        return Registration(MATRIX, QUALITY, said["verdict"], said["reasons"], head=said.get("head", True))

    monkeypatch.setattr(transforms, "register", known)
    monkeypatch.setattr(transforms, "load_reference", lambda reference, masks: None)
    return said


@pytest.fixture
def transform(verdict: dict[str, Any]) -> RegisterHeadd:
    """The transform under test."""
    return RegisterHeadd("image", reference="", masks="")


@pytest.fixture
def unmoved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpolation left out, for tests that look at the metadata alone."""
    empty = torch.zeros(1, 1, 1, 1).expand(1, 256, 256, 256), torch.ones(1, 1, 1, 1).expand(1, 256, 256, 256)
    monkeypatch.setattr(transforms, "to_reference_space", lambda volume, affine, matrix: empty)


def test_the_record_and_the_metadata(transform: RegisterHeadd) -> None:
    scan = scan_of(OBLIQUE)
    done = transform({"image": scan})
    image, valid = done["image"], done["validity"]
    assert image.shape == valid.shape == (1, 256, 256, 256)
    assert np.array_equal(image.affine.numpy(), grid_affine())
    assert np.array_equal(valid.affine.numpy(), grid_affine())
    assert image.meta["registration"] == {"matrix": MATRIX.tolist(), **QUALITY, "start": "search", "verdict": "pass"}
    assert [found["code"] for found in image.meta["findings"]] == ["gantry_tilt"]
    assert len(image.applied_operations) == 1
    assert "registration" not in scan.meta
    assert scan.applied_operations == []
    assert np.array_equal(scan.affine.numpy(), OBLIQUE.affine)


def test_the_inverse_restores_values_grid_and_affine(transform: RegisterHeadd) -> None:
    scan = scan_of(OBLIQUE)
    done = transform({"image": scan})
    smooth = MetaTensor(torch.from_numpy(reference_field())[None]).copy_meta_from(done["image"])
    back = transform.inverse({"image": smooth})["image"]
    assert back.shape == scan.shape
    assert np.array_equal(back.affine.numpy(), OBLIQUE.affine)
    assert back.applied_operations == []
    assert len(smooth.applied_operations) == 1
    index = world(MATRIX, OBLIQUE.points()) + 127.5
    inside = np.all((index >= 0) & (index <= 255), axis=-1)
    assert inside.mean() > 0.9
    assert np.abs(back.numpy()[0] - scan.numpy()[0])[inside].max() < 0.02
    assert (back.numpy()[0][~inside] == 0).all()


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_invertd_brings_a_strided_map_to_where_it_belongs(transform: RegisterHeadd, stride: int) -> None:
    done = transform({"image": scan_of(OBLIQUE)})
    values = reference_field(stride)
    done["pred"] = MetaTensor(torch.from_numpy(values)[None], affine=torch.from_numpy(grid_affine(stride)))
    back = Invertd("pred", Compose([transform]), orig_keys="image", nearest_interp=False)(done)["pred"]
    assert np.array_equal(back.affine.numpy(), OBLIQUE.affine)
    index = (world(MATRIX, OBLIQUE.points()) + 127.5) / stride
    inside = np.all((index >= 0) & (index <= len(values) - 1), axis=-1)
    expected = field(world(MATRIX, OBLIQUE.points()))
    assert np.abs(back.numpy()[0] - expected)[inside].max() < 0.02
    assert len(done["image"].applied_operations) == 1


def test_invertd_keeps_labels_whole(transform: RegisterHeadd) -> None:
    done = transform({"image": scan_of(OBLIQUE)})
    right = np.broadcast_to((np.arange(256) > 127)[:, None, None], (256,) * 3)
    labels = torch.from_numpy(right.astype(np.uint8) + 1)[None]
    done["pred"] = MetaTensor(labels, affine=torch.from_numpy(grid_affine()))
    back = Invertd("pred", transform, orig_keys="image", nearest_interp=True)(done)["pred"]
    assert back.dtype == torch.uint8
    x = world(MATRIX, OBLIQUE.points())[..., 0]
    clear = (np.abs(x) > 0.51) & (back.numpy()[0] > 0)
    assert np.array_equal(back.numpy()[0][clear], (x > 0).astype(np.uint8)[clear] + 1)
    assert set(np.unique(back.numpy())) <= {0, 1, 2}


def test_the_mode_of_the_inverse_can_be_set(verdict: dict[str, Any]) -> None:
    nearest = RegisterHeadd("image", reference="", masks="", mode="nearest")
    done = nearest({"image": scan_of(OBLIQUE)})
    above = np.broadcast_to(np.arange(256) > 127, (256,) * 3)
    steps = MetaTensor(torch.from_numpy(above.astype(np.float32))[None])
    back = nearest.inverse({"image": steps.copy_meta_from(done["image"])})["image"]
    assert set(np.unique(back.numpy())) <= {0.0, 1.0}
    with pytest.raises(ValueError, match='mode must be "bilinear" or "nearest"'):
        RegisterHeadd("image", reference="", masks="", mode="cubic")
    with pytest.raises(ValueError, match="one key is registered"):
        RegisterHeadd(["image", "label"], reference="", masks="")


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.usefixtures("unmoved")
def test_a_pose_for_review_is_flagged_and_may_be_accepted(verdict: dict[str, Any], accept: bool) -> None:
    verdict.update(verdict="review", reasons=("it matches better by 0.03 some 8 mm away",))
    transform = RegisterHeadd("image", reference="", masks="", accept_review=accept)
    meta = transform({"image": scan_of(OBLIQUE)})["image"].meta
    assert [found["code"] for found in meta["findings"]] == ["gantry_tilt", "registration_review"]
    assert ("for review, and the user accepted it: it matches" in meta["findings"][1]["message"]) is accept
    assert "it matches better by 0.03 some 8 mm away. Look at the picture" in meta["findings"][1]["message"]
    assert (meta["registration"]["verdict"], meta["registration"]["accepted"]) == ("review", accept)


@pytest.mark.usefixtures("unmoved")
def test_a_pose_that_passes_has_nothing_to_accept(verdict: dict[str, Any]) -> None:
    transform = RegisterHeadd("image", reference="", masks="", accept_review=True, force=True)
    meta = transform({"image": scan_of(OBLIQUE)})["image"].meta
    assert (meta["registration"]["verdict"], "accepted" in meta["registration"]) == ("pass", False)
    assert [found["code"] for found in meta["findings"]] == ["gantry_tilt"]


@pytest.mark.parametrize(("found", "expected"), [("pass", "review"), ("review", "review")])
@pytest.mark.usefixtures("unmoved")
def test_no_pose_passes_where_slices_may_be_missing(verdict: dict[str, Any], found: str, expected: str) -> None:
    verdict.update(verdict=found, reasons=("another doubt",) if found == "review" else ())
    scan = scan_of(OBLIQUE)
    scan.meta["findings"] = [{"code": "slices_set_aside", "severity": "flag", "message": "3 files look like slices."}]
    meta = RegisterHeadd("image", reference="", masks="")({"image": scan})["image"].meta
    assert meta["registration"]["verdict"] == expected
    reason = "another doubt" if found == "review" else "slices of the scan may be missing"
    assert meta["findings"][1]["message"].startswith(f"The pose is for review: {reason}.")


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.usefixtures("unmoved")
def test_a_pose_that_cannot_be_confirmed_may_be_forced(verdict: dict[str, Any], accept: bool) -> None:
    verdict.update(verdict="fail", reasons=("the brain there matches the reference to 0.50",))
    scan = scan_of(OBLIQUE)
    with pytest.raises(InputRefused, match="can't be confirmed"):
        RegisterHeadd("image", reference="", masks="", accept_review=accept)({"image": scan})
    forced = RegisterHeadd("image", reference="", masks="", accept_review=accept, force=True)
    meta = forced({"image": scan})["image"].meta
    assert meta["registration"]["verdict"] == "unconfirmed"
    assert "accepted" not in meta["registration"]
    assert [found["code"] for found in meta["findings"]] == ["gantry_tilt", "registration_unconfirmed"]
    said = meta["findings"][1]["message"]
    assert said.startswith("The pose can't be confirmed: the brain there matches the reference to 0.50. The heatmap")


def test_what_is_no_head_cannot_be_forced(verdict: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    forced = RegisterHeadd("image", reference="", masks="", force=True)
    verdict.update(verdict="fail", reasons=("brain of -200 HU",), head=False)
    with pytest.raises(InputRefused, match="No whole head of an adult was recognised: brain of -200 HU"):
        forced({"image": scan_of(OBLIQUE)})
    monkeypatch.setattr(transforms, "register", refuse)
    with pytest.raises(InputRefused, match="can't be registered: no head was found"):
        forced({"image": scan_of(OBLIQUE)})


@pytest.mark.usefixtures("unmoved")
def test_a_head_against_its_header_is_flagged(
    transform: RegisterHeadd, verdict: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUALITY, "rotation_deg", 150.0)
    verdict.update(verdict="review", reasons=("turned by 150 degrees",))
    findings = transform({"image": scan_of(OBLIQUE)})["image"].meta["findings"]
    assert [found["code"] for found in findings] == ["gantry_tilt", "registration_review", "orientation_doubtful"]
    assert "turned by 150 degrees. Check the orientation in the header" in findings[2]["message"]


def test_a_pose_that_cannot_be_confirmed_is_refused(transform: RegisterHeadd, verdict: dict[str, Any]) -> None:
    verdict.update(verdict="fail", reasons=("the brain there matches the reference to 0.40",))
    with pytest.raises(
        InputRefused, match=r"The pose can't be confirmed: the brain .* to 0\.40\. Check that it is a head CT"
    ) as info:
        transform({"image": scan_of(OBLIQUE)})
    assert info.value.findings[0].code == "registration_failed"
    assert "wrong" not in str(info.value)


def test_a_refusal_names_the_three_first_reasons_and_stays_short(
    transform: RegisterHeadd, verdict: dict[str, Any]
) -> None:
    worst = {"level": 0.1, "peak": -0.2, "overlap": 0.1, "rotation_deg": 175.0}
    odd = {"tipped_deg": 175.0, "brain_in_view": 0.1, "brain_hu": -200.0, "intracranial_ml": 9000.0, "distortion": 1.7}
    verdict["verdict"], verdict["reasons"], verdict["head"] = judge({**QUALITY, **worst, **odd})
    assert len(verdict["reasons"]) == 9
    with pytest.raises(InputRefused, match=r"upside down .*; 10% of the brain .*; brain of -200 HU") as info:
        transform({"image": scan_of(OBLIQUE)})
    assert len(str(info.value)) <= 400
    assert "matches" not in str(info.value)


def refuse(*_: object) -> Registration:
    """A registration that finds no head."""
    raise ValueError("no head was found.")


def test_a_scan_without_a_head_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "register", refuse)
    monkeypatch.setattr(transforms, "load_reference", lambda reference, masks: None)
    with pytest.raises(InputRefused, match="can't be registered: no head was found"):
        RegisterHeadd("image", "", "")({"image": scan_of(OBLIQUE)})
    with pytest.raises(ValueError, match=r"must be \(1, I, J, K\)"):
        RegisterHeadd("image", "", "")({"image": MetaTensor(torch.zeros(2, 4, 4, 4))})


def test_a_reference_on_another_grid_is_named(tmp_path: Path) -> None:
    path = tmp_path / "reference.nii.gz"
    path.write_bytes(nifti_bytes(np.zeros((8, 8, 8), np.int16), np.eye(4)))
    with pytest.raises(ValueError, match="does not lie on the reference grid"):
        load_reference(str(path), str(path))


@pytest.mark.usefixtures("unmoved")
def test_the_locator_is_loaded_once_and_handed_on(verdict: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "locator.pt"
    torch.save(coarse_network().state_dict(), path)
    transform = RegisterHeadd("image", "", "", locator=str(path))
    transform({"image": scan_of(OBLIQUE)})
    assert verdict["locator"] is load_locator(str(path))
    assert not verdict["locator"].training
    RegisterHeadd("image", "", "")({"image": scan_of(OBLIQUE)})
    assert verdict["locator"] is None
    torch.save(coarse_network(4).state_dict(), path)
    load_locator.cache_clear()
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_locator(str(path))
