"""Watch a method at work: that each layer is left as was asked, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from leanvlm.methods.weights._audit import is_quantised, nonzero_share, require
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._saving import Shards
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.methods.weights._zeros import Zeros, require_pattern, zeros
from leanvlm.models._low_rank import is_low_rank
from leanvlm.processes.quiet import quiet


@dataclass
class Watch:
    """What one method left of each linear layer: the share that is not zero, and which weights are.

    Takes: shards, to write each layer to, where the method is a recipe's last; its layers can then be let go.
    """

    method: WeightsMethod
    shards: Shards | None = None
    nonzero: dict[str, float] = field(default_factory=dict)
    zeros: Zeros = field(default_factory=dict)
    added: dict[str, Tensor] = field(default_factory=dict)  # low-rank matrices, which are stored apart

    def __call__(self, block: Block) -> bool:
        """Look at a layer that was rewritten; tell whether it is written out.

        Raises: RunError where it breaks its pattern, or other modules are quantised than were asked.
        """
        marked = {name for name, part in block.layer.named_modules() if is_quantised(part)}
        asked = {name.removeprefix(f"{block.name}.") for name in block.linears} if self.method.quantises else set()
        require(marked == asked, f"{len(marked)} modules of {block.name} were quantised where {len(asked)} were asked")
        require_pattern(self.method, block.linears)
        self.nonzero |= {name: nonzero_share(linear) for name, linear in block.linears.items()}
        if not self.method.quantises:
            self.zeros |= zeros(block.linears)
        if self.shards is not None:
            self._write(block, self.shards)
        return self.shards is not None

    def _write(self, block: Block, shards: Shards) -> None:
        if self.method.quantises:
            with quiet():
                from compressed_tensors.compressors import compress_module
            for linear in block.linears.values():
                compress_module(linear)
        tensors = {f"{block.name}.{key}": value for key, value in block.layer.state_dict().items()}
        shards.add({name: value for name, value in tensors.items() if not is_low_rank(name)})
        apart = {name: value for name, value in tensors.items() if is_low_rank(name)}
        self.added |= {name: value.to("cpu", block.stored, copy=True) for name, value in apart.items()}
