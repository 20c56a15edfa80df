"""Name the sample that cannot be asked, so that its owner finds it among thousands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from PIL.Image import Image
from torch import Tensor

from leanvlm.errors import InputError, RunError, with_kind
from leanvlm.sample import Sample


@contextmanager
def naming(sample: Sample, images: Sequence[Image]) -> Iterator[None]:
    """Name the sample whose prompt cannot be made, and the sizes of its pictures.

    Raises: InputError.
    """
    sizes = ", ".join(f"{one.width} x {one.height}" for one in images[:4])
    place = f"sample {sample.sample_id!r}" + (f" ({sizes})" if sizes else "")
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    except Exception as error:  # processors refuse pictures by errors of all kinds
        raise InputError(f"{place}: the model's processor refuses it ({with_kind(error)}); leave it out, "
                         "or change its pictures") from error  # fmt: skip


def refuse_not_finite(logits: Tensor, sample: Sample) -> None:
    """Refuse a model's first logits where they are NaN or infinite: what follows would be an answer to nothing.

    Raises: RunError naming the sample.
    """
    if not bool(torch.isfinite(logits).all()):
        raise RunError(f"sample {sample.sample_id!r}: the model's first logits are not finite; ask it in float32 or "
                       "bfloat16 (answer.dtype), whose range is larger than float16's")  # fmt: skip
