"""Qwen2.5-VL: Qwen2-VL with window attention in most of the tower's blocks.

Source:  Bai et al. 2025, arXiv 2502.13923; `Qwen/Qwen2.5-VL-7B-Instruct`.
Departs: nothing; for videos see _video.py. How far apart its frames stand follows from their rate, in whole seconds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
from transformers.vision_utils import get_vision_window_index

from leanvlm.models import qwen2_vl
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
        tower = self.model.model.visual
        windows, _ = get_vision_window_index(
            inputs["video_grid_thw" if "video_grid_thw" in inputs else "image_grid_thw"],
            spatial_merge_size=tower.spatial_merge_size,
            window_size=tower.window_size,
            patch_size=tower.patch_size,
        )
        return super().spread(per_patch, inputs, fill=fill)[torch.argsort(windows).to(per_patch.device)]
