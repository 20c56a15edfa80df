"""LLaVA-OneVision: a SigLIP tower, an MLP projector and a Qwen2 decoder, with any-resolution tiles.

Source:  Li et al. 2024, arXiv 2408.03326; `llava-hf/llava-onevision-qwen2-7b-ov-hf` and this project's embedded model.
Departs: the processor has no video part, because transformers' video processors need torchvision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
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

from leanvlm.models._model import LoadedModel, read_tokenizer


class Processor(LlavaOnevisionProcessor):
    """LLaVA-OneVision's processor without video: the base class finds its parts by this signature."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, **options: Any) -> None:
        super().__init__(image_processor=image_processor, tokenizer=tokenizer, video_processor=None, **options)  # type: ignore[no-untyped-call]


class Model(LoadedModel):
    """The adapter."""

    network_class = LlavaOnevisionForConditionalGeneration

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer, the image processor and the model's own shape."""
        config = LlavaOnevisionConfig.from_pretrained(folder)
        vision: Any = config.vision_config
        tokenizer = read_tokenizer(folder)
        return Processor(
            image_processor=LlavaOnevisionImageProcessorPil.from_pretrained(folder, local_files_only=True),
            tokenizer=tokenizer,
            num_image_tokens=(vision.image_size // vision.patch_size) ** 2,
            vision_feature_select_strategy=config.vision_feature_select_strategy,
            vision_aspect_ratio=config.vision_aspect_ratio,
            chat_template=tokenizer.chat_template,
        )

    @property
    def text(self) -> Any:
        """The Qwen2 stack."""
        return self.model.model.language_model

    @property
    def visual_ids(self) -> tuple[int, ...]:
        """Image and video placeholders."""
        config: Any = self.model.config
        return (config.image_token_index, config.video_token_index)

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """SigLIP's blocks; it has no class token."""
        return [layer.self_attn for layer in self.model.model.vision_tower.encoder.layers]

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:
        """Pack values as the model packs features: base tile, grid without padding, `fill` at each row's end."""
        return torch.cat(self._pack(per_patch, inputs, fill))

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:
        """Pack nothing and count."""
        blank = torch.zeros(sum(self._tiles(inputs)) * self._patches, 1)
        return [len(picture) for picture in self._pack(blank, inputs, 0.0)]

    @property
    def _patches(self) -> int:
        vision: Any = self.model.config.vision_config
        return int(vision.image_size // vision.patch_size) ** 2

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

    def _pack(self, per_patch: Tensor, inputs: dict[str, Tensor], fill: float) -> list[Tensor]:
        config: Any = self.model.config
        per_tile = per_patch.unflatten(0, (-1, self._patches))  # type: ignore[no-untyped-call]
        packed, _ = self.model.model.pack_image_features(
            torch.split(per_tile, self._tiles(inputs)),
            inputs["image_sizes"],
            image_newline=per_patch.new_full((per_patch.shape[-1],), fill),
            vision_aspect_ratio=config.vision_aspect_ratio,
        )
        return list(packed)
