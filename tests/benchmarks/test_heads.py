"""The picture of simulated heads: every variant occurs, its words are right, and the sheet has room for all."""

from __future__ import annotations

from dataclasses import replace

import heads
import numpy as np
import pytest

from scripts.simulation.person.child import Child
from scripts.simulation.person.look import Look
from scripts.simulation.person.surgery import Surgery
from scripts.simulation.person.variety import Build
from scripts.simulation.scanner.protocol import Protocol


def test_the_chosen_seeds_show_every_variant() -> None:
    seeds = heads.chosen_seeds(24)
    assert len(set(seeds)) == 24
    assert set().union(*(heads.variants(*heads.drawn(seed)) for seed in seeds)) == heads.ALL
    assert heads.chosen_seeds(24) == seeds


@pytest.mark.parametrize("variety", ["widened", "unusual"])
def test_the_chosen_seeds_show_every_build_of_a_population(variety: str) -> None:
    seeds = heads.chosen_seeds(12, variety)
    assert len(set(seeds)) == 12
    assert set().union(*(heads.found(seed, variety) for seed in seeds)) == heads.BUILDS[variety]


def test_a_build_says_what_it_holds() -> None:
    plain = heads.build_caption(Build())
    assert plain == "shear +0.00, torque +0.0, noise 0.0 mm; bone x1.00; sutures 0.4 mm"
    assert heads.build_variants(Build()) == set()
    made = replace(Build(), child=Child(3.0), surgery=Surgery((0, 40), (30, 25), -8.0))
    assert "3 years; flap 30 deg, bulge -8 mm" in heads.build_caption(made)
    assert heads.build_variants(made) == {"child", "craniectomy"}


def test_a_plain_head_has_no_variant_and_a_full_one_says_all() -> None:
    assert heads.variants(Look(), Protocol()) == set()
    look = Look(contrast_hu=150.0, calcified=("falx",), ventricles=2, sulci=0.5)
    protocol = replace(Protocol(), motion_mm=2.0, ghost=0.3, metal="clip", change_mm=0.0, tilt_deg=-9.0, band_hu=12.0)
    words = heads.caption(look, protocol)
    assert words.startswith("5 mm, x2 above; tilt -9; contrast 150 HU; calcium: falx; ventricles +2, sulci 50%; ")
    assert "motion 2.0 mm; ghost 0.3; clip; bar 12; rim 0, cupping 0" in words


def test_panels_show_the_head_upright_with_the_patients_right_on_the_left() -> None:
    head = np.full((256, 256, 256), -1000, dtype=np.int16)
    head[200:220, 190:220, heads.LEVEL - 2 : heads.LEVEL + 3] = 60
    head[127, 190:220, 200:230] = 60
    axial, sagittal, bone = (np.asarray(panel) for panel in heads.panels(head))
    assert axial.shape == (heads.SIDE, heads.SIDE)
    rows, columns = np.nonzero(axial)
    assert rows.max() < heads.SIDE / 2
    assert columns.max() < heads.SIDE / 2
    rows, columns = np.nonzero(sagittal)
    assert rows.max() < heads.SIDE / 2 < columns.min()
    assert bone.max() < 20


def test_the_sheet_has_room_for_all_and_long_captions_break() -> None:
    panels = heads.panels(np.zeros((256, 256, 256), dtype=np.int16))
    page = heads.sheet([(panels, "word " * 40)] * 6)
    assert page.size == (5 * (3 * heads.SIDE + heads.GAP), 2 * (heads.SIDE + 2 * heads.LINE + heads.GAP))


def test_bone_percentiles_ascend() -> None:
    head = np.full((256, 256, 256), 30, dtype=np.int16)
    head[:10, :, 150:160] = np.linspace(301, 1300, 10 * 256 * 10).reshape(10, 256, 10)
    values = heads.bone_percentiles(head)
    assert values == sorted(values)
    assert abs(values[1] - 800) < 5
