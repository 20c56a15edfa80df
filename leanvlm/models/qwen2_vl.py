"""Qwen2-VL: a ViT over the picture's own resolution, four patches merged into one token, a Qwen2 decoder with M-RoPE.

Source:  Wang et al. 2024, arXiv 2409.12191; `Qwen/Qwen2-VL-7B-Instruct`.
Departs: the processor has no video part, because transformers' video processors need torchvision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from leanvlm.models._model import LoadedModel, read_tokenizer


class Processor(Qwen2VLProcessor):
    """Qwen2-VL's processor without video: the base class finds its parts by this signature."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, **options: Any) -> None:
        super().__init__(image_processor=image_processor, tokenizer=tokenizer, video_processor=None, **options)  # type: ignore[no-untyped-call]


class Model(LoadedModel):
    """The adapter."""

    network_class: type[PreTrainedModel] = Qwen2VLForConditionalGeneration
    position_axes = (3,)

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer and the image processor."""
        tokenizer = read_tokenizer(folder)
        image_processor = Qwen2VLImageProcessorPil.from_pretrained(folder, local_files_only=True)
        return Processor(image_processor=image_processor, tokenizer=tokenizer, chat_template=tokenizer.chat_template)

    @property
    def visual_ids(self) -> tuple[int, ...]:
        """Image and video placeholders."""
        return (self.model.config.image_token_id, self.model.config.video_token_id)

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """The ViT's blocks; it has no class token and attends within each picture."""
        return [block.attn for block in self.model.model.visual.blocks]

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Average the patches that the merger joins; they follow each other, and every token has some."""
        merged: Tensor = per_patch.unflatten(0, (-1, self.model.model.visual.spatial_merge_size**2))  # type: ignore[no-untyped-call]
        return merged.mean(1)
