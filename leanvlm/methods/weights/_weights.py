"""Methods that rewrite the decoder's linear layers, once: a method owes `budget` and `compress`.

Only the projections of each decoder layer are touched, mostly seven; the vision tower, the projector, the
embeddings, the norms, the biases and the output head stay as they are. `_walk.py` goes from layer to layer,
`_checkpoint.py` writes the result and proves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import InputError
from leanvlm.methods._method import Method

LAYER = r".*(language|text)_model\.(model\.)?layers\.\d+"  # in memory, and in checkpoints of older versions
LINEAR = LAYER + r"\.(.*_proj|feed_forward\.w\d)"


class CalibrationSample(dict[str, Tensor]):
    """The model's keyword arguments, a batch of one, and what its positions hold.

    Shapes: is_visual: (T,), True = a visual token. `n_answer` positions at the end hold the answer and its end.
    """

    def __init__(self, inputs: dict[str, Tensor], *, is_visual: Tensor, n_answer: int) -> None:
        super().__init__(inputs)
        self.is_visual = is_visual
        self.n_answer = n_answer


Samples = list[CalibrationSample]


@dataclass(frozen=True, kw_only=True)
class WeightsMethod(Method):
    """A method that prunes or quantises; its setting is its strength."""

    acts_on: ClassVar[str] = "weights"
    settings: ClassVar[str]  # the allowed settings, in words
    is_even: ClassVar[bool] = True  # every linear layer keeps the same share; else only their sum is asked for
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
    def asked(self) -> float:
        """The share that is asked to be kept."""
        return self.budget()

    def budget_of(self, n_inputs: float) -> float:  # noqa: ARG002
        """Return the share that is asked to be kept in a layer of so many inputs."""
        return self.budget()

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

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:
        """Rewrite the decoder's linear layers in place; `model` is in float32."""
        raise NotImplementedError

    def refusal(self) -> InputError:
        """Say that the setting is not allowed and which are."""
        return InputError(f"{self.id} has no setting {self.setting!r}; it takes {self.settings}")


def decoder_linears(model: nn.Module) -> dict[str, nn.Linear]:
    """Find the linear layers that a weights method may touch.

    Raises: InputError for a model that has none under the known names.
    """
    named = model.named_modules()
    found = {name: part for name, part in named if isinstance(part, nn.Linear) and re.fullmatch(LINEAR, name)}
    if not found:
        raise InputError(
            f"{type(model).__name__} has no linear layers named language_model.layers.N.*_proj or the like"
        )
    return found


def decoder_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Find the decoder's layers, in order of execution."""
    return {name: part for name, part in model.named_modules() if re.fullmatch(LAYER, name)}
