"""The optimal brain surgeon as it is defined, slowly: an inverse of its own for the columns left after each step.

Source: Frantar et al. 2023, arXiv 2210.17323, equation 2; no Cholesky factor, no blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._samples import Samples

Matrix = NDArray[np.float64]


def hessian(inputs: Matrix) -> Matrix:
    """Sum the inputs' products, damped by a hundredth of the mean diagonal."""
    products = inputs.T @ inputs
    return products + 0.01 * np.diag(products).mean() * np.eye(len(products))


def first_of_inverse(products: Matrix) -> Matrix:
    """Return, for each column, the first diagonal element of the inverse over it and those that follow."""
    return np.array([np.linalg.inv(products[j:, j:])[0, 0] for j in range(len(products))])


def operate(weight: Matrix, products: Matrix, settled: Callable[[int, Matrix], Matrix]) -> Matrix:
    """Settle column after column, given its place and all columns as they are, and let later ones make it good."""
    found = weight.copy()
    for j in range(found.shape[1]):
        inverse = np.linalg.inv(products[j:, j:])
        value = settled(j, found)
        found[:, j:] -= np.outer((found[:, j] - value) / inverse[0, 0], inverse[0])
        found[:, j] = value
    return found


@torch.no_grad()
def inputs_of(model: Any, samples: Samples, *, within: str) -> dict[str, Matrix]:
    """Note what enters the linear layers whose names hold `within`, (tokens, inputs) over all samples."""
    seen: dict[str, list[Tensor]] = {}
    linears = {name: part for name, part in decoder_linears(model).items() if within in name}
    with _heard(linears, seen):
        for sample in samples:
            model(**sample)
    return {name: torch.cat(rows).double().numpy() for name, rows in seen.items()}


@contextmanager
def _heard(linears: dict[str, nn.Linear], seen: dict[str, list[Tensor]]) -> Iterator[None]:
    hooks = [
        part.register_forward_pre_hook(lambda _, args, n=name: seen.setdefault(n, []).append(args[0].flatten(0, -2)))
        for name, part in linears.items()
    ]
    yield
    for hook in hooks:
        hook.remove()
