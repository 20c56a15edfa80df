"""One recipe, one text; anything else is normalised or refused with a sentence."""

from __future__ import annotations

import pytest

from leanvlm.errors import InputError
from leanvlm.recipes import parse, slug


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("controls/full", "controls/full"),
        ("cache/snapkv@10.0%", "cache/snapkv@10%"),
        ("cache/snapkv@10%+weights/wanda@50%", "weights/wanda@50%+cache/snapkv@10%"),
        ("cache/snapkv@10%:window=32", "cache/snapkv@10%"),
        ("cache/snapkv@10%:window=16,kernel=7", "cache/snapkv@10%:kernel=7,window=16"),
        ("controls/random_tokens@10%:seed=2", "controls/random_tokens@10%:seed=2"),
        ("cache/snapkv@10% + tokens/fastv@40%", "tokens/fastv@40%+cache/snapkv@10%"),
        ("weights/gptq@w4a16-g128", "weights/gptq@w4a16-g128"),
        ("weights/wanda@2:4", "weights/wanda@2:4"),
        ("cache/kivi@4bit", "cache/kivi@4bit"),
        ("cache/kivi@4bit+cache/snapkv@40%", "cache/snapkv@40%+cache/kivi@4bit"),
        ("cache/kivi@2bit:residual=128,group=32", "cache/kivi@2bit:residual=128"),
    ],
)
def test_one_spelling(given: str, canonical: str) -> None:
    assert parse(given).text == canonical
    assert parse(canonical).text == canonical


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("cache/snap@10%", "no method 'cache/snap'.*cache/snapkv"),
        ("cache/snapkv@0%", "cannot keep '0%'.*above 0% and up to 100%"),
        ("cache/snapkv@150%", "cannot keep '150%'"),
        ("cache/snapkv@0.1", "cannot keep '0.1'"),
        ("cache/snapkv", "needs a setting"),
        ("controls/full@10%", "takes no setting"),
        ("cache/snapkv@10%:windw=3", "no option 'windw'.*window"),
        ("cache/snapkv@10%:window=3,kernel=5,window=4", "has the option 'window' twice; leave one"),
        ("cache/snapkv@10%:window=three", "a whole number, not 'three'"),
        ("cache/snapkv@10%+cache/streaming@10%", "act on the same thing"),
        ("cache/kivi@2bit+cache/kivi@4bit", "one each that evicts from the cache and that quantises it"),
        ("cache/kivi", "needs a setting"),
        ("controls/full+cache/snapkv@10%", "controls/full with nothing"),
        ("weights/wanda@2:5", "no setting '2:5'; it takes"),
        ("", "cannot be read"),
    ],
)
def test_wrong_recipes_are_one_sentence(given: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        parse(given)
    assert "\n" not in str(error.value)


def test_a_number_is_no_recipe() -> None:
    with pytest.raises(InputError, match="quote it"):
        parse(124)  # type: ignore[arg-type]


def test_family_and_what_it_acts_on() -> None:
    recipe = parse("weights/wanda@50%+cache/snapkv@10%")
    assert (recipe.family, recipe.acts_on) == ("combined", "several")
    assert (parse("controls/blind").family, parse("controls/blind").acts_on) == ("controls", "image")
    assert parse("controls/full").acts_on == "none"
    both = parse("cache/snapkv@40%+cache/kivi@4bit")
    assert (both.family, both.acts_on) == ("combined", "cache")


def test_slug_is_a_file_name() -> None:
    assert slug("weights/gptq@w4a16-g128+cache/snapkv@10%") == "weights-gptq-w4a16-g128-cache-snapkv-10"


@pytest.mark.parametrize("pruned", ["weights/sparsegpt@2:4", "weights/wanda@50%", "weights/owl@50%"])
def test_what_is_pruned_may_be_rounded_to_nearest(pruned: str) -> None:
    recipe = parse(f"cache/snapkv@10%+{pruned}+weights/rtn@w4a16-g128")
    assert recipe.text == f"{pruned}+weights/rtn@w4a16-g128+cache/snapkv@10%"
    assert [part.built.quantises for part in recipe.parts[:2]] == [False, True]
    assert parse(f"{pruned}+weights/rtn@w8a8").acts_on == "weights"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("weights/wanda@2:4+weights/gptq@w4a16-g32", r"loses the zeros of weights/wanda@2:4.* weights/rtn@w4a16-g32$"),
        ("weights/owl@50%+weights/awq@w4a16-g64", r"loses the zeros of weights/owl@50%.* weights/rtn@w4a16-g64$"),
        ("weights/rtn@fp8+weights/wanda@50%", r"prunes what is quantised; write weights/wanda@50%\+weights/rtn@fp8$"),
        ("weights/gptq@w4a16-g32+weights/wanda@50%", r"prunes what is quantised; write .*\+weights/rtn@w4a16-g32$"),
        (
            "weights/wanda@50%+weights/magnitude@50%",
            "at most one each that prunes weights, that quantises them and that makes",
        ),
        ("weights/rtn@fp8+weights/rtn@w8a8", "act on the same thing"),
        ("weights/rtn@w4a16-g16", r"it takes w4a16-g32, .*, mxfp4, w8a8 or fp8$"),
        ("weights/sparsegpt@4:8", "it takes the share of weights kept, such as 50%, or 2:4$"),
    ],
)
def test_zeros_are_not_lost_by_a_recipe(given: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        parse(given)
    assert "\n" not in str(error.value)
