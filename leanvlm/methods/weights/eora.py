"""EoRA: make good what pruning or quantising lost, by low-rank matrices chosen where inputs are large.

Source:  Liu et al. 2024, arXiv 2410.21271, section 3: the truncated SVD of the lost weights in the eigenspace of the
         inputs' products.
Code:    github.com/NVlabs/EoRA @ 11ff6c0, EoRA/eora.py (read, not copied).
Departs: all calibration samples count alike, where the authors' running mean forgets the first. Eigenvalues below a
         millionth of their mean are raised to it, where the authors raise those below zero to the smallest above.
         Inputs are those of the layer as it was compressed, after layers that were made good. Every layer gets the
         same rank, no higher than the narrowest allows, since vLLM reads one rank. Matrices are stored in 16 bits
         beside the checkpoint, as PEFT does, and not quantised; our own loader adds what they give, whoever else
         loads the checkpoint has to be given them. It follows no method that scales weights before rounding.
Checked: tests/methods/test_eora.py: two matrices worked by hand, a float64 search in which no other matrix of that rank
         errs less, full rank gives the weights back, and every layer errs less than without; PEFT loads it. Beside the
         code @ 40659bc, on the same products of inputs: what is added differs by 4e-5 of itself at most in 219 draws of
         tokens enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import require
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._compensating import CompensatingMethod
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.models import _low_rank

LEAST = 1e-6  # of the mean eigenvalue: fewer tokens than inputs leave some at zero, which cannot be divided by


@dataclass(frozen=True, kw_only=True)
class Method(CompensatingMethod):
    """Add two matrices of the rank that the setting says to every linear layer."""

    settings: ClassVar[str] = "a rank, such as r32"

    @property
    def rank(self) -> int:
        """The rank of what is added.

        Raises: InputError for a setting that is none.
        """
        if not re.fullmatch(r"r[1-9]\d{0,5}", self.setting):
            raise self.refusal()
        return int(self.setting[1:])

    def budget(self) -> float:
        """Return what is asked of an endless layer: its part of the matrices is nothing."""
        return 0.0 * self.rank

    def added_to(self, shape: tuple[int, int]) -> float:
        """Return the bits of the matrices over those of a layer in 16 bits."""
        return self.rank * sum(shape) / (shape[0] * shape[1])

    def refuse_widths(self, model: nn.Module) -> None:
        """Refuse a rank that the narrowest layer cannot have.

        Raises: InputError naming the layer.
        """
        for name, linear in decoder_linears(model).items():
            most = min(linear.out_features, linear.in_features)
            if self.rank > most:
                raise InputError(f"{self.id}@{self.setting} has a higher rank than {name}, which is {most} wide; "
                                 f"choose r{most} or less")  # fmt: skip

    @torch.no_grad()
    def amend(self, block: Block, originals: dict[str, Tensor]) -> None:
        """Add matrices to each linear layer, in the 16 bits that store them.

        Raises: RunError where they hold no numbers, for inputs that are all zeros or too small for 16 bits.
        """
        hessians = block.hessians()
        for leader in dict.fromkeys(block.leaders().values()):
            space = eigenspace(hessians[leader])
            for name in (name for name in block.linears if hessians[name] is hessians[leader]):
                linear = block.linears[name]
                lost = originals[name].to(linear.weight) - linear.weight
                down, up = (matrix.to(block.stored) for matrix in factors(lost, *space, self.rank))
                require(bool(down.isfinite().all() & up.isfinite().all()), f"what makes {name} good is not finite")
                _low_rank.add(linear, down.to(linear.weight), up.to(linear.weight))


def eigenspace(products: Tensor) -> tuple[Tensor, Tensor]:
    """Return a root of the inputs' products and its inverse: eigenvectors, by the roots of their eigenvalues.

    Shapes: (inputs, inputs) -> (inputs, inputs) twice, float64: root @ root.T = products.
    """
    values, vectors = torch.linalg.eigh(products.double())
    roots = values.clamp(min=LEAST * float(values.mean())).sqrt()
    return vectors * roots, (vectors / roots).T


def factors(lost: Tensor, root: Tensor, inverse: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Find the two matrices whose product makes good most of what the outputs lost.

    Shapes: lost (outputs, inputs) -> (rank, inputs), (outputs, rank), float64.
    """
    left, sizes, right = torch.linalg.svd(lost.double() @ root, full_matrices=False)
    halves = sizes[:rank].sqrt()
    return halves[:, None] * (right[:rank] @ inverse), left[:, :rank] * halves
