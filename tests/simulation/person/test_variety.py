"""Varieties: plain heads stay as they were, widened ones differ as their build says, geometry and lesions stay true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_person import SEED, person, tilted
from mirror_gap import mirror_gaps_mm
from scipy import ndimage

from scripts.simulation.anatomy.common_space import to_reference
from scripts.simulation.anatomy.label_map import centroids, load_anatomy
from scripts.simulation.anatomy.labels import BONE, BRAIN, SWELLING
from scripts.simulation.person.head import BUILD_STREAM, SimulatedHead, draw_head, stream
from scripts.simulation.person.shape import identity_shape
from scripts.simulation.person.varieties import VARIETIES, WIDENED
from scripts.simulation.person.variety import UNUSUAL_SHARES, Build, draw_build

pytestmark = pytest.mark.xdist_group("drawn_person")


def drawn(variety: str, seed: int = SEED, **arguments: str) -> SimulatedHead:
    return draw_head(tilted(), seed, variety=variety, **arguments)  # type: ignore[arg-type]


def build_of(variety: str, seed: int) -> Build:
    build = draw_build(variety, stream(seed, BUILD_STREAM))
    assert build is not None
    return build


def test_plain_heads_have_no_build_and_say_nothing_of_it() -> None:
    assert draw_build("plain", np.random.default_rng(0)) is None
    plain = person()
    assert plain.hu.tobytes() == drawn("plain").hu.tobytes()
    assert {"variety", "build"} & plain.description.keys() == set()


def test_an_unknown_variety_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="no variety of heads 'wide'; there are plain, widened, unusual"):
        draw_head(tilted(), 1, variety="wide")


@pytest.mark.parametrize("variety", VARIETIES[1:])
def test_a_seed_fixes_a_head_which_says_what_it_is(variety: str) -> None:
    one, again, other = person(variety), drawn(variety), person(variety, 3)
    assert one.hu.tobytes() == again.hu.tobytes()
    assert one.hu.shape != other.hu.shape or (one.hu != other.hu).any()
    assert one.description["variety"] == variety
    assert one.description["build"].keys() == Build().__dict__.keys()


@pytest.mark.parametrize("variety", VARIETIES[1:])
def test_the_true_pose_still_brings_the_structures_to_their_places(variety: str) -> None:
    head = person(variety, 3)
    refitted = to_reference(centroids(head.labels, head.affine)) @ np.linalg.inv(head.to_reference)
    assert np.abs(refitted[:3, :3] - np.eye(3)).max() < 0.04
    np.testing.assert_allclose(refitted[:3, 3], 0, atol=2)
    upright = head.to_reference @ head.affine
    np.testing.assert_allclose(upright[:3, :3], np.eye(3), atol=1e-12)


def test_a_lesion_lies_in_the_widened_head_on_its_side() -> None:
    head = drawn("widened", 3, lesion="intraparenchymal", side="left")
    x = np.argwhere(head.lesion == 1)[:, 0] + (head.to_reference @ head.affine)[0, 3]
    assert (x < 0).mean() > 0.95
    assert head.lesion.shape == head.labels.shape == head.hu.shape
    assert np.isin(head.labels[head.lesion == 1], BRAIN).mean() > 0.8


def test_a_fracture_follows_a_suture_of_the_head_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of what is cut lies within 2 mm of what the head's own sutures took, all of it where one has closed."""
    healthy, cut = person(WIDENED), drawn(WIDENED, lesion="suture_fracture", side="left")
    monkeypatch.setattr("scripts.simulation.person.variety.suture_clouds", lambda *_: [])
    carved = healthy.hu != drawn(WIDENED).hu
    away_mm = ndimage.distance_transform_edt(~carved)
    assert np.median(away_mm[cut.lesion == 1]) < 2
    assert away_mm[cut.lesion == 1].max() < 20
    assert (cut.lesion == 1).sum() > 200


def test_the_grid_grows_with_the_scalp_and_the_head_stays_where_it_was() -> None:
    seed = next(seed for seed in range(200) if build_of("widened", seed).scalp.swelling_mm > 14)
    head = drawn("widened", seed)
    assert (head.labels == SWELLING).sum() > 1000
    edges = [np.take(head.labels, index, axis) for axis in (0, 1) for index in (0, -1)]
    assert all((edge <= 0).all() for edge in edges)
    assert (head.labels[:, :, -1] == 0).all()


def test_unusual_heads_show_everything_as_often_as_they_should() -> None:
    builds = [build_of("unusual", seed) for seed in range(400)]
    found = {
        "craniectomy": np.mean([bool(b.surgery and any(b.surgery.flap_deg)) for b in builds]),
        "burr holes": np.mean([bool(b.surgery and b.surgery.holes) for b in builds]),
        "child": np.mean([b.child is not None for b in builds]),
    }
    assert found == pytest.approx(UNUSUAL_SHARES, abs=0.08)
    assert all(build_of("widened", seed).surgery is None for seed in range(20))


def test_skulls_of_the_widened_population_are_less_even(shared_data: Path) -> None:
    gaps: dict[str, list[float]] = {"plain": [], "widened": []}
    for number in (6, 9):
        anatomy = load_anatomy(shared_data / "anatomies" / f"head_{number:02d}.nii.gz")
        for variety, found in gaps.items():
            head = draw_head(anatomy, number, variety=variety)
            bone = np.isin(head.labels, BONE)
            found.append(float(mirror_gaps_mm(bone, head.to_reference @ head.affine, best=False).mean()))
    assert np.median(gaps["widened"]) > 1.25 * np.median(gaps["plain"])


def test_a_given_shape_is_built_upon() -> None:
    given = draw_head(tilted(), SEED, shape=identity_shape(), variety="widened")
    assert given.description["scale"] == [1, 1, 1]
