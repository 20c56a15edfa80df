"""What a recipe is: methods with their strength, in order of application, and the one text that names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from leanvlm.methods._method import Method
from leanvlm.recipes.options import build

M = TypeVar("M")
FULL = "controls/full"  # the model as it is, which every ratio is taken of


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
    def built(self) -> Method:
        """The method's object."""
        return build(self.method, self.setting, self.options)

    def method_as(self, kind: type[M]) -> M:
        """The method's object, which must be of a kind."""
        assert isinstance(self.built, kind)
        return self.built

    @property
    def budget(self) -> float | None:
        """The share that is asked to be kept, in (0, 1]; None for a method without strength."""
        return self.built.asked


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

    def parts_on(self, acts_on: str) -> tuple[Part, ...]:
        """Return the parts that act on the weights, the image, the tokens or the cache, in order of application."""
        return tuple(part for part in self.parts if part.built.acts_on == acts_on)

    def part(self, acts_on: str) -> Part | None:
        """Return the part that acts on the image or the tokens, or the first that acts on the weights or the cache."""
        return next(iter(self.parts_on(acts_on)), None)


def slug(text: str) -> str:
    """Name files and DVC items after a recipe, in [a-z0-9_-]."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
