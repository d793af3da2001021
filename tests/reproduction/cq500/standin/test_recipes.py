"""Recipes: every study has one best series at most, made by a maker that is no fault."""

from __future__ import annotations

import pytest
from toy_study import toy_study

from reproduction.cq500.standin.recipes import RECIPE_TURNS, RECIPES, series_of
from reproduction.cq500.standin.studies import thick, thin, tilted

pytestmark = pytest.mark.xdist_group("toy_study")


def test_all_recipes_take_turns_and_few_cases_are_lost() -> None:
    assert set(RECIPE_TURNS) == set(RECIPES)
    lost = [recipe for recipe in RECIPE_TURNS if RECIPES[recipe].best is None]
    assert len(lost) == 1


@pytest.mark.parametrize("name", RECIPES)
def test_the_best_series_is_a_plain_one_and_the_first_of_its_name(name: str) -> None:
    recipe = RECIPES[name]
    makers = [make for description, make in recipe.series if description == recipe.best]
    assert makers == [] if recipe.best is None else makers[0] in (thin, thick, tilted)


def test_a_study_is_made_in_the_order_of_its_recipe() -> None:
    series = series_of(toy_study(), "copy")
    assert [(description, images.copied) for description, images in series] == [
        ("Plain", False),
        ("Plain", True),
        ("POST CONTRAST", False),
    ]
