"""Methods that rewrite the decoder's linear layers, once: a method owes `budget` and `compress`.

Only the projections of each decoder layer are touched, mostly seven; the vision tower, the projector, the
embeddings, the norms, the biases and the output head stay as they are. `_decoder.py` goes from layer to layer,
`_checkpoint.py` writes the result and proves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from leanvlm.errors import InputError
from leanvlm.methods._method import Method
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._layers import decoder_linears


@dataclass(frozen=True, kw_only=True)
class WeightsMethod(Method):
    """A method that prunes or quantises; its setting is its strength."""

    acts_on: ClassVar[str] = "weights"
    settings: ClassVar[str]  # the allowed settings, in words
    is_even: ClassVar[bool] = True  # every linear layer keeps the same share; else only their sum is asked for
    fills_zeros: ClassVar[bool] = False  # makes good its errors with weights that may have been pruned
    setting: str

    def __post_init__(self) -> None:
        super().__post_init__()
        self.budget()  # a wrong setting is refused before any work is done

    def budget(self) -> float:
        """Return the share that is asked to be kept: of non-zero weights, or of stored bits, scales included.

        Raises: InputError for a setting that the method does not know.
        """
        raise NotImplementedError

    @property
    def asked(self) -> float | None:
        """The share that is asked to be kept."""
        return self.budget()

    def budget_of(self, n_inputs: float) -> float:  # noqa: ARG002
        """Return the share that is asked to be kept in a layer of so many inputs."""
        return self.budget()

    def added_to(self, shape: tuple[int, int]) -> float:  # noqa: ARG002
        """Return what is stored besides the weights of a layer, as a share of its weights in 16 bits: nothing."""
        return 0.0

    @property
    def together(self) -> int | None:
        """How many neighbouring weights of a row are treated as one, and so must divide its width; None for any."""
        return None

    def refuse_widths(self, model: nn.Module) -> None:
        """Refuse layers whose rows the method cannot cut into whole groups.

        Raises: InputError naming the first layer and its width.
        """
        for name, linear in decoder_linears(model).items():
            if self.together and linear.in_features % self.together:
                raise InputError(f"{self.id}@{self.setting} needs widths that {self.together} divides, and {name} has "
                                 f"{linear.in_features} inputs; choose another setting")  # fmt: skip

    def changes(self, model: nn.Module) -> frozenset[str]:  # noqa: ARG002
        """Name the tensors that change too, besides the decoder's linear weights: none."""
        return frozenset()

    def compress(self, decoder: Decoder) -> None:
        """Rewrite the decoder's linear layers, one decoder layer after the other: `decoder.rewrite`, once."""
        raise NotImplementedError

    def refusal(self) -> InputError:
        """Say that the setting is not allowed and which are."""
        return InputError(f"{self.id} has no setting {self.setting!r}; it takes {self.settings}")
