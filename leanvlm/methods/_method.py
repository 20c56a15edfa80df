"""What every method shares. A family's own plumbing is in _image.py, _tokens.py, _cache.py and weights/_weights.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from leanvlm.errors import InputError

if TYPE_CHECKING:  # recipes are also read where torch is not installed
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Method:
    """One acceleration. Its fields are its strength (`budget` or `setting`) and its options with their defaults."""

    acts_on: ClassVar[str] = "none"  # none, weights, image, tokens or cache
    is_rebatched: ClassVar[bool] = False  # read beside a copy and decoded alone
    quantises: ClassVar[bool] = False  # stores weights, or the cache, in fewer bits
    keeps_zeros: ClassVar[bool] = False  # may follow a method that prunes weights
    rescales: ClassVar[bool] = False  # leaves weights that mean something else than before, as do their inputs
    compensates: ClassVar[bool] = False  # adds to what other methods left of the weights, and comes last of them

    def __post_init__(self) -> None:
        """Refuse an option outside its range or its choices."""
        for own in fields(self):
            if own.metadata:
                self._refuse(own.name, getattr(self, own.name), **own.metadata)

    @property
    def id(self) -> str:
        """The method's id, which is its file's path: cache/snapkv."""
        return "/".join(type(self).__module__.split(".")[-2:])

    @property
    def asked(self) -> float | None:
        """The share that is asked to be kept, in (0, 1]; None for a method without strength."""
        return None

    def _refuse(self, name: str, value: Any, *, least: float, most: float, choices: Sequence[str]) -> None:
        if choices and value not in choices:
            raise InputError(f"{self.id} has no {name} {value!r}; it has {', '.join(choices)}")
        if not choices and not least <= value <= most:  # also refuses "nan"
            allowed = f"{least:g} or more" if most == inf else f"from {least:g} to {most:g}"
            raise InputError(f"{self.id} has {name}={value:g}; it must be {allowed}")


@dataclass(frozen=True, kw_only=True)
class BudgetedMethod(Method):
    """A method whose strength is the share that it keeps of what it acts on."""

    budget: float

    @property
    def asked(self) -> float:
        """The share that is asked to be kept."""
        return self.budget


@dataclass(frozen=True, kw_only=True)
class SeededMethod(Method):
    """A method that draws at random."""

    seed: int = 0  # another seed, another draw


def option(default: Any, *, least: float = -inf, most: float = inf, choices: Sequence[str] = ()) -> Any:
    """Declare an option with the range that it may lie in, bounds included, or the texts that it may be."""
    return field(default=default, metadata={"least": least, "most": most, "choices": choices})


def n_share(n: int, share: float) -> int:
    """Count a share of `n`, rounded down.

    The small addition undoes binary floats: 100 x 0.29 is 28.999999999999996.
    """
    return int(n * share + 1e-9)


def n_keep(n: int, budget: float) -> int:
    """Count what a budget keeps of `n`: its share, at least one."""
    return min(n, max(1, n_share(n, budget)))


def top(scores: Tensor, n: int) -> Tensor:
    """Return the indices of the `n` highest scores along the last axis, ascending; ties go to the earlier one.

    Shapes: (..., T) -> (..., n).
    """
    order = scores.sort(dim=-1, descending=True, stable=True).indices  # (..., T)
    return order[..., :n].sort(dim=-1).values
