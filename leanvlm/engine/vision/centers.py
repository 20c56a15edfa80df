"""Where in their pictures the visual tokens lie that a token method left, six bytes each: there can be thousands."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from leanvlm.tables.answers import CENTER_PARTS


def pack(centers: Tensor) -> bytes:
    """Pack centres; those of tokens without a patch behind them are left out.

    Shapes: (n, 3), the picture's index, then x and y as shares of its width and height, NaN where nothing lies.
    """
    rows = centers[~centers[:, 1].isnan()].double().cpu()
    return (rows * torch.tensor([1.0, CENTER_PARTS, CENTER_PARTS])).round().numpy().astype("<i2").tobytes()


def unpack(packed: bytes) -> np.ndarray:
    """Undo `pack`.

    Shapes: -> (n, 3), the picture's index, then x and y in thousandths of its width and height.
    """
    return np.frombuffer(packed, "<i2").reshape(-1, 3)
