"""The parts of the anomaly map: from evidence to maps, from places to voxels, and the formula that joins them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from scripts.anomaly import evidence_normative, parts
from scripts.anomaly.evidence_files import NAME, evidence_bytes, read_evidence
from scripts.anomaly.files import NotCalibrated
from scripts.anomaly.parts import (
    Evidence,
    EvidenceNormal,
    EvidenceSums,
    at_voxels,
    joined,
    part_maps,
    typical_of,
    unlike,
    whole,
)

pytestmark = pytest.mark.xdist_group("parts")

BOX = (slice(28, 36), slice(26, 34), slice(28, 36))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A box of 8 x 8 x 8 places, so that covariances are quick."""
    monkeypatch.setattr(parts, "BOX", BOX)
    monkeypatch.setattr(evidence_normative, "HALF", (slice(32, 36), *BOX[1:]))


def scan(seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    evidence = np.full((20, 64, 64, 64), np.nan, np.float32)
    evidence[:, *BOX] = rng.normal(size=(20, 8, 8, 8))
    density = np.full((64, 64, 64), np.nan, np.float32)
    density[BOX] = rng.normal(33, 1, (8, 8, 8))
    return Evidence.of(evidence, density)


def healthy(count: int = 30) -> EvidenceSums:
    sums = EvidenceSums()
    for seed in range(count):
        sums.add(scan(seed))
    return sums


@cache
def normative() -> EvidenceNormal:
    """Of 30 healthy scans, made once: tests of one group run in one process."""
    return healthy().finish()


def test_evidence_is_averaged_in_the_box() -> None:
    found = scan(0)
    assert found.features.shape == (20, 8, 8, 8)
    assert found.features.std() < 0.6, "of a noise of 1, averaged over 5 mm"
    np.testing.assert_array_equal(whole(found.density)[BOX], found.density)
    assert np.isnan(whole(found.density)).sum() == 64**3 - 8**3


def test_position_is_of_one_side_and_density_of_both() -> None:
    normal = normative()
    odd = scan(100)
    odd.features[3, 0:3, 3:6, 3:6] += 8
    odd.density[[1, 6], 3:6, 3:6] += 8
    judged = part_maps(odd, normal)
    found = judged.maps
    position, density = (values[BOX] for values in (found["position"], found["density"]))
    assert position[1, 4, 4] > 4 * position[6, 4, 4]
    assert density[1, 4, 4] == pytest.approx(density[6, 4, 4], rel=0.3)
    assert density[1, 4, 4] > 1.5 * np.nanmedian(density)
    one = found["density_one_sided"][BOX]
    assert one[1, 4, 4] < density[1, 4, 4] / 2, "it is on both sides"
    assert np.isnan(found["position"]).sum() == 64**3 - 8**3


@pytest.mark.parametrize("half", [slice(0, 4), slice(4, 8)])
def test_a_lesion_of_a_whole_half_is_not_the_whole_head(half: slice) -> None:
    normal = normative()
    usual = part_maps(scan(100), normal).typical
    sick, other = scan(100), scan(100)
    sick.features[:, half] += 8
    sick.density[half] += 8
    judged = part_maps(sick, normal).typical
    assert judged == pytest.approx(usual, rel=0.2)
    assert unlike(judged, usual) == []
    other.features[:] += 8
    other.density[:] += 8
    assert unlike(part_maps(other, normal).typical, usual) == ["position", "density"]


def test_what_is_typical_is_that_of_the_less_odd_half_that_is_known() -> None:
    oddity = np.full((4, 2, 2), np.nan, np.float32)
    assert typical_of(oddity) == 0.0
    oddity[:2] = 3.0
    assert typical_of(oddity) == 3.0
    oddity[2:, 0], oddity[2, 1] = 1.0, 2.0
    assert typical_of(oddity) == 1.0


def test_a_head_is_unlike_by_the_parts_that_are_far_above_all_healthy_ones() -> None:
    assert unlike({"position": 3.1, "density": 1.4}, {"position": 2.0, "density": 1.0}) == ["position"]


def test_sums_without_some_scans_are_those_of_the_others() -> None:
    every, few = healthy(5), healthy(2)
    left = every.without(few)
    others = EvidenceSums()
    for seed in range(2, 5):
        others.add(scan(seed))
    np.testing.assert_allclose(left.position.sums, others.position.sums, atol=1e-4)
    np.testing.assert_allclose(left.density.sums, others.density.sums, rtol=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_map_at_the_places_is_interpolated_linearly(stride: int) -> None:
    line = 1.5 + 4 * np.arange(64, dtype=np.float32)
    values = line[:, None, None] - 2 * line[None, :, None] + line[None, None, :] / 3
    found = at_voxels(values.astype(np.float32), stride)
    assert found.shape == (256 // stride,) * 3
    voxel = stride * np.arange(256 // stride)
    inner = (voxel >= 2) & (voxel < 253)
    wanted = voxel[:, None, None] - 2 * voxel[None, :, None] + voxel[None, None, :] / 3
    at = np.ix_(inner, inner, inner)
    np.testing.assert_allclose(found[at], wanted[at], atol=1e-3)


def test_a_voxel_is_known_where_most_of_its_neighbours_are() -> None:
    values = np.full((64, 64, 64), 7, np.float32)
    values[32:] = np.nan
    found = at_voxels(values, 1)
    assert np.isfinite(found[:128]).all(), "voxel 127 is 1.5 from place 31, and 2.5 from place 32"
    np.testing.assert_allclose(found[:128], 7, rtol=1e-6)
    assert np.isnan(found[128:]).all()


def test_the_formula() -> None:
    maps = {"position": np.array([2, 0, np.nan], np.float32), "density": np.array([3, 0, 6], np.float32)}
    found = joined(maps, {"position": 2.0, "density": 3.0})
    np.testing.assert_allclose(found, [2**0.5, 0, 2], rtol=1e-6)
    with pytest.raises(KeyError):
        joined(maps, {"position": 2.0})


def test_normatives_come_back_from_their_file(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / NAME  # type: ignore[operator]
    normal = normative()
    path.write_bytes(evidence_bytes(normal))
    assert path.read_bytes() == evidence_bytes(normal)
    back = read_evidence(path)
    first, second = (part_maps(scan(50), which).maps for which in (normal, back))
    for name, values in first.items():
        np.testing.assert_array_equal(np.isnan(values), np.isnan(second[name]))
        np.testing.assert_allclose(second[name][BOX], values[BOX], atol=0.05)


def test_another_normative_in_the_same_file_is_read_anew(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / NAME  # type: ignore[operator]
    path.write_bytes(evidence_bytes(healthy(2).finish()))
    first = read_evidence(path)
    assert read_evidence(path) is first
    path.write_bytes(evidence_bytes(healthy(3).finish()))
    assert read_evidence(path).density.count.max() > first.density.count.max()


def test_a_file_that_is_no_normative_is_refused(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / NAME  # type: ignore[operator]
    with pytest.raises(NotCalibrated, match="There is no evidence_normative"):
        read_evidence(path)
    path.write_bytes(b"no archive")
    with pytest.raises(NotCalibrated, match="can't be read"):
        read_evidence(path)
    np.savez(path, format=np.array("another"))
    with pytest.raises(NotCalibrated, match="of another format"):
        read_evidence(path)
    content = evidence_bytes(healthy(2).finish())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(NotCalibrated, match="can't be read"):
        read_evidence(path)
