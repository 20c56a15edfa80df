"""Qwen3-VL: a ViT whose earlier features are also added after the decoder's first layers (DeepStack), a Qwen3 decoder.

Source:  Qwen Team 2025, arXiv 2511.21631; `Qwen/Qwen3-VL-8B-Instruct`.
Departs: a visual token that is merged from several keeps its own DeepStack features; no published merging method says
         what becomes of them. For videos see _video.py; the timestamps between frames are text, which always stays.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from transformers import Qwen3VLForConditionalGeneration, Qwen3VLProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize
from transformers.utils.constants import IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD
from transformers.vision_utils import get_vision_interpolation_indices_and_weights

from leanvlm.errors import InputError
from leanvlm.models import qwen2_vl
from leanvlm.models._patches import grid_of
from leanvlm.models._video import FramesProcessor, PairedFrames


class Processor(FramesProcessor, Qwen3VLProcessor):
    """Qwen3-VL's processor with our frames."""


class WholeVideo(PairedFrames):
    """Frames whose pixels are bounded over the whole video, not each."""

    defaults: ClassVar[dict[str, Any]] = {
        **PairedFrames.defaults,
        "size": {"shortest_edge": 128 * 32 * 32, "longest_edge": 768 * 32 * 32},
        "image_mean": IMAGENET_STANDARD_MEAN,
        "image_std": IMAGENET_STANDARD_STD,
        "patch_size": 16,
    }

    def frame_size(self, n: int, height: int, width: int) -> tuple[int, int]:
        """Say to which height and width each of `n` frames is brought [pixels]."""
        own = self.pictures
        if n < own.temporal_patch_size:
            raise InputError(f"Qwen3-VL takes videos of {own.temporal_patch_size} frames or more; this one has {n}")
        return smart_resize(  # type: ignore[no-any-return]
            n,
            height,
            width,
            temporal_factor=own.temporal_patch_size,
            factor=own.patch_size * own.merge_size,
            min_pixels=own.size["shortest_edge"],
            max_pixels=own.size["longest_edge"],
        )


class Model(qwen2_vl.Model):
    """The adapter; the engine hands the DeepStack features on."""

    network_class = Qwen3VLForConditionalGeneration
    processor_class = Processor
    frames_class = WholeVideo

    def told(self, inputs: dict[str, Tensor], keep: Tensor) -> dict[str, Tensor]:
        """Work out too how learned positions are mixed for the patches that are left."""
        tower = self.model.model.visual
        indices, weights = get_vision_interpolation_indices_and_weights(
            grid_of(inputs),
            num_grid_per_side=tower.num_grid_per_side,
            mode=tower.interpolation_mode,
            align_corners=tower.interpolation_align_corners,
            spatial_merge_size=tower.spatial_merge_size,
        )
        patches = keep.repeat_interleave(tower.spatial_merge_size**2)
        mixed = {"interp_indices": indices[patches], "interp_weights": weights[patches]}
        return super().told(inputs, keep) | mixed
