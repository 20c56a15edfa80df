"""Qwen2.5-VL: Qwen2-VL with window attention in most of the tower's blocks.

Source:  Bai et al. 2025, arXiv 2502.13923; `Qwen/Qwen2.5-VL-7B-Instruct`.
Departs: nothing; for videos see _video.py. How far apart its frames stand follows from their rate, in whole seconds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
from transformers.vision_utils import get_vision_window_index

from leanvlm.models import qwen2_vl
from leanvlm.models._patches import grid_of
from leanvlm.models._video import FramesProcessor


class Processor(FramesProcessor, Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor with our frames."""


class Model(qwen2_vl.Model):
    """The adapter."""

    network_class = Qwen2_5_VLForConditionalGeneration
    processor_class = Processor

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """For each of the tower's blocks, the nearest block from there on that attends over the whole picture.

        The attention of a window's patches sums to one per window, so it cannot rank patches of different windows.
        In the published checkpoints blocks -1 and -2 are thus both the last block.
        """
        tower = self.model.model.visual
        whole = sorted(tower.fullatt_block_indexes)
        chosen = [next((i for i in whole if i >= index), whole[-1]) for index in range(len(tower.blocks))]
        return [tower.blocks[index].attn for index in chosen]

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:
        """Average the patches that the merger joins and undo the order of windows, in which the tower works."""
        windows, _ = self._windows(inputs)
        return super().spread(per_patch, inputs, fill=fill)[torch.argsort(windows).to(per_patch.device)]

    def told(self, inputs: dict[str, Tensor], keep: Tensor) -> dict[str, Tensor]:
        """Work out the windows too, of the tokens that are left."""
        order, bounds = (found.to(keep.device) for found in self._windows(inputs))
        merged, is_left = self.model.model.visual.spatial_merge_size**2, keep[order]
        n_before = pad(is_left.cumsum(0), (1, 0))  # (tokens + 1,)
        bounds = (n_before[bounds // merged] * merged).int().unique_consecutive()
        places = keep.cumsum(0) - 1  # of each token among those that are left
        return super().told(inputs, keep) | {"window_index": places[order[is_left]], "cu_window_seqlens": bounds}

    def _windows(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the tokens in order of windows, and where among the patches each window begins and the last ends."""
        tower = self.model.model.visual
        return get_vision_window_index(
            grid_of(inputs),
            spatial_merge_size=tower.spatial_merge_size,
            window_size=tower.window_size,
            patch_size=tower.patch_size,
        )
