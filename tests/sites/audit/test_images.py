"""How images of a site differ: the scanner that does is named, a thickness is none, and a site without is silent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audited_site import SCANNERS, looks_of, site_of, write_site

from scripts.cohort.folder import CASES
from scripts.sites.audit.content import audit_of
from scripts.sites.audit.images import FEWEST_IN_GROUP, Images, images_of
from scripts.sites.audit.judged import Scan, Site
from scripts.sites.audit.looks import MEASURES, read_looks
from scripts.sites.audit.page import audit_page
from scripts.sites.audit.sentences import on_images

UNSEEN = " No difference of its scores was found."

Change = Callable[[dict[str, str], dict[str, float]], dict[str, float]]


def scans(count: int, change: Change = lambda facts, looks: looks, seed: int = 0, scanners: int = 4) -> list[Scan]:
    """Scans of several scanners, two thicknesses and a year, with measures that a function may change."""
    random, found = np.random.default_rng(seed), []
    for number in range(count):
        thin = bool(random.integers(2))
        facts = {
            "scanner": "ABCDEFGH"[number % scanners],
            "thickness": "up to 1.5 mm" if thin else "over 3 mm",
            "month": f"2026-{1 + number * 7 % 12:02d}",
        }
        looks = change(facts, looks_of(thin, random))
        found.append(Scan({"hemisphere": (0.5, 0.5)}, "pass", facts=facts, looks=looks))
    return found


def named(images: Images) -> list[tuple[str, str]]:
    return [(test.measure, test.level) for test in images.named]


@pytest.mark.parametrize(
    ("measure", "step", "words"),
    [
        ("brain_hu", 6.0, "Images of scanner B are brighter (brightness of the brain 3"),
        ("brain_hu", -6.0, "Images of scanner B are darker (brightness of the brain 2"),
        ("noise_hu", 8.0, "Images of scanner B are noisier (noise 1"),
        ("noise_grain", 0.3, "Images of scanner B are finer-grained, as by a sharper kernel (grain of the noise 0."),
        ("fluid_share", 0.1, "Images of scanner B are of heads with more fluid (fluid inside the skull 2"),
    ],
)
def test_the_scanner_that_differs_is_named_alone(measure: str, step: float, words: str) -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {measure: looks[measure] + step * (facts["scanner"] == "B")}

    images = images_of(scans(64, change))
    assert named(images) == [(measure, "B")], "that B differs makes the others differ from it, and none is named"
    (text,) = on_images(images, set())
    assert text.startswith(words)
    assert text.endswith(UNSEEN)
    assert on_images(images, {"B"}) == [text.removesuffix(UNSEEN)]


def test_two_that_differ_in_different_ways() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        brighter, sharper = 6.0 * (facts["scanner"] == "B"), 0.3 * (facts["scanner"] in "BC")
        return looks | {"brain_hu": looks["brain_hu"] + brighter, "noise_grain": looks["noise_grain"] + sharper}

    images = images_of(scans(100, change, seed=1, scanners=5))
    assert set(named(images)) == {("brain_hu", "B"), ("noise_grain", "B"), ("noise_grain", "C")}
    said = on_images(images, set())
    assert len(said) == 2
    assert " and finer-grained, as by a sharper kernel (" in said[0], "one sentence a scanner"


def test_a_scanner_of_thin_slices_alone_is_not_noisier() -> None:
    thin = [one for one in scans(160) if (one.fact("scanner") == "B") == (one.fact("thickness") == "up to 1.5 mm")]
    assert len({one.fact("thickness") for one in thin if one.fact("scanner") == "B"}) == 1
    assert named(images_of(thin)) == []
    unknown = [replace(one, facts={**(one.facts or {}), "thickness": ""}) for one in thin]
    assert named(images_of(unknown)) == [], "nor where the thickness is not known"


def test_thin_slices_of_every_scanner_hide_nothing() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {"noise_hu": looks["noise_hu"] * (1.8 if facts["scanner"] == "C" else 1.0)}

    assert named(images_of(scans(120, change))) == [("noise_hu", "C")]


def test_medians_in_a_sentence_are_of_slices_as_thick() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {"noise_hu": looks["noise_hu"] * (1.6 if facts["scanner"] == "B" else 1.0)}

    mixed = scans(240, change)
    thick = [one.fact("thickness") == "over 3 mm" for one in mixed]
    mostly = [own if one.fact("scanner") == "B" else not own for one, own in zip(mixed, thick, strict=True)]
    some = [one for number, one in enumerate(mixed) if mostly[number] or number % 16 < 4]
    images = images_of(some)
    assert named(images) == [("noise_hu", "B")]
    one = images.named[0]
    raw = {level: own["noise_hu"] for level, own in images.medians.items()}
    assert one.effect > 0
    assert one.here is not None
    assert one.there is not None
    assert one.here > one.there
    assert raw["B"] < np.median([raw[level] for level in "ACD"]), "the others have more thin slices"


def test_brightness_that_rises_along_the_months() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {"brain_hu": looks["brain_hu"] + 0.6 * int(facts["month"][5:])}

    images = images_of(scans(96, change))
    assert named(images) == [("brain_hu", "")]
    (text,) = on_images(images, set())
    assert text.startswith("The brightness of the brain rises from month to month within scanners (Kendall's tau +0.")


def test_a_new_scanner_is_no_trend() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        late = int(facts["month"][5:]) > 6
        facts["scanner"] = "B" if late else "A"
        return looks | {"brain_hu": looks["brain_hu"] + 6 * late}

    images = images_of(scans(96, change))
    assert [measure for measure, level in named(images)] == ["brain_hu"]
    assert named(images)[0][1] in ("A", "B"), "of two scanners each differs from the other"
    assert len([test for test in images.tests if test.level]) == len(MEASURES), "that is one test a measure"
    assert on_images(images, set())[0].endswith(f"{UNSEEN} Which of the two has changed, images can't tell.")
    assert UNSEEN not in on_images(images, {"A"})[0], "nor is it said of the other if the scores name one"


def test_without_scanners_there_is_no_trend_and_no_comparison() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        late = int(facts["month"][5:]) > 6
        facts["scanner"] = ""
        return looks | {"brain_hu": looks["brain_hu"] + 6 * late}

    images = images_of(scans(96, change))
    assert (images.tests, images.named, images.medians) == ((), (), {})


def test_sites_without_a_difference_are_silent_in_95_of_100() -> None:
    loud = sum(bool(images_of(scans(60, seed=seed)).named) for seed in range(100))
    assert loud <= 3


def test_few_scans_say_nothing() -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {"brain_hu": looks["brain_hu"] + 30 * (facts["scanner"] == "B")}

    few = images_of(scans(4 * (FEWEST_IN_GROUP - 1), change))
    assert not [test for test in few.tests if test.level]
    assert few.medians == {}
    nothing = images_of([replace(one, looks={}) for one in scans(64)])
    assert (nothing.measured, nothing.tests, nothing.named) == (dict.fromkeys(MEASURES, 0), (), ())


def with_looks(site: Site, own: Sequence[Scan]) -> Site:
    """A site whose scans have other facts and measures."""
    pairs = zip(site.scans, own, strict=True)
    return replace(site, scans=tuple(replace(one, facts=other.facts, looks=other.looks) for one, other in pairs))


def test_the_audit_says_shows_and_holds_it(tmp_path: Path) -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {"brain_hu": looks["brain_hu"] + 8 * (facts["scanner"] == "B")}

    site = site_of(write_site(tmp_path, 64))
    content = audit_of(with_looks(site, scans(64, change)), "s", "1")
    assert any(text.startswith("Images of scanner B (B) are brighter") for text in content["sentences"])
    assert content["sentences"][-1].startswith("Nothing in these scans speaks against the thresholds.")
    (one,) = content["images"]["named"]
    assert (one["measure"], one["level"], one["counts"]) == ("brain_hu", "B (B)", True)
    assert [row["value"] for row in content["images"]["scanners"]] == ["A (A)", "B (B)", "C (C)", "D (D)"]
    page = audit_page(content).decode()
    assert page.count('<td class="number differs">') == 1
    assert f'<td class="number differs">{one["here"]:.1f}</td>' in page
    assert all(measure.words in page for measure in MEASURES.values())
    silent = audit_of(site, "s", "1")
    lacking = (
        "Most results hold no brightness of the brain, no noise, no grain of the noise, no fluid inside the skull, so"
    )
    assert any(text.startswith(lacking) for text in silent["sentences"])
    assert "Images</h2>" not in audit_page(silent).decode()
    before = [replace(one, looks={"brain_hu": (one.looks or {})["brain_hu"]}) for one in scans(64, change)]
    earlier = audit_of(with_looks(site, before), "s", "1")
    assert any(text.startswith("Most results hold no noise, no grain") for text in earlier["sentences"])
    assert [one["measure"] for one in earlier["images"]["named"]] == ["brain_hu"]


def test_a_scanner_whose_scores_differ_is_not_said_to_be_without(tmp_path: Path) -> None:
    def change(facts: dict[str, str], looks: dict[str, float]) -> dict[str, float]:
        return looks | {"brain_hu": looks["brain_hu"] + 8 * (facts["scanner"] == "B")}

    for way in (0.9, -0.9):
        folder = write_site(tmp_path / str(way), 120, lambda facts, way=way: way * (facts["scanner"] == SCANNERS[1]))
        site, own = site_of(folder), scans(120, change, scanners=3)
        content = audit_of(with_looks(site, own), "s", "1")
        (text,) = [text for text in content["sentences"] if text.startswith("Images of scanner B (B) are brighter")]
        assert not text.endswith(UNSEEN)


def test_measures_come_from_each_case(tmp_path: Path) -> None:
    folder = tmp_path / "judged" / CASES / "case-3"
    folder.mkdir(parents=True)
    quality = {
        "verdict": "pass",
        "brain_hu": 30,
        "noise_hu": 4.5,
        "noise_grain": None,
        "fluid_share": True,
        "level": 0.8,
    }
    (folder / "result.json").write_text(json.dumps({"quality": quality}))
    site = site_of(write_site(tmp_path, 20))
    assert [scan.looks for scan in site.scans if scan.looks] == [{"brain_hu": 30.0, "noise_hu": 4.5}]
    for content in ("[]", "{}", '{"quality": {"noise_hu": Infinity, "noise_grain": NaN, "fluid_share": "1"}}', "{"):
        (folder / "result.json").write_text(content)
        assert read_looks(folder) == {}
