"""Options that several commands have: one definition, one word, one form."""

from __future__ import annotations

import argparse
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import pytest

from scripts.commands import arguments
from scripts.commands.main import COMMANDS, DEV, DEVELOPING, parser_for

EVERY = [(name,) for name in COMMANDS] + [(DEV, name) for name in DEVELOPING]


@lru_cache(maxsize=1)
def options() -> dict[tuple[str, ...], list[argparse.Action]]:
    """The options of each command."""
    found = {}
    for words in EVERY:
        parser = parser_for(words)
        for word in words:
            (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
            parser = commands.choices[word]
        found[words] = [action for action in parser._actions if action.option_strings]
    return found


def with_option(name: str) -> dict[str, argparse.Action]:
    """The option of a name, by command."""
    found = {" ".join(words): {a.option_strings[-1]: a for a in actions} for words, actions in options().items()}
    return {words: actions[name] for words, actions in found.items() if name in actions}


@pytest.mark.parametrize(
    ("name", "type", "commands"),
    [
        ("--seed", arguments.seed, 7),
        ("--workers", arguments.positive, 6),
        ("--device", arguments.device, 9),
        ("--series-uid", arguments.series_uid, 2),
        ("--calibration", Path, 6),
        ("--evidence-weights", Path, 7),
    ],
)
def test_an_option_has_one_type_and_one_form(name: str, type: object, commands: int) -> None:
    found = with_option(name)
    assert len(found) == commands, sorted(found)
    assert {action.type for action in found.values()} == {type}
    assert len({action.metavar for action in found.values()}) == 1
    assert all(action.help for action in found.values())


def test_the_stride_is_explained_where_its_default_differs() -> None:
    found = with_option("--stride")
    assert len(found) == 8, sorted(found)
    published = found.pop("cohort")  # also for the published network, which takes any
    assert published.type is arguments.positive
    assert "(2; with --mode published 4, and any other)" in str(published.help)
    assert {(action.type, tuple(action.choices or ())) for action in found.values()} == {(int, (1, 2, 4))}
    assert all("(2" in str(action.help) for name, action in found.items() if name not in ("calibrate", "power"))
    for name in ("calibrate", "power"):
        assert found[name].default == 4
        assert "(4, where `run` has 2" in str(found[name].help)


def test_lists_of_names_stand_between_commas_everywhere() -> None:
    lists = ("--names", "--skull-names", "--validation", "--hold-out", "--only")
    found = [action for name in lists for action in with_option(name).values()]
    assert len(found) == 7
    for action in found:
        assert (action.metavar, action.nargs, action.default) == ("NAME,NAME", None, [])
        assert callable(action.type)
        with pytest.raises(argparse.ArgumentTypeError, match="',' holds no name: say NAME,NAME"):
            action.type(",")
    several = [a.option_strings for actions in options().values() for a in actions if a.nargs in ("+", "*")]
    assert several == []


def test_caches_are_work() -> None:
    assert set(with_option("--work")) == {"audit", "calibrate", "cohort"}
    assert {(action.metavar, str(action.help).split()[0]) for action in with_option("--work").values()} == {
        ("DIR", "folder")
    }
    assert not with_option("--cache")


def test_the_output_says_whether_it_is_a_file_or_a_folder() -> None:
    found = with_option("--output")
    assert len(found) >= 15
    for name, action in found.items():
        kind = str(action.help).replace(",", " ").split()[0]
        assert kind in ("file", "folder"), (name, action.help)
        assert action.metavar == {"file": "FILE", "folder": "OUT"}[kind], name


def test_options_of_one_name_take_values_of_one_name() -> None:
    names: dict[str, dict[object, list[str]]] = defaultdict(lambda: defaultdict(list))
    for words, actions in options().items():
        for action in actions:
            names[action.option_strings[-1]][action.metavar].append(" ".join(words))
    different = {
        name: dict(found) for name, found in names.items() if len(found) > 1 and name not in ("--output", "--stride")
    }
    assert different == {}


def test_names_between_commas() -> None:
    assert arguments.names("b,,a,") == ["b", "a"]
    assert arguments.names_among(["a", "b"])("b,a") == ["b", "a"]
    with pytest.raises(argparse.ArgumentTypeError, match="'c' is none of a, b"):
        arguments.names_among(["a", "b"])("a,c")


def test_an_alpha_is_a_share_up_to_a_half() -> None:
    assert arguments.alpha("0.01") == 0.01
    for text in ("0", "0.6", "-1", "nan", "much", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=r"is no alpha: use a number above 0 and at most 0\.5"):
            arguments.alpha(text)


def test_numbers_from_zero_on_have_an_end() -> None:
    assert (arguments.from_zero("0"), arguments.from_zero("2.5")) == (0.0, 2.5)
    for text in ("-1", "nan", "inf", "much", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no number from 0 on"):
            arguments.from_zero(text)
    assert (arguments.whole_from_zero("0"), arguments.whole_from_zero("12")) == (0, 12)
    for text in ("-1", "1.5", "much", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no whole number from 0 on"):
            arguments.whole_from_zero(text)
