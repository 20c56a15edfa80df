"""Qwen2-VL: a ViT over the picture's own resolution, four patches merged into one token, a Qwen2 decoder with M-RoPE.

Source:  Wang et al. 2024, arXiv 2409.12191; `Qwen/Qwen2-VL-7B-Instruct`.
Departs: nothing; for videos see _video.py.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from leanvlm.models._patches import PatchModel
from leanvlm.models._reading import read_images, read_tokenizer
from leanvlm.models._video import FramesProcessor, PairedFrames, VideoModel


class Processor(FramesProcessor, Qwen2VLProcessor):
    """Qwen2-VL's processor with our frames."""


class Model(VideoModel, PatchModel):
    """The adapter."""

    network_class: type[PreTrainedModel] = Qwen2VLForConditionalGeneration
    position_axes = (3,)
    processor_class: type[FramesProcessor] = Processor
    frames_class: type[PairedFrames] = PairedFrames

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Assemble the processor from the tokenizer and the image processor."""
        tokenizer = read_tokenizer(folder)
        image_processor = read_images(Qwen2VLImageProcessorPil, folder)
        return cls.processor_class(
            image_processor=image_processor,
            tokenizer=tokenizer,
            frames=cls.frames_class(folder),
            chat_template=tokenizer.chat_template,
        )

    @property
    def visual_ids(self) -> tuple[int, ...]:
        """Image and video placeholders."""
        return (self.model.config.image_token_id, self.model.config.video_token_id)

    @property
    def encoder_blocks(self) -> list[nn.Module]:
        """The ViT's blocks; it has no class token and attends within each picture."""
        return [block.attn for block in self.model.model.visual.blocks]

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:
        """Count the tokens of each temporal patch of a video; text always stands between pictures."""
        if "video_grid_thw" not in inputs:
            return []
        time, height, width = inputs["video_grid_thw"][0].tolist()
        return [height * width // self.model.model.visual.spatial_merge_size**2] * time

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:  # noqa: ARG002
        """Average the patches that the merger joins; they follow each other, and every token has some."""
        merged: Tensor = per_patch.unflatten(0, (-1, self.model.model.visual.spatial_merge_size**2))  # type: ignore[no-untyped-call]
        return merged.mean(1)
