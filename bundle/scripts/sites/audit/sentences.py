"""An audit in sentences: what it found, what is responsible, what to do, and what it can't say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...words import counted
from .comparisons import (
    ABOVE,
    FEWEST_IN_GROUP,
    FEWEST_MONTHS,
    FEWEST_SCANS,
    RANK,
    WHOLE,
    Mask,
    Scores,
    SiteTest,
    best_of,
    rate_of,
    trend_tests,
)
from .facts import FACTORS, MONTH
from .images import SCANNER, Images, ImageTest
from .judged import HEMISPHERE, KINDS, OTHER_REASON, SKULL, kinds_of, per_scan_of
from .looks import MEASURES
from .naming import Explained, Key, Named

PLURALS = {kind: kind.replace(HEMISPHERE, "hemispheres").replace(SKULL, "skulls") for kind in KINDS}


def sentences(
    content: Mapping[str, Any], scores: Scores, tests: Sequence[SiteTest], found: Explained, images: Images
) -> list[str]:
    """The sentences on an audit of some content, tests, what is responsible, and how images differ."""
    said = [_on_rate(content, part, scores, tests) for part in (HEMISPHERE, SKULL)]
    said += [text for kind in KINDS if (text := _on_scores(kind, tests))]
    said += _on_all_named(scores, found)
    said += _on_rest(found)
    keys = {*best_of(tests), *(key for one in found.named for key in (one.key, *one.same))}
    said += on_images(images, {level for factor, level in keys if factor == SCANNER})
    said += _on_heads(content)
    said += _on_refusals(content)
    return [*said, *_not_said(content, scores, images), _advice(content, tests, found)]


def interval(rate: Mapping[str, Any]) -> str:
    """A rate with its interval: 11 % [7, 16]."""
    return f"{rate['percent']:.0f} % [{rate['low']:.0f}, {rate['high']:.0f}]"


def _one(tests: Sequence[SiteTest], kind: str, what: str) -> SiteTest | None:
    """The test of the whole site of a kind and question."""
    return next((one for one in tests if (one.factor, one.kind, one.what) == (WHOLE, kind, what)), None)


def _on_rate(content: Mapping[str, Any], part: str, scores: Scores, tests: Sequence[SiteTest]) -> str:
    """On the rate of false alarms of the threshold of hemispheres, or of those of skulls.

    Skulls of two kinds are told of together, unless a test says something of one kind.
    """
    rate, expected = content["rates"][part], content["expected_percent"]
    whose = "shipped threshold" if content["calibration"]["shipped"] else "threshold of this calibration"
    if not rate["of"]:
        return f"No scan has a score of the {part}: nothing can be said of its threshold."
    said = f"At the {whose} {{}} of {{}} healthy {{}} lie above"
    text = said.format(interval(rate), rate["of"], PLURALS[part])
    found = [test for kind in KINDS if kind.startswith(part) and (test := _one(tests, kind, ABOVE))]
    if test := next((one for one in sorted(found, key=lambda one: one.p) if one.counts), None):
        meaning = "too many false alarms" if test.effect > 0 else "it is too high to find what could be found"
        if (own := _rate_of_kind(test.kind, scores))["of"] < rate["of"]:
            text = said.format(interval(own), own["of"], PLURALS[test.kind])
        return f"{text}, not {expected:g} %: {meaning}."
    if not found:
        return f"{text}: too few to compare with {expected:g} %, which takes {FEWEST_IN_GROUP} scans."
    sizes = content["calibration"]["healthy_scores"]
    behind = content["calibration"]["scans"] if part == HEMISPHERE else min(sizes[one.kind] for one in found)
    return f"{text}: for a threshold from {behind} healthy scans, that can't be told from {expected:g} %."


def _rate_of_kind(kind: str, scores: Scores) -> Mapping[str, Any]:
    """The rate of false alarms of a kind, with its interval."""
    values = [value for own in kinds_of(scores.scans, kind) for value in own]
    above = sum(value > scores.calibration.limits[kind] for value in values)
    return rate_of(above, len(values), per_scan_of(kind))


def _on_scores(kind: str, tests: Sequence[SiteTest]) -> str:
    """On scores that differ from those of calibration; empty if they do not."""
    test = _one(tests, kind, RANK)
    if not (test and test.counts):
        return ""
    share, way = 50 + 100 * abs(test.effect), "higher" if test.effect > 0 else "lower"
    return f"Scores of {PLURALS[kind]} are {way} than those of calibration: in {share:.0f} of 100 pairs, not in 50."


def words_of(key: Key) -> str:
    """A group in words."""
    factor, level = key
    names = {"scanner": f"scanner {level}", "kernel": f"kernel {level}", "thickness": f"slices of {level}"}
    names |= {"age": f"age {level}", "sex": {"F": "women", "M": "men"}.get(level, level), MONTH: "the course of months"}
    return names[factor]


def _on_all_named(scores: Scores, found: Explained) -> list[str]:
    """On what is responsible, each beside the scans that those named before it have left, as it was tested."""
    said, left = [], scores
    for one in found.named:
        said.append(_on_named(one, left, found, some=len(left.scans) < len(scores.scans)))
        if one.key[0] != MONTH:
            left = left.within(~left.level(*one.key))
    return said


def _on_named(one: Named, scores: Scores, found: Explained, some: bool) -> str:
    """On a group, or a trend, that is responsible; `some` tells that scores are those of some scans, which are left."""
    if one.key[0] == MONTH:
        way = "rise" if one.test.effect > 0 else "fall"
        return (
            f"Scores of {PLURALS.get(one.test.kind, 'scans')} {way} from month to month (Kendall's tau "
            f"{one.test.effect:+.2f}, adjusted p {_p(one.test)}). See what was changed in that time."
        )
    inside = scores.level(*one.key)
    outside = scores.known(one.key[0]) & ~inside
    who, lonely = words_of(one.key), found.alone and len(found.named) == 1
    is_one = one.key[0] in ("scanner", "kernel", "age")
    verb = "is" if is_one else "are"
    first = f"{who[:1].upper()}{who[1:]}{' alone' if lonely else ''} {verb} responsible"
    same = f" ({' and '.join(map(words_of, one.same))}: nearly the same scans, which can't be told apart)" * bool(
        one.same
    )
    return (
        f"{first}{same}: {_share(scores, inside)} of {counted(int(inside.sum()), 'scan')} have a score above its "
        f"threshold, against {_share(scores, outside)} of the other {int(outside.sum())}"
        f"{' that are left' * some} (adjusted p {_p(one.test)})."
    )


def _share(scores: Scores, mask: Mask) -> str:
    """The share of some scans that have a score above its threshold."""
    return f"{100 * float(scores.above[mask].mean()):.0f} %"


def on_images(images: Images, by_scores: Collection[str]) -> list[str]:
    """On scanners whose images differ, and on trends of images; `by_scores` are the scanners whose scores differ."""
    said = []
    for level in dict.fromkeys(test.level for test in images.named if test.level):
        ways = [_way(test) for test in images.named if test.level == level]
        text = f"Images of scanner {level} are {' and '.join(ways)}."
        if not (level in by_scores or (len(images.medians) == 2 and by_scores)):
            text += " No difference of its scores was found."
        said.append(text + " Which of the two has changed, images can't tell." * (len(images.medians) == 2))
    for test in images.named:
        if not test.level:
            way = "rises" if test.effect > 0 else "falls"
            said.append(
                f"The {MEASURES[test.measure].words} {way} from month to month within scanners (Kendall's tau "
                f"{test.effect:+.2f}, adjusted p {_p(test)}). See what was changed in that time."
            )
    return said


def _way(test: ImageTest) -> str:
    """In what way the images of a scanner differ."""
    one = MEASURES[test.measure]
    medians = f"{one.words} {one.shown(test.here or 0)}, where the others have {one.shown(test.there or 0)}"
    return f"{one.more if test.effect > 0 else one.less} ({medians}; adjusted p {_p(test)})"


def _p(test: SiteTest | ImageTest) -> str:
    """An adjusted p-value."""
    return f"{test.adjusted:.3f}" if test.adjusted >= 0.001 else "below 0.001"


def _on_rest(found: Explained) -> list[str]:
    """On the scans without those that are responsible; nothing where no group is."""
    if not any(one.key[0] != MONTH for one in found.named):
        return []
    if found.left < FEWEST_SCANS:
        return [f"Without them {counted(found.left, 'scan')} are left: too few to compare with calibration."]
    if found.alone:
        return [f"Without them, the other {found.left} scans can't be told from calibration."]
    return [f"Without them, the other {found.left} scans still differ from calibration."]


def _on_heads(content: Mapping[str, Any]) -> list[str]:
    """On heads unlike those of calibration, and on poses."""
    unlike, verdicts = content["unlike"], content["scans"]["verdicts"]
    heads, chance = unlike["heads"], unlike["expected_at_most"]
    first = f"{counted(heads, 'head')} {'scores' if heads == 1 else 'score'}" if heads else "No head scores"
    said = [f"{first} above every healthy scan of calibration, where chance gives up to {chance:.1f}."]
    if heads > chance:
        said[0] += " They come first in the cohort's page."
    if count := unlike["without_score"]:
        verb = "has" if count == 1 else "have"
        why = "being unlike all of calibration everywhere: the rates are of the others"
        said.append(f"{counted(count, 'more head')} {verb} no score of the brain, {why}.")
    doubtful = sum(count for verdict, count in verdicts.items() if verdict != "pass")
    if doubtful:
        said.append(f"The pose of {doubtful} of {content['scans']['judged']} scans is for review, or not confirmed.")
    return said


def _on_refusals(content: Mapping[str, Any]) -> list[str]:
    """On scans that could not be judged."""
    scans = content["scans"]
    said = []
    if scans["refused"]:
        kinds = ", ".join(f"{code.replace('_', ' ')} ({count})" for code, count in scans["refusals"].items())
        said.append(f"{scans['refused']} of {scans['all']} scans were refused: {kinds}.")
    if count := scans["without"].get(OTHER_REASON, 0):
        said.append(f"{counted(count, 'scan')} without a score of a hemisphere had no part in this.")
    if scans["failed"]:
        said.append(f"{counted(scans['failed'], 'scan')} failed and had no part in this.")
    return said


def _not_said(content: Mapping[str, Any], scores: Scores, images: Images) -> list[str]:
    """On what these scans can't tell."""
    groups = content["groups"]
    unknown = [name for name in FACTORS if all(row["value"] == "not known" for row in groups[name])]
    compared = {test["factor"] for test in content["tests"]}
    single = [name for name in FACTORS if name not in unknown and name not in compared]
    said = []
    if unknown:
        said.append(f"Not known, and so not compared: {', '.join(unknown)}. A table can say them: --groups.")
    if single:
        said.append(
            f"Fewer than two groups of {FEWEST_IN_GROUP} scans or more, and so not compared: {', '.join(single)}."
        )
    if not trend_tests(scores):
        said.append(
            f"No trend can be seen: it takes {FEWEST_SCANS} scans of known month, from {FEWEST_MONTHS} different ones."
        )
    lacking = [one.words for name, one in MEASURES.items() if 2 * images.measured[name] < len(scores.scans)]
    if lacking:
        said.append(
            f"Most results hold no {', no '.join(lacking)}, so these were hardly compared. If they are of an earlier "
            "version, judge the scans again, into a new folder."
        )
    return said


def _advice(content: Mapping[str, Any], tests: Sequence[SiteTest], found: Explained) -> str:
    """A sentence on what to do."""
    whole = any(one.counts for one in tests if one.factor == WHOLE)
    if found.alone and found.named[0].key[0] != MONTH:
        return "Calibrate with scans of that group among the others, or give it a calibration of its own."
    if found.named and found.named[0].key[0] == MONTH and len(found.named) == 1:
        return "Find the change, then calibrate on scans from after it."
    if whole or found.named:
        own = "healthy scans of your own" if content["calibration"]["shipped"] else "more scans, these among them"
        return f"Recalibrate on {own}: head-ct-anomaly calibrate."
    low, high = (content["rates"]["hemisphere"][name] for name in ("low", "high"))
    return (
        "Nothing in these scans speaks against the thresholds. What they allow is a rate of false alarms from "
        f"{low:.0f} to {high:.0f} % of hemispheres; more scans narrow it."
    )
