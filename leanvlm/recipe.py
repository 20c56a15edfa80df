"""A recipe is a text: `method[@setting][:option=value,...]`, joined by `+`; this reads it and writes its one form.

The canonical text names parts in order of application (weights, image, tokens, cache), sorts options and leaves
defaults out: `weights/gptq@w4a16-g128+cache/snapkv@10%`, `controls/random_tokens@10%:seed=2`. Two parts may act on
the weights, in the order that is written: `weights/sparsegpt@2:4+weights/rtn@w4a16-g128` prunes, then quantises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from leanvlm.errors import InputError
from leanvlm.options import build, canonical

ORDER = ("none", "weights", "image", "tokens", "cache")
GRAMMAR = re.compile(r"(?P<method>[a-z0-9_/-]+)(@(?P<setting>\d+:\d+|[^:+@]+))?(:(?P<options>[^:+@]+))?")


@dataclass(frozen=True)
class Part:
    """One method with its strength. `setting` and `options` are canonical texts."""

    method: str
    setting: str | None
    options: str

    @property
    def text(self) -> str:
        """Write the part as a recipe does."""
        setting = f"@{self.setting}" if self.setting is not None else ""
        return self.method + setting + (f":{self.options}" if self.options else "")

    @property
    def family(self) -> str:
        """Name the folder that the method lies in."""
        return self.method.split("/")[0]

    @cached_property
    def built(self) -> Any:
        """The method's object."""
        return build(self.method, self.setting, self.options)

    @property
    def budget(self) -> float | None:
        """The share that is asked to be kept, in (0, 1]; None for a method without strength."""
        budget = self.built.budget if "budget" in dir(self.built) else None
        return budget() if callable(budget) else budget


@dataclass(frozen=True)
class Recipe:
    """The methods that act together on one model."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The one spelling of this recipe."""
        return "+".join(part.text for part in self.parts)

    @property
    def family(self) -> str:
        """Name the methods' family, or "combined"."""
        return self.parts[0].family if len(self.parts) == 1 else "combined"

    @property
    def acts_on(self) -> str:
        """Name what is changed, or "several"."""
        kinds = {part.built.acts_on for part in self.parts}
        return kinds.pop() if len(kinds) == 1 else "several"

    @property
    def is_rebatched(self) -> bool:
        """Tell whether answers are made in another batch than those of all other recipes."""
        return any(part.built.is_rebatched for part in self.parts)

    def part(self, acts_on: str) -> Part | None:
        """Return the part that acts on the image, the tokens or the cache, or the first that acts on the weights."""
        return next((part for part in self.parts if part.built.acts_on == acts_on), None)


def parse(text: str) -> Recipe:
    """Read a recipe.

    Raises: InputError for an unknown method, a setting out of range, an unknown option or a clash of parts.
    """
    if not isinstance(text, str):
        raise InputError(f"recipe {text!r} is not a text; quote it in params.yaml, since YAML reads 2:4 as a number")
    parts = sorted((_part(piece.strip(), text) for piece in text.split("+")), key=lambda part: _rank(part))
    kinds = [(part.built.acts_on, getattr(part.built, "quantises", None)) for part in parts]
    if len(set(kinds)) < len(kinds) or (kinds[0][0] == "none" and len(kinds) > 1):
        raise InputError(
            f"recipe {text!r} joins parts that act on the same thing; join at most one each that prunes weights and "
            "that quantises them, and one each on image, tokens and cache, and controls/full with nothing"
        )
    _check_weights([part for part in parts if part.built.acts_on == "weights"], text)
    return Recipe(tuple(parts))


def _check_weights(parts: Sequence[Part], text: str) -> None:
    """Refuse an order of methods on the weights in which zeros get lost."""
    for first, second in pairwise(parts):
        if first.built.quantises:
            raise InputError(f"recipe {text!r} prunes what is quantised; write {second.text}+{_rounding(first)}")
        if not second.built.keeps_zeros:
            raise InputError(
                f"recipe {text!r} loses the zeros of {first.text}, which {second.method} changes as it makes good "
                f"its errors; quantise what is pruned with {_rounding(second)}"
            )


def _rounding(part: Part) -> str:
    """Name the method that keeps zeros, with a part's setting."""
    return part.text if part.built.keeps_zeros else f"weights/rtn@{part.setting}"


def slug(text: str) -> str:
    """Name files and DVC items after a recipe, in [a-z0-9_-]."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


def _rank(part: Part) -> int:
    return ORDER.index(part.built.acts_on)


def _part(piece: str, whole: str) -> Part:
    match = GRAMMAR.fullmatch(piece)
    if match is None:
        raise InputError(
            f"recipe {whole!r} cannot be read at {piece!r}; write method[@setting][:option=value,...], "
            "joined by +, as in tokens/fastv@10%"
        )
    method, setting, options = match["method"], match["setting"], match["options"] or ""
    built = build(method, setting, options)
    strength = getattr(built, "budget", None)
    if setting is not None and isinstance(strength, float):
        setting = f"{round(strength * 100, 6):g}%"
    return Part(method, setting, canonical(built))
