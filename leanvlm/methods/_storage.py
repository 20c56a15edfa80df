"""Methods that store in fewer bits what stays in the key-value cache; they follow one that evicts, or none.

The engine computes with what the stored values give back, at the model's own precision: the values are those of the
packed form, bit for bit, and its bytes are counted, but no memory is saved here and no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from leanvlm.errors import InputError
from leanvlm.methods._method import Method


@dataclass(frozen=True, kw_only=True)
class StoringMethod(Method):
    """A method that owes `settle` and `stored_bytes`; its setting names the bits of a stored value, such as 4bit.

    It is asked for no share: what it saves depends on how long the prompt is, and on the model's dtype.
    """

    acts_on: ClassVar[str] = "cache"
    quantises: ClassVar[bool] = True
    settings: ClassVar[str]  # the allowed settings, in words
    setting: str

    @property
    def together(self) -> int | None:
        """How many neighbouring channels are treated as one, and so must divide a head's width; None for any."""
        return None

    def settle(self, keys: Tensor, values: Tensor, *, before: int) -> None:
        """Change in place what is stored once the positions behind the first `before` have come, and was not till then.

        Shapes: keys and values (..., n, D), of heads that hold `n` positions.
        """
        raise NotImplementedError

    def stored_bytes(self, n: int, *, key_width: int, value_width: int, element: int) -> int:
        """Count the bytes of `n` positions of one head, packed, with all that reading them takes.

        Takes: element, the bytes of one number at the model's own precision.
        """
        raise NotImplementedError

    def refusal(self) -> InputError:
        """Say that the setting is not allowed and which are."""
        return InputError(f"{self.id} has no setting {self.setting!r}; it takes {self.settings}")
