"""What is asked of every method, whoever wrote it: a new file is tested by being there."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import fields

import pytest
import torch
from PIL.Image import Image

from leanvlm import plugins
from leanvlm.engine import sweep
from leanvlm.engine.refusal import refusal
from leanvlm.errors import InputError
from leanvlm.methods._method import Method
from leanvlm.methods._storage import StoringMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from tests.methods.fixtures import sample_for

METHODS = plugins.ids("methods")
SETTINGS = ("50%", "w4a16-g128", "w8a8", "r32", "4bit")  # one is known to every method whose strength is a setting
LOSSY = "weights/rtn@w8a8+"  # comes before a method that makes good what another lost


def recipe_of(method: str) -> str:
    kind = plugins.load("methods", method)
    if "setting" not in kind.__dataclass_fields__:
        return method + ("@10%" if "budget" in kind.__dataclass_fields__ else "")
    for setting in SETTINGS:
        with suppress(InputError):
            kind(setting=setting)
            return f"{LOSSY if kind.compensates else ''}{method}@{setting}"
    raise AssertionError(f"{method} knows none of {SETTINGS}")


def built(method: str) -> Method:
    return parse(recipe_of(method)).parts[-1].built


RUN = [name for name in METHODS if not name.startswith("weights/")]


@pytest.mark.parametrize("method", METHODS)
def test_docstring_says_where_it_comes_from_and_where_it_departs(method: str) -> None:
    text = plugins.module("methods", method).__doc__ or ""
    for line in ("Source:", "Departs:", "Checked:"):
        assert re.search(rf"^{line} +\S", text, re.MULTILINE), f"{method} lacks {line}"


@pytest.mark.parametrize("method", METHODS)
def test_canonical_text_is_its_own_canonical_text(method: str) -> None:
    text = recipe_of(method)
    assert parse(text).text == text
    assert isinstance(parse(text).parts[-1].built, Method)


@pytest.mark.parametrize("method", RUN)
def test_same_seed_same_answer_and_the_global_generator_is_left_alone(
    model: LoadedModel, prompts: list[tuple[list[Image], str]], method: str
) -> None:
    asked, recipe = sample_for(method, *prompts[0]), parse(recipe_of(method))
    if reason := refusal(type(model), model.model.config, recipe):
        with pytest.raises(InputError, match=re.escape(reason)):
            sweep.answers_to(model, asked, [recipe], limit=4)
        return

    def once(seed: int) -> sweep.Answer:
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        found = sweep.answers_to(model, asked, [recipe], limit=4)
        assert torch.equal(before, torch.get_rng_state())
        return next(iter(found.values()))

    assert once(1) == once(2)


@pytest.mark.parametrize("method", [name for name in RUN if built(name).asked is not None])
def test_achieved_budget_is_the_asked_one_within_a_token(
    model: LoadedModel, prompts: list[tuple[list[Image], str]], method: str
) -> None:
    recipe = parse(recipe_of(method))
    if refusal(type(model), model.model.config, recipe):  # tests/models asks it of a model that takes it
        return
    for images, question in prompts:
        found = sweep.answers_to(model, sample_for(method, images, question), [recipe], limit=1)[recipe.text]
        achieved = getattr(found, f"{recipe.acts_on}_kept")
        count = found.prompt_tokens if recipe.acts_on == "cache" else found.visual_tokens
        slack = 0.02 if recipe.acts_on == "image" else 4 / count  # one token per image, at most four images
        assert abs(achieved - 0.1) <= slack


@pytest.mark.parametrize("method", plugins.ids("methods"))
def test_a_method_knows_its_id_and_what_it_is_asked_to_keep(method: str) -> None:
    part = parse(recipe_of(method)).parts[-1]
    assert part.built.id == method
    asks_for_no_share = part.setting is None or isinstance(part.built, StoringMethod) or part.built.compensates
    assert (part.built.asked is None) == asks_for_no_share
    assert part.built.asked is None or 0 < part.built.asked <= 1


@pytest.mark.parametrize("method", plugins.ids("methods"))
def test_an_option_outside_its_choices_is_one_sentence_that_names_them(method: str) -> None:
    recipe = recipe_of(method)
    for own in fields(built(method)):
        if choices := own.metadata.get("choices"):
            with pytest.raises(InputError, match=f"{method} has no {own.name} 'other'; it has {', '.join(choices)}"):
                parse(f"{recipe}{',' if ':' in recipe else ':'}{own.name}=other")
