"""What is asked of every method that stores the cache in fewer bits: growing changes nothing, and bytes never grow."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from leanvlm import plugins
from leanvlm.methods._storage import StoringMethod
from leanvlm.recipes import parse
from tests.every.test_methods import recipe_of

METHODS = [name for name in plugins.ids("methods") if issubclass(plugins.load("methods", name), StoringMethod)]
N, WIDTH = 150, 64


def built(name: str) -> StoringMethod:
    return parse(recipe_of(name)).parts[0].method_as(StoringMethod)


@pytest.mark.parametrize("name", METHODS)
def test_a_cache_that_grows_token_by_token_is_that_of_a_prompt_as_long(name: str) -> None:
    states = torch.randn(2, 3, N, WIDTH, generator=torch.Generator().manual_seed(0))
    at_once, growing = states.clone(), states.clone()
    built(name).settle(*at_once, before=0)
    for before, end in pairwise((0, 40, *range(41, N + 1))):
        built(name).settle(*growing[..., :end, :], before=before)
    assert torch.equal(at_once, growing)
    assert not torch.equal(at_once[0], states[0])
    assert not torch.equal(at_once[1], states[1])


@pytest.mark.parametrize("element", [2, 4])
@pytest.mark.parametrize("name", METHODS)
def test_no_length_takes_more_bytes_than_the_whole_and_a_long_one_takes_fewer(name: str, element: int) -> None:
    counted = [built(name).stored_bytes(n, key_width=WIDTH, value_width=WIDTH, element=element) for n in range(N + 1)]
    whole = [2 * n * WIDTH * element for n in range(N + 1)]
    assert all(few <= many for few, many in zip(counted, whole, strict=True))
    assert counted[0] == 0
    assert counted[-1] < whole[-1]


@pytest.mark.parametrize("name", METHODS)
def test_it_follows_a_method_that_evicts(name: str) -> None:
    recipe = parse(f"{recipe_of(name)}+cache/snapkv@40%")
    assert recipe.text == f"cache/snapkv@40%+{recipe_of(name)}"
    assert recipe.acts_on == "cache"
