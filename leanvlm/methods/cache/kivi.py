"""KIVI: keys in groups along the tokens of a channel, values in groups along the channels of a token, 2 or 4 bits.

Source:  Liu et al. 2024, arXiv 2402.02750, section 3: asymmetric, keys per channel and values per token, and a residual
         window at full precision.
Code:    github.com/jy-yuan/KIVI @ 876b4d2, quant/new_pack.py and models/llama_kivi.py (read, not copied).
Departs: `group` and `residual` 32 are those of the code's example. What stands in memory is what the packed form gives
         back, bit for bit, and bytes are counted as packed: codes, a scale and a minimum for each group, and the
         window; neither memory nor time is saved here. A group whose values are equal has the scale 0 and is exact; the
         code divides by it. Codes are found in float32, of the scale as it is stored, in the model's own dtype: in
         float32 scales and minima take twice the bytes that they take in 16 bits. The code finds codes in float16, of
         which up to 0.3 % are the next one. A prompt's groups are of the positions that a method before it kept.
Checked: tests/methods/test_kivi.py, groups worked by hand; a float64 reference of the whole rule, token by token; the
         bytes of codes that are packed. Beside the code's PyTorch functions @ 150def8: bit for bit the same in 400
         draws of float32, and in 200 caches that grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from leanvlm.errors import InputError
from leanvlm.methods._method import option
from leanvlm.methods._storage import StoringMethod

BITS = {"2bit": 2, "4bit": 4}
WHOLE_BYTES = 4  # codes of 2 bits that fill one


@dataclass(frozen=True, kw_only=True)
class Method(StoringMethod):
    """Put keys away `residual` at a time, and values one by one, as they fall out of the window."""

    settings: ClassVar[str] = "2bit or 4bit"
    group: int = option(32, least=4)  # numbers that share a scale and a minimum: of keys tokens, of values channels
    residual: int = option(32, least=4)  # most tokens of the window: keys are fewer, values as many [tokens]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.setting not in BITS:
            raise self.refusal()
        if self.group % WHOLE_BYTES or self.residual % self.group:
            raise InputError(f"{self.id} has group={self.group} and residual={self.residual}; a group must be a "
                             f"multiple of {WHOLE_BYTES}, so that codes fill whole bytes, and the residual one of the "
                             "group")  # fmt: skip

    @property
    def bits(self) -> int:
        """The bits of a stored value, without its part of scale and minimum."""
        return BITS[self.setting]

    @property
    def together(self) -> int:
        """The channels of a value's group."""
        return self.group

    def _stored(self, n: int) -> tuple[int, int]:
        """Count the keys and the values that are stored in fewer bits once `n` tokens have come."""
        return n - n % self.residual, max(0, n - self.residual)

    def settle(self, keys: Tensor, values: Tensor, *, before: int) -> None:
        """Round the keys and values that left the window.

        Shapes: (..., n, D) each.
        """
        was, now = self._stored(before), self._stored(keys.shape[-2])
        of_keys = keys[..., was[0] : now[0], :].transpose(-1, -2)  # (..., D, tokens)
        of_values = values[..., was[1] : now[1], :]  # (..., tokens, D)
        for left in (of_keys, of_values):
            if left.numel():
                left.copy_(rounded(left, bits=self.bits, group=self.group))

    def stored_bytes(self, n: int, *, key_width: int, value_width: int, element: int) -> int:
        """Count codes, scales, minima and the window."""
        total = 0
        for stored, width in zip(self._stored(n), (key_width, value_width), strict=True):
            packed = stored * width * self.bits // 8 + stored * width // self.group * 2 * element
            total += packed + (n - stored) * width * element
        return total


def rounded(states: Tensor, *, bits: int, group: int) -> Tensor:
    """Return what the codes of groups along the last axis give back.

    Shapes: (..., K) -> (..., K), K a multiple of `group`.
    """
    codes, scale, least = quantised(states, bits=bits, group=group)
    return (codes * scale.float() + least.float()).to(states.dtype).flatten(-2)


def quantised(states: Tensor, *, bits: int, group: int) -> tuple[Tensor, Tensor, Tensor]:
    """Find codes from 0 to 2^bits - 1, and the scale and minimum of each group, in the dtype of the states.

    Shapes: (..., K) -> (..., K / group, group), and twice (..., K / group, 1).
    """
    groups: Tensor = states.unflatten(-1, (states.shape[-1] // group, group))  # type: ignore[no-untyped-call]
    least, most = groups.aminmax(dim=-1, keepdim=True)
    highest = 2**bits - 1
    scale = ((most.float() - least.float()) / highest).to(states.dtype)
    divisor = torch.where(scale > 0, scale, 1).float()
    codes = ((groups.float() - least.float()) / divisor).round().clamp(0, highest)
    return codes, scale, least
