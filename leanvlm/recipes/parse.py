"""A recipe is a text: `method[@setting][:option=value,...]`, joined by `+`; this reads it and writes its one form.

The canonical text names parts in order of application (weights, image, tokens, cache), sorts options and leaves
defaults out: `weights/gptq@w4a16-g128+cache/snapkv@10%`, `controls/random_tokens@10%:seed=2`. Two parts may act on
the weights, in the order that is written: `weights/sparsegpt@2:4+weights/rtn@w4a16-g128` prunes, then quantises. Two
may act on the cache: `cache/snapkv@40%+cache/kivi@4bit` evicts, then stores what is left in fewer bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from leanvlm.errors import InputError
from leanvlm.methods._method import BudgetedMethod
from leanvlm.recipes.options import build, canonical
from leanvlm.recipes.recipe import Part, Recipe

ORDER = ("none", "weights", "image", "tokens", "cache")
GRAMMAR = re.compile(r"(?P<method>[a-z0-9_/-]+)(@(?P<setting>\d+:\d+|[^:+@]+))?(:(?P<options>[^:+@]+))?")


def parse(text: str) -> Recipe:
    """Read a recipe.

    Raises: InputError for an unknown method, a setting out of range, an unknown option or a clash of parts.
    """
    if not isinstance(text, str):
        raise InputError(f"recipe {text!r} is not a text; quote it in params.yaml, since YAML reads 2:4 as a number")
    parts = sorted((_part(piece.strip(), text) for piece in text.split("+")), key=lambda part: _rank(part))
    kinds = [(part.built.acts_on, part.built.quantises, part.built.compensates) for part in parts]
    if len(set(kinds)) < len(kinds) or (kinds[0][0] == "none" and len(kinds) > 1):
        raise InputError(
            f"recipe {text!r} joins parts that act on the same thing; join at most one each that prunes weights, that "
            "quantises them and that makes good what they lost, one each that evicts from the cache and that quantises "
            "it, one each on image and tokens, and controls/full with nothing"
        )
    recipe = Recipe(tuple(parts))
    _check_weights(recipe.parts_on("weights"), text)
    return recipe


def _check_weights(parts: Sequence[Part], text: str) -> None:
    """Refuse an order of methods on the weights in which zeros get lost, or nothing is there to be made good."""
    for index, part in enumerate(parts):
        if part.built.compensates:
            _check_compensation(part, parts[:index], parts[index + 1 :], text)
    for first, second in pairwise(part for part in parts if not part.built.compensates):
        if first.built.quantises:
            raise InputError(f"recipe {text!r} prunes what is quantised; write {second.text}+{_rounding(first)}")
        if not second.built.keeps_zeros:
            raise InputError(
                f"recipe {text!r} loses the zeros of {first.text}, which {second.method} changes as it makes good "
                f"its errors; quantise what is pruned with {_rounding(second)}"
            )


def _check_compensation(part: Part, before: Sequence[Part], after: Sequence[Part], text: str) -> None:
    if after:
        first = "+".join(one.text for one in (*before, *after))
        raise InputError(f"recipe {text!r} changes weights that {part.method} made good; write {first}+{part.text}")
    if not before:
        raise InputError(
            f"recipe {text!r} makes good what nothing lost; write weights/gptq@w4a16-g128+{part.text}, or the like"
        )
    if scaled := next((one for one in before if one.built.rescales), None):
        raise InputError(
            f"recipe {text!r} compares weights with what they were, and {scaled.method} scales them before it rounds; "
            f"write weights/rtn@{scaled.setting}+{part.text}"
        )


def _rounding(part: Part) -> str:
    """Name the method that keeps zeros, with a part's setting."""
    return part.text if part.built.keeps_zeros else f"weights/rtn@{part.setting}"


def _rank(part: Part) -> tuple[int, bool]:
    """Sort by what is acted on; what is evicted need not be stored, so a cache is quantised last."""
    acts_on = part.built.acts_on
    return ORDER.index(acts_on), acts_on == "cache" and part.built.quantises


def _part(piece: str, whole: str) -> Part:
    match = GRAMMAR.fullmatch(piece)
    if match is None:
        raise InputError(
            f"recipe {whole!r} cannot be read at {piece!r}; write method[@setting][:option=value,...], "
            "joined by +, as in tokens/fastv@10%"
        )
    method, setting, options = match["method"], match["setting"], match["options"] or ""
    built = build(method, setting, options)
    if isinstance(built, BudgetedMethod):
        setting = f"{round(built.budget * 100, 6):g}%"
    return Part(method, setting, canonical(built))
