"""LLaVA-OneVision: a SigLIP tower, an MLP projector and a Qwen2 decoder, with any-resolution tiles.

Source:  Li et al. 2024, arXiv 2408.03326; `llava-hf/llava-onevision-qwen2-7b-ov-hf` and this project's embedded model.
Departs: the processor has no video part, because transformers' video processors need torchvision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from leanvlm.models._model import read_tokenizer


class Processor(LlavaOnevisionProcessor):
    """LLaVA-OneVision's processor without video: the base class finds its parts by this signature."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, **options: Any) -> None:
        super().__init__(image_processor=image_processor, tokenizer=tokenizer, video_processor=None, **options)  # type: ignore[no-untyped-call]


class Model(llava_next.Model):
    """The adapter: tiles are packed as in LLaVA-NeXT; SigLIP has no class token."""

    network_class = LlavaOnevisionForConditionalGeneration
    class_tokens = 0

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
    def visual_ids(self) -> tuple[int, ...]:
        """Image and video placeholders."""
        config: Any = self.model.config
        return (config.image_token_index, config.video_token_index)

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
