"""Beam hardening: rim, cupping, and the band between dense bones, against a loop."""

from __future__ import annotations

import numpy as np

from scripts.simulation.scanner.hardening import BAND_FROM_MM, BAND_FULL_MM, STEP, add_hardening, band

SIZE = (160, 96, 80)
BONE = 515


def two_petrous_bones() -> np.ndarray:
    """A block of brain in a thin skull, with a thick bone on each side at the height of voxel 40."""
    labels = np.zeros(SIZE, dtype=np.int16)
    labels[8:152, 8:88, 8:72] = BONE
    labels[14:146, 14:82, 14:66] = 2
    labels[14:60, 36:60, 32:48] = BONE
    labels[100:146, 36:60, 32:48] = BONE
    return labels


def test_the_band_lies_between_the_bones_and_nowhere_else() -> None:
    labels = two_petrous_bones()
    hu = np.where(labels == 2, 35, np.where(labels > 0, 1000, -1000)).astype(np.float32)
    before = hu.copy()
    add_hardening(hu, labels, 0, 0, 10.0)
    change = hu - before
    assert change[80, 48, 40] < -8
    assert change[80, 75, 40] > -0.5
    assert change[80, 48, 60] > -0.5
    assert not change[labels == 0].any()


def test_the_length_of_bone_on_both_sides_is_that_of_a_loop() -> None:
    bone = (np.random.default_rng(0).random((24, 1, 1)) < 0.5).astype(np.float32)
    bone = np.repeat(np.repeat(bone, 9, axis=1), 9, axis=2)
    line, wanted = bone[:, 0, 0], []
    for i in range(24):
        least = min(sum(line[: i + 1]), sum(line[i:])) * STEP
        wanted.append(np.clip((least - BAND_FROM_MM) / (BAND_FULL_MM - BAND_FROM_MM), 0, 1))
    found = band(bone)[:, 4, 4]
    smooth = np.convolve(np.pad(wanted, 8, mode="symmetric"), gauss(), mode="same")[8:-8]
    np.testing.assert_allclose(found, smooth, atol=1e-4)


def gauss() -> np.ndarray:
    weights = np.exp(-0.5 * np.arange(-4, 5.0) ** 2)
    return np.asarray(weights / weights.sum())


def test_the_rim_is_bright_and_the_depth_dark() -> None:
    labels = two_petrous_bones()
    hu = np.where(labels > 0, 35, -1000).astype(np.float32)
    add_hardening(hu, labels, 12.0, 6.0, 0)
    assert hu[80, 16, 56] > hu[80, 48, 56] + 4
    assert hu[80, 48, 56] < 35


def test_without_hardening_nothing_changes() -> None:
    hu = np.zeros(SIZE, dtype=np.float32)
    add_hardening(hu, two_petrous_bones(), 0, 0, 0)
    assert not hu.any()
