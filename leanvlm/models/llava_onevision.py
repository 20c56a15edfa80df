"""LLaVA-OneVision: a SigLIP tower, an MLP projector and a Qwen2 decoder, with any-resolution tiles.

Source:  Li et al. 2024, arXiv 2408.03326; `llava-hf/llava-onevision-qwen2-7b-ov-hf` and this project's embedded model.
Departs: nothing; for videos see _video.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    ProcessorMixin,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)
from transformers.models.llava_onevision.modeling_llava_onevision import image_size_to_num_patches

from leanvlm.models import llava_next
from leanvlm.models._reading import own_settings, read_images, read_tokenizer
from leanvlm.models._video import Frames, FramesProcessor, VideoModel


class Processor(FramesProcessor, LlavaOnevisionProcessor):
    """LLaVA-OneVision's processor with our frames."""


class Model(VideoModel, llava_next.Model):
    """The adapter: tiles are packed as in LLaVA-NeXT; SigLIP has no class token.

    A video's frames are pooled to half their sides, and one newline ends them all.
    """

    network_class = LlavaOnevisionForConditionalGeneration
    class_tokens = 0

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, the image processor and the model's own shape."""
        tokenizer = read_tokenizer(folder)
        return Processor(
            image_processor=read_images(LlavaOnevisionImageProcessorPil, folder),
            tokenizer=tokenizer,
            frames=Frames(folder),
            chat_template=tokenizer.chat_template,
            **cls.processor_settings(folder),
        )

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:
        """Tell how many tokens a tile has, and how tiles are packed."""
        config: Any = LlavaOnevisionConfig.from_pretrained(folder)
        vision = config.vision_config
        shape = {
            "num_image_tokens": (vision.image_size // vision.patch_size) ** 2,
            "vision_feature_select_strategy": config.vision_feature_select_strategy,
            "vision_aspect_ratio": config.vision_aspect_ratio,
        }
        return shape | own_settings(folder, *shape)

    @property
    def visual_ids(self) -> tuple[int, ...]:
        """Image and video placeholders."""
        config: Any = self.model.config
        return (config.image_token_index, config.video_token_index)

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:
        """Count each picture's tokens, or each frame's; the newline after a video counts with its last frame."""
        if "pixel_values_videos" not in inputs:
            return super().image_lengths(inputs)
        frames = inputs["pixel_values_videos"].shape[1]
        n = len(self._pool(torch.zeros(self._patches, 1)))
        return [n] * (frames - 1) + [n + 1]

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:
        """Pack or pool values as the model does with features; `fill` for newlines."""
        if "pixel_values_videos" not in inputs:
            return super().spread(per_patch, inputs, fill=fill)
        return torch.cat([self._pool(per_patch), per_patch.new_full((1, per_patch.shape[-1]), fill)])

    def _n_patches(self, inputs: dict[str, Tensor]) -> int:
        if "pixel_values_videos" not in inputs:
            return super()._n_patches(inputs)
        return inputs["pixel_values_videos"].shape[1] * self._patches

    def _pool(self, per_patch: Tensor) -> Tensor:
        per_frame = per_patch.unflatten(0, (-1, self._patches))  # type: ignore[no-untyped-call]
        pooled: Tensor = self.model.model.apply_pooling(per_frame)
        return pooled.flatten(0, 1)

    def _tiles(self, inputs: dict[str, Tensor]) -> list[int]:
        """Count each picture's tiles: several pictures get one each."""
        config: Any = self.model.config
        counts = [int(n) for n in inputs["batch_num_images"]]
        return [
            image_size_to_num_patches(size, config.image_grid_pinpoints, config.vision_config.image_size)
            if n == 1
            else 1
            for size, n in zip(inputs["image_sizes"], [n for n in counts for _ in range(n)], strict=True)
        ]

    @property
    def _packing(self) -> dict[str, Any]:
        return {"vision_aspect_ratio": self.model.config.vision_aspect_ratio}
