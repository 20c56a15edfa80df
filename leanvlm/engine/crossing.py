"""Pictures outside the prompt: what the layers that attend to them get, and what is left of it where some is dropped.

In some models (mllama) no visual token stands in the prompt: what the tower makes of a picture becomes keys and values
of a few layers of their own. The arguments' names are those of transformers' decoder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from leanvlm.errors import InputError


@dataclass(frozen=True)
class Crossed:
    """The pictures of one prompt, as the layers that attend to them get them, batch of one.

    Shapes: states (1, F, C); mask (1, 1, T, F), added to the logits: 0 where a token sees a feature; sees (1, 1, T, 1),
    0 for a token that sees no picture, else 1; is_visual (F,), False for what fills a picture up to the most tiles. The
    mask of a token that sees no picture is all zeros: transformers lets it attend to all, and drops the MLP's part.
    """

    states: Tensor
    mask: Tensor
    sees: Tensor
    is_visual: Tensor

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Crossed | None:
        """Find in what would enter a decoder what it looks at; None for a model, or a prompt, without.

        Raises: InputError for pictures without a mask.
        """
        states: Tensor | None = arguments.get("cross_attention_states")
        if states is None:
            return None
        mask, sees = arguments["cross_attention_mask"], arguments["full_text_row_masked_out_mask"]
        if mask is None:
            raise InputError("pictures came without cross_attention_mask; hand over all that the processor made")
        is_visual = ((mask == 0) & (sees > 0)).any(2)[0, 0]
        return cls(states.reshape(1, -1, states.shape[-1]), mask, sees, is_visual)

    @property
    def features(self) -> Tensor:
        """The visual tokens. Shapes: -> (visual, C)."""
        return self.states[0, self.is_visual]

    @property
    def seen(self) -> Tensor:
        """Say what the prompt's last token sees, and with it all that follows. Shapes: -> (F,)."""
        return self.is_visual & (self.mask[0, 0, -1] == 0)

    @property
    def n_text(self) -> int:
        """Count the tokens behind the last picture's place, which is the first that sees what the last one sees."""
        is_same = (self.mask == self.mask[:, :, -1:]).all(-1) & (self.sees[..., 0] > 0)  # (1, 1, T)
        return int(is_same.sum()) - 1

    def arguments(self, copies: int) -> dict[str, Tensor]:
        """Say what a decoder that reads the prompt is told, so many times side by side."""
        states = self.states.repeat(copies, 1, 1)
        return {"cross_attention_states": states, "cross_attention_mask": self.mask, **rows_that_see(self.sees)}

    def reduced(self, features: Tensor, keep: Tensor) -> Crossed:
        """Give visual tokens other features and leave some out, and with the first that goes all that only fills up.

        Shapes: features (visual, C), keep (visual,).
        """
        states = self.states.masked_scatter(self.is_visual[None, :, None], features.to(self.states.dtype))
        if keep.all():
            return replace(self, states=states)
        kept = self.is_visual.nonzero()[keep, 0]
        return replace(self, states=states[:, kept], mask=self.mask[..., kept], is_visual=self.is_visual[kept])


def rows_that_see(sees: Tensor) -> dict[str, Tensor]:
    """Tell a decoder which rows see a picture; the others pass by. Shapes: (B, 1, T, 1), 0 or 1."""
    return {"full_text_row_masked_out_mask": sees}
